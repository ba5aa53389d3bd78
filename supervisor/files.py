"""The one place that writes files others read, moves links, and removes trees.

Everything is written to a temporary name in the same directory, synced, renamed: a reader sees the old or the new,
and so does the next start after a crash.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

MOST_JSON_BYTES = 16 * 1024 * 1024


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` in one step. Raises OSError, UnicodeError; then the old content still stands."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json(path: Path, value: Any, mode: int = 0o644) -> None:
    """`write_text` of a value as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n", mode)


def read_json(path: Path) -> Any:
    """The value in `path`, or None if it is not there or is not JSON: a broken record is no record."""
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def move_link(link: Path, target: str) -> None:
    """Make `link` point at `target` in one step: at every moment it points at the old or at the new."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    try:
        temporary.rename(link)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(link.parent)


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, also what was made unwritable; absent is fine. Raises OSError."""

    def unlock(function: Any, name: str, error: BaseException) -> None:
        if not isinstance(error, PermissionError):
            raise error
        for place in (Path(name).parent, Path(name)):
            if not place.is_symlink():
                place.chmod(place.stat().st_mode | stat.S_IRWXU)
        function(name)

    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    try:
        if sys.version_info >= (3, 12):
            shutil.rmtree(path, onexc=unlock)
        else:
            shutil.rmtree(path, onerror=lambda function, name, info: unlock(function, name, info[1]))
    except FileNotFoundError:
        return


def sync_directory(path: Path) -> None:
    """Make renames in `path` survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
