"""Go code from before there were modules, which imports what does not come with Go.

With a vendor directory it is built as it was then, from a GOPATH that is made for the moment: Go looks into `vendor`
only below one. Without one it is made a module, with what is current of everything that it imports.
"""

from __future__ import annotations

import shlex

from supervisor.languages.go.packages import Program
from supervisor.languages.source import Source

GOPATH = ".gopath"


def is_foreign(program: Program) -> bool:
    """Whether it imports what does not come with Go: the paths of that begin with a host's name."""
    return any("." in path.split("/")[0] for path in program.imports)


def install(source: Source, program: Program) -> str | None:
    """What makes a module of it; None if nothing has to be fetched."""
    if source.is_dir("vendor") or not is_foreign(program):
        return None
    return f"go mod init {shlex.quote(_path(source, program))} && go mod tidy"


def build(source: Source, program: Program, line: str) -> str:
    """The command line that runs `line`, a build, where Go finds what the program imports."""
    if not source.is_dir("vendor") or not is_foreign(program):
        return line
    path = _path(source, program)
    place = f"{GOPATH}/src/{path}"
    above, quoted = shlex.quote(place.rpartition("/")[0]), shlex.quote(place)
    settings = f'GO111MODULE=off GOPATH="${{PWD%{shlex.quote("/src/" + path)}}}"'
    within = f"cd {quoted} && export {settings} && {line}"
    return f'mkdir -p {above} && ln -sfn "$PWD" {quoted} && ({within}) && rm -r {GOPATH}'


def _path(source: Source, program: Program) -> str:
    """Its path shows in how it imports its own packages."""
    for path in sorted(program.imports):
        parts = path.split("/")
        for at in range(1, len(parts)):
            if "." in parts[0] and source.is_dir("/".join(parts[at:])):
                return "/".join(parts[:at])
    return "app"
