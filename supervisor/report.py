"""What the status file says, gathered from those who own the facts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC
from typing import Any

from loguru import logger

from supervisor.assembly import Assembly
from supervisor.deploy.attempt import Attempt, Failure
from supervisor.deploy.records import Record
from supervisor.model import Outcome, Release, Request, Stage
from supervisor.processes.app import LastExit, describe

PUBLISH_DELAY_S = 0.01
"""Changes that come together are written together: no writing lies in the gap between two releases."""
MOST_ANSWERS = 30
PROGRESS = {stage: round(100 * place / (len(Stage) - 1)) for place, stage in enumerate(Stage)}


class Report:
    """Owner of what is published, and when."""

    def __init__(self, parts: Assembly, queue: Callable[[], dict[str, Any]]) -> None:
        self._parts = parts
        self._queue = queue
        self._scheduled: asyncio.TimerHandle | None = None
        self._answers: deque[dict[str, Any]] = deque(maxlen=MOST_ANSWERS)
        self._stable: dict[str, Any] = {}

    def changed(self) -> None:
        """Something that the status tells of has changed."""
        if self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_later(PUBLISH_DELAY_S, self.publish)

    def answer(self, request: Request, outcome: Outcome, reason: str | None, deployment: int | None) -> None:
        """A request has been dealt with; whoever waits for it reads it here. Written at once: the request's file,
        which would bring it back after a crash, goes next."""
        self._answers.appendleft(
            {
                "id": request.id,
                "action": request.action,
                "outcome": outcome,
                "reason": reason,
                "deployment": deployment,
            }
        )
        self.publish()

    def refresh(self) -> None:
        """Releases or records have changed: read them again; what is known stands where that cannot be done."""
        try:
            self._read()
        except OSError as error:
            logger.error("cannot read releases and records: {}", error)
        self.changed()

    def _read(self) -> None:
        releases = self._parts.store.all()
        records = self._parts.records.latest(200)
        succeeded = next((record for record in records if record["outcome"] == Outcome.SUCCEEDED), None)
        failed = (Outcome.FAILED, Outcome.ROLLED_BACK)
        failures = [record for record in records if record["failure"] and record["outcome"] in failed]
        live = self._parts.store.current()
        self._stable = {
            "current_release": live.id if live else None,
            "last_deployment": succeeded and _deployment(succeeded),
            "last_failed_deployment": _failed(failures[0]) if failures else None,
            "failed_commits_count": len({record["commit_full"] for record in failures} - {None}),
            "releases": [_release(release) for release in reversed(releases)],
        }

    def publish(self, stopped: bool = False) -> None:
        """Write the status now."""
        if self._scheduled:
            self._scheduled.cancel()
            self._scheduled = None
        attempt = self._parts.deployer.attempt
        state = "stopped" if stopped else "deploying" if attempt else "idle"
        live = _attempt(attempt, self._parts.settings.deployment_timeout_s) if attempt else _nothing_running()
        facts = {"status": state, **live, **self._stable}
        facts["queue"] = self._queue()
        facts["requests"] = list(self._answers)
        facts["app"] = self._app()
        self._parts.status.publish(facts)

    def _app(self) -> dict[str, Any]:
        app = self._parts.app
        last, trouble = app.last_exit, self._parts.vigil.trouble
        return {
            "state": app.state,
            "pid": app.pid,
            "release": app.release,
            "port": self._parts.settings.app_port,
            "restarts": app.restarts,
            "started_at": app.started_at and app.started_at.isoformat(),
            "last_exit": last and self._last_exit(last),
            "trouble": trouble
            and {
                "at": trouble.at.isoformat(),
                "release": trouble.release,
                "remedy": trouble.remedy,
                **trouble.failure.as_json(),
            },
        }

    def _last_exit(self, last: LastExit) -> dict[str, Any]:
        """How it ended, in the words of a failed start, and `at`, `status` and `error`."""
        command = self._parts.app.command
        failure = self._parts.deployer.readable(
            Failure(Stage.STARTING_APP, describe(last.exit), last.exit, command=command)
        )
        facts = failure.as_json()
        told = ("signal", "signal_name", "out_of_memory", "command", "tail", "next", "log")
        mine = {"at": last.at.isoformat(), "status": last.exit.status, "error": last.exit.error}
        return {**mine, **{name: facts[name] for name in told}}


def _attempt(attempt: Attempt, timeout_s: float) -> dict[str, Any]:
    commit, previous = attempt.commit, attempt.previous
    return {
        "stage": attempt.stage,
        "deployment": attempt.number,
        "commit": commit and commit.short,
        "commit_full": commit and commit.sha,
        "rollback_commit": previous and previous.short,
        "started_at": int(attempt.started_at.timestamp()),
        "duration_seconds": round(attempt.duration_s, 1),
        "timeout_seconds": timeout_s,
        "progress_percent": max(PROGRESS[Stage(stage)] for stage in (*attempt.timings, attempt.stage)),
    }


def _nothing_running() -> dict[str, Any]:
    names = ("stage", "deployment", "commit", "commit_full", "rollback_commit", "started_at")
    return dict.fromkeys((*names, "duration_seconds", "timeout_seconds", "progress_percent"))


def _deployment(record: Record) -> dict[str, Any]:
    return {
        "commit": record["commit"],
        "commit_full": record["commit_full"],
        "commit_message": record["commit_message"],
        "release": record["release"],
        "deployment": record["number"],
        "action": record["action"],
        "cause": record["cause"],
        "updated_at": record["ended_at"],
        "build_duration_seconds": record["duration_seconds"],
        "build_status": "success",
        "warnings": record["warnings"],
        "post_deploy": record.get("post_deploy"),
        "timings": record["timings"],
    }


def _failed(record: Record) -> dict[str, Any]:
    return {
        "commit": record["commit"],
        "commit_full": record["commit_full"],
        "deployment": record["number"],
        "outcome": record["outcome"],
        "failed_at": record["ended_at"],
        **(record["failure"] or {}),
    }


def _release(release: Release) -> dict[str, Any]:
    return {
        "id": release.id,
        "commit": release.commit.sha,
        "commit_message": release.commit.subject,
        "build_duration_seconds": round(release.build_duration_s, 3),
        "deployed_at": release.built_at.astimezone(UTC).isoformat(),
        "good": release.good,
        "serve_type": release.plan.serve,
    }
