"""Copying directories from one release into another."""

from __future__ import annotations

import errno
import fcntl
import os

from . import walk
from .workers import FILE_COST, share_out

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any

FICLONE = 0x40049409
"""ioctl_ficlone(2): both files share their blocks until one of them is written to."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK_BYTES = 16 * 1024 * 1024


def copy(told: dict[str, Any]) -> dict[str, Any]:
    """Copy `paths` of the directory `source` into the working directory, where each of them that is there already is
    left alone. What vanishes meanwhile, or may not be read, is passed over: the source may be in use.

    `limit` is how many bytes there may be. Raises ValueError, OSError; then what was made has to be removed.
    """
    source, found, made = told["source"], walk.Found(), []
    for path in told["paths"]:
        if os.path.isdir(f"{source}/{path}") and not os.path.islink(f"{source}/{path}") and not os.path.lexists(path):
            made.append(path)
            walk.below(f"{source}/{path}", found, lenient=True)
    size = sum(file[4] for file in found.files)
    if size > told["limit"]:
        raise ValueError(f"{size >> 20} MB are too much")
    targets = [path[len(source) + 1 :] for path, _ in found.directories]
    for path in made:
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
    for target in targets:
        os.mkdir(target)
    costs = [FILE_COST + file[4] for file in found.files]
    share_out(costs, lambda part: sum(_copy_file(found, targets, number) for number in part))
    for number, name, target in found.links:
        os.symlink(target, f"{targets[number]}/{name}")
    return {"files": len(found.files), "bytes": size, "paths": made}


def _copy_file(found: walk.Found, targets: list[str], which: int) -> int:
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
            _fill(source, target)
            os.utime(target, ns=(changed_ns, changed_ns))
        finally:
            os.close(target)
    finally:
        os.close(source)
    return size


def _fill(source: int, target: int) -> None:
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
