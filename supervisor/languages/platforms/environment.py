"""Variables that a file sets for the application."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from supervisor.languages.platforms.document import scalar

MOST_VARIABLES = 500
MOST_VALUE = 32 * 1024

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORTS = ("PORT", "APP_PORT")  # Orbit's own to set


@dataclass(slots=True)
class Environment:
    """Collects what one file says; `origin` is the file, as it stands in remarks."""

    origin: str
    values: dict[str, str] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    unset: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    port: int | None = None

    def set(self, name: str, value: object) -> None:
        """A value that stands in the file; the first one of a name counts."""
        text = scalar(value)
        if name in _PORTS:
            self.port = self.port or port_of(text)
        elif self._fits(name):
            if text is None or "\0" in text or not _is_text(text) or len(text) > MOST_VALUE:
                self.notes.append(f"{self.origin}: the value of {name} is too long or no text, and was passed over")
            else:
                self.values.setdefault(name, text)

    def set_all(self, pairs: Iterable[tuple[str, object]]) -> None:
        for name, value in pairs:
            self.set(name, value)

    def generate(self, name: str) -> None:
        """A secret that is made up once."""
        if self._fits(name) and name not in self.generated:
            self.generated.append(name)

    def ask(self, name: str, why: str) -> None:
        """A value that is known elsewhere: the user has to set it."""
        if self._fits(name):
            self.unset.setdefault(name, why)

    def _fits(self, name: str) -> bool:
        if not _NAME.fullmatch(name):
            shown = name if name.isprintable() and len(name) < 40 else "a name"
            self.notes.append(f"{self.origin}: {shown!r} cannot be the name of a variable")
            return False
        known = len(self.values) + len(self.generated) + len(self.unset)
        return known < MOST_VARIABLES and name not in _PORTS


def port_of(text: str | None) -> int | None:
    """A port, if that is what `text` is."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if 0 < number < 65536 else None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
