"""The answer to a directory of no known kind: what was looked for, and where the project may be instead."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.errors import PlanError
from supervisor.languages.source import Source
from supervisor.languages.table import Entry

MOST_DIRECTORIES = 40
_WITH_A_START = ("flux.yaml", "render.yaml", "railway.toml", "railway.json", "heroku.yml", "nixpacks.toml")
MOST_NAMED = 5
_PAGES = ("index.html", "index.htm")
_NESTS = ("apps", "packages", "services")  # where a monorepo has its projects


def unknown(source: Source, languages: Sequence[Entry]) -> PlanError:
    """The error for a directory that no language fits, and in which no file says how to start it."""
    where = "the repository's root" if source.directory == source.root else source.shown(".")
    markers = [marker for language in languages for marker in language.markers]
    looked_for = ", ".join([*markers, "Procfile", *_WITH_A_START])
    return PlanError(
        f"cannot tell what kind of project is in {where}: {_remedy(source, markers)}; looked for {looked_for}"
    )


def _remedy(source: Source, markers: Sequence[str]) -> str:
    elsewhere = _elsewhere(source, markers)
    if not elsewhere:
        return "set RUN_COMMAND, PROJECT_PATH if the project is in a subdirectory, or PROJECT_TYPE"
    there = " and ".join(f"{marker} in {directory}" for directory, marker in elsewhere[:MOST_NAMED])
    more = f" and {len(elsewhere) - MOST_NAMED} more" if len(elsewhere) > MOST_NAMED else ""
    choice = f"={elsewhere[0][0]}" if len(elsewhere) == 1 else " to one of these directories"
    return f"there is {there}{more}: set PROJECT_PATH{choice}"


def _elsewhere(source: Source, markers: Sequence[str]) -> list[tuple[str, str]]:
    """Directories one or two below that have a marker: (the path from the root, the marker). Where there is a project,
    pages alone are none."""
    below = list(source.directories())
    nested = [f"{nest}/{name}" for nest in _NESTS if nest in below for name in source.directories(nest)]
    places = (below + nested)[:MOST_DIRECTORIES]
    for wanted in ([marker for marker in markers if marker not in _PAGES], _PAGES):
        firsts = ((place, source.first_file(*(f"{place}/{marker}" for marker in wanted))) for place in places)
        found = [(source.shown(place), file.rpartition("/")[2]) for place, file in firsts if file is not None]
        if found:
            return found
    return []
