"""A tree below a shim, whoever started it: how it is stopped, and what is done if the shim does not do it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from loguru import logger

from supervisor.model import Exit
from supervisor.processes import tree
from supervisor.shim import kernel

LATE_S = 2.0
"""How much longer than its grace an emptied tree may take before that is a fault, said loudly."""


class Shimmed:
    """Signals go to the shim by its pidfd: never to another process that has got its number."""

    def __init__(self, shim_pid: int, grace_s: float) -> None:
        self.shim_pid = shim_pid
        self.pid = 0
        self.tag = ""
        self.grace_s = grace_s
        self._pidfd = _pidfd(shim_pid)
        self._exit: asyncio.Task[Exit] | None = None
        self._stopping = False

    async def wait(self) -> Exit:
        """How the command ended, once nothing of its tree is left. Any number of callers may wait."""
        assert self._exit is not None
        return await asyncio.shield(self._exit)

    async def stop(self, now: bool = False) -> Exit:
        """End the tree: TERM, its grace, KILL (or KILL at once). Returns when it is empty."""
        if now:
            self.kill()
        elif not self._stopping:  # a second TERM would mean: now
            self._signal(signal.SIGTERM)
        self._stopping = True
        limit_s = LATE_S + (0 if now else self.grace_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                return await self.wait()
        logger.error(
            "process {} is not gone {:.0f} s after it was stopped; killing its tree from outside", self.pid, limit_s
        )
        await tree.kill_below(self.shim_pid, LATE_S)
        self._signal(signal.SIGKILL)  # if all below it is gone and it does not end, it is stuck itself
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATE_S):
                return await self.wait()
        return Exit(error="it does not end; the kernel holds it")

    def kill(self) -> None:
        """Do not wait for the grace to pass."""
        self._signal(signal.SIGINT)

    def tell(self, number: int) -> None:
        """Send a signal to the command itself. Raises ProcessLookupError."""
        command = os.pidfd_open(self.pid)
        try:
            if not kernel.is_below(self.pid, self.shim_pid):
                raise ProcessLookupError(f"process {self.pid} is another by now")
            signal.pidfd_send_signal(command, number)
        finally:
            os.close(command)

    def reopen_log(self) -> None:
        """The log's file was renamed: write to a new one."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: int) -> None:
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)
                signal.pidfd_send_signal(self._pidfd, signal.SIGCONT)  # somebody may have suspended it

    def _let_go(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._pidfd = -1


def _pidfd(pid: int) -> int:
    """What signals go to; -1 if the process has ended already (0: never was)."""
    try:
        return os.pidfd_open(pid) if pid else -1
    except ProcessLookupError:
        return -1
