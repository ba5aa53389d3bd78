"""How other platforms say what is asked to see whether an application is well."""

from __future__ import annotations

import re

from supervisor.languages.platforms.document import Table

LONGEST_S = 3600.0

_PATH = re.compile(r"/[!-~]*")
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def path_of(table: Table, *names: str) -> tuple[str | None, tuple[str, ...]]:
    """The path that has to answer, and a remark if it is none."""
    path = table.text(*names)
    if path is None:
        return None, ()
    path = path if path.startswith("/") else f"/{path}"
    if _PATH.fullmatch(path):
        return path, ()
    return None, (f"{table.shown}: {names[0]} is no path and was passed over; set HEALTH_CHECK_PATH",)


def seconds_of(table: Table, *names: str) -> float | None:
    """A time in seconds, of which an application has LONGEST_S at most; None if there is none."""
    text = table.text(*names)
    if text is None or not _NUMBER.fullmatch(text) or float(text) <= 0:
        return None
    return min(float(text), LONGEST_S)
