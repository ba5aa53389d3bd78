"""What a project asks of a runtime's version, in a form that can be held against the versions that are there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Requirement:
    """`fits` says of a version like "20.11.0" whether it is what was asked for.

    `nearly` says so of one that will do where the exact patch is not there: people pin what they had that
    day. With `newest`, the newest version that fits is meant ("3", "lts/*"); others leave the choice to
    the system.
    """

    fits: Test
    nearly: Test | None = None
    newest: bool = False


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing: (3, 12, 1) of "3.12.1rc1"."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def begins(prefix: str) -> Test:
    """The versions of a line: those of "3.11" are 3.11.0, 3.11.7, but not 3.1 or 3.110."""
    wanted = numbers(prefix)
    return lambda version: numbers(version)[: len(wanted)] == wanted


def ranged(text: str) -> Requirement | None:
    """A range as npm has them ("^1.21", ">=1.20 <1.23"); None if it is none."""
    import nodesemver  # few projects name a range; those that do not need no memory for reading one

    joined = text.replace(",", " ")
    if nodesemver.valid_range(joined, True) is None:
        return None
    return Requirement(lambda found: bool(nodesemver.satisfies(found, joined, True)))


def anything(version: str) -> bool:
    return True
