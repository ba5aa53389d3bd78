"""The directory of releases, and the link to the live one. Truth is on disk; nothing is remembered here."""

from __future__ import annotations

import re
import stat
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from supervisor import files
from supervisor.errors import OrbitError
from supervisor.layout import Layout
from supervisor.model import Commit, Plan, Release, Site, User
from supervisor.releases import gate

_NAME = re.compile(r"^(\d{3,})-([0-9a-f]{40,64})$")


class ReleaseStore:
    """Owner of `production/`. `user` owns each release's directory, so that builds and hooks can write there."""

    def __init__(self, layout: Layout, user: User | None) -> None:
        self._layout = layout
        self._user = user

    def all(self) -> list[Release]:
        """Every complete release that can be read, oldest first. Raises OSError."""
        found = (release for _, release in self._survey() if isinstance(release, Release))
        return sorted(found, key=lambda release: release.number)

    def current(self) -> Release | None:
        """The release that `current` points at, if it is complete. Raises OSError if that cannot be told, which must
        not be taken for None."""
        target = self.linked()
        return self._read(self._layout.releases / f"{target}.json") if target else None

    def linked(self) -> str | None:
        """The name that `current` leads to, complete or not. Raises OSError."""
        target = files.read_link(self._layout.current)
        return Path(target).name if target else None

    def begin(self, commit: Commit) -> tuple[int, Path]:
        """An empty directory for a release of `commit`, and its number. Raises OSError, OrbitError."""
        self.check_link()
        numbers = [int(match[1]) for path in files.listing(self._layout.releases) if (match := _NAME.match(path.stem))]
        number = max(numbers, default=0) + 1
        directory = self._layout.releases / f"{number:03d}-{commit.sha}"
        files.make_directory(directory, user=self._user, fresh=True)
        return number, directory

    def complete(self, release: Release) -> None:
        """Write the file that makes a directory a release; after all else, since a crash may come at any moment. As
        root, close it to what runs other releases."""
        if self._user and self._user.uid:
            gate.close(release.directory, release.project, gate.number_of(release.number, release.site is not None))
        # Commands may come from settings, and settings may hold what only their owner should read.
        files.write_json(self._file(release), _as_json(release, self._layout), mode=0o600)

    def mark(self, release: Release, good: bool) -> None:
        """Whether it has been live and healthy, and so is somewhere to go back to."""
        self.complete(replace(release, good=good))

    def activate(self, release: Release) -> None:
        """Make `current` point at it. Raises OSError, OrbitError."""
        self.check_link()
        target = f"releases/{release.id}"
        if files.read_link(self._layout.current) != target:
            files.move_link(self._layout.current, target)

    def settle(self) -> None:
        """What `current` points at survives a power cut, too: after the switch, since it takes its time. Raises
        OSError."""
        files.sync_directory(self._layout.production)

    def deactivate(self) -> None:
        """Nothing is live any more. Raises OSError, OrbitError."""
        self.check_link()
        files.remove(self._layout.current)
        files.sync_directory(self._layout.production)

    def check_link(self) -> None:
        """Raises OrbitError if `current` is something that a link cannot replace, OSError if that cannot be told."""
        current = self._layout.current
        if files.kind(current) not in (None, stat.S_IFLNK):
            raise OrbitError(f"cannot switch releases: {current} is not a link; move it away, then update again")

    def unfinished(self) -> list[Path]:
        """Directories of releases whose building never came to its end. Raises OSError."""
        names = files.listing(self._layout.releases)
        complete = {path.stem for path in names if path.suffix == ".json"}
        return [
            path
            for path in names
            if _NAME.match(path.name) and path.name not in complete and files.kind(path) == stat.S_IFDIR
        ]

    def broken(self) -> list[Path]:
        """Files of releases that cannot be read; their directories are neither used nor removed. Raises OSError."""
        return [path for path, release in self._survey() if not isinstance(release, Release)]

    def unreadable(self) -> bool:
        """Whether the disk refuses to say what one of the releases is: it may be a good one. Raises OSError."""
        return any(isinstance(release, OSError) for _, release in self._survey())

    def forget(self, directory: Path) -> None:
        """It is no release any more; its directory may be removed."""
        files.remove(directory.with_name(directory.name + ".json"))

    def _file(self, release: Release) -> Path:
        return self._layout.releases / f"{release.id}.json"

    def _survey(self) -> list[tuple[Path, Release | OSError | None]]:
        """What each file of a release says; None if that is no release."""
        found: list[tuple[Path, Release | OSError | None]] = []
        for path in files.listing(self._layout.releases, "*.json"):
            try:
                found.append((path, self._read(path)))
            except OSError as error:
                found.append((path, error))
        return found

    def _read(self, path: Path) -> Release | None:
        directory = path.with_suffix("")
        if not _NAME.match(directory.name) or files.kind(directory, follow=True) != stat.S_IFDIR:
            return None
        try:
            return _release(msgspec.convert(files.read_json(path), _File), directory)
        except msgspec.ValidationError:
            return None


def _as_json(release: Release, layout: Layout) -> dict[str, Any]:
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
        "site": release.site and asdict(release.site),
        "plan": asdict(release.plan),
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
    site: Site | None = None


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
        site=file.site,
    )
