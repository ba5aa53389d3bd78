"""What keeps logs within their shares, whatever the settings were when they were written."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from supervisor.layout import Layout
from supervisor.model import LogPolicy

MOST_BUILD_LOGS = 50
PIECE_BYTES = 1024 * 1024


def trim(layout: Layout, policy: LogPolicy) -> None:
    """Cut what is too long of the logs that go on, and remove backups beyond their number. Raises OSError."""
    for log in (layout.setup_log, layout.app_log, layout.hooks_log):
        for path in log.parent.glob(f"{log.name}*"):
            number = _backup(path, log)
            if number is None or path.is_symlink():  # to /dev/stdout, for one
                continue
            with contextlib.suppress(FileNotFoundError):  # it has been rotated meanwhile
                if number > policy.backups:
                    path.unlink()
                else:
                    keep_end(path, policy.max_bytes)


def prune_builds(directory: Path, share_bytes: int, building: str | None = None) -> int:
    """Remove the oldest logs of builds beyond their number and their share, but not that of the release which is
    being built. The bytes that were gained. Raises OSError."""
    found = []
    for path in directory.glob("*.log*"):
        with contextlib.suppress(FileNotFoundError):
            if building is None or not path.name.startswith(building):
                found.append((path, path.lstat()))
    found.sort(key=lambda one: one[1].st_mtime, reverse=True)
    kept = gained = 0
    for place, (path, facts) in enumerate(found):
        kept += facts.st_size
        if place >= MOST_BUILD_LOGS or kept > share_bytes:
            kept -= facts.st_size
            gained += facts.st_size
            path.unlink(missing_ok=True)
    return gained


def keep_end(path: Path, most_bytes: int) -> None:
    """Cut a log to its last `most_bytes`, from the beginning of a line on. In place: whoever writes to it goes on,
    and a full disk is no hindrance. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size <= most_bytes:
            return
        start = facts.st_size - most_bytes
        start += max(os.pread(fd, PIECE_BYTES, start - 1).find(b"\n"), 0)
        written = 0
        while data := os.pread(fd, min(PIECE_BYTES, most_bytes - written), start + written):
            written += os.pwrite(fd, data, written)
        os.ftruncate(fd, written)
    finally:
        os.close(fd)


def _backup(path: Path, log: Path) -> int | None:
    """The number of `log`'s backup that `path` is, 0 if it is the log itself; None if it is neither."""
    match = re.fullmatch(re.escape(log.name) + r"(?:\.([1-9][0-9]{0,5}))?", path.name)
    return int(match[1] or 0) if match else None
