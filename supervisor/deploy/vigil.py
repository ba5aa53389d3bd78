"""After going live: is the application still well? For a while a bad sign leads back; later it leads to a restart."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from loguru import logger

from supervisor.deploy.attempt import Failure
from supervisor.deploy.context import Context
from supervisor.deploy.switch import Switch
from supervisor.health.check import Answer
from supervisor.model import Release, Stage
from supervisor.processes.app import App, describe

CRASHES = 3
"""This many ends within the bake time are too many; one may be bad luck."""
SILENCES = 3
"""This many bad answers in a row, `ASK_EVERY_S` apart, are no hiccup."""
ASK_EVERY_S = 5.0


class Vigil:
    """Watches over the application of a release that has just become live."""

    def __init__(self, context: Context, switch: Switch, app: App) -> None:
        self._context = context
        self._switch = switch
        self._app = app
        self._window = timedelta(seconds=context.settings.health_window_s)
        self._well_since: datetime | None = None

    async def bake(self, release: Release) -> Failure | None:
        """Watch for `BAKE_TIME`. Why the release should not stay live, as soon as that is clear; None if it is well."""
        deadline = time.monotonic() + self._context.settings.bake_time_s
        crashes = silences = 0
        while (left_s := deadline - time.monotonic()) > 0:
            ended = await self._app.next_exit(min(left_s, ASK_EVERY_S))
            if ended:
                crashes += 1
                if crashes >= CRASHES:
                    reason = f"the application ended {crashes} times soon after it went live: {describe(ended)}"
                    return Failure(Stage.HEALTH_CHECK, reason, ended)
                continue
            answer = await self._ask(release)
            silences = 0 if answer is None or answer.good else silences + 1
            if answer and silences >= SILENCES:
                reason = f"the application went live, then stopped answering: {answer.target}: {_said(answer)}"
                return Failure(Stage.HEALTH_CHECK, reason, answer=answer)
        return None

    async def keep_watch(self, release: Release) -> str:
        """Ask every `HEALTH_CHECK_INTERVAL` seconds, for ever or until it hangs: then why it should be restarted."""
        silences = 0
        while True:
            await asyncio.sleep(self._context.settings.health_check_interval_s)
            answer = await self._ask(release)
            silences = 0 if answer is None or answer.good else silences + 1
            if answer and silences:
                logger.warning("health check {} of {} failed: {}", silences, SILENCES, _said(answer))
            if answer and silences >= SILENCES:
                return f"it does not answer any more: {answer.target}: {_said(answer)}"

    async def _ask(self, release: Release) -> Answer | None:
        """One answer; None while there is nothing to ask: it is being started again anyway, or is never asked."""
        if self._context.settings.skip_health_check or self._app.pid is None:
            return None
        start = self._app.started_at
        answer = await self._switch.check_of(release).ask(ASK_EVERY_S)
        if answer.good:
            self._well_since = start
        elif self._well_since != start and start and datetime.now(UTC) - start < self._window:
            return None  # it was started again, and has as long to become well as after a deployment
        return answer


def _said(answer: Answer) -> str:
    return f"status {answer.status}" if answer.status is not None else answer.text
