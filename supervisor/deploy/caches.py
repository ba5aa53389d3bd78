"""`cache/`, what package managers have downloaded, and snapshots, kept within one budget.

The least recently used goes first, in pieces that a package manager misses without harm: it downloads them again.
Where it would take half a piece for a whole one (uv's unpacked archives) the whole is moved away first. `cache/`
belongs to the user whom builds run as, so no link in it is ever followed.

`cache/tools` is another matter: there are package managers, and Bun, which releases have on their PATH, and are started
with. Of those only what no release has there goes.
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from supervisor import disk
from supervisor.processes.uninterrupted import uninterrupted
from supervisor.releases.snapshots import Snapshots

LEAVING = ".removing-"
TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that may go as a whole: where it lies below `cache/` (or the key of a snapshot), and when any of it was
    used last."""

    path: str
    bytes: int
    used: float
    is_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is: in all, in pieces, and in the folders at the top of `cache/`, which the pieces are parts of."""

    bytes: int
    pieces: tuple[Piece, ...]
    folders: tuple[Piece, ...]


def surplus(contents: Contents, budget_bytes: int) -> list[Piece]:
    """What has to go, in its order: pieces, the least recently used first; whole folders where that is not enough."""
    left = contents.bytes
    going: list[Piece] = []
    inside: dict[str, int] = {}
    for piece in sorted(contents.pieces, key=lambda piece: piece.used):
        if left <= budget_bytes:
            return going
        going.append(piece)
        left -= piece.bytes
        if piece.is_snapshot:
            continue
        top = piece.path.partition("/")[0]
        inside[top] = inside.get(top, 0) + piece.bytes
    for folder in sorted(contents.folders, key=lambda folder: folder.used):
        if left <= budget_bytes:
            break
        rest = folder.bytes - inside.get(folder.path, 0)
        going.append(Piece(folder.path, rest, folder.used))
        left -= rest
    return going


def piece_of(path: str, is_directory: bool) -> str | None:
    """The piece that a path below `cache/` belongs to; None if only the whole folder may go."""
    match path.split("/"):
        case [tools, name, *_] if tools == TOOLS:
            return f"{TOOLS}/{name}"
        case ["npm", "_npx", name, *_]:
            return f"npm/_npx/{name}"
        case ["uv", archives, name, *_] if archives.startswith("archive-"):
            return f"uv/{archives}/{name}"
        case ["cargo", "registry", "src", index, crate, *_]:
            return f"cargo/registry/src/{index}/{crate}"
        case ["cargo", "git", "checkouts" | "db" as kept, name, *_]:
            return f"cargo/git/{kept}/{name}"
        case ["go-mod", "cache", "vcs", name, *_]:
            return f"go-mod/cache/vcs/{name}"
        case ["go-mod", "cache", "download", *_] | ["go-build", _, *_] | ["cargo", "registry", "cache", _, *_]:
            return None if is_directory else path
        case ["go-mod", *parts]:
            return _module(parts)
        case ["npm", "_cacache" | "_logs", _, *_] | ["pip", _, *_]:
            return None if is_directory else path
        case ["maven", "repository", _, *_, artifact, _, file]:
            return path.rpartition("/")[0] if file.startswith(f"{artifact}-") and not is_directory else None
        case ["gradle", "caches", "modules-2", "files-2.1", group, artifact, version, *_]:
            return f"gradle/caches/modules-2/files-2.1/{group}/{artifact}/{version}"
        case ["maven", "wrapper", "dists", name, *_] | ["gradle", "wrapper", "dists", name, *_]:
            return f"{path.partition('/')[0]}/wrapper/dists/{name}"
        case ["nuget", name, version, *_]:
            return f"nuget/{name}/{version}"
        case ["composer", "files" | "repo", _, *_]:
            return None if is_directory else path
    return None


def _module(parts: list[str]) -> str | None:
    """The unpacked Go module that a path is in: its directory ends in a version, `github.com/gorilla/mux@v1.8.1`."""
    at = next((at for at, part in enumerate(parts) if "@" in part), None)
    return None if at is None else "/".join(["go-mod", *parts[: at + 1]])


class Caches:
    """Owner of what is removed from `cache/`, and of which snapshots go. What it does can be given up at any moment; a
    snapshot that is being restored is open, and stays readable."""

    def __init__(self, directory: Path, snapshots: Snapshots) -> None:
        self._directory = directory
        self._snapshots = snapshots
        self._lock = asyncio.Lock()
        self._stop = threading.Event()

    async def trim(self, budget_bytes: int, search_paths: Collection[str] = ()) -> int:
        """Remove what is beyond the budget, but nothing that a release has on its PATH; how many bytes that was. What
        cannot be removed is told of."""
        needed = _tools_of(self._directory, search_paths)
        async with self._lock:
            stop = self._stop = threading.Event()
            removal = asyncio.ensure_future(
                asyncio.to_thread(_trim, self._directory, self._snapshots, budget_bytes, needed, stop)
            )
            try:
                return await asyncio.shield(removal)
            except asyncio.CancelledError:
                stop.set()
                await uninterrupted(asyncio.wait({removal}))  # a thread cannot be cancelled: the lock is its, too
                raise

    async def pause(self) -> None:
        """Give up what is being done: package managers are about to use the caches."""
        self._stop.set()
        async with self._lock:
            return


def _tools_of(directory: Path, search_paths: Collection[str]) -> frozenset[str]:
    """The pieces of `cache/tools` that these directories are in."""
    places = (Path(place) for place in search_paths)
    inside = (place.relative_to(directory) for place in places if place.is_relative_to(directory / TOOLS))
    return frozenset(piece for place in inside if (piece := piece_of(str(place), is_directory=True)))


def _trim(
    directory: Path, snapshots: Snapshots, budget_bytes: int, needed: frozenset[str], stop: threading.Event
) -> int:
    gained = 0
    try:
        top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        _finish(top, stop)
        for piece in surplus(_with(snapshots, _survey(top, needed, stop)), budget_bytes):
            if stop.is_set():
                break
            is_gone = _discard(snapshots, piece.path) if piece.is_snapshot else _remove(top, piece.path, stop)
            gained += piece.bytes if is_gone else 0
    finally:
        os.close(top)
    return gained


def _with(snapshots: Snapshots, contents: Contents) -> Contents:
    pieces = tuple(Piece(key, size, used, is_snapshot=True) for key, size, used in snapshots.all())
    size = contents.bytes + sum(piece.bytes for piece in pieces)
    return Contents(size, (*contents.pieces, *pieces), contents.folders)


def _discard(snapshots: Snapshots, key: str) -> bool:
    try:
        snapshots.discard(key)
    except OSError as error:
        logger.warning("cannot remove snapshot {}: {}", key, error.strerror)
        return False
    return True


def _survey(top: int, needed: frozenset[str], stop: threading.Event) -> Contents:
    pieces: dict[str, Piece] = {}
    folders: dict[str, Piece] = {}
    total = 0
    for path, facts in disk.entries_below(top):
        if stop.is_set():
            return Contents(0, (), ())
        size, used = facts.st_blocks * disk.BLOCK_BYTES, max(facts.st_atime, facts.st_mtime)
        is_directory = stat.S_ISDIR(facts.st_mode)
        total += size
        folder = path.partition("/")[0]
        is_download = folder != path or is_directory  # files at the top are none: known_hosts for one
        if is_download and folder != TOOLS:
            _add(folders, folder, size, 0 if is_directory else used)
        piece = piece_of(path, is_directory)
        if piece and piece not in needed:
            _add(pieces, piece, size, 0 if is_directory else used)  # a look at a directory, as ours, is no use of it
    return Contents(total, tuple(pieces.values()), tuple(folders.values()))


def _add(found: dict[str, Piece], path: str, size: int, used: float) -> None:
    before = found.get(path)
    found[path] = Piece(path, size + before.bytes, max(used, before.used)) if before else Piece(path, size, used)


def _finish(top: int, stop: threading.Event) -> None:
    """Remove what an earlier run had begun to remove."""
    with os.scandir(top) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(LEAVING)]
    for name in names:
        _delete(top, name, stop)


def _remove(top: int, path: str, stop: threading.Event) -> bool:
    """Remove a piece: nobody sees a half of it, whatever happens meanwhile."""
    leaving = f"{LEAVING}{os.urandom(8).hex()}"
    above, _, name = path.rpartition("/")
    try:
        with disk.opened(top, above) as parent:
            os.rename(name, leaving, src_dir_fd=parent, dst_dir_fd=top)
    except OSError as error:
        logger.warning("cannot remove {} from the cache: {}", path, error.strerror)
        return False
    return _delete(top, leaving, stop)


def _delete(top: int, name: str, stop: threading.Event) -> bool:
    """Whether all of it is gone; what is left of it when `stop` is set goes at the beginning of the next run."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
            return _delete_tree(top, name, stop)
        os.unlink(name, dir_fd=top)
    except (OSError, RecursionError) as error:
        logger.warning("cannot remove {} from the cache: {}; it is tried again after the next deployment", name, error)
        return False
    return True


def _delete_tree(parent: int, name: str, stop: threading.Event) -> bool:
    """Remove a directory from descriptor to descriptor, until `stop` is set. Raises OSError and RecursionError."""
    here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        with os.scandir(here) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for inside, is_directory in found:
            if stop.is_set():
                return False
            if not is_directory:
                os.unlink(inside, dir_fd=here)
            elif not _delete_tree(here, inside, stop):
                return False
    finally:
        os.close(here)
    os.rmdir(name, dir_fd=parent)
    return True
