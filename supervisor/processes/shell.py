"""Command lines as users write them: in variables, Procfiles and package.json."""

from __future__ import annotations

import shlex
import shutil

_NEEDS_SHELL = frozenset("|&;<>()$`\\\"'*?[]#~=%!{}\n")
_WORDS = (
    ". alias bg bind break builtin case cd command continue declare dirs disown echo enable eval exec exit export "
    "fc fg for function getopts hash help history if jobs let local logout popd printf pushd pwd read readonly "
    "return select set shift shopt source suspend test time times trap type typeset ulimit umask unalias unset "
    "until wait while"
)
_BUILTINS = frozenset(_WORDS.split())
"""Words that a shell takes for its own."""


def argv_of(line: str) -> tuple[str, ...]:
    """How to run a command line. A plain one runs without a shell in between: it starts sooner, and is the process
    that signals reach; any other runs in bash (sh where there is none)."""
    if not _NEEDS_SHELL.intersection(line):
        words = shlex.split(line)
        if words and words[0] not in _BUILTINS:
            return tuple(words)
    return (shutil.which("bash") or "/bin/sh", "-c", line)


def line_of(argv: tuple[str, ...]) -> str:
    """The command line that `argv_of` was given, or one like it."""
    if len(argv) == 3 and argv[1] == "-c":
        return argv[2]
    return shlex.join(argv)
