"""go.mod and go.work, read for what they say of names, versions and modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from supervisor.languages.source import Source

MOST_MODULES = 40

_WORD = re.compile(r'"([^"]*)"|`([^`]*)`|([^\s"`]+)')
_MAJOR = re.compile(r"v\d+")
_HEROKU = re.compile(r"//\s*\+heroku\s+(\w+)\s+(.*)")


@dataclass(frozen=True, slots=True)
class Module:
    """A go.mod, or a go.work, which has no `path`.

    `go` is the lowest version that will do, `toolchain` the one that its author had (without "go" in front).
    `requires` are the modules that the code itself imports, `indirect` those that they need in turn; `uses` the
    directories of a workspace. `packages` is what a comment for Heroku wants installed.
    """

    path: str = ""
    go: str | None = None
    toolchain: str | None = None
    requires: tuple[str, ...] = ()
    indirect: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What `go install` calls the program of the module's own directory: `api` of example.org/shop/api/v2."""
        parts = self.path.rstrip("/").split("/")
        return parts[-2] if len(parts) > 1 and _MAJOR.fullmatch(parts[-1]) else parts[-1]


def module(source: Source) -> Module | None:
    """The go.mod of a directory, None if there is none. Raises PlanError about one that is broken."""
    found = _read(source, "go.mod")
    if found is not None and not found.path:
        raise source.broken("go.mod", "there is no module line in it")
    return found


def workspace(source: Source) -> Module | None:
    """The go.work of a directory, None if there is none. Raises PlanError about one that is broken."""
    return _read(source, "go.work")


def _read(source: Source, name: str) -> Module | None:
    text = source.read(name)
    if text is None:
        return None
    source.refuse_conflicts(name, text)
    said: dict[str, list[str]] = {}
    for directive, words, comment in _directives(text):
        if words:
            key = "indirect" if directive == "require" and comment.startswith("indirect") else directive
            said.setdefault(key, []).append(words[0])
    heroku = {match[1]: match[2].split() for match in map(_HEROKU.match, text.split("\n")) if match}
    version = (said.get("go") or heroku.get("goVersion") or [""])[0].lstrip("~^>=")
    return Module(
        path=said.get("module", [""])[0],
        go=version.removeprefix("go") or None,
        toolchain=next((word.removeprefix("go") for word in said.get("toolchain", ()) if word != "default"), None),
        requires=tuple(said.get("require", ())),
        indirect=tuple(said.get("indirect", ())),
        uses=tuple(said.get("use", ()))[:MOST_MODULES],
        packages=tuple(heroku.get("install", ())),
    )


def _directives(text: str) -> Iterator[tuple[str, list[str], str]]:
    """Every directive with its words and its comment; those in `require (…)` one by one."""
    block = None
    for line in text.split("\n"):
        code, _, comment = line.partition("//")
        words = [match[1] or match[2] or match[3] or "" for match in _WORD.finditer(code)]
        if not words:
            continue
        if block is not None:
            if words[0] == ")":
                block = None
            else:
                yield block, words, comment.strip()
        elif words[-1] == "(":
            block = words[0]
        elif words[0].endswith("("):
            block = words[0][:-1]
        else:
            yield words[0], words[1:], comment.strip()
