"""Unpacking: what was packed, into another directory."""

from __future__ import annotations

import os
import zlib

from . import packfile, walk
from .workers import FILE_COST, share_out

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any

INPUT = 3
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(told: dict[str, Any]) -> dict[str, Any]:
    """Unpack descriptor 3 into the working directory, where none of it may be yet.

    Where a path led to the place where it was packed, that of `at` with the same number stands now; they are of the
    same length. Raises ValueError if the file is damaged, OSError; then what was made so far has to be removed.
    """
    index = packfile.read_index(INPUT)
    before = [os.fsencode(path) for path in index["at"]]
    after = [os.fsencode(path) for path in told["at"]]
    if [len(path) for path in before] != [len(path) for path in after]:
        raise ValueError("it was made at a path of another length")
    directories: list[tuple[str, int]] = index["directories"]
    for path in index["paths"]:
        above = os.path.dirname(path)
        if above:
            os.makedirs(above, exist_ok=True)
    for path, mode in directories:
        if mode == walk.NOT_MADE:
            os.makedirs(path, exist_ok=True)
        else:
            os.mkdir(path)
    chunks = index["chunks"]
    costs = [sum(FILE_COST + file[4] for file in files) for _, _, files in chunks]
    share_out(costs, lambda part: _unpack_chunks(directories, [chunks[number] for number in part], after))
    for number, name, target in index["links"]:
        moved = os.fsencode(target)
        for old, new in zip(before, after, strict=True):
            moved = moved.replace(old, new)
        os.symlink(moved, os.fsencode(f"{directories[number][0]}/{name}"))
    for path, mode in reversed(directories):
        if mode not in (0o755, walk.NOT_MADE):
            os.chmod(path, mode & 0o777)
    files = sum(len(files) for _, _, files in chunks)
    return {"files": files, "changed": index["changed"], "outside": index["outside"]}


def _unpack_chunks(directories: list[tuple[str, int]], chunks: list[Any], paths: list[bytes]) -> int:
    place, number = -1, -1
    try:
        for offset, check, files in chunks:
            size = sum(file[4] for file in files)
            large = size > packfile.CHUNK_BYTES
            data = b"" if large else packfile.read_at(INPUT, size, offset)
            if not large and zlib.crc32(data) != check:
                raise ValueError("its contents are damaged")
            at, view = 0, memoryview(data)
            for file in files:
                if file[0] != number:
                    if place >= 0:
                        os.close(place)
                    number, place = file[0], -1
                    place = os.open(directories[number][0], _DIRECTORY)
                _unpack_file(place, file, paths, view[at : at + file[4]], offset if large else -1, check)
                at += file[4]
    finally:
        if place >= 0:
            os.close(place)
    return 0


def _unpack_file(place: int, file: Any, paths: list[bytes], data: memoryview, offset: int, check: int) -> None:
    _, name, mode, changed_ns, size, hits = file
    fd = os.open(name, _CREATE, mode & 0o777, dir_fd=place)
    try:
        if offset >= 0:
            _copy_large(fd, size, offset, check)
        else:
            while data:
                data = data[os.write(fd, data) :]
        for at, number in hits:
            packfile.write_at(fd, paths[number], at)
        if mode & 0o022:  # which the umask keeps out
            os.fchmod(fd, mode & 0o777)
        os.utime(fd, ns=(changed_ns, changed_ns))
    finally:
        os.close(fd)


def _copy_large(fd: int, size: int, offset: int, expected: int) -> None:
    check, passed = 0, 0
    while passed < size:
        data = packfile.read_at(INPUT, min(packfile.BLOCK_BYTES, size - passed), offset + passed)
        check = zlib.crc32(data, check)
        packfile.write_at(fd, data, passed)
        passed += len(data)
    if check != expected:
        raise ValueError("its contents are damaged")
