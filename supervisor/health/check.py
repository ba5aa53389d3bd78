"""Asking until the first good answer, the application's end, or the end of the window."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

FIRST_PAUSE_S = 0.003
LONGEST_PAUSE_S = 0.25
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check heard. `status` is an HTTP status or a script's exit status; None if there was no answer at all,
    and `text` says why. `target` is what was asked: an address, or a script."""

    good: bool
    target: str
    status: int | None
    text: str
    reached: bool = True  # somebody took the connection, or the script ran

    @property
    def said(self) -> str:
        """The answer in a few words."""
        return f"status {self.status}" if self.status is not None else self.text


class Check(Protocol):
    """One kind of health check. `patience_s`: how long an answer may take once the application is up."""

    @property
    def patience_s(self) -> float: ...

    async def ask(self, timeout_s: float) -> Answer:
        """Ask once; no good answer within `timeout_s` seconds is a bad one."""
        ...


async def until_good(check: Check, window_s: float, ended: asyncio.Event) -> Answer | None:
    """The first good answer, or the last bad one when `window_s` seconds have passed; None if the application ended.

    Asked often at first: a good start is seen in milliseconds.
    """
    deadline = time.monotonic() + window_s
    pause_s = FIRST_PAUSE_S
    end = asyncio.create_task(ended.wait())
    try:
        while True:
            asking = asyncio.create_task(check.ask(max(deadline - time.monotonic(), 0.05)))
            try:
                await asyncio.wait({asking, end}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not asking.done():
                    asking.cancel()
                    await asyncio.wait({asking})
            if end.done():
                return None
            answer = asking.result()
            if answer.good or time.monotonic() + pause_s >= deadline:
                return answer
            await asyncio.wait({end}, timeout=pause_s)
            pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
    finally:
        end.cancel()
