"""A Rust project: the package that is to be run, its program, and where cargo puts it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from supervisor.languages.rust import frameworks, manifest
from supervisor.languages.rust.frameworks import Framework
from supervisor.languages.rust.manifest import Manifest
from supervisor.languages.source import Source

SERVERS = ("server", "web", "api", "app", "backend", "http", "service", "main")
_TASKS = ("xtask", "xtasks")  # programs for whoever works on the project, by a custom of cargo's users


@dataclass(frozen=True, slots=True)
class Project:
    """`own` is the directory's Cargo.toml, `root` that of its workspace (the same if there is none).

    `package` is the one to be run, `binary` its program; None if there is no program. `others` are the names of
    those that it was chosen from. `framework` is what the package, or one that it is made of, is built on.
    """

    own: Manifest
    root: Manifest
    package: Manifest | None
    binary: str | None
    others: tuple[str, ...]
    framework: Framework | None

    @property
    def up(self) -> str:
        """The way to the workspace's root: "." or "../.."."""
        return os.path.relpath(self.root.source.directory, self.own.source.directory)

    @property
    def is_desktop(self) -> bool:
        """Whether the program shows pages in a window of its own."""
        return self.package is not None and "tauri" in self.package.dependencies

    @property
    def is_chosen(self) -> bool:
        """Whether the package is another than the directory's own."""
        return self.package is not None and self.package is not self.own


def read(source: Source) -> Project | None:
    """None if there is no Cargo.toml. Raises PlanError about one that is broken."""
    own = manifest.read(source)
    if own is None:
        return None
    root = manifest.root_of(own)
    programs = manifest.binaries(own)
    if programs:
        binary, others = _binary(own, programs)
        return Project(own, root, own, binary, others, _framework(own, root))
    candidates = [member for member in manifest.members(own) if member.name not in _TASKS and manifest.binaries(member)]
    if not candidates:
        return Project(own, root, None, None, (), frameworks.of(own.dependencies))
    package = min(candidates, key=_rank)  # of two that are as likely, the first
    binary, others = _binary(package, manifest.binaries(package))
    elsewhere = tuple(member.name for member in candidates if member is not package)
    return Project(own, root, package, binary, others or elsewhere, _framework(package, root))


def _binary(package: Manifest, programs: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """The program that `cargo run` would run, or the likeliest; and the others, if the manifest does not decide."""
    default = (package.package or {}).get("default-run")
    if isinstance(default, str) and default in programs:
        return default, ()
    names = list(programs)
    best = min(names, key=lambda name: _likely(name, programs[name], package.name))
    return best, tuple(name for name in names if name != best)


def _likely(name: str, path: str, package: str) -> tuple[bool, bool, int]:
    return path != "src/main.rs", name != package, _place(name)


def _rank(member: Manifest) -> tuple[bool, int]:
    """Servers first: the other members are tools, and parts that run in a browser."""
    return frameworks.of(member.dependencies) is None, _place(member.name)


def _place(name: str) -> int:
    """How near to the front of SERVERS one of a name's words is."""
    words = name.replace("_", "-").split("-")
    return min((SERVERS.index(word) for word in words if word in SERVERS), default=len(SERVERS))


def _framework(package: Manifest, root: Manifest) -> Framework | None:
    """The package's own, or that of the parts of its workspace which it depends on: many keep the server in one."""
    found = frameworks.of(package.dependencies)
    if found is not None or root.workspace is None:
        return found
    parts = (member for member in manifest.members(root) if member.name in package.dependencies)
    return next((framework for framework in map(_of_member, parts) if framework), None)


def _of_member(member: Manifest) -> Framework | None:
    return frameworks.of(member.dependencies)
