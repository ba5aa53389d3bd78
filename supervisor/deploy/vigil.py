"""After going live: is the application still well? For a while a bad sign leads back; later it leads to a restart."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from loguru import logger

from supervisor.deploy.attempt import Failure
from supervisor.deploy.context import Context
from supervisor.deploy.pipeline import Deployer
from supervisor.deploy.records import Records
from supervisor.deploy.switch import Switch
from supervisor.health.check import Answer
from supervisor.model import Action, Exit, Outcome, Release, Stage
from supervisor.processes.app import STEADY_S, App, describe
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore

CRASHES = 3
"""This many ends within the bake time are too many; one may be bad luck."""
SILENCES = 3
"""This many bad answers in a row are no hiccup."""
ASKS = 6
"""A bake time is long enough for this many asks, however short it is."""
ASK_EVERY_S = 5.0
QUICKEST_S = 0.2

_WENT_LIVE = (None, Outcome.SUCCEEDED, Outcome.INTERRUPTED)
"""Outcomes of an update whose release is live. None: its end could not be written down, on a full disk."""


class Ask(Protocol):
    """Have something done by the supervisor."""

    def __call__(self, action: Action, cause: str, target: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """The application was not well at a time when it was live. `remedy` is what was asked for; None: it is only kept
    up."""

    at: datetime
    release: str
    failure: Failure
    remedy: Action | None


class Vigil:
    """Watches over the application of the live release, and asks for what has to be done. How long a release is baked
    is told by the record of its deployment, so that a new supervisor goes on where another ended."""

    def __init__(
        self, context: Context, store: ReleaseStore, records: Records, deployer: Deployer, switch: Switch, app: App
    ) -> None:
        self._context = context
        self._store = store
        self._records = records
        self._deployer = deployer
        self._switch = switch
        self._app = app
        self._well_since: datetime | None = None
        self.trouble: Trouble | None = None
        """The last that it saw."""

    async def keep(self, ask: Ask) -> None:
        """Watch over what is live until something has to be done, and ask for that. Where releases or records cannot be
        read it begins again after a while: a disk that fails for a moment ends no watch."""
        is_told = False
        while True:
            try:
                return await self._watch(ask)
            except (OSError, ValueError) as error:
                if not is_told:
                    logger.error("cannot watch over what is live: {}; it is tried again", error)
                is_told = True
            await asyncio.sleep(ASK_EVERY_S)

    async def _watch(self, ask: Ask) -> None:
        """Raises OSError and ValueError."""
        release = self._store.current()
        if release is None:
            return
        left_s = self._bake_left_s(release)
        sick = await self._bake(release, left_s) if left_s > 0 else None
        if sick:
            if self._take_back(release, sick, ask):
                return
            if sick.answer:
                self._restart(release, sick, ask)
                return
        if self._context.settings.health_check_interval_s:
            self._restart(release, await self._keep_watch(release), ask)

    def _bake_left_s(self, release: Release) -> float:
        """Seconds for which a bad sign still leads back: only after an update. What was gone back to stays, since,
        were all releases ill, there would be no end."""
        record = self._records.of(release.id)
        if record is None or record["action"] != Action.UPDATE or record["outcome"] not in _WENT_LIVE:
            return 0.0
        whole_s, now = self._context.settings.bake_time_s, datetime.now(UTC)
        since = _time_of(record["ended_at"]) or now
        return min(whole_s, whole_s - (now - since).total_seconds())  # a clock that was set back makes it no longer

    async def _bake(self, release: Release, left_s: float) -> Failure | None:
        """Watch for that long, and on until it is clear: why the release should not stay live; None if it is well."""
        whole_s = self._context.settings.bake_time_s
        every_s = min(ASK_EVERY_S, max(whole_s / ASKS, QUICKEST_S))
        deadline = time.monotonic() + left_s
        silences = 0
        while True:
            ended = await self._app.next_exit(every_s)
            if self._app.ends >= CRASHES:
                return self._crashed()
            if ended:
                silences = 0
                continue
            answer = await self._ask(release)
            silences = 0 if answer is None or answer.good else silences + 1
            if answer and silences >= SILENCES:
                return self._silent("the application went live, then stopped answering", answer)
            if time.monotonic() >= deadline and not silences and self._has_settled(min(whole_s, STEADY_S)):
                return None

    def _has_settled(self, steady_s: float) -> bool:
        """Whether it is well, and, if it has ended before, has been up for `steady_s` seconds since."""
        start = self._app.started_at
        if self._app.pid is None or start is None:
            return False
        well = self._context.settings.skip_health_check or self._was_well(start)
        steady = self._app.ends == 0 or datetime.now(UTC) - start >= timedelta(seconds=steady_s)
        return well and steady

    async def _keep_watch(self, release: Release) -> Failure:
        """Ask every `HEALTH_CHECK_INTERVAL` seconds, for ever or until it hangs: then why it should be restarted."""
        silences = 0
        while True:
            await asyncio.sleep(self._context.settings.health_check_interval_s)
            answer = await self._ask(release)
            silences = 0 if answer is None or answer.good else silences + 1
            if answer and silences:
                logger.warning("health check {} of {} failed: {}", silences, SILENCES, answer.said)
            if answer and silences >= SILENCES:
                return self._silent("it does not answer any more", answer)

    async def _ask(self, release: Release) -> Answer | None:
        """One answer; None while there is nothing to ask: it is being started again anyway, or is never asked."""
        if self._context.settings.skip_health_check or self._app.pid is None:
            return None
        start = self._app.started_at
        check = self._switch.check_of(release)
        answer = await check.ask(check.patience_s)
        if self._app.started_at != start or self._app.pid is None:
            return None  # it ended while it was asked; that counts as an end
        if answer.good:
            self._well_since = start
        elif start and not self._was_well(start) and datetime.now(UTC) - start < self._window(release):
            return None  # it was started again, and has as long to become well as after a deployment
        return answer

    def _window(self, release: Release) -> timedelta:
        return timedelta(seconds=self._context.health_window_s(release))

    def _was_well(self, start: datetime) -> bool:
        """Whether the application that was started then has given a good answer."""
        return start in (self._well_since, self._switch.well_since)

    def _crashed(self) -> Failure:
        last = self._app.last_exit
        ended = last.exit if last else Exit()
        how = f": {describe(ended)}" if last else ""  # it ended under an earlier supervisor
        return Failure(
            Stage.HEALTH_CHECK,
            f"the application ended {self._app.ends} times soon after it went live{how}",
            ended,
            command=self._app.command,
        )

    def _silent(self, what: str, answer: Answer) -> Failure:
        reason = f"{what}: {answer.target}: {answer.said}"
        return Failure(Stage.HEALTH_CHECK, reason, self._switch.printed(), answer, self._app.command)

    def _take_back(self, release: Release, sick: Failure, ask: Ask) -> bool:
        """Have the release before it serve again; whether there is one."""
        previous = retention.last_good(self._store.all(), release)
        logger.error("release {} is not well: {}", release.id, sick.reason)
        if previous is None:
            self._note(release, sick, None)
            self._deployer.warn_of(release, f"it is not well: {sick.reason}; there is no release to go back to")
            return False
        self._note(release, sick, Action.ROLLBACK)
        self._deployer.condemn(release, sick)
        ask(Action.ROLLBACK, f"{release.id} was not well: {sick.reason}", previous.id)
        return True

    def _restart(self, release: Release, sick: Failure, ask: Ask) -> None:
        self._note(release, sick, Action.RESTART)
        ask(Action.RESTART, sick.reason)

    def _note(self, release: Release, sick: Failure, remedy: Action | None) -> None:
        self.trouble = Trouble(datetime.now(UTC), release.id, self._deployer.readable(sick), remedy)


def _time_of(text: object) -> datetime | None:
    """What a record says; None if it says no time."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
