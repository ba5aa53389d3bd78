"""A Procfile: what a project says of its own processes. Its word stands over what a language would guess."""

from __future__ import annotations

import re
from dataclasses import dataclass

from supervisor.languages.source import Source

_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class Procfile:
    """The commands of the types that Orbit knows, and remarks on the rest."""

    web: str | None = None
    release: str | None = None
    notes: tuple[str, ...] = ()


def read(source: Source) -> Procfile:
    """The project's Procfile, an empty one if there is none. Raises PlanError if it cannot be read."""
    text = source.read("Procfile")
    if text is None:
        return Procfile()
    source.refuse_conflicts("Procfile", text)
    commands: dict[str, str] = {}
    notes: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            notes.append(f'{source.shown("Procfile")}: line {number} is not "type: command" and was passed over')
        else:
            commands.setdefault(match[1], match[2])
    others = [name for name in commands if name not in ("web", "release")]
    if others:
        notes.append(f"{source.shown('Procfile')}: only web and release are run, not {', '.join(others)}")
    return Procfile(commands.get("web"), commands.get("release"), tuple(notes))
