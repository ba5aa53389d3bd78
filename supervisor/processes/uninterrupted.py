"""Work that has to come to its end once it has begun: emptying a tree, going back to a release."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which goes on when the caller is cancelled; the caller waits for its end all the same.

    A cancellation that comes meanwhile has no further effect: whoever calls this is on the way out already.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    return task.result()
