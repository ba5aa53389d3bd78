"""PHP: where its versions lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, Test, anything, begins, numbers

name = "php"
variable = "PHP_VERSION"
example = "8.3"
plain = ("php",)
asks = ("--version",)
aside = tuple(
    f"php{major}.{minor}" for major, minors in ((8, range(9, -1, -1)), (7, range(4, -1, -1))) for minor in minors
)

_BARE = re.compile(r"v?(\d+(?:\.\d+){0,2})(?:\.[x*])?")
_CLAUSE = re.compile(r"(\^|~|>=|<=|!=|<>|==|=|>|<)?\s*v?(\d+(?:\.\d+)*)(?:\.[x*])?(?:@\w+|-\w+)?|\*")


def requirement(text: str) -> Requirement | None:
    """A version, a line ("8.3"), or composer's constraints; None if it cannot be understood.

    An exact patch that is not there is nearly met by another of the same minor: a distribution has only one.
    """
    wanted = text.strip().lower()
    if wanted in ("*", "latest", "system"):
        return Requirement(anything, newest=wanted == "latest")
    if bare := _BARE.fullmatch(wanted):
        version = bare[1]
        if version.count(".") == 2 and wanted[-1].isdigit():
            return Requirement(lambda found: _same(found, version), begins(version.rpartition(".")[0]))
        return Requirement(begins(version), newest="." not in version)
    tests = [_all_of(part) for part in re.split(r"\|\|?", wanted)]
    fitting = [test for test in tests if test]
    return Requirement(lambda found: any(t(found) for t in fitting)) if len(fitting) == len(tests) else None


def version(output: str) -> str | None:
    """The version in what `php --version` prints."""
    match = re.search(r"^PHP (\d+\.\d+\.\d+\S*)", output, re.MULTILINE)
    return match[1] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where PHP is installed besides PATH: by the distribution, by hand, by phpenv, phpbrew, asdf and mise."""
    home = Path(environment.get("HOME", "/nonexistent"))
    for directory in (Path("/usr/local/bin"), Path("/usr/bin")):
        yield from (directory / command for command in (*plain, *aside))
    yield from Path(environment.get("PHPENV_ROOT") or home / ".phpenv").glob("versions/[0-9]*/bin/php")
    yield from (home / ".phpbrew/php").glob("*/bin/php")
    yield from (home / ".asdf/installs/php").glob("[0-9]*/bin/php")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The program that `path` stands for."""
    return path


def router() -> str:
    """The script by which PHP's own server finds files and front controllers."""
    return Path(__file__).with_name("router.php").read_text(encoding="utf-8")


def _same(found: str, version: str) -> bool:
    return numbers(found)[:3] == numbers(version)


def _all_of(text: str) -> Test | None:
    """The test of composer's clauses that all have to hold, between blanks or commas."""
    if hyphen := re.fullmatch(r"\s*(\d[\d.]*)\s+-\s+(\d[\d.]*)\s*", text):
        text = f">={hyphen[1]} <={hyphen[2]}{'' if hyphen[2].count('.') > 1 else '.99'}"
    clauses: list[Test] = []
    rest = text.strip()
    while rest:
        match = _CLAUSE.match(rest)
        if match is None:
            return None
        clauses.append(_clause(match[1] or "=", numbers(match[2])) if match[2] else anything)
        rest = rest[match.end() :].lstrip(" ,")
    return (lambda found: all(clause(found) for clause in clauses)) if clauses else None


def _clause(operator: str, wanted: tuple[int, ...]) -> Test:
    """One clause: `^8.1` is below 9, `~8.1` below 9, `~8.1.2` below 8.2, a bare 8.1 is that line."""
    if operator in ("^", "~"):
        kept = wanted[:1] if operator == "^" or len(wanted) < 3 else wanted[:2]
        upper = (*kept[:-1], kept[-1] + 1)
        return lambda found: wanted <= _padded(found, wanted) and numbers(found)[: len(upper)] < upper
    compare: dict[str, Test] = {
        ">=": lambda found: _padded(found, wanted) >= wanted,
        ">": lambda found: numbers(found)[:3] > _full(wanted),
        "<": lambda found: numbers(found)[:3] < _full(wanted),
        "<=": lambda found: numbers(found)[: len(wanted)] <= wanted,
        "!=": lambda found: numbers(found)[: len(wanted)] != wanted,
    }
    return compare.get("!=" if operator == "<>" else operator, lambda found: numbers(found)[: len(wanted)] == wanted)


def _padded(found: str, wanted: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers(found)[:3], *(0,) * len(wanted))[: max(len(wanted), 3)]


def _full(wanted: tuple[int, ...]) -> tuple[int, ...]:
    return (*wanted, 0, 0)[:3]
