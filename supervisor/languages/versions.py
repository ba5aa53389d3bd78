"""Which version of a runtime a project asks for: the nearest word counts.

A file in the project's own directory comes before one at the repository's root (a monorepo often keeps its
`.nvmrc` there), and the user's variable before both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from supervisor.languages.source import Source
from supervisor.model import Plan

_MISE = ("mise.toml", ".mise.toml", "mise/config.toml", ".mise/config.toml", ".config/mise.toml")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A constraint as its author wrote it, and where."""

    constraint: str
    origin: str

    def note(self, runtime: str) -> str:
        """The remark in a plan by which a later error can say where the constraint comes from."""
        return f"{runtime} {self.constraint}, from {self.origin}"


def origin_of(plan: Plan) -> str | None:
    """Where the constraint on a plan's runtime stands, as the language's remark says it."""
    start = f"{plan.runtime} {plan.runtime_version}, from "
    return next((note[len(start) :] for note in plan.notes if note.startswith(start)), None)


Reader = Callable[[Source], Wanted | None]


def wanted(source: Source, variable: str, value: str | None, readers: Iterable[Reader]) -> Wanted | None:
    """The user's `value` of `variable`, or the first that is written: here, then at the repository's root."""
    if value:
        return Wanted(value, dict(source.origins).get(variable, variable))
    places = (source,) if source.directory == source.root else (source, source.at(source.root))
    found = (read(place) for place in places for read in readers)
    return next((want for want in found if want), None)


def first_line(name: str) -> Reader:
    """A reader of a file that holds a version, perhaps below comments (`.nvmrc`, `.python-version`)."""

    def read(source: Source) -> Wanted | None:
        for line in (source.read(name) or "").split("\n"):
            text = line.split("#")[0].strip()
            if text:
                return Wanted(text, source.shown(name))
        return None

    return read


def tool_versions(*tools: str) -> Reader:
    """A reader of asdf's and mise's `.tool-versions`: `nodejs 20.11.0`, of which the first version counts."""

    def read(source: Source) -> Wanted | None:
        for line in (source.read(".tool-versions") or "").split("\n"):
            words = line.split("#")[0].split()
            if len(words) > 1 and words[0] in tools and words[1] != "system":
                return Wanted(words[1], source.shown(".tool-versions"))
        return None

    return read


def mise_toml(*tools: str) -> Reader:
    """A reader of mise's `[tools]`: `node = "22"`, a list of versions of which the first counts, or a table."""

    def read(source: Source) -> Wanted | None:
        name = source.first_file(*_MISE)
        if name is None:
            return None
        asked = (source.toml(name) or {}).get("tools")
        for tool in tools:
            value = asked.get(tool) if isinstance(asked, dict) else None
            value = value[0] if isinstance(value, list) and value else value
            value = value.get("version") if isinstance(value, dict) else value
            if isinstance(value, str) and value.strip() not in ("", "system"):
                return Wanted(value.strip(), source.shown(name))
        return None

    return read
