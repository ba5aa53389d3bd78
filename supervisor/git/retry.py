"""Trying again when a repository did not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_before_delay,
    wait_exponential_jitter,
)

from supervisor.errors import SourceUnreachable

T = TypeVar("T")

BUDGET_S = 90.0
LONGEST_WAIT_S = 20.0


async def with_retries(
    attempt: Callable[[], Awaitable[T]],
    budget_s: float = BUDGET_S,
    on_retry: Callable[[SourceUnreachable, float], None] = lambda error, wait_s: None,
    first_wait_s: float = 1.0,
) -> T:
    """What `attempt` returns.

    While it raises SourceUnreachable it is called again: after `first_wait_s`, then twice that, four times
    that …, each with up to `first_wait_s` more, by chance, as long as the wait fits into `budget_s`.
    `on_retry` is told of each wait before it. Raises what the last attempt raised; any other error at once.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SourceUnreachable):
            on_retry(error, state.upcoming_sleep)

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(SourceUnreachable),
        wait=wait_exponential_jitter(multiplier=first_wait_s, max=LONGEST_WAIT_S, jitter=first_wait_s),
        stop=stop_before_delay(budget_s),
        before_sleep=tell,
        reraise=True,
    )
    return await retrying(attempt)
