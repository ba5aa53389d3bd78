"""The one place that touches Orbit's own state on disk: what it writes, reads, lists, moves and removes there.

Everything that others read is written to a temporary name in the same directory, synced, renamed: a reader sees the
old or the new, and so does the next start after a crash. What means nothing after a power cut, as the status does, is
not synced: that takes its time, and some of it would pass while nobody serves.

That something is not there is an answer. That it cannot be read is none: it raises OSError, so that nobody takes an
ill disk for an empty one.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from supervisor import disk
from supervisor.model import User

FEW_BYTES = 64 * 1024
MOST_JSON_BYTES = 16 * 1024 * 1024
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG)
"""What a name says that leads to nothing, or to nothing that holds bytes (a loop of links, a socket)."""


# --- writing -----------------------------------------------------------------------------------------------------


def write_text(path: Path, text: str, mode: int = 0o644, durable: bool = True) -> None:
    """Replace `path` in one step; `durable`: it survives a power cut, too. Raises OSError, UnicodeError; then the old
    content still stands."""
    temporary = temporary_of(path)
    data = text.encode()
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            _write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        _remove_quietly(temporary)
        raise
    if durable:
        sync_directory(path.parent)


def write_json(path: Path, value: Any, mode: int = 0o644, durable: bool = True) -> None:
    """`write_text` of a value as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n", mode, durable)


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


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def open_lock(path: Path) -> int:
    """A descriptor of a file to be locked, made if it is not there. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def create(path: Path, mode: int = 0o600) -> int:
    """A descriptor of a new temporary file (`temporary_of`) that becomes `path` by `move`. Raises OSError."""
    return os.open(temporary_of(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def write_over(fd: int, text: str) -> None:
    """Over what is there; of the same length always, it can be done on a full disk, too. Raises OSError."""
    os.pwrite(fd, text.encode(), 0)


# --- reading -----------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str | None:
    """What a file says, or None if it is not there. Raises OSError, UnicodeError."""
    fd = open_to_read(path)
    if fd is None:
        return None
    try:
        return _read_all(fd).decode()
    finally:
        os.close(fd)


def read_json(path: Path, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """The value in `path`, or None if it is not there or is not JSON: a broken record is no record. Raises OSError if
    it is there and cannot be read."""
    fd = open_to_read(path)
    if fd is None:
        return None
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most_bytes:
            return None
        return json.loads(_read_all(fd))
    except (ValueError, RecursionError):
        return None
    finally:
        os.close(fd)


def _read_all(fd: int) -> bytes:
    data = b""
    while part := os.read(fd, 1024 * 1024):
        data += part
    return data


def read_link(path: Path) -> str | None:
    """What a link says, or None if it is not there or is no link. Raises OSError if that cannot be told."""
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno in (*_ABSENT, errno.EINVAL):
            return None
        raise


def kind(path: Path, follow: bool = False) -> int | None:
    """What it is (`stat.S_IFDIR`, `stat.S_IFLNK`, …), or None if it is not there. Raises OSError if that cannot be
    told."""
    try:
        return stat.S_IFMT(os.stat(path, follow_symlinks=follow).st_mode)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def open_to_read(path: Path) -> int | None:
    """A descriptor of a file, None if it is not there. Raises OSError."""
    try:
        # not to wait for a FIFO, nor to be led elsewhere
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def touch(fd: int) -> None:
    """It was used now. Raises OSError."""
    os.utime(fd)


def facts(path: Path) -> tuple[int, float] | None:
    """What a file takes on the disk in bytes, and when it was changed, in seconds since the epoch; None if that cannot
    be told."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_blocks * disk.BLOCK_BYTES, found.st_mtime


def names(directory: Path) -> list[str]:
    """What is in a directory, as `listing` has it but without paths: there may be thousands, and the memory that is
    taken for them is not given back. Raises OSError."""
    try:
        found = os.listdir(directory)
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise
    return sorted(name for name in found if name[0] != ".")


def listing(directory: Path, pattern: str = "*") -> list[Path]:
    """What in a directory has a name like that, in order of the names; temporary files are left out. Raises OSError if
    that cannot be told, since an empty list means that there is nothing."""
    return [directory / name for name in names(directory) if fnmatch(name, pattern)]


