"""A Go project: its module or workspace, wherever that begins, and its programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from supervisor.languages.go import module as manifests
from supervisor.languages.go import packages
from supervisor.languages.go.module import Module
from supervisor.languages.go.packages import Program
from supervisor.languages.source import Source


@dataclass(frozen=True, slots=True)
class Project:
    """`module` is the nearest go.mod's, which lies in `home`; None if there is none, here or above.

    `work` is the go.work's of this directory. `programs` are the main packages, the likeliest first;
    `prominent` says that they lie where programs do. `legacy` is the module path of code from before modules.
    """

    source: Source
    home: Source
    module: Module | None
    work: Module | None
    programs: tuple[Program, ...]
    prominent: bool

    @property
    def program(self) -> Program | None:
        """The one to be run."""
        return self.programs[0] if self.programs else None

    @property
    def up(self) -> str:
        """The way to where the module begins: "." or "../.."."""
        return os.path.relpath(self.home.directory, self.source.directory)

    @property
    def is_vendored(self) -> bool:
        """Whether the modules that it requires are in the repository."""
        return self.module is not None and self.home.is_file("vendor/modules.txt")

    def named(self, name: str) -> Program | None:
        """The main package that `go install` would call so."""
        own = self.module.name if self.module else ""
        for one in self.programs:
            if (own if one.directory == "." else one.name) == name:
                return one
        places = (f"cmd/{name}", name)
        return next((one for one in (packages.program(self.source, place) for place in places) if one), None)

    def requirements(self) -> Module | None:
        """The go.mod that counts for the program: in a workspace, that of its own module."""
        if self.program is None or self.program.directory == ".":
            return self.module
        inside = PurePosixPath(self.program.directory)
        for place in (inside, *inside.parents[:-1]):
            own = manifests.module(self.source.at(self.source.directory / place)) if self.work else None
            if own is not None:
                return own
        return self.module


def read(source: Source) -> Project:
    """Raises PlanError about a go.mod or go.work that is broken."""
    work = manifests.workspace(source)
    home = next((place for place in (source, *source.above()) if place.has("go.mod")), source)
    module = manifests.module(home)
    name = module.name if module and home is source else source.directory.name
    found = packages.usual(source, name) or list(_of_workspace(source, work))
    prominent = bool(found)
    if not found and module is not None:
        found = packages.hidden(source, name)
    return Project(source, home, module, work, tuple(found), prominent)


def _of_workspace(source: Source, work: Module | None) -> Iterator[Program]:
    """The programs of the modules that a go.work uses."""
    found: list[Program] = []
    for use in work.uses if work else ():
        directory = os.path.normpath(use)
        if directory.startswith(("/", "..")) or not source.is_file(f"{directory}/go.mod"):
            continue
        member = source.at(source.directory / directory)
        if not member.directory.resolve().is_relative_to(source.root):
            continue
        for one in packages.usual(member, PurePosixPath(directory).name)[:1]:
            place = directory if one.directory == "." else f"{directory}/{one.directory}"
            found.append(replace(one, directory=os.path.normpath(place)))
    yield from packages.likeliest(found, "")
