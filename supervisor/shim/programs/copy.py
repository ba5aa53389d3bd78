"""Copying directories from one release into another."""

from __future__ import annotations

import errno
import fcntl
import os

from . import packfile, walk
from .workers import FILE_COST, share_out

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any

FICLONE = 0x40049409
"""ioctl_ficlone(2): both files share their blocks until one of them is written to."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK_BYTES = 16 * 1024 * 1024
MOST_SEARCHED_BYTES = 64 * 1024 * 1024


def copy(told: dict[str, Any]) -> dict[str, Any]:
    """Copy `paths` of the directory `source` into the working directory, where each of them that is there already is
    left alone, and so is one that a link leads to: it would be written elsewhere, even to the source. What vanishes
    meanwhile, or may not be read, is passed over: the source may be in use.

    Where `source` is named in a file or a link, the working directory `target`, a path of the same length, is named
    instead. `limit` is how many bytes there may be. Raises ValueError, OSError; then what was made has to be removed.
    """
    source, found, made = told["source"], walk.Found(), []
    for path in told["paths"]:
        origin = f"{source}/{path}"
        if os.path.isdir(origin) and not os.path.islink(origin) and not _is_led_to(path) and not os.path.lexists(path):
            made.append(path)
            walk.below(origin, found, lenient=True)
    size = sum(file[4] for file in found.files)
    if size > told["limit"]:
        raise ValueError(f"{size >> 20} MB are too much")
    for path in made:
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
    targets = [path[len(source) + 1 :] for path, _ in found.directories]
    for path in targets:
        os.mkdir(path)
    old, new = os.fsencode(source), os.fsencode(told["target"])
    costs = [FILE_COST + file[4] for file in found.files]
    share_out(costs, lambda part: sum(_copy_file(found, targets, number, old, new) for number in part))
    for number, name, target in found.links:
        os.symlink(os.fsencode(target).replace(old, new), os.fsencode(f"{targets[number]}/{name}"))
    for (_, mode), path in reversed(list(zip(found.directories, targets, strict=True))):
        if mode != 0o755:
            os.chmod(path, mode & 0o777)
    return {"files": len(found.files), "bytes": size, "paths": made}


def _is_led_to(path: str) -> bool:
    """Whether a part of the way to `path` is a link."""
    parts = path.split("/")
    return any(os.path.islink("/".join(parts[:count])) for count in range(1, len(parts)))


def _copy_file(found: walk.Found, targets: list[str], which: int, old: bytes, new: bytes) -> int:
    """The bytes that were copied."""
    number, name, mode, changed_ns, size = found.files[which]
    path = f"{found.directories[number][0]}/{name}"
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        target = os.open(f"{targets[number]}/{name}", _CREATE, mode & 0o777)
        try:
            if size <= MOST_SEARCHED_BYTES and old in (data := _content(source, size)):
                packfile.write_at(target, data.replace(old, new), 0)
            else:
                fill(source, target)
            os.utime(target, ns=(changed_ns, changed_ns))
        finally:
            os.close(target)
    finally:
        os.close(source)
    return size


def _content(fd: int, size: int) -> bytes:
    """All of it, without a move of the descriptor; what is more than `size` came later."""
    data = os.pread(fd, size, 0)
    while len(data) < size and (more := os.pread(fd, size - len(data), len(data))):
        data += more
    return data


def fill(source: int, target: int) -> None:
    """Write all of one open file to another: without a copy of its blocks, where the file system has that."""
    try:
        fcntl.ioctl(target, FICLONE, source)
        return
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
    try:
        while os.copy_file_range(source, target, BLOCK_BYTES):
            pass
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        while data := os.read(source, BLOCK_BYTES):
            while data:
                data = data[os.write(target, data) :]
