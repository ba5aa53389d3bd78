"""How much room there is, and how much a directory takes.

Directories that the user of the application owns are walked from descriptor to descriptor and never through a link:
that user may exchange any part of them at any moment, and Orbit may be root.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 512  # the unit of st_blocks, whatever the disk's own is
MOST_DEPTH = 1000
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_WRITABLE = 0o555


@dataclass(frozen=True, slots=True)
class Space:
    """An amount of disk: bytes, and inodes, of which each file and directory needs one."""

    bytes: int = 0
    inodes: int = 0

    def __add__(self, other: Space) -> Space:
        return Space(self.bytes + other.bytes, self.inodes + other.inodes)

    def covers(self, other: Space) -> bool:
        """Whether `other` fits into it."""
        return self.bytes >= other.bytes and self.inodes >= other.inodes


UNCOUNTED = sys.maxsize
"""Free inodes of a disk that makes them as they are needed, as btrfs does."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What is free for whom Orbit runs as, and what is in use."""

    free: Space
    used: Space


def of(path: Path) -> Disk:
    """The disk that `path` lies on. Raises OSError."""
    facts = os.statvfs(path)
    counted = facts.f_files > 0
    return Disk(
        Space(facts.f_bavail * facts.f_frsize, facts.f_favail if counted else UNCOUNTED),
        Space((facts.f_blocks - facts.f_bfree) * facts.f_frsize, facts.f_files - facts.f_ffree if counted else 0),
    )


def occupied(directory: Path, stopped: Callable[[], bool] = lambda: False) -> Space:
    """What a directory takes with all that is in it, a file of several names once; nothing if it is not there.

    `stopped` is asked now and then whether the answer is still wanted.
    """
    size, inodes = 0, 1
    seen: set[int] = set()
    try:
        top = os.open(directory, _DIRECTORY)
    except OSError:
        return Space()
    try:
        for _, facts in entries_below(top):
            if stopped():
                break
            if facts.st_nlink > 1 and not stat.S_ISDIR(facts.st_mode):
                if facts.st_ino in seen:
                    continue
                seen.add(facts.st_ino)
            size += facts.st_blocks * BLOCK_BYTES
            inodes += 1
    finally:
        os.close(top)
    return Space(size, inodes)


def entries_below(top: int) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below the directory that `top` is open on: paths relative to it, and facts. What lies on other
    disks, or cannot be read, is passed over."""
    device = os.fstat(top).st_dev
    pending = [""]
    while pending:
        place = pending.pop()
        try:
            with opened(top, place) as fd, os.scandir(fd) as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        for name, facts in found:
            path = f"{place}/{name}" if place else name
            if stat.S_ISDIR(facts.st_mode) and facts.st_dev == device and path.count("/") < MOST_DEPTH:
                pending.append(path)
            yield path, facts


@contextlib.contextmanager
def reached(root: Path, path: Path, flags: int) -> Iterator[int]:
    """A descriptor of the file `path` somewhere below `root`; neither it nor any part of the way from there may be a
    link. Raises OSError."""
    top = os.open(root, _DIRECTORY)
    try:
        above, _, name = str(path.relative_to(root)).rpartition("/")
        with opened(top, above) as place:
            fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    finally:
        os.close(top)
    try:
        yield fd
    finally:
        os.close(fd)


def is_there(root: Path, path: str) -> bool:
    """Whether something of that name is there below `root`; not if a link leads there."""
    try:
        with reached(root, root / path, os.O_PATH):
            return True
    except OSError as error:
        return error.errno == errno.ELOOP


@contextlib.contextmanager
def opened(top: int, place: str) -> Iterator[int]:
    """A descriptor of the directory `place` below the one that `top` is open on; no part of the way may be a link.
    Raises OSError."""
    fd = os.open(".", _DIRECTORY, dir_fd=top)
    try:
        for name in place.split("/") if place else ():
            above, fd = fd, os.open(name, _DIRECTORY, dir_fd=fd)
            os.close(above)
        yield fd
    finally:
        os.close(fd)


def take_over(directory: Path) -> None:
    """Make a directory and all in it root's, and nobody's to write to. Links are not followed, and what is above is
    taken before what is in it, so that nobody exchanges anything meanwhile. Whoever is not root leaves it as it is.
    Raises OSError."""
    if os.getuid() != 0:
        return
    top = os.open(directory, _DIRECTORY)
    try:
        pending = [""]
        while pending:
            place = pending.pop()
            with opened(top, place) as fd:
                pending += [f"{place}/{name}" if place else name for name in _taken(fd)]
    finally:
        os.close(top)


def _taken(place: int) -> list[str]:
    """Take an open directory and the files in it; the directories in it."""
    os.fchown(place, 0, 0)
    os.fchmod(place, os.fstat(place).st_mode & _NOT_WRITABLE)
    with os.scandir(place) as entries:
        names = [entry.name for entry in entries]
    directories = []
    for name in names:
        os.chown(name, 0, 0, dir_fd=place, follow_symlinks=False)
        mode = os.stat(name, dir_fd=place, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            directories.append(name)
        elif stat.S_ISREG(mode) and mode & 0o222:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            try:
                os.fchmod(fd, mode & _NOT_WRITABLE)
            finally:
                os.close(fd)
    return directories


def flatten(path: Path) -> None:
    """Bring every directory below `path` up to it, one level at a time: no depth is too much for that. Raises
    OSError."""
    top = os.open(path, _DIRECTORY)
    number = 0
    try:
        pending = _directories(top)
        while pending:
            place = os.open(pending.pop(), _DIRECTORY, dir_fd=top)
            try:
                for name in _directories(place):
                    number += 1
                    brought = f".flat.{os.getpid()}.{number}"
                    os.rename(name, brought, src_dir_fd=place, dst_dir_fd=top)
                    pending.append(brought)
            finally:
                os.close(place)
    finally:
        os.close(top)


def _directories(place: int) -> list[str]:
    with os.scandir(place) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
