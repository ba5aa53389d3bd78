"""A repository that did not answer is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from loguru import logger

from supervisor.deploy.attempt import Attempt
from supervisor.deploy.pipeline import AT_START, AUTOMATIC
from supervisor.model import Outcome, Request

FIRST_RETRY_S = 15.0
LONGEST_RETRY_S = 300.0


class Retry:
    """Asks again without anybody's asking: while nothing is live, and where nobody had asked before, since a trigger
    tells of a commit once."""

    def __init__(self, ask: Callable[[str], None], is_live: Callable[[], bool]) -> None:
        self._ask = ask
        self._is_live = is_live
        self._timer: asyncio.TimerHandle | None = None
        self._pause_s = FIRST_RETRY_S

    def plan(self, request: Request, attempt: Attempt) -> None:
        """That is how the request ended: ask again later, if that may help."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        automatic = request.cause in AUTOMATIC
        if attempt.failure and attempt.failure.unreachable and (automatic or not self._is_live()):
            cause = request.cause if automatic else AT_START
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._ask, cause)
            logger.info("trying again in {:.0f} s", self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_RETRY_S)
        elif attempt.outcome is Outcome.SUCCEEDED:
            self._pause_s = FIRST_RETRY_S
