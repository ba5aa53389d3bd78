"""The SDK of .NET: where it lies on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, anything, begins, numbers

name = "dotnet"
variable = "DOTNET_VERSION"
example = "8.0"
plain = ("dotnet",)
asks = ("--version",)
aside: tuple[str, ...] = ()

_WANTED = re.compile(r"(?:net|netcoreapp|v)?(>=)?\s*(\d+(?:\.\d+){0,2})(?:\.(?:x|\*))?(-[\w.]+)?")


def requirement(text: str) -> Requirement | None:
    """A line ("8", "8.0", net8.0) or an SDK as global.json names it ("8.0.404"); None if it cannot be understood.

    An SDK that is not there is nearly met by a later one of its line, as dotnet itself rolls forward.
    """
    wanted = text.strip().lower()
    if wanted in ("*", "latest", "lts", "system"):
        return Requirement(anything, newest=wanted != "system")
    match = _WANTED.fullmatch(wanted)
    if match is None:
        return None
    version, least = match[2], numbers(match[2])
    if match[1]:
        return Requirement(lambda found: numbers(found) >= least)
    if len(least) < 3:
        return Requirement(begins(version))
    line = begins(".".join(version.split(".")[:2]))
    full = version + (match[3] or "")
    return Requirement(lambda found: found == full, lambda found: line(found) and numbers(found) >= least)


def version(output: str) -> str | None:
    """The version in what `dotnet --version` prints."""
    match = re.search(r"^(\d+\.\d+\.\d+\S*)$", output.strip(), re.MULTILINE)
    return match[1] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where it is installed besides PATH: by distributions, by Microsoft's script, by hand."""
    home = Path(environment.get("HOME", "/nonexistent"))
    if environment.get("DOTNET_ROOT", "").startswith("/"):
        yield Path(environment["DOTNET_ROOT"]) / "dotnet"
    for directory in (
        "/usr/share/dotnet",
        "/usr/lib/dotnet",
        "/usr/lib64/dotnet",
        "/usr/local/share/dotnet",
        "/opt/dotnet",
    ):
        yield Path(directory) / "dotnet"
    yield home / ".dotnet/dotnet"


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The program beside its SDKs: /usr/bin has a link to it."""
    return path.resolve()
