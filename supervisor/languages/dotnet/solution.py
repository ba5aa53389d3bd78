"""Which project of a repository is deployed: the only one there, or the one of a solution that serves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.languages import markup
from supervisor.languages.dotnet import project
from supervisor.languages.dotnet.project import ENDINGS, Project, Role
from supervisor.languages.source import Source

SOLUTIONS = (".sln", ".slnx")
MOST_PROJECTS = 60
MOST_PLACES = 20
PLACES = ("src", "source", "app", "apps", "server", "backend", "api", "web")

_LINE = re.compile(r'^Project\("[^"\n]*"\)\s*=\s*"[^"\n]*",\s*"([^"\n]+)"', re.MULTILINE)
_FRONTS = (  # what the project in front is called, the likeliest first
    re.compile(r"(?:^|[./-])(?:web|webapp|www|site|mvc|webui)$", re.IGNORECASE),
    re.compile(r"(?:^|[./-])(?:server|host|app|gateway)$", re.IGNORECASE),
    re.compile(r"(?:^|[./-])(?:api|webapi|publicapi)$", re.IGNORECASE),
)


def chosen(source: Source) -> tuple[Project | None, tuple[str, ...]]:
    """The project to deploy, None if there is no project at all, and remarks. Raises PlanError."""
    own = source.files(".", ENDINGS)
    found = _read(source, own) if own else _read(source, _listed(source) or _below(source))
    if not found:
        return None, ()
    best = max(one.role for one in found)
    fitting = [one for one in found if one.role == best]
    pick = _likeliest(fitting, source)
    if len(fitting) == 1 or best is Role.NONE:
        return pick, ()
    names = ", ".join(one.path for one in fitting[:8])
    return pick, (f"{pick.path} is deployed, out of {names}: set PROJECT_PATH if another is meant",)


def is_there(source: Source) -> bool:
    """Whether there is a project, or a solution."""
    return bool(source.files(".", (*ENDINGS, *SOLUTIONS)))


def needs_path(source: Source, chosen: Project) -> bool:
    """Whether dotnet has to be told which project is meant."""
    return "/" in chosen.path or len(source.files(".", (*ENDINGS, *SOLUTIONS))) > 1


def _likeliest(fitting: list[Project], source: Source) -> Project:
    """The one that is called like the solution, or like something in front; else the first."""
    solutions = {name.rpartition(".")[0] for name in source.files(".", SOLUTIONS)}
    named = (one for one in fitting if one.stem in solutions)
    front = (one for pattern in _FRONTS for one in fitting if pattern.search(one.stem))
    return next(named, None) or next(front, None) or fitting[0]


def _read(source: Source, paths: tuple[str, ...]) -> list[Project]:
    found = (project.read(source, path) for path in paths[:MOST_PROJECTS])
    return [one for one in found if one]


def _listed(source: Source) -> tuple[str, ...]:
    """The project files that the first solution names, as far as they are below it."""
    for name in source.files(".", SOLUTIONS):
        paths = tuple(_slnx(source, name) if name.endswith("x") else _LINE.findall(source.read(name) or ""))
        clean = (path.replace("\\", "/").removeprefix("./") for path in paths)
        found = tuple(p for p in clean if p.endswith(ENDINGS) and ".." not in p.split("/") and source.is_file(p))
        if found:
            return found
    return ()


def _slnx(source: Source, name: str) -> Iterator[str]:
    root = markup.read(source, name)
    for element in root.below("Project") if root else ():
        yield element.attributes.get("Path", "")


def _below(source: Source) -> tuple[str, ...]:
    """Project files one directory below, or two where sources usually lie."""
    top = source.directories()[:MOST_PROJECTS]
    places = [*top, *(f"{place}/{name}" for place in PLACES if place in top for name in source.directories(place))]
    found = (f"{place}/{name}" for place in places[:MOST_PLACES] for name in source.files(place, ENDINGS))
    return tuple(found)
