"""`snapshots/`: what installs have made, a file each, named after all that decided what it is.

Other releases get their copy of it instead of an install. The files are those of whoever runs Orbit: as root, nothing
that the application, a build or a hook does reaches them; the programs that write and read them run as the
application's user and are given one open descriptor. They count as a part of the caches, and go as those do.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from supervisor import files

SUFFIX = ".pack"
PARTS = "latest.json"


class Snapshots:
    """Owner of `snapshots/`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, key: str) -> int | None:
        """A descriptor of the snapshot, None if there is none; it stays readable when the snapshot is removed. Raises
        OSError."""
        fd = files.open_to_read(self._path(key))
        if fd is not None:
            with contextlib.suppress(OSError):  # a disk that cannot be written to is no reason not to read
                files.touch(fd)
        return fd

    def begin(self, key: str) -> int:
        """A descriptor to write a snapshot to. Raises OSError."""
        return files.create(self._path(key))

    def finish(self, key: str, parts: Mapping[str, str]) -> None:
        """What was written is complete; `parts` are what made its key. Raises OSError."""
        path = self._path(key)
        files.move(files.temporary_of(path), path)
        files.write_json(self._directory / PARTS, dict(parts), mode=0o600, durable=False)

    def abandon(self, key: str) -> None:
        """What was written is not to be kept. Raises OSError."""
        files.remove(files.temporary_of(self._path(key)))

    def discard(self, key: str) -> None:
        """It is of no use. Raises OSError."""
        files.remove(self._path(key))

    def latest(self) -> Mapping[str, str]:
        """The parts of the key of the last one that was made. Raises OSError."""
        found = files.read_json(self._directory / PARTS)
        return found if isinstance(found, dict) else {}

    def all(self) -> list[tuple[str, int, float]]:
        """Key, bytes and time of the last use of each. Raises OSError."""
        found = []
        for path in files.listing(self._directory, f"*{SUFFIX}"):
            facts = files.facts(path)
            if facts:
                found.append((path.name.removesuffix(SUFFIX), *facts))
        return found

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}{SUFFIX}"


def close(fd: int) -> None:
    """Let go of a descriptor from here."""
    os.close(fd)
