"""Go: where its versions lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, anything, begins, numbers, ranged

name = "go"
variable = "GO_VERSION"
example = "1.22"
plain = ("go",)
asks = ("version",)
aside: tuple[str, ...] = ()

_BARE = re.compile(r"(?:go|v)?(\d+(?:\.\d+){0,2}(?:(?:rc|beta)\d+)?)(?:\.[x*])?")
_FLOOR = re.compile(r">=\s*(?:go|v)?(\d+(?:\.\d+){0,2}(?:(?:rc|beta)\d+)?)")
_ANY = ("*", "latest", "stable", "oldstable", "system", "default", "local")


def requirement(text: str) -> Requirement | None:
    """A version ("1.22.4"), a line ("1.22"), the lowest that will do (">=1.22"), or a range as npm has them.

    None if it cannot be understood.

    A version that is not there is nearly met by any later one: what an older Go builds, a newer one does.
    """
    wanted = text.strip().lower()
    if wanted in _ANY:
        return Requirement(anything, newest=wanted in ("latest", "stable"))
    if floor := _FLOOR.fullmatch(wanted):
        least = numbers(floor[1])
        return Requirement(lambda found: numbers(found) >= least)
    bare = _BARE.fullmatch(wanted)
    if bare is None:
        return ranged(wanted.replace("go", ""))
    version = bare[1]
    return Requirement(
        (lambda found: found == version) if version.count(".") == 2 or not version[-1].isdigit() else begins(version),
        lambda found: numbers(found) >= numbers(version) and numbers(found)[:1] == numbers(version)[:1],
    )


def version(output: str) -> str | None:
    """The version in what `go version` prints; that of a first release has its third number only since 1.21."""
    match = re.match(r"go version go(\d+\.\d+(?:\.\d+)?)((?:rc|beta)\d+)?", output.strip())
    if match is None:
        return None
    return match[1] + match[2] if match[2] else match[1] + ".0" * (2 - match[1].count("."))


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Go is installed besides PATH: by hand, by the distribution, by Go's own installer, mise, asdf, goenv."""
    home = Path(environment.get("HOME", "/nonexistent"))
    yield Path("/usr/local/go/bin/go")
    yield Path("/usr/local/bin/go")
    yield Path("/usr/bin/go")
    yield from Path("/usr/lib").glob("go-*/bin/go")
    yield from Path("/opt/flux-tools").glob("go/bin/go")
    yield from home.glob("go/bin/go")
    yield from home.glob("sdk/go*/bin/go")
    for data in (Path(environment.get("MISE_DATA_DIR") or home / ".local/share/mise"), home / ".asdf"):
        yield from data.glob("installs/go*/*/bin/go")
        yield from data.glob("installs/golang/*/go/bin/go")
    yield from Path(environment.get("GOENV_ROOT") or home / ".goenv").glob("versions/*/bin/go")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """What a shim of goenv stands for: in the project's directory it might choose another version."""
    root = Path(environment.get("GOENV_ROOT") or Path(environment.get("HOME", "/nonexistent")) / ".goenv")
    for version_of in (found, found.removesuffix(".0")):
        real = root / "versions" / version_of / "bin" / "go"
        if path.parent == root / "shims" and real.exists():
            return real
    return path
