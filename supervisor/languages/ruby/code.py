"""Files of Ruby and YAML as texts to search: without the lines that are comments."""

from __future__ import annotations

import re

from supervisor.languages.source import Source


def text(source: Source, name: str | None) -> str:
    """What a file says, "" if it cannot be read."""
    return re.sub(r"(?m)^[ \t]*#.*$", "", (source.peek(name) if name else None) or "")


def found(pattern: str, code: str) -> str | None:
    """The first group of the first line that has `pattern`."""
    match = re.search(pattern, code, re.MULTILINE)
    return match[1] if match else None
