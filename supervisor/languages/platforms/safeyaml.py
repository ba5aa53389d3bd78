"""YAML of somebody else: texts, lists and objects alone, within bounds.

Every scalar stays the text that it is: a `value: 3.10` is a version, not the number 3.1. Tags mean nothing, so nothing
is ever constructed. Aliases are followed, and counted where they could multiply.
"""

from __future__ import annotations

from typing import Any

import yaml

MOST_DEPTH = 40
MOST_EVENTS = 50_000
MOST_MERGED = 10_000
MERGE = "<<"

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Broken(ValueError):
    """It is not YAML, or not what anyone would write; the message has the line."""


def load(text: str) -> Any:
    """What the one document of `text` holds; None if it is empty. Raises Broken."""
    try:
        _check(text)
        return _Merger().merged(yaml.load(text, Loader=_LOADER))  # a base loader makes nothing but texts
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise Broken(f"{where}not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise Broken(said if isinstance(error, Broken) else f"not YAML: {said}") from error


def _check(text: str) -> None:
    """Raises Broken if it is nested too deeply, has too much in it, or several documents."""
    depth = documents = 0
    for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if documents > 1:
            raise Broken(f"line {line}: a second document begins")
        if depth > MOST_DEPTH:
            raise Broken(f"line {line}: nested more than {MOST_DEPTH} deep")
        if number > MOST_EVENTS:
            raise Broken(f"line {line}: more than {MOST_EVENTS} values")


class _Merger:
    """Puts in what `<<: *common` takes from elsewhere. An object that several aliases name is seen to once."""

    def __init__(self) -> None:
        self._left = MOST_MERGED
        self._done: dict[int, Any] = {}

    def merged(self, value: Any) -> Any:
        if not isinstance(value, list | dict):
            return value
        if id(value) not in self._done:
            self._done[id(value)] = value  # what holds itself cannot be: the loader refuses it
            if isinstance(value, list):
                value[:] = [self.merged(item) for item in value]
            else:
                self._merge(value)
        return self._done[id(value)]

    def _merge(self, table: dict[Any, Any]) -> None:
        for name in list(table):
            table[name] = self.merged(table[name])
        common = table.pop(MERGE, None)
        for other in common if isinstance(common, list) else [common]:
            if isinstance(other, dict):
                self._left -= len(other)
                if self._left < 0:
                    raise Broken(f"more than {MOST_MERGED} values are merged into others")
                for name, item in other.items():
                    table.setdefault(name, item)
