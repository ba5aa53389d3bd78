"""A Procfile, of Heroku and many others: what a project says of its own processes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source

FILE = "Procfile"

_SERVERS_OF_HEROKU = re.compile(r"(?:\S*/)?heroku-(?:php-|hhvm-)?(?:apache2|nginx)\b")
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")


def read(source: Source) -> Iterator[Told]:
    """`web:` and `release:`. Raises PlanError if the file cannot be read."""
    text = source.read(FILE)
    if text is None:
        return
    source.refuse_conflicts(FILE, text)
    shown = source.shown(FILE)
    commands: dict[str, str] = {}
    notes: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            notes.append(f'{shown}: line {number} is not "type: command" and was passed over')
        else:
            commands.setdefault(match[1], match[2])
    others = [name for name in commands if name not in ("web", "release")]
    if others:
        notes.append(f"{shown}: only web and release are run, not {', '.join(others)}")
    web = commands.get("web")
    if web and _SERVERS_OF_HEROKU.match(web):  # PHP's plan serves the directory that it names
        notes.append(f"{shown}: {web.split()[0].rpartition('/')[2]} is Heroku's alone, and was passed over")
        web = None
    yield Told(shown, start=web, release=commands.get("release"), notes=tuple(notes))
