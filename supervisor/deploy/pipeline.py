"""Deployments from their first stage to their outcome. An update and a rollback share their tail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from loguru import logger

from supervisor import files
from supervisor.deploy import hooks
from supervisor.deploy.attempt import Attempt, Failure, Limit, StageFailed
from supervisor.deploy.build import Builder
from supervisor.deploy.context import Context
from supervisor.deploy.housekeeping import Housekeeping
from supervisor.deploy.records import Records
from supervisor.deploy.room import Room
from supervisor.deploy.switch import Switch, WentBack
from supervisor.errors import OrbitError, SourceUnreachable
from supervisor.model import Action, Commit, Outcome, Release, Request, Stage
from supervisor.processes.shell import line_of
from supervisor.processes.uninterrupted import uninterrupted
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore

AT_START = "start"
AUTOMATIC = frozenset({"polling", "watching"})
"""Causes that are no explicit wish: what failed before is not tried again for them."""


class Deployer:
    """Runs one attempt at a time; `attempt` is the one that runs now. `on_change` is called at each change."""

    def __init__(
        self,
        context: Context,
        store: ReleaseStore,
        records: Records,
        builder: Builder,
        switch: Switch,
        on_change: Callable[[], None],
    ) -> None:
        self._context = context
        self._store = store
        self._records = records
        self._builder = builder
        self._switch = switch
        self._on_change = on_change
        self._hooks = hooks.HookRunner(context)
        self._housekeeping = Housekeeping(context, store, records, builder, lambda: bool(self.attempt), self._building)
        self._room = Room(context, store, self._housekeeping)
        self.attempt: Attempt | None = None
        self.last: Attempt | None = None
        self._forgotten = False
        self._last_update: tuple[str | None, str | None] = self._recall()

    @property
    def handled(self) -> str | None:
        """The commit of the update that runs, or else of the last one: what a trigger need not ask for again."""
        if self.attempt and self.attempt.commit:
            return self.attempt.commit.sha
        return self._last_update[0]

    def close(self) -> None:
        """Orbit is being stopped: an attempt that is cancelled from now on was interrupted, and goes on next time."""
        self._switch.closing = True
        if self.last and self.last.unsaved:
            self.last.save()

    async def update(self, request: Request) -> Attempt:
        """Fetch, build, and make live. Returns the attempt that answers the request: its own, or an earlier one if
        that has deployed the same commit already. Raises nothing but what a bug would."""
        attempt = self._begin(request)
        deadline = time.monotonic() + self._context.settings.deployment_timeout_s
        try:
            async with asyncio.timeout(self._context.settings.deployment_timeout_s) as timer:
                await self._room.to_fetch(attempt)
                commit = await self._builder.fetch(attempt)
                answered = self._answered(request, commit)
                if answered:
                    return self._drop(attempt, answered)
                await self._room.to_build(attempt)
                release = await self._builder.build(attempt, commit, self._hooks)
                await self._switch.to(release, attempt)
        except BaseException as error:  # noqa: BLE001 one of the three boundaries: a deployment never ends Orbit
            await uninterrupted(self._fail(attempt, error, timer.expired()))
        else:
            await self._succeed(attempt, release, deadline)
        self._last_update = (attempt.commit.sha if attempt.commit else self._last_update[0], attempt.outcome)
        return self._end(attempt)

    async def rollback(self, request: Request) -> Attempt:
        """Make an older release live again; no hooks, but its health is checked."""
        attempt = self._begin(request)
        try:
            async with asyncio.timeout(self._context.settings.deployment_timeout_s) as timer:
                release = self._target(request)
                attempt.commit, attempt.release = release.commit, release.id
                attempt.save()  # an interrupted one has to go to the same release next time, and not further back
                logger.info("rolling back to release {}", release.id)
                await self._switch.to(release, attempt)
        except BaseException as error:  # noqa: BLE001 as above
            await uninterrupted(self._fail(attempt, error, timer.expired()))
        else:
            self._finish(attempt)
        return self._end(attempt)

    def _target(self, request: Request) -> Release:
        releases, live = self._store.all(), self._store.current()
        if request.target is None:
            found = retention.last_good(releases, live)
            if found is None:
                raise StageFailed("there is no earlier release to go back to")
            return found
        found = retention.find(releases, request.target)
        if found is None:
            listed = ", ".join(f"{release.number:03d}-{release.commit.short}" for release in releases) or "none"
            raise StageFailed(f"there is no release {request.target!r}; there are: {listed}")
        return found

    def _begin(self, request: Request) -> Attempt:
        attempt = Attempt(self._records, request, self._on_change)
        self.attempt = attempt
        try:
            live = self._store.current()
            attempt.previous = live.commit if live else None
            attempt.previous_release = live.id if live else None
        except OSError as error:  # it fails before anything live is touched, unless that was all
            attempt.warn(f"cannot tell which release is live: {error.strerror}")
        if self.last and self.last.unsaved:
            self.last.save()
        attempt.save()
        if attempt.unsaved:
            attempt.warn(f"cannot record deployment {attempt.number}: {attempt.unsaved.strerror}")
        self._on_change()
        return attempt

    def _answered(self, request: Request, commit: Commit) -> Attempt | bool:
        """Whether what the request asks for has been done: then nothing is to be deployed."""
        live = self._store.current()
        is_live = live is not None and live.commit.sha == commit.sha
        done_sha, outcome = self._last_update
        if self._forgotten and live and request.cause in (AT_START, *AUTOMATIC):
            logger.warning("the record of the last update cannot be read; only what is new from now on is deployed")
            self._forgotten, self._last_update = False, (commit.sha, None)
            return True
        if request.cause in AUTOMATIC:
            return is_live or (done_sha == commit.sha and outcome != Outcome.INTERRUPTED)
        if request.cause == AT_START:
            return is_live or (live is not None and done_sha == commit.sha and outcome == Outcome.SUCCEEDED)
        last = self.last
        if last is None or last.ended_at is None or last.commit != commit or last.request.action != "update":
            return False
        if last.started_at <= request.created_at <= last.ended_at and last.outcome is Outcome.SUCCEEDED:
            return last  # it was under way when this was asked for
        grace = timedelta(seconds=self._context.settings.debounce_delay_s)
        noticed = last.request.cause in AUTOMATIC and is_live
        return last if noticed and request.created_at <= last.ended_at + grace else False

    def _drop(self, attempt: Attempt, answered: Attempt | bool) -> Attempt:
        """It turned out that there is nothing to do. Raises OSError if its record stays."""
        self._records.remove(attempt.number)
        self.attempt = None
        assert attempt.commit is not None
        logger.info("commit {} has been dealt with already; nothing to do", attempt.commit.short)
        attempt.outcome = Outcome.SUCCEEDED
        self._on_change()
        return attempt if isinstance(answered, bool) else answered

    async def _succeed(self, attempt: Attempt, release: Release, deadline: float) -> None:
        """The release is live: whatever goes wrong from here on is a warning."""
        attempt.enter(Stage.POST_DEPLOY)
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 1.0)):
                hook = None if self._context.settings.skip_hooks else hooks.find(hooks.POST_DEPLOY, release)
                if hook:
                    attempt.command = line_of(hook.argv)
                    await self._hooks.run(hook, release)
        except StageFailed as error:
            attempt.post_deploy = self.readable(error.failure(Stage.POST_DEPLOY, attempt.command))
            attempt.warn(f"{error.reason}; the release stays live")
        except TimeoutError:
            attempt.warn("post-deploy.sh was ended by DEPLOYMENT_TIMEOUT; the release stays live")
        except asyncio.CancelledError:
            attempt.warn("post-deploy.sh was cancelled; the release stays live")
        except Exception as error:  # noqa: BLE001 the release is live, whatever became of the hook
            attempt.warn(f"post-deploy.sh could not be run: {error}; the release stays live")
        self._finish(attempt)

    def _finish(self, attempt: Attempt) -> None:
        attempt.enter(Stage.COMPLETED)
        attempt.end(Outcome.SUCCEEDED)
        logger.info("release {} is live ({:.1f} s)", attempt.release, attempt.duration_s)

    async def _fail(self, attempt: Attempt, error: BaseException, timed_out: bool) -> None:
        """Say what failed, and clear away what was built."""
        outcome = Outcome.FAILED
        stage, command = attempt.stage, attempt.command
        if isinstance(error, WentBack):
            outcome = Outcome.ROLLED_BACK if error.previous else Outcome.FAILED
            error = error.__cause__ or error
        if isinstance(error, asyncio.CancelledError) and not timed_out:
            outcome = Outcome.INTERRUPTED if self._switch.closing else Outcome.CANCELLED
        failure = self._failure(stage, error, timed_out, attempt)
        failure = self.readable(replace(failure, command=failure.command or command))
        attempt.end(outcome, failure)
        level = "ERROR" if outcome in (Outcome.FAILED, Outcome.ROLLED_BACK) else "WARNING"
        words = outcome.replace("_", " ")
        logger.log(level, "deployment {} {} in {}: {}", attempt.number, words, stage, failure.reason)
        if not self._switch.closing:  # else nobody should have to wait for it: it is swept at the next start
            try:
                await self._builder.discard(attempt)
            except Exception as error:  # noqa: BLE001 what failed is on record: clearing up must not hide it
                logger.opt(exception=error).error("cannot clear away what deployment {} built", attempt.number)

    def _failure(self, stage: Stage, error: BaseException, timed_out: bool, attempt: Attempt) -> Failure:
        if timed_out and isinstance(error, asyncio.CancelledError | TimeoutError):
            limit = self._context.settings.deployment_timeout_s
            reason = f"the deployment did not end within {limit:g} s (DEPLOYMENT_TIMEOUT)"
            return Failure(stage, reason, limit=Limit("DEPLOYMENT_TIMEOUT", limit))
        if isinstance(error, asyncio.CancelledError):
            return Failure(stage, "Orbit was stopped" if self._switch.closing else "on request")
        if isinstance(error, StageFailed):
            full = error.ended is not None and files.is_full(self._context.layout.home)
            hint = "; no space is left on the disk" if full else ""
            failure = error.failure(stage, attempt.command)
            return replace(failure, reason=error.reason + hint, hint=failure.hint or hint.lstrip("; ") or None)
        if isinstance(error, OrbitError):
            return Failure(stage, str(error), unreachable=isinstance(error, SourceUnreachable))
        if isinstance(error, OSError):
            place = f": {error.filename}" if error.filename else ""
            return Failure(stage, f"{error.strerror or error}{place}")
        logger.opt(exception=error).error("internal error in deployment {}", attempt.number)
        return Failure(stage, f"internal error: {type(error).__name__}: {error}")

    def _end(self, attempt: Attempt) -> Attempt:
        if attempt.unsaved:  # what it built is gone, perhaps there is room now
            attempt.save()
        if attempt.unsaved:
            what = f"cannot record deployment {attempt.number}: {attempt.unsaved.strerror}"
            logger.error("{}; it is tried again with the next one", what)
        self.last, self.attempt = attempt, None
        self._on_change()
        return attempt

    def condemn(self, release: Release, failure: Failure) -> None:
        """A release that went live has turned out not to be well: nobody goes back to it, and its record says why."""
        outcome, why = Outcome.ROLLED_BACK, self.readable(failure)
        if self._last_update[0] == release.commit.sha:
            self._last_update = release.commit.sha, outcome
        try:
            self._store.mark(release, good=False)
            record = self._records.of(release.id)
            if record:
                ended_at = datetime.now(UTC).isoformat()
                told = {"reason": why.reason, "failure": why.as_json(), "ended_at": ended_at}
                self._records.amend(record, outcome=outcome, **told)
        except OSError as error:
            logger.error("cannot record that release {} is not well: {}", release.id, error.strerror)

    def warn_of(self, release: Release, text: str) -> None:
        """Something is wrong with a release after its deployment; its record gets a warning."""
        text = self._context.redact(text)
        logger.warning("release {}: {}", release.id, text)
        try:
            record = self._records.of(release.id)
            if record and text not in record["warnings"]:
                self._records.amend(record, warnings=[*record["warnings"], text])
        except OSError as error:
            logger.error("cannot record it: {}", error.strerror)
        self._on_change()

    def readable(self, failure: Failure) -> Failure:
        """The failure without secrets; what a command printed comes without any from its shim."""
        redact, answer = self._context.redact, failure.answer
        readable = answer and replace(answer, text=redact(answer.text), target=redact(answer.target))
        command = failure.command and redact(failure.command)
        return replace(failure, reason=redact(failure.reason), answer=readable, command=command)

    async def tidy(self) -> None:
        """After a deployment: old releases, logs and records go. Nobody waits for it."""
        await self._housekeeping.tidy()

    def _building(self) -> str | None:
        """The release that the deployment which runs builds or goes back to."""
        return self.attempt.release if self.attempt else None

    def _recall(self) -> tuple[str | None, str | None]:
        """Commit and outcome of the last update, from the records."""
        updates = (record for record in self._records.latest(50) if record["action"] == Action.UPDATE)
        last = next((record for record in updates if record["commit_full"]), None)
        self._forgotten = any(last is None or number > last["number"] for number in self._records.unread)
        return (last["commit_full"], last["outcome"]) if last else (None, None)
