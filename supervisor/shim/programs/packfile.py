"""The file that holds a snapshot: the contents of many files one after another, then the index, then the foot.

One file, since making thousands of them is what takes the time; written in parallel, each file's place being known from
its size. The foot is written last: without it the file is unfinished. Every part has a check sum, so what a power cut
or a disk has done to it is seen before any of it is used.
"""

from __future__ import annotations

import json
import os
import struct
import zlib

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
MAGIC = b"orbit-pack\n\0"
_FOOT = struct.Struct("!QQI12s")
"""Where the index begins, its length, its check sum."""
CHUNK_BYTES = 1024 * 1024
"""About what is read, checked and taken apart at a time; a larger file is a chunk of its own."""
BLOCK_BYTES = 1024 * 1024

FILE = 0, 1, 2, 3, 4, 5
"""Of a file in the index: number of its directory, name, mode, time of change in ns, size, and at which bytes a path
stands that leads to the place where it was packed: [[byte, number of the path], …]."""


def write_index(fd: int, index: dict[str, Any], at: int) -> None:
    """Write the index behind the contents, and the foot."""
    data = json.dumps({**index, "format": FORMAT}).encode()
    write_at(fd, data, at)
    write_at(fd, _FOOT.pack(at, len(data), zlib.crc32(data), MAGIC), at + len(data))


def read_index(fd: int) -> dict[str, Any]:
    """The index. Raises ValueError if the file is not whole, OSError."""
    size = os.fstat(fd).st_size
    foot = os.pread(fd, _FOOT.size, max(size - _FOOT.size, 0))
    if len(foot) != _FOOT.size:
        raise ValueError("it is not finished")
    at, length, check, magic = _FOOT.unpack(foot)
    if magic != MAGIC or at + length + _FOOT.size != size:
        raise ValueError("it is not finished")
    data = read_at(fd, length, at)
    if zlib.crc32(data) != check:
        raise ValueError("its index is damaged")
    index: dict[str, Any] = json.loads(data)
    if index["format"] != FORMAT:
        raise ValueError("it is of another format")
    return index


def write_at(fd: int, data: bytes | bytearray | memoryview, at: int) -> None:
    """All of `data`. Raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, at)
        rest, at = rest[written:], at + written


def read_at(fd: int, length: int, at: int) -> bytes:
    """Exactly so many bytes. Raises ValueError if there are fewer, OSError."""
    data = os.pread(fd, length, at)
    while len(data) < length:
        more = os.pread(fd, length - len(data), at + len(data))
        if not more:
            raise ValueError("it is shorter than it was")
        data += more
    return data
