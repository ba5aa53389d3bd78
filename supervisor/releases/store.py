"""The directory of releases, and the link to the live one. Truth is on disk; nothing is remembered here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from supervisor import files
from supervisor.errors import OrbitError
from supervisor.layout import Layout
from supervisor.model import Commit, Plan, Release, User

_NAME = re.compile(r"^(\d{3,})-([0-9a-f]{40,64})$")


class ReleaseStore:
    """Owner of `production/`. `user` owns each release's directory, so that builds and hooks can write there."""

    def __init__(self, layout: Layout, user: User | None) -> None:
        self._layout = layout
        self._user = user

    def all(self) -> list[Release]:
        """Every complete release, oldest first."""
        found = [self._read(path) for path in self._layout.releases.glob("[!.]*.json")]
        return sorted((release for release in found if release), key=lambda release: release.number)

    def current(self) -> Release | None:
        """The release that `current` points at, if it is complete."""
        try:
            target = self._layout.current.readlink()
        except OSError:
            return None
        return self._read(self._layout.releases / f"{target.name}.json")

    def begin(self, commit: Commit) -> tuple[int, Path]:
        """An empty directory for a release of `commit`, and its number. Raises OSError, OrbitError."""
        self.check_link()
        numbers = [int(match[1]) for path in self._layout.releases.iterdir() if (match := _NAME.match(path.stem))]
        number = max(numbers, default=0) + 1
        directory = self._layout.releases / f"{number:03d}-{commit.sha}"
        directory.mkdir(mode=0o755)
        if self._user:
            os.chown(directory, self._user.uid, self._user.gid)
        return number, directory

    def complete(self, release: Release) -> None:
        """Write the file that makes a directory a release; after all else, since a crash may come at any moment."""
        # Commands may come from settings, and settings may hold what only their owner should read.
        files.write_json(self._file(release), _as_json(release, self._layout), mode=0o600)

    def mark(self, release: Release, good: bool) -> None:
        """Whether it has been live and healthy, and so is somewhere to go back to."""
        self.complete(replace(release, good=good))

    def activate(self, release: Release) -> None:
        """Make `current` point at it. Raises OSError, OrbitError."""
        self.check_link()
        target = f"releases/{release.id}"
        if not self._layout.current.is_symlink() or self._layout.current.readlink() != Path(target):
            files.move_link(self._layout.current, target)

    def settle(self) -> None:
        """What `current` points at survives a power cut, too: after the switch, since it takes its time. Raises
        OSError."""
        files.sync_directory(self._layout.production)

    def deactivate(self) -> None:
        """Nothing is live any more. Raises OSError, OrbitError."""
        self.check_link()
        self._layout.current.unlink(missing_ok=True)
        files.sync_directory(self._layout.production)

    def check_link(self) -> None:
        """Raises OrbitError if `current` is something that a link cannot replace."""
        current = self._layout.current
        if current.exists() and not current.is_symlink():
            raise OrbitError(f"cannot switch releases: {current} is not a link; move it away, then update again")

    def unfinished(self) -> list[Path]:
        """Directories of releases whose building never came to its end."""
        return [
            path
            for path in self._layout.releases.iterdir()
            if path.is_dir() and _NAME.match(path.name) and not path.with_name(path.name + ".json").exists()
        ]

    def broken(self) -> list[Path]:
        """Files of releases that cannot be read; their directories are neither used nor removed."""
        complete = {self._file(release) for release in self.all()}
        return [path for path in self._layout.releases.glob("[!.]*.json") if path not in complete]

    def forget(self, directory: Path) -> None:
        """It is no release any more; its directory may be removed."""
        directory.with_name(directory.name + ".json").unlink(missing_ok=True)

    def _file(self, release: Release) -> Path:
        return self._layout.releases / f"{release.id}.json"

    def _read(self, path: Path) -> Release | None:
        directory = path.with_suffix("")
        if not _NAME.match(directory.name) or not directory.is_dir():
            return None
        try:
            return _release(msgspec.convert(files.read_json(path), _File), directory)
        except msgspec.ValidationError:
            return None


def _as_json(release: Release, layout: Layout) -> dict[str, Any]:
    plan = release.plan
    return {
        "schema": 1,
        "id": release.id,
        "number": release.number,
        "commit": release.commit.sha,
        "commit_message": release.commit.subject,
        "author": release.commit.author,
        "authored_at": release.commit.authored_at.isoformat(),
        "project": str(release.project.relative_to(release.directory)),
        "built_at": release.built_at.isoformat(),
        "build_duration_seconds": round(release.build_duration_s, 3),
        "good": release.good,
        "search_path": release.search_path,
        "plan": {name: getattr(plan, name) for name in Plan.__dataclass_fields__},
    }


@dataclass(frozen=True, slots=True)
class _File:
    """What is read of a release's file."""

    number: int
    commit: str
    commit_message: str
    author: str
    authored_at: datetime
    project: str
    plan: Plan
    built_at: datetime
    build_duration_seconds: float
    search_path: tuple[str, ...]
    good: bool


def _release(file: _File, directory: Path) -> Release:
    return Release(
        number=file.number,
        commit=Commit(file.commit, file.commit_message, file.author, file.authored_at),
        directory=directory,
        project=directory / file.project,
        plan=file.plan,
        built_at=file.built_at,
        build_duration_s=file.build_duration_seconds,
        search_path=file.search_path,
        good=file.good,
    )
