"""Rust projects: a Cargo.toml, and which of its packages' programs is to be run.

The fit is CERTAIN with a package, or a workspace, that has a program and a web framework; LIKELY with a program
alone. One with libraries is a HELPER: Node and Python projects have those for their native parts. So is one of Tauri:
what it has for a server is its pages.

Versions: RUST_VERSION, rust-toolchain.toml, rust-toolchain, .tool-versions, mise.toml, `rust-version` in
Cargo.toml. The last is the lowest that will do: every later Rust builds the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from supervisor.languages.language import NO_START, Fit
from supervisor.languages.rust import manifest
from supervisor.languages.rust import project as projects
from supervisor.languages.rust.project import Project
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, mise_toml, tool_versions, wanted
from supervisor.model import Plan

name = "rust"

_NOTHING = f"{NO_START}no package has a src/main.rs, a file in src/bin or a [[bin]]; add one"
_CONFIGURATIONS = (".cargo/config.toml", ".cargo/config")


def fit(source: Source) -> Fit:
    """How surely this is a Rust project; see the module's docstring. Raises PlanError about a broken Cargo.toml."""
    project = projects.read(source)
    if project is None:
        return Fit.NO
    if not project.binary or project.is_desktop:
        return Fit.HELPER
    return Fit.CERTAIN if project.framework else Fit.LIKELY


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken Cargo.toml."""
    project = projects.read(source)
    if project is None:
        raise source.broken(manifest.FILE, "there is none", "add one, or set PROJECT_PATH")
    version = wanted(source, "RUST_VERSION", source.options.rust_version, _VERSIONS)
    framework = project.framework
    where, obstacle = _output(project)
    start = None
    if project.binary and not obstacle:
        program = shlex.quote(f"{where}/{project.binary}")
        start = f"{program} {framework.arguments if framework else ''}".rstrip()
    return Plan(
        type=name,
        framework=framework.name if framework else None,
        runtime="rust",
        runtime_version=version.constraint if version else None,
        runtime_floor=version is not None and version.origin.startswith("rust-version"),
        package_manager="cargo",
        install="cargo fetch",
        build=_build(project, where) if project.binary else None,
        start=start,
        bin_dirs=(where.removeprefix("./"),),
        environment=(*(framework.environment if framework else ()), *_offline(project)),
        inputs=_inputs(project),
        caches=(where.removeprefix("./").partition("/release")[0],),
        notes=((version.note("rust"),) if version else ()) + _notes(project, obstacle),
    )


def _build(project: Project, where: str) -> str:
    """cargo builds the directory's own package; one of a workspace's is named.

    A start or release command that calls `bin/shop` wants the program there, where other hosts put it.
    """
    words = ["cargo", "build", "--release"]
    if project.package is not None and project.binary is not None:
        words += ["--package", shlex.quote(project.package.name)] if project.is_chosen else []
        features = manifest.missing_features(project.package, project.binary)
        words += ["--features", shlex.quote(",".join(features))] if features else []
    copied = " ".join(shlex.quote(f"{where}/{name}") for name in _called(project))
    return " ".join(words) + (f" && mkdir -p bin && cp {copied} bin/" if copied else "")


def _called(project: Project) -> Iterator[str]:
    """The programs that commands call in `bin`, where there are none of that name."""
    source = project.own.source
    programs = manifest.binaries(project.package) if project.package else {}
    for name in programs:
        calls = re.compile(rf"(?:^|[\s;&|])(?:\./)?bin/{re.escape(name)}(?=$|[\s;&|])")
        commands = (command for command in (source.start, source.release) if command)
        if not source.has(f"bin/{name}") and any(calls.search(command) for command in commands):
            yield name


def _offline(project: Project) -> tuple[tuple[str, str], ...]:
    """sqlx checks queries against a database while it builds, unless it is told to use what was written down."""
    places = (project.own.source, project.root.source, *((project.package.source,) if project.package else ()))
    is_written = any(place.is_dir(".sqlx") or place.is_file("sqlx-data.json") for place in places)
    return (("SQLX_OFFLINE", "true"),) if is_written else ()


def _output(project: Project) -> tuple[str, str | None]:
    """The directory of the programs, and why they cannot be run here, if so.

    cargo's configuration may lead it elsewhere; the one nearest to the project counts.
    """
    target, machine = "target", ""
    for place in (project.own.source, *project.own.source.above()):
        file = place.first_file(*_CONFIGURATIONS)
        build = (place.toml(file) or {}).get("build") if file else None
        if isinstance(build, dict):
            target = str(build.get("target-dir") or target) if project.up == "." else target
            machine = build["target"] if isinstance(build.get("target"), str) else machine
            break
    where = "/".join(part for part in (project.up, target, machine, "release") if part)
    obstacle = f"cargo's configuration builds for {machine}, which does not run here" if "wasm" in machine else None
    return where, obstacle


def _notes(project: Project, obstacle: str | None) -> tuple[str, ...]:
    if project.binary is None:
        return (_NOTHING,)
    if obstacle:
        return (f"{NO_START}{obstacle}; set BUILD_COMMAND and RUN_COMMAND",)
    if project.others:
        shown = ", ".join(project.others[:4])
        return (f"{project.binary} is the program, not {shown}: see default-run in Cargo.toml, or RUN_COMMAND",)
    return ()


def _inputs(project: Project) -> tuple[str, ...]:
    """What decides over the crates that are fetched; nothing without a lockfile, since then that is made."""
    lockfile = f"{project.up}/Cargo.lock".removeprefix("./")
    if not project.own.source.is_file(lockfile):
        return ()
    return tuple(dict.fromkeys((lockfile, f"{project.up}/{manifest.FILE}".removeprefix("./"), manifest.FILE)))


def _toolchain_toml(source: Source) -> Wanted | None:
    return _channel(source, "rust-toolchain.toml")


def _toolchain(source: Source) -> Wanted | None:
    """rustup's file of old, which may hold the channel alone."""
    text = source.read("rust-toolchain")
    if text is not None and text.lstrip().startswith("["):
        return _channel(source, "rust-toolchain")
    return first_line("rust-toolchain")(source)


def _channel(source: Source, file: str) -> Wanted | None:
    table = (source.toml(file) or {}).get("toolchain")
    channel = table.get("channel") if isinstance(table, dict) else None
    return Wanted(channel.strip(), source.shown(file)) if isinstance(channel, str) and channel.strip() else None


def _rust_version(source: Source) -> Wanted | None:
    """The lowest that the package to be run will do with, or its workspace."""
    project = projects.read(source)
    if project is None:
        return None
    for found in (project.package, project.own, project.root):
        if found is not None and found.rust_version:
            return Wanted(found.rust_version, f"rust-version in {found.source.shown(manifest.FILE)}")
    return None


_VERSIONS: tuple[Reader, ...] = (
    _toolchain_toml,
    _toolchain,
    tool_versions("rust"),
    mise_toml("rust"),
    _rust_version,
)
