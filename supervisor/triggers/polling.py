"""Polling: asks the remote for the branch's head every now and then, and for nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from loguru import logger

from supervisor.errors import OrbitError

JITTER = 0.1
LONGEST_BACKOFF = 16


def pause_s(interval_s: float, failures: int) -> float:
    """Seconds until the next look: the interval, more after failures in a row, and never in step with others."""
    return interval_s * min(2.0 ** min(failures, 10), LONGEST_BACKOFF) * random.uniform(1 - JITTER, 1 + JITTER)


async def poll(
    interval_s: float,
    head: Callable[[], Awaitable[str]],
    handled: Callable[[], str | None],
    ask: Callable[[str], None],
) -> None:
    """For ever: when the remote's head has moved, and not to the commit that was `handled` last, `ask` for an update,
    with a word on why."""
    failures = 0
    seen: str | None = None
    while True:
        await asyncio.sleep(pause_s(interval_s, failures))
        try:
            sha = await head()
        except OrbitError as error:
            failures += 1
            if failures == 1:
                logger.warning("polling: {}; it is tried again, less often", error)
            continue
        if failures:
            logger.info("polling: the repository answers again")
        failures = 0
        if sha == seen:
            continue
        seen = sha
        if sha != handled():
            ask("polling")
