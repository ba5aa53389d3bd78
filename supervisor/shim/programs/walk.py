"""What is in directories that are to be copied: directories, files and links, and nothing else."""

from __future__ import annotations

import os
import stat

MOST_ENTRIES = 2_000_000


class Found:
    """What was found: `directories` (path, mode) with those above before those in them; `files` (number of the
    directory, name, mode, time of change in ns, size) directory by directory; `links` (number of the directory,
    name, target). `shared` are files that have other names, too."""

    def __init__(self) -> None:
        self.directories: list[tuple[str, int]] = []
        self.files: list[tuple[int, str, int, int, int]] = []
        self.links: list[tuple[int, str, str]] = []
        self.shared: list[str] = []

    @property
    def entries(self) -> int:
        return len(self.directories) + len(self.files) + len(self.links)


NOT_MADE = -1
"""The mode of a directory that is named for a file in it alone."""


def file(path: str, found: Found) -> None:
    """Add a single file, or a link. Raises ValueError, OSError."""
    number = len(found.directories)
    found.directories.append((os.path.dirname(path) or ".", NOT_MADE))
    with os.scandir(found.directories[number][0]) as entries:
        for entry in entries:
            if entry.name == os.path.basename(path):
                _add(entry, number, found, lenient=False)


def below(path: str, found: Found, passed_over: frozenset[str] = frozenset(), lenient: bool = False) -> None:
    """Add the directory `path` and all below it but `passed_over`. Raises ValueError about what is neither file,
    directory nor link, and about a tree without end, OSError about what cannot be read; if `lenient`, both are passed
    over."""
    waiting = [path]
    while waiting:
        place = waiting.pop()
        try:
            facts = os.lstat(place)
            with os.scandir(place) as entries:
                listed = list(entries)
        except OSError:
            if lenient and place != path:
                continue
            raise
        number = len(found.directories)
        found.directories.append((place, stat.S_IMODE(facts.st_mode)))
        for entry in listed:
            if entry.path in passed_over:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                _add(entry, number, found, lenient)
        if found.entries > MOST_ENTRIES:
            raise ValueError(f"there are more than {MOST_ENTRIES} files in it")


def _add(entry: os.DirEntry[str], number: int, found: Found, lenient: bool) -> None:
    try:
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(facts.st_mode):
            mode = stat.S_IMODE(facts.st_mode)
            found.files.append((number, entry.name, mode, facts.st_mtime_ns, facts.st_size))
            if facts.st_nlink > 1:
                found.shared.append(entry.path)
        elif stat.S_ISLNK(facts.st_mode):
            found.links.append((number, entry.name, os.readlink(entry.path)))
        elif not lenient:
            raise ValueError(f"{entry.path} is neither a file, a directory nor a link")
    except OSError:
        if not lenient:
            raise


def changed_since(since_ns: int, passed_over: frozenset[str], most: int = 50) -> list[str]:
    """The directories below the working directory in which a file was made or changed after that; `passed_over` and
    what Python makes by itself are not looked at."""
    changed: list[str] = []
    waiting = ["."]
    while waiting and len(changed) < most:
        place = waiting.pop()
        with os.scandir(place) as entries:
            listed = list(entries)
        is_changed = False
        for entry in listed:
            path = entry.path.removeprefix("./")
            if path in passed_over or entry.name == "__pycache__" or entry.name.endswith(".egg-info"):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.stat(follow_symlinks=False).st_ctime_ns > since_ns:
                is_changed = True
        if is_changed:
            changed.append(place.removeprefix("./"))
    return sorted(changed)
