"""Packing: what an install has made, into one file."""

from __future__ import annotations

import json
import os
import stat
import zlib

from . import packfile, unshare, walk
from .workers import FILE_COST, share_out

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any

    File = tuple[int, str, int, int, int]
    Hits = dict[str, list[tuple[int, int]]]

OUTPUT = 3


def pack(told: dict[str, Any]) -> dict[str, Any]:
    """Pack `paths` below the working directory into descriptor 3.

    `at` are the paths that lead to the working directory; where one stands in a file or a link, that is noted. `limit`
    is how many bytes there may be. `since` (ns) is when the install began, `beside` what may have changed since then
    besides `paths`, and is not packed; of `outside` it is noted what is there. With `source`, a part of the repository
    may be copied into it.

    The answer says how much it was, and in which directories else the install has written. Raises ValueError, OSError.
    """
    found = walk.Found()
    there = [path for path in told["paths"] if os.path.lexists(path)]
    for path in there:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            walk.below(path, found, frozenset(told["beside"]))
        else:
            walk.file(path, found)
    unshare.of(found)
    size = sum(file[4] for file in found.files)
    if size > told["limit"]:
        raise ValueError(f"{size >> 20} MB are too much for it")
    passed_over = frozenset((*told["paths"], *told["beside"], ".git"))
    changed = walk.changed_since(told["since"], passed_over)
    at = [os.fsencode(path) for path in told["at"]]
    chunks = _chunks(found)
    costs = [sum(FILE_COST + file[4] for file in files) for _, files in chunks]
    offsets = _offsets(chunks)
    parts = share_out(
        costs, lambda part: [_pack_chunk(found, *chunks[n], offsets[n], at, told["source"]) for n in part]
    )
    written = [answer for part in parts for answer in part]
    index = {
        "paths": there,
        "at": told["at"],
        "changed": changed,
        "outside": [os.path.basename(path) for path in told["outside"] if os.path.isdir(path)],
        "directories": found.directories,
        "links": found.links,
        "chunks": [
            [offset, check, [[*file, hits.get(str(n), [])] for n, file in enumerate(files)]]
            for (_, files), offset, (check, hits) in zip(chunks, offsets[:-1], written, strict=True)
        ],
    }
    packfile.write_index(OUTPUT, index, offsets[-1])
    return {"files": len(found.files), "bytes": size, "paths": there, "changed": changed}


def _chunks(found: walk.Found) -> list[tuple[int, list[File]]]:
    """Files in their order, some at a time: how many bytes those are, and which."""
    chunks: list[tuple[int, list[File]]] = []
    for file in found.files:
        size = file[4]
        if chunks and chunks[-1][0] + size <= packfile.CHUNK_BYTES:
            chunks[-1] = (chunks[-1][0] + size, chunks[-1][1])
            chunks[-1][1].append(file)
        else:
            chunks.append((size, [file]))
    return chunks


def _offsets(chunks: list[tuple[int, list[File]]]) -> list[int]:
    """Where each begins, and where the last one ends."""
    offsets, at = [], 0
    for size, _ in chunks:
        offsets.append(at)
        at += size
    return [*offsets, at]


def _pack_chunk(
    found: walk.Found, size: int, files: list[File], at: int, paths: list[bytes], source: bool
) -> tuple[int, Hits]:
    """Write the contents of `files` from `at` on; their check sum, and where `paths` stand in which of them."""
    check, hits = 0, {}
    whole = bytearray()
    for number, file in enumerate(files):
        name = f"{found.directories[file[0]][0]}/{file[1]}"
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if len(files) > 1 or size <= packfile.CHUNK_BYTES:
                data = os.read(fd, file[4]) if file[4] else b""
                _expect(name, len(data) == file[4] and not os.read(fd, 1))
                whole += data
                inside = _search(data, paths)
            else:
                check, inside = _pack_large(fd, name, file[4], at, paths)
        finally:
            os.close(fd)
        if inside:
            if not source:
                _refuse_copy_of_source(name)
            hits[str(number)] = inside
    if whole:
        check = zlib.crc32(whole)
        packfile.write_at(OUTPUT, whole, at)
    return check, hits


def _pack_large(fd: int, name: str, size: int, at: int, paths: list[bytes]) -> tuple[int, list[tuple[int, int]]]:
    check, passed, tail = 0, 0, b""
    longest = max(map(len, paths), default=1)
    inside: list[tuple[int, int]] = []
    while data := os.read(fd, packfile.BLOCK_BYTES):
        _expect(name, passed + len(data) <= size)
        packfile.write_at(OUTPUT, data, at + passed)
        check = zlib.crc32(data, check)
        seen = tail + data
        since = passed - len(tail)
        inside += [(since + place, number) for place, number in _search(seen, paths)]
        passed += len(data)
        tail = seen[-longest + 1 :] if longest > 1 else b""
    _expect(name, passed == size)
    return check, sorted(set(inside))


def _search(data: bytes, paths: list[bytes]) -> list[tuple[int, int]]:
    """At which bytes which of `paths` stands."""
    inside = []
    for number, path in enumerate(paths):
        place = data.find(path)
        while place >= 0:
            inside.append((place, number))
            place = data.find(path, place + len(path))
    return inside


def _expect(name: str, holds: bool) -> None:
    """Raises ValueError if a file is not as it was found."""
    if not holds:
        raise ValueError(f"{name} was changed meanwhile")


def _refuse_copy_of_source(name: str) -> None:
    """A copy of the project among its own dependencies is another one with the next commit. Raises ValueError."""
    if not name.endswith(".dist-info/direct_url.json"):
        return
    with open(name, "rb") as file:
        told = json.loads(file.read(65536))
    if isinstance(told, dict) and "dir_info" in told and not told["dir_info"].get("editable"):
        raise ValueError(f"a part of the repository is copied into it ({os.path.dirname(name)})")
