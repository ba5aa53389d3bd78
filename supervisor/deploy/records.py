"""`deployments/000001.json`: a record of each attempt, written when it starts and when it ends."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import msgspec

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import Outcome
from supervisor.redact import scrub

SCHEMA = 1
MOST_RECORDS = 500
MOST_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"(?:[0-9]{6}|[1-9][0-9]{6,8})\.json")


class FailureRecord(TypedDict):
    """Why an attempt failed; see `attempt.Failure`."""

    stage: str
    kind: str
    reason: str
    command: NotRequired[str | None]
    exit_status: int | None
    signal: int | None
    signal_name: NotRequired[str | None]
    timed_out: bool
    timeout: NotRequired[dict[str, str | float] | None]
    out_of_memory: bool
    health: dict[str, str | int | None] | None
    listens_on: NotRequired[list[int] | None]
    tail: list[str]
    next: NotRequired[str | None]
    log: NotRequired[str]


class Record(TypedDict):
    """What stands in a record; `outcome` and what goes with it are null until the attempt has ended."""

    schema: int
    number: int
    request: str
    action: str
    cause: str
    commit: str | None
    commit_full: str | None
    commit_message: str | None
    release: str | None
    previous_release: str | None
    dependencies: NotRequired[str | None]
    stage: str
    started_at: str
    ended_at: str | None
    duration_seconds: float
    outcome: str | None
    reason: str | None
    failure: FailureRecord | None
    warnings: list[str]
    post_deploy: NotRequired[FailureRecord | None]
    timings: dict[str, float]


class Records:
    """Owner of `deployments/`. Raises OSError if that cannot be listed: no number may be used twice."""

    def __init__(self, layout: Layout, redact: Callable[[str], str] = str) -> None:
        self._redact = redact
        self._directory = layout.deployments
        self.unread: tuple[int, ...] = ()
        """The numbers of those that the disk refused so far."""
        self._highest = 0
        self._numbers()
        self._unwritten: list[Record] = []

    def next_number(self) -> int:
        """The number of the next attempt; numbers are never used again."""
        with contextlib.suppress(OSError):  # then it is the highest that was seen before
            self._numbers()
        self._highest += 1
        return self._highest

    def write(self, number: int, facts: dict[str, Any]) -> None:
        """Replace the record. Raises OSError."""
        files.write_json(self._path(number), scrub({"schema": SCHEMA, "number": number, **facts}, self._redact))

    def remove(self, number: int) -> None:
        """There was nothing to do: no attempt after all, and its number is the next one's."""
        files.remove(self._path(number))
        if number == self._highest:
            self._highest -= 1

    def latest(self, most: int) -> list[Record]:
        """The newest records, newest first; those that cannot be read are passed over. Raises OSError."""
        return list(islice(self._newest(), most))

    def read(self, number: int) -> Record | None:
        """The record of one attempt; None if there is none that can be read."""
        return _read(self._path(number))

    def of(self, release: str) -> Record | None:
        """The newest record of an attempt that was about this release."""
        return next((record for record in self._newest() if record["release"] == release), None)

    def _newest(self) -> Iterator[Record]:
        unread: list[int] = []
        for number in self._numbers():
            try:
                record = _read(self._path(number))
            except OSError:
                unread.append(number)
                self.unread = tuple(unread)
                continue
            if record:
                yield record

    def of_request(self, request: str) -> Record | None:
        """The newest record of the attempts that a request led to. Raises OSError."""
        return next((record for record in self._newest() if record["request"] == request), None)

    def close_interrupted(self) -> list[Record]:
        """Records without an end were being written when the supervisor died: say so in them, and return them.

        What a full disk refuses is written with the next pruning.
        """
        closed = [record for record in islice(self._newest(), MOST_RECORDS) if record["outcome"] is None]
        for record in closed:
            record["outcome"] = Outcome.INTERRUPTED
            record["reason"] = "the supervisor ended during the deployment"
            record["ended_at"] = datetime.now(UTC).isoformat()
        self._unwritten = list(closed)
        self._write_the_rest()
        return closed

    def _write_the_rest(self) -> None:
        with contextlib.suppress(OSError):
            while self._unwritten:
                files.write_json(self._path(self._unwritten[0]["number"]), self._unwritten[0])
                self._unwritten.pop(0)

    def amend(self, record: Record, **changes: object) -> None:
        """Say more of an attempt that has ended. Raises OSError."""
        files.write_json(self._path(record["number"]), scrub({**record, **changes}, self._redact))

    def prune(self) -> None:
        """Forget the oldest beyond `MOST_RECORDS` and `MOST_BYTES`."""
        self._write_the_rest()
        total = 0
        for place, number in enumerate(self._numbers()):
            path = self._path(number)
            total += files.size(path)
            if place >= MOST_RECORDS or (place and total > MOST_BYTES):
                files.remove(path)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:06d}.json"

    def _numbers(self) -> list[int]:
        """Of all records, the highest first. Raises OSError."""
        numbers = [int(name[:-5]) for name in files.names(self._directory) if _NAME.fullmatch(name)]
        self._highest = max(self._highest, *numbers, 0)
        return sorted(numbers, reverse=True)


def _read(path: Path) -> Record | None:
    try:
        record = msgspec.convert(files.read_json(path), Record)
    except msgspec.ValidationError:
        return None
    return record if record["number"] == int(path.stem) else None
