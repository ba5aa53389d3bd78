"""One attempt to make a release live: where it is, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from supervisor.deploy import causes
from supervisor.deploy.records import Records
from supervisor.errors import OrbitError
from supervisor.health.check import Answer
from supervisor.model import Commit, Exit, Outcome, Request, Stage
from supervisor.processes.app import signal_name

TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Limit:
    """A time that was not kept, and the variable that sets it."""

    variable: str
    seconds: float


class StageFailed(OrbitError):
    """A stage did not succeed. `ended` is how its command ended, `answer` what the health check heard last, `limit`
    the time that was not kept, `ports` where the application listens instead (none: nowhere), `hint` what to do."""

    def __init__(
        self,
        reason: str,
        ended: Exit | None = None,
        answer: Answer | None = None,
        *,
        limit: Limit | None = None,
        ports: tuple[int, ...] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ended = ended
        self.answer = answer
        self.limit = limit
        self.ports = ports
        self.hint = hint

    def failure(self, stage: Stage, command: str | None) -> Failure:
        """The same as facts."""
        return Failure(
            stage, self.reason, self.ended, self.answer, command, self.limit, ports=self.ports, hint=self.hint
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong where, and in which command line; the rest is as in StageFailed."""

    stage: Stage
    reason: str
    ended: Exit | None = None
    answer: Answer | None = None
    command: str | None = None
    limit: Limit | None = None
    unreachable: bool = False  # a matter of the network: worth another try
    ports: tuple[int, ...] | None = None
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields of `last_failed_deployment` in the status that say why."""
        ended, answer, limit = self.ended, self.answer, self.limit
        return {
            "stage": self.stage,
            "kind": f"{_KINDS.get(self.stage, self.stage)}_failed",
            "reason": self.reason,
            "command": self.command,
            "exit_status": ended.status if ended else None,
            "signal": ended.signal if ended else None,
            "signal_name": signal_name(ended.signal) if ended and ended.signal else None,
            "timed_out": limit is not None or (ended.timed_out if ended else False),
            "timeout": limit and {"variable": limit.variable, "seconds": limit.seconds},
            "out_of_memory": ended.out_of_memory if ended else False,
            "health": answer and {"target": answer.target, "status": answer.status, "text": answer.text},
            "listens_on": self.ports,
            "tail": ended.tail.splitlines()[-TAIL_LINES:] if ended else [],
            "next": self._advice(),
            "log": causes.log_of(self.stage),
        }

    def _advice(self) -> str | None:
        """What to try next."""
        if self.ended and self.ended.out_of_memory:
            return "give it more memory, or have it use less"
        printed = "\n".join(((self.ended.tail if self.ended else ""), (self.answer.text if self.answer else "")))
        return self.hint or causes.in_text(printed) or causes.OF_STAGE.get(self.stage)


_KINDS = {Stage.BUILDING: "build", Stage.GIT_PULL: "git", Stage.INSTALLING_DEPENDENCIES: "install"}


class Attempt:
    """Owner of one deployment's record. `on_change` is called whenever the stage changes."""

    def __init__(self, records: Records, request: Request, on_change: Callable[[], None]) -> None:
        self._records = records
        self._on_change = on_change
        self._since = time.monotonic()
        self._stage_since = self._since
        self.number = records.next_number()
        self.request = request
        self.previous: Commit | None = None
        self.commit: Commit | None = None
        self.release: str | None = None
        self.previous_release: str | None = None
        self.stage = Stage.STARTING
        self.started_at = datetime.now(UTC)
        self.timings: dict[str, float] = {}
        self.outcome: Outcome | None = None
        self.failure: Failure | None = None
        self.warnings: list[str] = []
        self.post_deploy: Failure | None = None
        """Why `post-deploy.sh` failed, which the release survives."""
        self.dependencies: str | None = None
        """Where they came from: a snapshot, or an install and why."""
        self.command: str | None = None
        """The command line that runs, or has run last, in this stage."""
        self.ended_at: datetime | None = None
        self.unsaved: OSError | None = None
        """Why the record could not be written; it is tried again, since a full disk may have room later."""
        self._duration_s: float | None = None

    @property
    def duration_s(self) -> float:
        """How long it took, or has taken so far."""
        return time.monotonic() - self._since if self._duration_s is None else self._duration_s

    def enter(self, stage: Stage) -> None:
        """The attempt has come to `stage`."""
        now = time.monotonic()
        self._note_time(now)
        self.stage, self._stage_since, self.command = stage, now, None
        logger.debug("deployment {}: {}", self.number, stage)
        self._on_change()

    def _note_time(self, now: float) -> None:
        """A stage that is come back to takes as long as all its parts."""
        passed = self.timings.get(self.stage, 0.0) + now - self._stage_since
        self.timings[self.stage] = round(passed, 4)

    def warn(self, text: str) -> None:
        """Something is wrong, but not so that the deployment should fail."""
        logger.warning(text)
        self.warnings.append(text)

    def save(self) -> None:
        """Write the record, or keep in `unsaved` why it cannot be written now."""
        try:
            self._records.write(self.number, self.as_json())
            self.unsaved = None
        except OSError as error:
            self.unsaved = error

    def end(self, outcome: Outcome, failure: Failure | None = None) -> None:
        """The attempt is over; its record says how."""
        self._note_time(time.monotonic())
        self.outcome, self.failure = outcome, failure
        self.ended_at, self._duration_s = datetime.now(UTC), self.duration_s
        self.save()
        self._on_change()

    def as_json(self) -> dict[str, Any]:
        """The record's fields; those that the status also has are named as there."""
        commit = self.commit
        return {
            "request": self.request.id,
            "action": self.request.action,
            "cause": self.request.cause,
            "commit": commit.short if commit else None,
            "commit_full": commit.sha if commit else None,
            "commit_message": commit.subject if commit else None,
            "release": self.release,
            "previous_release": self.previous_release,
            "dependencies": self.dependencies,
            "stage": self.stage,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "duration_seconds": round(self.duration_s, 3),
            "outcome": self.outcome,
            "reason": self.failure.reason if self.failure else None,
            "failure": self.failure.as_json() if self.failure else None,
            "warnings": self.warnings,
            "post_deploy": self.post_deploy and self.post_deploy.as_json(),
            "timings": self.timings,
        }
