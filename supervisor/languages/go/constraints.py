"""Build constraints: which files of a directory `go build` takes on Linux, without cgo."""

from __future__ import annotations

import re

MOST_TOKENS = 200
"""Of a constraint; a longer one is taken for true."""

HEROKU = "heroku"
"""The tag that Heroku builds with. Code that asks for it wants a host's build, which this is."""

_LINE = re.compile(r"^//[ \t]*(go:build|\+build)[ \t]+(.*)$", re.M)
_TOKEN = re.compile(r"&&|\|\||[!()]|[\w.]+")
_OTHER_SYSTEMS = (
    *("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "nacl", "netbsd", "openbsd"),
    *("plan9", "solaris", "wasip1", "windows", "zos"),
)
_OTHER_MACHINES = (
    *("386", "arm", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"),
)
_TRUE = ("linux", "unix", "gc", "amd64", "arm64", HEROKU)


def is_built_by_name(name: str) -> bool:
    """Whether a file's name lets it in: not a test's, not another system's, not one that Go passes over."""
    parts = name.removesuffix(".go").split("_")
    if name.startswith(("_", ".")) or parts[-1] == "test":
        return False
    return not {*_OTHER_SYSTEMS, *_OTHER_MACHINES} & set(parts[1:][-2:])


def is_built(head: str) -> bool:
    """Whether what stands above a file's package clause lets it in."""
    lines = _LINE.findall(head)
    modern = [line for kind, line in lines if kind == "go:build"]
    if modern:
        return _expression(modern[0])
    return all(_old(line) for _, line in lines)


def for_heroku(head: str) -> bool:
    """Whether it is to be built with Heroku's tag."""
    return any(HEROKU in line for _, line in _LINE.findall(head))


def _old(line: str) -> bool:
    """A `+build` line: any of its words, in which all parts between commas have to hold."""
    words = (word.split(",") for word in line.split())
    return any(all(_tag(part.removeprefix("!")) != part.startswith("!") for part in parts) for parts in words)


def _tag(tag: str) -> bool:
    return tag in _TRUE or tag.startswith("go1.")


def _expression(line: str) -> bool:
    """A `go:build` line. `&&` binds tighter than `||`; parentheses are worked off from the inside."""
    tokens = _TOKEN.findall(line.partition("//")[0])
    if len(tokens) > MOST_TOKENS:
        return True
    values: list[bool | str] = [token if token in ("&&", "||", "!", "(", ")") else _tag(token) for token in tokens]
    while "(" in values:
        close = values.index(")") if ")" in values else len(values)
        start = max((i for i in range(close) if values[i] == "("), default=-1)
        if start < 0:
            return True
        values[start : close + 1] = [_flat(values[start + 1 : close])]
    return _flat(values)


def _flat(values: list[bool | str]) -> bool:
    """The same without parentheses."""
    alternatives: list[bool] = []
    holds, negated = True, False
    for value in values:
        if value == "||":
            alternatives.append(holds)
            holds = True
        elif value == "!":
            negated = not negated
        elif isinstance(value, bool):
            holds = holds and value != negated
            negated = False
    return any((*alternatives, holds))
