"""Whether a SIGHUP means: the terminal was closed. To a daemon it means something else."""

from __future__ import annotations

import os
import time

SHELLS_TOO_S = 1.0
"""The kernel sends SIGHUP when a terminal closes, and then the shell to its jobs."""


class Terminal:
    """The terminal that Orbit was started at, if it was."""

    def __init__(self) -> None:
        self._is_open = _can_be_opened()
        self._closed_at = float("-inf")

    def is_closing(self) -> bool:
        """To be asked after a SIGHUP: does it come from the end of the terminal?"""
        if self._is_open and not _can_be_opened():
            self._is_open = False
            self._closed_at = time.monotonic()
        return time.monotonic() - self._closed_at < SHELLS_TOO_S


def _can_be_opened() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
        return True
    except OSError:
        return False
