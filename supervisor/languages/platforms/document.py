"""A file of settings that people write: YAML, TOML or JSON, read with errors that name the place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.errors import PlanError
from supervisor.languages.source import Source, kind

MOST_YAML_BYTES = 128 * 1024

_ABSENT = (None, "", "~", "null")  # YAML's are read as texts
_JSON_TOKENS = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|,(?=\s*[\]}])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Table:
    """The names and values at one place of a file; `path` is that place, as its author would write it."""

    source: Source
    file: str
    values: Mapping[str, Any]
    path: str = ""

    @property
    def shown(self) -> str:
        """The file as the user knows it."""
        return self.source.shown(self.file)

    def has(self, *names: str) -> bool:
        return any(name in self.values for name in names)

    def text(self, *names: str) -> str | None:
        """The first of `names` that has a value, as a text without blanks around it. Raises PlanError if it is a list
        or an object."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, list | dict):
                raise self._wrong(name, value, "a text")
            words = scalar(value)
            if words is not None and words.strip() not in _ABSENT:
                return words.strip()
        return None

    def word(self, name: str) -> str | None:
        """The same of something that nobody has to understand: None if it is no text."""
        words = scalar(self.values.get(name))
        return words.strip() if words is not None else None

    def lines(self, *names: str) -> tuple[str, ...] | None:
        """A command that is one text or a list of them. Raises PlanError if it is neither; None if there is none."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, dict):
                raise self._wrong(name, value, "a text or a list of texts")
            if not isinstance(value, list):
                line = self.text(name)
                if line is not None:
                    return (line,)
                continue
            if any(scalar(item) is None for item in value):
                raise self._wrong(name, next(item for item in value if scalar(item) is None), "a list of texts")
            return tuple(line for item in value if (line := str(scalar(item)).strip()))
        return None

    def command(self, *names: str) -> str | None:
        """The same as one command line; None if it is empty."""
        lines = self.lines(*names)
        return " && ".join(lines) if lines else None

    def table(self, *names: str) -> Table:
        """The table at a name in a table, and so on; an empty one if it is not there. Raises PlanError if it is
        something else."""
        found = self
        for name in names:
            value = found.values.get(name)
            if value in _ABSENT:
                value = {}
            if not isinstance(value, dict):
                raise found._wrong(name, value, "an object")
            found = Table(self.source, self.file, value, found._place(name))
        return found

    def tables(self, name: str) -> Iterator[Table]:
        """The tables in a list. Raises PlanError if it is no list of them; nothing if it is not there."""
        value = self.values.get(name)
        if value in _ABSENT:
            return
        if not isinstance(value, list):
            raise self._wrong(name, value, "a list")
        for place, item in enumerate(value):
            if not isinstance(item, dict):
                raise self._wrong(f"{name}[{place}]", item, "an object")
            yield Table(self.source, self.file, item, self._place(f"{name}[{place}]"))

    def rules(self, name: str) -> Iterator[Table]:
        """The tables in a list, as far as there are any: nobody has to understand the rest."""
        value = self.values.get(name)
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict):
                yield Table(self.source, self.file, item, self._place(name))

    def truth(self, name: str) -> bool:
        """A word that is `true`."""
        return str(self.values.get(name)).lower() == "true"

    def broken(self, why: str) -> PlanError:
        """The error about something in this file."""
        return self.source.broken(self.file, why)

    def _place(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, value: object, right: str) -> PlanError:
        return self.broken(f"{self._place(name)} is {kind(value)}, not {right}")


def scalar(value: object) -> str | None:
    """A single value as its author wrote it; None if there is none, or it is a list or an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, list | dict):
        return None
    return str(value)


def first(source: Source, *files: str) -> Table | None:
    """The first of `files` that is there; what it holds is told by how it is named. Raises PlanError if it cannot be
    read; None if there is none."""
    file = next((file for file in files if source.has(file)), None)
    if file is None:
        return None
    if file.endswith(".toml"):
        values = source.toml(file) or {}
    elif file.endswith(".json"):
        values = _json(source, file)
    else:
        values = _yaml(source, file)
    return Table(source, file, values)


def _json(source: Source, file: str) -> dict[str, Any]:
    """JSON, perhaps with comments and commas too many, as those who write it by hand do."""
    text = source.read(file) or ""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        text = _JSON_TOKENS.sub(lambda match: match[0] if match[0][0] == '"' else _blank(match[0]), text)
    return source.json(file, text) or {}


def _blank(text: str) -> str:
    """As many lines as `text` has, so that an error names the right one."""
    return "\n" * text.count("\n") or " "


def _yaml(source: Source, file: str) -> dict[str, Any]:
    text = source.read(file, MOST_YAML_BYTES) or ""
    source.refuse_conflicts(file, text)
    from supervisor.languages.platforms import safeyaml  # only where there is YAML: detection is to start quickly

    try:
        value = safeyaml.load(text)
    except safeyaml.Broken as error:
        raise source.broken(file, str(error)) from error
    if value in _ABSENT:
        return {}
    if not isinstance(value, dict):
        raise source.broken(file, f"its YAML is {kind(value)}, not an object")
    return value
