"""The spool of requests: a file each, there until it has been dealt with, so that none is lost in a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loguru import logger

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import Action, Request

MOST_WAITING = 1000
MOST_BYTES = 16384


def make(action: Action, cause: str, target: str | None = None) -> Request:
    """A new request, with an id of its own."""
    return Request(_new_id(), action, cause, datetime.now(UTC), target)


def _new_id() -> str:
    return os.urandom(6).hex()


class Spool:
    """Owner of `run/requests`. Whoever can write there can ask; that is this supervisor's own user."""

    def __init__(self, layout: Layout) -> None:
        self._directory = layout.requests
        self._dealt_with: list[Request] = []
        self.refused = 0
        """How many files were none, so far."""
        self.unread: frozenset[Path] = frozenset()
        """What could not be read the last time, and has to be looked at again."""

    def accept(self, request: Request) -> None:
        """From here on the request survives a crash. Raises OSError."""
        with _as_owner_of(self._directory):
            files.write_json(self._path(request), _as_json(request), mode=0o600)

    def waiting(self) -> list[Request]:
        """Every request that was accepted and not dealt with, oldest first. What is no request is removed; what cannot
        be read may be one, and stays."""
        before, self.unread = self.unread, frozenset()
        try:
            paths = files.listing(self._directory, "*.json")
        except OSError as error:
            self._pass_over(self._directory, error, before)
            return []
        found: list[Request] = []
        for path in paths:
            if len(found) == MOST_WAITING:
                break  # those that are no requests do not count: they must not hide one
            try:
                request = _read(path)
                if request is None:
                    self.refused += 1
                    logger.warning("{} is not a request; it is removed", path)
                    files.remove_tree(path)
                    continue
                if self._path(request) != path:
                    # Written by hand: file it under the name by which it will be found again.
                    self.accept(request)
                    files.remove(path)
            except OSError as error:
                self._pass_over(path, error, before)
            else:
                if request not in self._dealt_with:
                    found.append(request)
        return sorted(found, key=lambda request: request.created_at)

    def holds(self, request: Request) -> bool:
        """Whether it has not been dealt with yet."""
        return files.kind(self._path(request)) is not None

    def done(self, request: Request) -> None:
        """It has been dealt with; its outcome is on record. Raises OSError; then its file goes with the next one's."""
        self._dealt_with.append(request)
        while self._dealt_with:
            files.remove(self._path(self._dealt_with[0]))
            self._dealt_with.pop(0)

    def _pass_over(self, path: Path, error: OSError, told: frozenset[Path]) -> None:
        self.unread |= {path}
        if path not in told:
            logger.warning("cannot take the request in {}: {}; it is tried again", path, error.strerror)

    def _path(self, request: Request) -> Path:
        return self._directory / f"{request.created_at:%Y%m%dT%H%M%S.%f}-{request.id}.json"


@contextmanager
def _as_owner_of(directory: Path) -> Iterator[None]:
    """Root asks an Orbit that runs as somebody else: what it writes has to be that user's."""
    (owner, owners_group), group = files.owner(directory), os.getegid()
    if os.geteuid() != 0 or owner == 0:
        yield
        return
    os.setegid(owners_group)
    os.seteuid(owner)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def _as_json(request: Request) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": request.id,
        "action": request.action,
        "release" if request.action is Action.ROLLBACK else "ref": request.target,
        "cause": request.cause,
        "created_at": request.created_at.isoformat(),
    }


def _read(path: Path) -> Request | None:
    value = files.read_json(path, MOST_BYTES)
    if not isinstance(value, dict):
        return None
    try:
        created = value.get("created_at")
        target = value.get("release") if value["action"] == Action.ROLLBACK else value.get("ref")
        return Request(
            id=_plain(value.get("id") or path.stem),
            action=Action(value["action"]),
            cause=str(value.get("cause", "a request file"))[:200],
            created_at=datetime.fromisoformat(created).astimezone(UTC) if created else datetime.now(UTC),
            target=str(target)[:400] if target else None,
        )
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _plain(name: object) -> str:
    """An id that is safe as part of a file's name."""
    return "".join(char for char in str(name) if char.isalnum() or char in "-_")[:64] or _new_id()
