"""A disk that is small enough to be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest


class Disk:
    """A tmpfs of its own at `path`."""

    def __init__(self, path: Path, megabytes: int, inodes: int = 20_000) -> None:
        self.path = path
        self._ballast = path / "ballast"
        path.mkdir()
        options = f"size={megabytes}m,nr_inodes={inodes}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")

    def fill(self, leave_bytes: int = 0) -> None:
        """Leave not a byte, or so many; what was filled before is taken away first."""
        self.free()
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while self.free_bytes > leave_bytes and file.write(bytes(65536)) == 65536:
                continue

    def fill_inodes(self, leave: int = 0) -> None:
        """Leave not a name, or so many."""
        self._ballast.mkdir()
        with contextlib.suppress(OSError):
            for number in range(os.statvfs(self.path).f_favail - leave):
                (self._ballast / str(number)).touch()

    def free(self) -> None:
        """Take the ballast away."""
        if self._ballast.is_dir():
            for path in self._ballast.iterdir():
                path.unlink()
            self._ballast.rmdir()
        else:
            self._ballast.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)