def owner(path: Path) -> tuple[int, int]:
    """User and group that it belongs to. Raises OSError."""
    facts = os.stat(path)
    return facts.st_uid, facts.st_gid


def size(path: Path) -> int:
    """In bytes; 0 if that cannot be told."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def last_bytes(path: Path, since: int = 0, most_bytes: int = 4096) -> bytes:
    """The end of a log, of what has come since it had `since` bytes (all of it, if it was rotated meanwhile); nothing
    if it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = os.fstat(fd).st_size
            return os.pread(fd, most_bytes, max(end - most_bytes, since if since <= end else 0))
        finally:
            os.close(fd)
    except OSError:
        return b""


def last_lines(path: Path, since: int = 0, most_bytes: int = 4096) -> str:
    """`last_bytes` as text, from the beginning of a line on."""
    data = last_bytes(path, since, most_bytes)
    cut = data.find(b"\n") + 1 if len(data) == most_bytes else 0
    return data[cut:].decode("utf-8", "replace")


def is_full(path: Path) -> bool:
    """Whether no more than a few blocks, or not one more file, fits on the disk of `path`."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return False
    return facts.f_bavail * facts.f_frsize < FEW_BYTES or (facts.f_files > 0 and facts.f_favail == 0)


# --- making, moving, removing ------------------------------------------------------------------------------------


def make_directory(path: Path, mode: int = 0o755, user: User | None = None, fresh: bool = False) -> None:
    """Make a directory that is `user`'s, and those above it. Raises OSError; if it must be `fresh`, also if it is
    there."""
    if fresh:
        os.mkdir(path, mode)
    else:
        os.makedirs(path, mode, exist_ok=True)
    if user and owner(path)[0] != user.uid:
        os.chown(path, user.uid, user.gid)


def give_directory(path: Path, owner: int, group: int, mode: int) -> None:
    """Make it somebody else's; a link in its place is not followed. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(fd, owner, group)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def move(path: Path, target: Path) -> None:
    """Give it another name, in place of what had that one. Raises OSError."""
    os.rename(path, target)


def move_link(link: Path, target: str) -> None:
    """Make `link` point at `target` in one step: at every moment it points at the old or at the new. What survives a
    power cut is either; `sync_directory` makes it the new."""
    temporary = temporary_of(link)
    remove(temporary)
    os.symlink(target, temporary)
    try:
        os.rename(temporary, link)
    except OSError:
        _remove_quietly(temporary)
        raise


def remove(path: Path) -> None:
    """Remove a file or a link; absent is fine. Raises OSError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, also what was made unwritable, or is nested without end; absent is fine.
    Raises OSError."""
    if kind(path) != stat.S_IFDIR:  # rmtree would open a FIFO, and wait
        remove(path)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        _unlock(path)
        shutil.rmtree(path)
    except (RecursionError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENAMETOOLONG, errno.EMFILE):
            raise
        disk.flatten(path)
        shutil.rmtree(path)


def _unlock(path: Path) -> None:
    """Make every directory of a tree one that its owner can empty (Go's module cache, for one, is read-only)."""
    os.chmod(path, stat.S_IRWXU)
    for place, directories, _ in os.walk(path):
        for name in directories:
            directory = Path(place) / name
            if not directory.is_symlink():
                directory.chmod(stat.S_IRWXU)


def sync_directory(path: Path) -> None:
    """Make renames in `path` survive a power cut. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sweep(directory: Path) -> None:
    """Remove temporary files whose writer was killed; its number is part of their name. Raises OSError."""
    for name in os.listdir(directory):
        stem, _, pid = name.removesuffix(".tmp").rpartition(".")
        if stem and name.endswith(".tmp") and pid.isdigit() and not _is_another(int(pid)):
            remove(directory / name)


def _is_another(pid: int) -> bool:
    return pid != os.getpid() and os.path.exists(f"/proc/{pid}")


def temporary_of(path: Path) -> Path:
    """Its name until it is complete; `sweep` knows it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _remove_quietly(path: Path) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # swept at the next start
