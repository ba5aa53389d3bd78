"""Orbit's own programs: what it does as the application's user, in a process of its own under a shim.

They are run in the forked child without an exec: they start in a millisecond, need nothing of our own Python that this
user may not read, and cannot be looked into by others of that user. What they are told is one JSON object, what they
answer is another on standard output; exit status 1 goes with an `error` in it, 2 with one that is a matter of what was
asked for, and not of the machine.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Program = Callable[[dict[str, Any]], dict[str, Any]]

REFUSED = 2
"""The exit status where what was asked for cannot be done, whatever the machine."""


def load(name: str) -> Program:
    """The program of that name; to be called before root's rights are given up, since it imports."""
    if name == "pack":
        from .pack import pack

        return pack
    if name == "unpack":
        from .unpack import unpack

        return unpack
    if name == "copy":
        from .copy import copy

        return copy
    if name == "unshare":
        from .unshare import unshare

        return unshare
    raise ValueError(f"no program {name}")


def run(program: Program, told: str) -> int:
    """Run it; the exit status."""
    try:
        answer, status = program(json.loads(told)), 0
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        answer, status = {"error": f"{error.strerror or error}{place}"}, 1
    except (ValueError, KeyError, IndexError, TypeError, RecursionError, MemoryError) as error:
        answer, status = {"error": str(error) or type(error).__name__}, REFUSED
    data = json.dumps(answer).encode()
    while data:
        data = data[os.write(1, data) :]
    return status
