"""Python: where its versions lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, Test, anything, begins, numbers

name = "python"
variable = "PYTHON_VERSION"
example = "3.12"
plain = ("python3", "python")
asks = ("--version",)
aside = tuple(f"python3.{minor}" for minor in range(30, 5, -1))

_BARE = re.compile(r"(?:c?python[-@]?)?(\d+(?:\.\d+){0,2})(?:\.\*)?")
_CLAUSE = re.compile(r"\s*(\^|~=|~|===|==|=|!=|<=|>=|<|>)?\s*v?(\d\w*(?:\.\w+)*(?:\.\*)?|\*)\s*,?")
_POETRY = ("^", "~")


def requirement(text: str) -> Requirement | None:
    """A version, a line ("3.11"), specifiers, or poetry's; None if it cannot be understood (pypy, 3.12-dev).

    An exact patch that is not there is nearly met by another of the same minor: a distribution has only one.
    """
    wanted = text.strip().lower()
    if wanted in ("*", "system"):
        return Requirement(anything)
    if bare := _BARE.fullmatch(wanted):
        version = bare[1]
        if version.count(".") == 2 and not wanted.endswith("*"):
            minor = version.rpartition(".")[0]
            return Requirement(lambda found: found == version, begins(minor))
        return Requirement(begins(version), newest="." not in version)
    alternatives = [_alternative(part) for part in re.split(r"\|\|?", wanted)]
    tests = [test for test in alternatives if test]
    return Requirement(lambda found: any(t(found) for t in tests)) if len(tests) == len(alternatives) else None


def version(output: str) -> str | None:
    """The version in what `python3 --version` prints."""
    match = re.match(r"Python (\d+\.\d+\.\d+\S*)", output.strip())
    return match[1] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Python is installed besides PATH: by the distribution, by hand, by pyenv, uv and asdf."""
    home = environment.get("HOME", "/nonexistent")
    data = environment.get("XDG_DATA_HOME") or f"{home}/.local/share"
    uv = Path(environment.get("UV_PYTHON_INSTALL_DIR") or f"{data}/uv/python")
    for directory in (Path("/usr/local/bin"), Path("/usr/bin")):
        yield from (directory / command for command in (*plain, *aside))
    yield from _pyenv(environment).glob("versions/[0-9]*/bin/python3")
    yield from uv.glob("cpython-*/bin/python3")
    asdf = Path(environment.get("ASDF_DATA_DIR") or f"{home}/.asdf")
    yield from asdf.glob("installs/python/[0-9]*.*.*/bin/python3")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """What a shim of pyenv stands for: in the project's directory the shim itself might choose another version."""
    root = _pyenv(environment)
    real = root / "versions" / found / "bin" / "python3"
    return real if path.parent == root / "shims" and real.exists() else path


def is_ours(path: Path) -> bool:
    """Whether a program belongs to the virtual environment that Orbit itself runs in."""
    return sys.prefix != sys.base_prefix and path.parent == Path(sys.prefix) / "bin"


def _pyenv(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PYENV_ROOT") or f"{environment.get('HOME', '/nonexistent')}/.pyenv")


def _alternative(text: str) -> Test | None:
    """The test of clauses that all have to hold; None if there is something that is no clause."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # see runtimes/node.py

    clauses = []
    at = 0
    while at < len(text):
        match = _CLAUSE.match(text, at)
        if match is None:
            return None
        clauses.append(_specifier(match[1] or "==", match[2]))
        at = match.end()
    try:
        specifiers = SpecifierSet(",".join(clause for clause in clauses if clause))
    except InvalidSpecifier:
        return None
    return (lambda found: specifiers.contains(found, prereleases=True)) if clauses else None


def _specifier(operator: str, wanted: str) -> str:
    """One clause as packaging writes it: poetry's `^3.11` and `~3.11` are bounds, a bare `3.11` is a line."""
    if wanted == "*":
        return ""
    if operator in _POETRY:
        parts = numbers(wanted)
        kept = parts[:1] if operator == "^" else parts[:2]
        upper = ".".join(str(part) for part in (*kept[:-1], kept[-1] + 1))
        return f">={wanted.removesuffix('.*')},<{upper}"
    if operator in ("==", "="):
        return f"=={wanted}" if wanted.endswith("*") or wanted.count(".") > 1 else f"=={wanted}.*"
    return f"{operator}{wanted}"
