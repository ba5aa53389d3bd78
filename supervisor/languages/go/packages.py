"""Which package of a Go project is the program to be run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supervisor.languages.go import constraints, frameworks
from supervisor.languages.source import Source

SERVERS = ("server", "web", "api", "app", "http", "httpd", "serve", "main", "backend", "service", "site", "service-api")
MOST_FILES = 20
MOST_DIRECTORIES = 60
DEEPEST = 3

_PACKAGE = re.compile(r"^package[ \t]+(\w+)", re.M)
_MAIN = re.compile(r"^func[ \t]+main[ \t]*\(", re.M)
_IMPORTS = re.compile(r'^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([^"\n]+)"[ \t]*(?://.*)?\r?$', re.M)
_ASIDE = (
    "vendor",
    "node_modules",
    "testdata",
    "docs",
    "examples",
    "example",
    "test",
    "tests",
    "scripts",
    "tools",
    "hack",
)


@dataclass(frozen=True, slots=True)
class Program:
    """A directory with a main package, relative to the project.

    `files` are its sources, `imports` what they import; `for_heroku`, that some are built with that tag alone.
    """

    directory: str
    files: tuple[str, ...]
    imports: frozenset[str]
    for_heroku: bool = False

    @property
    def target(self) -> str:
        """As an argument of `go build`."""
        return "." if self.directory == "." else f"./{self.directory}"

    @property
    def name(self) -> str:
        """The last part of its path; "." for the project's own directory."""
        return self.directory.rpartition("/")[2]

    @property
    def serves(self) -> bool:
        return frameworks.serves(self.imports)


def program(source: Source, directory: str) -> Program | None:
    """The main package in a directory, None if there is none."""
    names = [name for name in source.files(directory, ".go") if constraints.is_built_by_name(name)]
    names.sort(key=lambda name: name != "main.go")
    files: list[str] = []
    imports: set[str] = set()
    is_main = for_heroku = False
    for name in names[:MOST_FILES]:
        text = source.peek(f"{directory}/{name}")
        head = _PACKAGE.search(text) if text else None
        if text is None or head is None or not constraints.is_built(text[: head.start()]):
            continue
        if head[1] != "main":
            return None
        files.append(name)
        for_heroku = for_heroku or constraints.for_heroku(text[: head.start()])
        is_main = is_main or _MAIN.search(text) is not None
        imports.update(_IMPORTS.findall(text))
    return Program(directory, tuple(sorted(files)), frozenset(imports), for_heroku) if is_main else None


def usual(source: Source, name: str) -> list[Program]:
    """The main packages where people have them, the likeliest first: here, in cmd/, in a directory named so."""
    here = program(source, ".")
    if here is not None:
        return [here]
    below = list(_programs(source, [f"cmd/{directory}" for directory in source.directories("cmd")[:MOST_DIRECTORIES]]))
    own = program(source, "cmd")
    found = likeliest(below, name) + ([own] if own else [])
    if found:
        return found
    named = [directory for directory in (*SERVERS, "src", name) if source.is_dir(directory)]
    return likeliest(_programs(source, dict.fromkeys(named)), name)


def hidden(source: Source, name: str) -> list[Program]:
    """The main packages anywhere else, as far as it is worth looking: the likeliest first."""
    found: list[Program] = []
    level = ["."]
    looked = 0
    for _ in range(DEEPEST):
        below = [f"{at}/{one}".removeprefix("./") for at in level for one in source.directories(at) if _counts(one)]
        level = below[: MOST_DIRECTORIES - looked]
        looked += len(level)
        found.extend(_programs(source, level))
        if found:
            break
    return likeliest(found, name)


def likeliest(found: Iterable[Program], name: str) -> list[Program]:
    """The same, sorted by how likely each is the server of a module of that name."""
    return sorted(found, key=lambda one: _rank(one, name))


def _programs(source: Source, directories: Iterable[str]) -> Iterator[Program]:
    for directory in directories:
        found = program(source, directory)
        # a module of its own is built from there
        if found is not None and (directory == "." or not source.is_file(f"{directory}/go.mod")):
            yield found


def _counts(directory: str) -> bool:
    return directory not in _ASIDE and not directory.startswith("_")


def _rank(one: Program, name: str) -> tuple[int, bool, str]:
    """For sorting: the module's own name, then names of servers, then what imports a server."""
    places = (name, *SERVERS)
    place = places.index(one.name) if one.name in places else len(places)
    return place, not one.serves, one.directory
