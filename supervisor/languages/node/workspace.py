"""Where a project's dependencies are installed from: its own directory, or the monorepo that it is a member of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from supervisor.languages.node import package
from supervisor.languages.source import Source

MOST_DIRECTORIES = 300
MOST_MEMBERS = 64
PNPM_FILE = "pnpm-workspace.yaml"

_ITEM = re.compile(r"""\s*-\s+(?:"([^"]*)"|'([^']*)'|([^#\s]+))""")


def root_of(source: Source) -> Source:
    """The nearest directory above that counts this one among its workspaces, or this one itself."""
    for above in source.above():
        member = PurePosixPath(source.directory.relative_to(above.directory))
        if _is_member(member, patterns(above)):
            return above
    return source


def patterns(source: Source) -> tuple[str, ...]:
    """The workspace patterns that a directory declares, for whichever package manager."""
    return pnpm_patterns(source) or package.read(source).workspaces


def pnpm_patterns(source: Source) -> tuple[str, ...]:
    """The `packages:` of a pnpm-workspace.yaml, whose form is so plain that it needs no YAML parser."""
    found: list[str] = []
    inside = False
    for line in (source.read(PNPM_FILE) or "").split("\n"):
        if re.match(r"[\w\"'-]+\s*:", line):
            inside = line.lstrip("\"'").startswith("packages")
            if inside and "[" in line:
                return tuple(re.findall(r"""["']?([^\s"',\[\]]+)["']?""", line.partition("[")[2].partition("]")[0]))
        item = _ITEM.match(line) if inside else None
        if item is not None:
            found.append(item[1] or item[2] or item[3])
    return tuple(found)


def way_up(source: Source, root: Source) -> str:
    """The relative path from a member to its monorepo's root: "../..", or "." if they are the same."""
    return os.path.relpath(root.directory, source.directory)


def members(root: Source) -> tuple[str, ...] | None:
    """The directories with a package.json that a monorepo counts as its own; None if there are too many to look at."""
    declared = patterns(root)
    found: dict[str, None] = {}
    looked = 0
    waiting = [("", PurePosixPath(pattern).parts) for pattern in reversed(declared) if not pattern.startswith("!")]
    while waiting:
        place, wanted = waiting.pop()
        looked += 1
        if looked > MOST_DIRECTORIES or len(found) > MOST_MEMBERS:
            return None
        if not wanted:
            if root.is_file(f"{place}/{package.FILE}") and _is_member(PurePosixPath(place), declared):
                found[place] = None
            continue
        waiting.extend(reversed([*_steps(root, place, wanted)]))
    return tuple(found)


def _steps(root: Source, place: str, wanted: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where the first segment of a pattern leads from a directory, and what of the pattern is left there."""
    segment, rest = wanted[0], wanted[1:]
    if not re.search(r"[*?\[{]", segment):
        yield f"{place}/{segment}".lstrip("/"), rest
        return
    if segment == "**":
        yield place, rest
    for name in root.directories(place or "."):
        if name != "node_modules" and (segment == "**" or fnmatchcase(name, segment)):
            yield f"{place}/{name}".lstrip("/"), wanted if segment == "**" else rest


def _is_member(member: PurePosixPath, declared: tuple[str, ...]) -> bool:
    """The last pattern that matches decides; one with `!` in front takes out."""
    decision = False
    for pattern in declared:
        wanted = PurePosixPath(pattern.removeprefix("!"))
        if _matches(member.parts, wanted.parts):
            decision = not pattern.startswith("!")
    return decision


def _matches(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Segment by segment; `**` stands for any number of segments.

    All possible positions in the pattern advance together: trying them one after another takes exponential
    time.
    """
    at = _past_stars({0}, wanted)
    for part in parts:
        stay = {i for i in at if i < len(wanted) and wanted[i] == "**"}
        step = {i + 1 for i in at - stay if i < len(wanted) and fnmatchcase(part, wanted[i])}
        at = _past_stars(stay | step, wanted)
    return len(wanted) in at


def _past_stars(at: set[int], wanted: tuple[str, ...]) -> set[int]:
    """The positions, and those behind a `**` that stands for nothing."""
    reached = set(at)
    for i, segment in enumerate(wanted):
        if i in reached and segment == "**":
            reached.add(i + 1)
    return reached
