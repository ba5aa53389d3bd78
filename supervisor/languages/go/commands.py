"""The command lines that make a Go project's programs.

RUN_COMMAND, a Procfile or its like often names the program that a host's own build makes: `bin/shop`, or `shop` alone
on Heroku, which has `bin` on PATH. It is then made under that name.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from supervisor.languages.go import constraints, legacy
from supervisor.languages.go.packages import Program
from supervisor.languages.go.project import Project

NAMES = ("app", "out", "server", "main", "program", "bin/app")
BIN = "bin"

MOST_PARTS = 20  # of a command line

_SEPARATORS = re.compile(r"&&|\|\||[;&|\n]")
_LINK = '-ldflags="-w -s"'
_CALLED = re.compile(r"\s*(?:exec\s+)?(?:[A-Za-z_]\w*=[^\s'\"]*\s+)*(?:exec\s+)?([\w./-]+)(?=\s|$)")
_HOSTS_NAMES = ("application", "app", "main", "server")  # of the one program; the first is Elastic Beanstalk's
_NO_PROGRAM = (".sh", ".py", ".js", ".rb", ".php", ".jar")


@dataclass(frozen=True, slots=True)
class Output:
    """A program and the file that it becomes, relative to the project."""

    program: Program
    path: str


def outputs(project: Project, program: Program) -> tuple[Output, ...]:
    """What to build, the one to be started first."""
    own = next(name for name in NAMES if name == NAMES[-1] or not project.source.has(name))
    web = _called(project, program, project.source.start) or [Output(program, own)]
    return tuple(
        {output.path: output for output in (*web, *_called(project, program, project.source.release))}.values()
    )


def install(project: Project, program: Program | None) -> str | None:
    """What fetches the modules; None if there are none to fetch."""
    if project.module is None and project.work is None:
        return legacy.install(project.source, program) if program else None
    if project.is_vendored:
        return None
    module = project.module
    if module is not None and module.requires and not _is_summed(project):
        return "go mod tidy"  # a build without go.sum is refused, and `download` does not write all of it
    return "go mod download"


def build(project: Project, made: tuple[Output, ...]) -> str:
    """A command line for all of them."""
    line = " && ".join(_build(project, one) for one in made)
    return line if project.module or project.work else legacy.build(project.source, made[0].program, line)


def _build(project: Project, output: Output) -> str:
    program = output.program
    tags = ("-tags", constraints.HEROKU) if program.for_heroku else ()
    words = ["go", "build", *_modules(project), *tags, _LINK, "-o", shlex.quote(output.path)]
    if project.module is None and project.work is None and not legacy.is_foreign(program):
        # without a go.mod only files can be built
        files = (os.path.normpath(f"{program.directory}/{file}") for file in program.files)
        return " ".join([*words, *(shlex.quote(file if not file.startswith("-") else f"./{file}") for file in files)])
    return " ".join([*words, shlex.quote(program.target)])


def _modules(project: Project) -> tuple[str, ...]:
    """Where the modules come from, if Go would not know it by itself."""
    version = re.match(r"1\.(\d+)", (project.module.go if project.module else None) or "1.0")
    is_old = version is not None and int(version[1]) < 14
    return ("-mod=vendor",) if project.is_vendored and is_old else ()


def _is_summed(project: Project) -> bool:
    """Whether a go.sum is there, or the go.work.sum of a workspace around it."""
    above = (project.home, *project.home.above())
    return project.home.is_file("go.sum") or any(place.is_file("go.work.sum") for place in above)


def _called(project: Project, program: Program, command: str | None) -> list[Output]:
    """The programs that a command line starts, as far as they are such as the build makes."""
    parts = _SEPARATORS.split(command or "")[:MOST_PARTS]
    return [output for output in (_output(project, program, part) for part in parts) if output]


def _output(project: Project, program: Program, part: str) -> Output | None:
    match = _CALLED.match(part)
    if match is None or match[1].endswith(_NO_PROGRAM):
        return None
    path = os.path.normpath(match[1])
    name = path.rpartition("/")[2]
    if "/" not in match[1]:
        named = project.named(name) or (program if name in _HOSTS_NAMES else None)
        return Output(named, f"{BIN}/{name}") if named else None
    if path.startswith(("/", "..")) or project.source.has(path):
        return None
    return Output(project.named(name) or program, path)


def on_path(made: tuple[Output, ...]) -> Iterator[str]:
    """The directory of programs that a command line calls by their names alone."""
    if any(output.path.startswith(f"{BIN}/") for output in made):
        yield BIN
