"""The answer to a directory of no known kind: what was looked for, and where the project may be instead."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.errors import PlanError
from supervisor.languages.source import Source
from supervisor.languages.table import Entry

MOST_DIRECTORIES = 40
_WITH_A_START = ("flux.yaml", "render.yaml", "railway.toml", "railway.json", "heroku.yml", "nixpacks.toml")
_NESTS = ("apps", "packages", "services")  # where a monorepo has its projects


def unknown(source: Source, languages: Sequence[Entry]) -> PlanError:
    """The error for a directory that no language fits, and in which no file says how to start it."""
    where = "the repository's root" if source.directory == source.root else source.shown(".")
    markers = [marker for language in languages for marker in language.markers]
    looked_for = ", ".join([*markers, "Procfile", *_WITH_A_START])
    return PlanError(
        f"cannot tell what kind of project is in {where}: none of {looked_for}; {_remedy(source, markers)}"
    )


def _remedy(source: Source, markers: Sequence[str]) -> str:
    elsewhere = _elsewhere(source, markers)
    if elsewhere is not None:
        return f"there is {elsewhere[1]} in {elsewhere[0]}: set PROJECT_PATH={elsewhere[0]}"
    return "set RUN_COMMAND, PROJECT_PATH if the project is in a subdirectory, or PROJECT_TYPE"


def _elsewhere(source: Source, markers: Sequence[str]) -> tuple[str, str] | None:
    """A directory one or two below that has a marker: (its path from the root, the marker)."""
    below = list(source.directories())
    nested = [f"{nest}/{name}" for nest in _NESTS if nest in below for name in source.directories(nest)]
    for directory in (below + nested)[:MOST_DIRECTORIES]:
        found = source.first_file(*(f"{directory}/{marker}" for marker in markers))
        if found is not None:
            return source.shown(directory), found.rpartition("/")[2]
    return None
