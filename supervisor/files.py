"""The one place that writes files others read, moves links, and removes trees.

Everything is written to a temporary name in the same directory, synced, renamed: a reader sees the old or the new,
and so does the next start after a crash. What means nothing after a power cut, as the status does, is not synced:
that takes its time, and some of it would pass while nobody serves.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

FEW_BYTES = 64 * 1024
MOST_JSON_BYTES = 16 * 1024 * 1024


def write_text(path: Path, text: str, mode: int = 0o644, durable: bool = True) -> None:
    """Replace `path` in one step; `durable`: it survives a power cut, too. Raises OSError, UnicodeError; then the old
    content still stands."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def write_json(path: Path, value: Any, mode: int = 0o644, durable: bool = True) -> None:
    """`write_text` of a value as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n", mode, durable)


def read_json(path: Path) -> Any:
    """The value in `path`, or None if it is not there or is not JSON: a broken record is no record."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not make us wait
    except OSError:
        return None
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_JSON_BYTES:
            return None
        with open(fd, "rb", closefd=False) as file:
            return json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(fd)


def size(path: Path) -> int:
    """In bytes; 0 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_lines(path: Path, since: int = 0, most_bytes: int = 4096) -> str:
    """The end of a log, from the beginning of a line on, of what has come since it had `since` bytes (all of it, if it
    was rotated meanwhile); nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - most_bytes, since if since <= end else 0))
            data = file.read(most_bytes)
    except OSError:
        return ""
    cut = data.find(b"\n") + 1 if len(data) == most_bytes else 0
    return data[cut:].decode("utf-8", "replace")


def move_link(link: Path, target: str) -> None:
    """Make `link` point at `target` in one step: at every moment it points at the old or at the new. What survives a
    power cut is either; `sync_directory` makes it the new."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    try:
        temporary.rename(link)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json_somehow(path: Path, value: Any) -> None:
    """`write_json`, not durable, and on a full disk over what is there, which needs no room. For what must not be out
    of date, is small, and has only one reader, later. Raises OSError."""
    try:
        write_json(path, value, durable=False)
    except OSError:
        data = json.dumps(value).encode()
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(fd, data.ljust(os.fstat(fd).st_size), 0)
        finally:
            os.close(fd)


def is_full(path: Path) -> bool:
    """Whether no more than a few blocks, or not one more file, fits on the disk of `path`."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return False
    return facts.f_bavail * facts.f_frsize < FEW_BYTES or (facts.f_files > 0 and facts.f_favail == 0)


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, also what was made unwritable; absent is fine. Raises OSError."""
    if path.is_symlink() or not path.is_dir():  # rmtree would open a FIFO, and wait
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        _unlock(path)
        shutil.rmtree(path)


def _unlock(path: Path) -> None:
    """Make every directory of a tree one that its owner can empty (Go's module cache, for one, is read-only)."""
    path.chmod(stat.S_IRWXU)
    for place, directories, _ in os.walk(path):
        for name in directories:
            directory = Path(place) / name
            if not directory.is_symlink():
                directory.chmod(stat.S_IRWXU)


def sync_directory(path: Path) -> None:
    """Make renames in `path` survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
