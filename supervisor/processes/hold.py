"""How a supervisor knows that nothing is left of the one before it: no hook, no build, no half started application.

The folder `run/` is locked through one open file, which the fork server and its shims inherit. The kernel lets go of
the lock when the last of them has ended, whatever killed whom in which order. The application's shim closes it as soon
as it is kept, since it is taken over and not waited for.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

from loguru import logger

PATIENCE_S = 5.0
"""Shims whose supervisor has died give their trees 2 s after TERM."""
ROUND_S = 0.02
SLOW_S = 0.3


class Hold:
    """Owner of the lock on `directory`; without a lock, where it cannot be had, nobody is waited for."""

    def __init__(self, directory: Path) -> None:
        self._fd = -1
        try:
            self._fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            _warn(directory, error)
        self._directory = directory

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the fork server inherits."""
        return (self._fd,) if self._fd >= 0 else ()

    async def take(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait until what an earlier supervisor has started, and nobody takes over, has ended; whether it has."""
        since, told = time.monotonic(), False
        while self._fd >= 0:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                waited_s = time.monotonic() - since
            except OSError as error:
                _warn(self._directory, error)
                return False
            if waited_s > patience_s:
                logger.error("a hook or build of an earlier Orbit has not ended {:.0f} s after it; going on", waited_s)
                return False
            if waited_s > SLOW_S and not told:
                logger.info("waiting for the end of what an earlier Orbit has started")
                told = True
            await asyncio.sleep(ROUND_S)
        return False

    def close(self) -> None:
        """Let go of it; our shims hold it as long as they live."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _warn(directory: Path, error: OSError) -> None:
    logger.warning("cannot tell what an earlier Orbit has left: {}: {}", directory, error.strerror)
