"""Which of the versions that can be installed is the one; and if none is, which are near."""

from __future__ import annotations

import re
from collections.abc import Iterable

from supervisor.runtimes.requirement import Requirement, Test, numbers

_FINISHED = re.compile(r"(\d+(?:\.\d+)*)(?:\+[\w.-]+|-r\d+)?")
"""A version that is no preview, perhaps with the number of its build ("21.0.5+11.0.LTS")."""


def finished(versions: Iterable[str]) -> dict[str, str]:
    """The versions that are no previews: as they compare, and as the list has them. Of several builds the last."""
    return {match[1]: version for version in versions if (match := _FINISHED.fullmatch(version))}


def newest(versions: Iterable[str], fits: Test, usual: Test | None = None) -> str | None:
    """The newest that fits; of those of the usual line, if there are any."""
    fitting = sorted((version for version in versions if fits(version)), key=numbers)
    preferred = [version for version in fitting if usual and usual(version)]
    return next(reversed(preferred or fitting), None)


def later(versions: Iterable[str], wanted: Requirement, text: str) -> str | None:
    """What takes the place of an exact version that was never built: one that nearly fits and is no older."""
    least = _meant(text)
    nearly = wanted.nearly
    return newest(versions, lambda version: nearly is not None and nearly(version) and numbers(version) >= least)


def nearest(versions: Iterable[str], text: str) -> list[str]:
    """At most two on each side of the version that `text` speaks of, newest first."""
    meant = _meant(text)
    ordered = sorted(versions, key=numbers)
    below = [version for version in ordered if numbers(version) <= meant]
    above = [version for version in ordered if numbers(version) > meant]
    return [*reversed(above[:2]), *reversed(below[-2:])] if meant else ordered[-1:]


def _meant(text: str) -> tuple[int, ...]:
    match = re.search(r"\d+(?:\.\d+)*", text)
    return numbers(match[0]) if match else ()
