"""`run/status.json`: what the supervisor is doing, for everybody who wants to know."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from supervisor import files
from supervisor.errors import NotRunning, OrbitError
from supervisor.layout import Layout
from supervisor.redact import scrub

SCHEMA = 1
LOCK_TRIES = 4
LOCK_PAUSE_S = 0.05
PID_WIDTH = 15


class StatusFile:
    """Owner of the status file. `sequence` grows by one with each writing, also over restarts."""

    def __init__(self, layout: Layout, redact: Callable[[str], str] = str) -> None:
        self._layout = layout
        self._redact = redact
        before = read(layout)
        self._sequence: int = before["sequence"] if before else 0
        self._failing = False

    def publish(self, facts: dict[str, Any]) -> None:
        """Replace the file. A full disk is told of once, and ends nothing."""
        self._sequence += 1
        head = {"schema": SCHEMA, "sequence": self._sequence, "updated_at": datetime.now(UTC).isoformat()}
        try:
            files.write_json(self._layout.status, scrub({**head, **facts}, self._redact), durable=False)
            self._failing = False
        except OSError as error:
            if not self._failing:
                logger.error("cannot write {}: {}", self._layout.status, error.strerror)
            self._failing = True


def read(layout: Layout) -> dict[str, Any] | None:
    """What the supervisor last said, or None."""
    try:
        value = files.read_json(layout.status)
    except OSError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("sequence"), int) else None


class Lock:
    """There is one supervisor for an ORBIT_HOME; it holds this lock as long as it lives, however it ends."""

    def __init__(self, layout: Layout) -> None:
        try:
            self._fd = files.open_lock(layout.lock)
        except OSError as error:
            raise OrbitError(f"cannot start: cannot open {layout.lock}: {error.strerror}") from None
        try:
            self._take()
        except BlockingIOError:
            pid = os.read(self._fd, 32).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise OrbitError(
                f"cannot start: the supervisor with pid {pid} uses {layout.home} already; "
                "stop it, or set another ORBIT_HOME"
            ) from None
        try:
            self._write(str(os.getpid()))
        except OSError as error:
            os.close(self._fd)
            raise OrbitError(f"cannot start: cannot write {layout.lock}: {error.strerror}") from None

    def _write(self, text: str) -> None:
        """Over what is there, and always as long: so it can be done on a full disk, too."""
        files.write_over(self._fd, text.ljust(PID_WIDTH) + "\n")

    def _take(self) -> None:
        for attempt in range(LOCK_TRIES):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                # `supervisor_pid` holds it for a moment to see whether somebody else does.
                if attempt == LOCK_TRIES - 1:
                    raise
                time.sleep(LOCK_PAUSE_S)

    def release(self) -> None:
        """Let another supervisor start."""
        with contextlib.suppress(OSError):
            self._write("")  # a number that is another process's by then must not be read there
        os.close(self._fd)


def supervisor_pid(layout: Layout) -> int:
    """The running supervisor's process number. Raises NotRunning."""
    hint = "start one with `orbit run`, or set ORBIT_HOME to where it runs"
    try:
        fd = os.open(layout.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise NotRunning(f"no supervisor runs in {layout.home}; {hint}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(fd, PID_WIDTH).strip()
        if pid.isdigit() and int(pid) > 0:  # 0 would be all of our own process group
            return int(pid)
        hint = "it is just being started; try again"
    finally:
        os.close(fd)
    raise NotRunning(f"no supervisor runs in {layout.home}; {hint}")
