"""Rust: where its toolchains lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, anything, begins, numbers, ranged

name = "rust"
variable = "RUST_VERSION"
example = "1.75"
plain = ("rustc",)
asks = ("--version",)
aside: tuple[str, ...] = ()

_HOST = re.compile(r"-(?:x86_64|aarch64|i686|arm\w*|riscv64gc|s390x|powerpc64le)-[\w-]+$")
_BARE = re.compile(r"v?(\d+(?:\.\d+){0,2})(?:\.[x*])?")
_FLOOR = re.compile(r">=\s*(\d+(?:\.\d+){0,2})")
_DATED = re.compile(r"(beta|nightly)-(\d{4}-\d{2}-\d{2})")
_PRINTED = re.compile(r"rustc (\d+\.\d+\.\d+)(?:-(beta|nightly)\S*)?(?: \(\w+ (\d{4}-\d{2}-\d{2})\))?")


def requirement(text: str) -> Requirement | None:
    """A channel ("stable", "nightly-2024-01-01"), a version, a line ("1.75"), or the lowest that will do (">=1.75").

    A version that is not there is nearly met by any later stable one: what an older Rust builds, a newer one does.
    None if it cannot be understood.
    """
    wanted = _HOST.sub("", text.strip().lower())
    if wanted in ("*", "system"):
        return Requirement(anything)
    if wanted in ("stable", "latest"):
        return Requirement(_is_stable, newest=wanted == "latest")
    if wanted in ("beta", "nightly"):
        return Requirement(lambda found: f"-{wanted}" in found)
    if _DATED.fullmatch(wanted):
        return Requirement(lambda found: found.endswith(f"-{wanted}"))
    if floor := _FLOOR.fullmatch(wanted):
        least = numbers(floor[1])
        return Requirement(lambda found: _is_stable(found) and numbers(found) >= least)
    bare = _BARE.fullmatch(wanted)
    if bare is None:
        return ranged(wanted)
    line = begins(bare[1])
    return Requirement(
        lambda found: _is_stable(found) and line(found),
        lambda found: _is_stable(found) and numbers(found) >= numbers(bare[1]),
    )


def version(output: str) -> str | None:
    """The version in what `rustc --version` prints; a preview's with the day of its channel: 1.77.0-nightly-2024-01-01.

    rustc names the day of its last commit, the channel the day after.
    """
    match = _PRINTED.match(output.strip())
    if match is None or match[2] is None:
        return match[1] if match else None
    try:
        day = f"-{date.fromisoformat(match[3]) + timedelta(days=1)}" if match[3] else ""
    except (ValueError, OverflowError):
        day = ""
    return f"{match[1]}-{match[2]}{day}"


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Rust is installed besides PATH: by rustup, by hand, by the distribution."""
    for root in _rustup(environment):
        yield from root.glob("toolchains/*/bin/rustc")
    yield Path("/usr/local/bin/rustc")
    yield Path("/usr/bin/rustc")
    yield from Path("/usr/lib").glob("rust-*/bin/rustc")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The toolchain that one of rustup's proxies stands for: in the project's directory the proxy would follow its
    rust-toolchain file, and download what that names."""
    if path.resolve().name != "rustup" and not (path.parent / "rustup").exists():
        return path
    for root in _rustup(environment):
        name = environment.get("RUSTUP_TOOLCHAIN") or _default(root)
        real = root / "toolchains" / name / "bin" / "rustc"
        if name and real.exists():
            return real
    return path


def _rustup(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where rustup may keep its toolchains, the likeliest first."""
    said = environment.get("RUSTUP_HOME")
    yield Path(said) if said else Path(environment.get("HOME", "/nonexistent")) / ".rustup"
    yield Path("/usr/local/rustup")
    yield Path("/opt/flux-tools/rustup")


def _default(root: Path) -> str:
    """The toolchain that rustup's settings name, "" if they name none."""
    try:
        text = (root / "settings.toml").read_text()
    except (OSError, ValueError):
        return ""
    match = re.search(r'^default_toolchain = "([^"/]+)"', text, re.M)
    return match[1] if match else ""


def _is_stable(found: str) -> bool:
    return re.fullmatch(r"[\d.]+", found) is not None
