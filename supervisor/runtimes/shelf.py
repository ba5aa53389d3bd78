"""`runtimes/`: what was installed for releases, and is shared by them.

Each lies in a directory of its own, `node-22.12.0`, that holds all of it. The file `node-22.12.0.json` beside it is
written last: without it the installation was interrupted, and is none.
"""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

from supervisor import disk, files
from supervisor.model import User

LEAVING = "removing-"
INSTALLER = ("mise", "2026.9.15")
"""mise itself, in the version that is fetched where PATH has none."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A runtime. `bin` is relative to its directory; `used_at` is when a deployment last asked for it, in seconds since
    the epoch."""

    name: str
    version: str
    directory: Path
    bin: str
    bytes: int
    used_at: float

    @property
    def bin_dir(self) -> Path:
        return self.directory / self.bin

    @property
    def stays(self) -> bool:
        """Whether it is no runtime, but what installs them."""
        return self.name == INSTALLER[0] and self.version == INSTALLER[1]


class Shelf:
    """Owner of `runtimes/`. What the running deployment has asked for is never removed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._wanted: set[Path] = set()

    def begin_deployment(self) -> None:
        """What the last one has asked for is kept by its release, if it made one."""
        self._wanted.clear()

    def all(self, name: str | None = None) -> list[Installed]:
        """What is installed (of one kind). Raises OSError."""
        found = [_read(path) for path in files.listing(self._directory, "*.json")]
        return [one for one in found if one and name in (None, one.name)]

    def begin(self, name: str, version: str, user: User | None = None) -> Path:
        """An empty directory to install into, which `user` can write to. Raises OSError."""
        directory = self._free(f"{name}-{version}")
        self._wanted.add(directory)
        self._set_aside(directory)
        files.make_directory(directory, user=user, fresh=True)
        return directory

    def complete(self, name: str, version: str, directory: Path, bin_dir: Path) -> Installed:
        """It can be used from now on; where Orbit is root, nobody else changes it any more. Raises OSError."""
        disk.take_over(directory)
        installed = Installed(
            name,
            version,
            directory,
            str(bin_dir.relative_to(directory)),
            disk.occupied(directory).bytes,
            time.time(),
        )
        self._write(installed)
        return installed

    def take(self, installed: Installed) -> bool:
        """The running deployment uses it; False if it was removed since it was listed. Raises OSError."""
        if files.kind(self._record(installed.directory)) is None:
            return False
        self._wanted.add(installed.directory)
        self._write(replace(installed, used_at=time.time()))
        return True

    def give_up(self, directory: Path) -> Path | None:
        """The installation failed; what is left to be removed. Raises OSError."""
        self._wanted.discard(directory)
        return self._set_aside(directory)

    @asynccontextmanager
    async def begun(self, name: str, version: str, user: User | None) -> AsyncIterator[Path]:
        """`begin`, for an installation that leaves nothing if it fails. Raises OSError."""
        directory = self.begin(name, version, user)
        try:
            yield directory
        except BaseException:
            await self.drop(directory)
            raise

    async def drop(self, directory: Path) -> None:
        """`give_up`, and remove what is left. Raises OSError."""
        leaving = self.give_up(directory)
        if leaving:
            await asyncio.to_thread(self.remove, leaving)

    def remove(self, leaving: Path) -> None:
        """Remove what was set aside; another thread may do so. Raises OSError."""
        files.remove_tree(leaving)

    def leftovers(self) -> list[Path]:
        """Directories of installations that were interrupted, and of removals. Raises OSError."""
        complete = {one.directory for one in self.all()}
        return [
            path
            for path in files.listing(self._directory)
            if path.suffix != ".json" and path not in complete and path not in self._wanted
        ]

    def unused(self, search_paths: Collection[str]) -> list[Installed]:
        """What neither a release with one of these directories on its PATH needs, nor the running deployment; what
        was not used for longest comes first. Raises OSError."""
        found = [
            one
            for one in self.all()
            if one.directory not in self._wanted
            and not any(Path(place).is_relative_to(one.directory) for place in search_paths)
        ]
        return sorted(found, key=lambda one: one.used_at)

    def withdraw(self, directory: Path) -> Path | None:
        """From now on it is not installed; the directory that is left to be removed, None if it is wanted. Raises
        OSError."""
        return None if directory in self._wanted else self._set_aside(directory)

    def _free(self, name: str) -> Path:
        """The place of one that is to be installed: never that of one that is, however broken it may seem."""
        number = 1
        place = directory = self._directory / name
        while files.kind(self._record(place)) is not None:
            number += 1
            place = directory.with_name(f"{name}-{number}")
        return place

    def _set_aside(self, directory: Path) -> Path | None:
        files.remove(self._record(directory))
        if directory.name.startswith(LEAVING):
            return directory
        if files.kind(directory) is None:
            return None
        leaving = directory.with_name(f"{LEAVING}{time.time_ns()}-{directory.name}")
        files.move(directory, leaving)
        return leaving

    def _write(self, installed: Installed) -> None:
        value = {"schema": 1, **asdict(installed)}
        del value["directory"]
        files.write_json(self._record(installed.directory), value)

    @staticmethod
    def _record(directory: Path) -> Path:
        return directory.with_name(f"{directory.name}.json")


def superfluous(unused: list[Installed], since: float, budget_bytes: int) -> list[Installed]:
    """What of the unused ones, the least recently used first, may go: those that were not asked for since the live
    release was made, at `since`; and of what failed deployments have asked for, the oldest that is beyond the budget,
    if there is one."""
    going = [one for one in unused if one.used_at < since and not one.stays]
    rest = [one for one in unused if one not in going]
    total = sum(one.bytes for one in rest)
    for one in rest:
        if total <= budget_bytes or not budget_bytes:
            break
        going.append(one)
        total -= one.bytes
    return going


@dataclass(frozen=True, slots=True)
class _File:
    """What is read of a runtime's file."""

    name: str
    version: str
    bin: str
    bytes: int
    used_at: float


def _read(path: Path) -> Installed | None:
    """None if it is none: the file is broken, or the directory gone. Raises OSError."""
    directory = path.with_suffix("")
    if files.kind(directory) != stat.S_IFDIR:
        return None
    try:
        file = msgspec.convert(files.read_json(path), _File)
    except msgspec.ValidationError:
        return None
    return Installed(file.name, file.version, directory, file.bin, file.bytes, file.used_at)
