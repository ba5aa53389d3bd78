"""`run/status.json`: what the supervisor is doing, for everybody who wants to know."""

from __future__ import annotations

import fcntl
import os
import time
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from supervisor import files
from supervisor.errors import NotRunning, OrbitError
from supervisor.layout import Layout

SCHEMA = 1
LOCK_TRIES = 4
LOCK_PAUSE_S = 0.05


class StatusFile:
    """Owner of the status file. `sequence` grows by one with each writing, also over restarts."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        before = read(layout)
        self._sequence = before.get("sequence", 0) if before else 0
        self._failing = False

    def publish(self, facts: dict[str, Any]) -> None:
        """Replace the file. A full disk is told of once, and ends nothing."""
        self._sequence += 1
        head = {"schema": SCHEMA, "sequence": self._sequence, "updated_at": datetime.now(UTC).isoformat()}
        try:
            files.write_json(self._layout.status, {**head, **facts})
            self._failing = False
        except OSError as error:
            if not self._failing:
                logger.error("cannot write {}: {}", self._layout.status, error.strerror)
            self._failing = True


def read(layout: Layout) -> dict[str, Any] | None:
    """What the supervisor last said, or None."""
    value = files.read_json(layout.status)
    return value if isinstance(value, dict) else None


class Lock:
    """There is one supervisor for an ORBIT_HOME; it holds this lock as long as it lives, however it ends."""

    def __init__(self, layout: Layout) -> None:
        self._fd = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._take()
        except BlockingIOError:
            pid = os.read(self._fd, 32).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise OrbitError(
                f"cannot start: the supervisor with pid {pid} uses {layout.home} already; "
                "stop it, or set another ORBIT_HOME"
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

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
        return int(os.read(fd, 32).strip() or b"0")
    finally:
        os.close(fd)
    raise NotRunning(f"no supervisor runs in {layout.home}; {hint}")
