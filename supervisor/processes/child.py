"""A command under its shim, as the supervisor that started it sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from typing import Any, Protocol

import psutil
from loguru import logger

from supervisor.errors import OrbitError
from supervisor.model import Exit
from supervisor.processes import strays, tree
from supervisor.shim.protocol import KEEP

KILLED_S = 30.0
"""How long the kernel may take to end what was killed."""
LATE_S = 2.0
"""How much longer than its grace an emptied tree may take before that is a fault, said loudly."""
MESSAGE_BYTES = 4 * 1024 * 1024


class SpawnFailed(OrbitError):
    """A command could not be started; the message says why."""


class Trees(Protocol):
    """Who knows which shims there are."""

    def strays(self, tag: str, leader: int) -> list[psutil.Process]:
        """What is left of a tree whose shim was killed."""
        ...

    def forget(self, shim_pid: int) -> None:
        """This shim has ended."""
        ...


class Child:
    """A command under its shim, as the supervisor that started it sees it."""

    def __init__(self, shim_pid: int, report: socket.socket, grace_s: float, tag: str, trees: Trees) -> None:
        self.shim_pid = shim_pid
        self.pid = 0
        self.grace_s = grace_s
        self.tag = tag
        self._trees = trees
        self._pidfd = _pidfd(shim_pid)
        self._report = report
        self._buffer = b""
        self._since = time.monotonic()
        self._exit: asyncio.Task[Exit] | None = None
        self._stopping = False

    async def started(self) -> None:
        """Wait until the command runs. Raises SpawnFailed."""
        message = await self._receive()
        if message is None or "error" in message:
            self._close()
            reason = message["error"] if message else "cannot start a command: its monitor ended at once"
            raise SpawnFailed(str(reason))
        self.pid = message["started"]
        self._exit = asyncio.create_task(self._await_exit())

    async def wait(self) -> Exit:
        """How the command ended, once nothing of its tree is left. Any number of callers may wait."""
        assert self._exit is not None
        return await asyncio.shield(self._exit)

    async def stop(self, now: bool = False) -> Exit:
        """End the tree: TERM, its grace, KILL (or KILL at once). Returns when it is empty."""
        if now:
            self._signal(signal.SIGINT)
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
        await tree.kill_below(self.shim_pid, KILLED_S)
        self._signal(signal.SIGKILL)  # if all below it is gone and it does not end, it is stuck itself
        try:
            async with asyncio.timeout(KILLED_S):
                return await self.wait()
        except TimeoutError:
            return Exit(error="it does not end; the kernel holds it")

    def keep(self) -> None:
        """From now on it lives on when the supervisor goes; to be called once it is on record."""
        with contextlib.suppress(OSError):
            self._report.send(KEEP)

    def reopen_log(self) -> None:
        """The log's file was renamed: write to a new one."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: int) -> None:
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def _await_exit(self) -> Exit:
        try:
            message = await self._receive()
            if message is None:
                logger.error("the monitor of process {} was killed; ending what is left of its tree", self.pid)
                await tree.ended(self._pidfd)  # only then has what it watched over come to the fork server
                await strays.end(lambda: self._trees.strays(self.tag, self.pid), 0.0, KILLED_S)
                return Exit(error="its monitor was killed", duration_s=time.monotonic() - self._since)
            facts = message["exit"]
            return Exit(
                status=facts["status"],
                signal=facts["signal"],
                out_of_memory=facts["out_of_memory"],
                over_limit=facts["over_limit"],
                tail=facts["tail"],
                output=await self._receive_exactly(facts["captured"]),
                duration_s=time.monotonic() - self._since,
            )
        finally:
            self._close()

    def _close(self) -> None:
        self._trees.forget(self.shim_pid)
        self._report.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._pidfd = -1

    async def _receive(self) -> dict[str, Any] | None:
        while b"\n" not in self._buffer:
            part = await self._read()
            if not part or len(self._buffer) > MESSAGE_BYTES:
                return None
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    async def _receive_exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            part = await self._read()
            if not part:
                break
            self._buffer += part
        return self._buffer[:length]

    async def _read(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._report, 262144)
        except ConnectionError:
            return b""


def _pidfd(pid: int) -> int:
    """What signals go to; -1 if the process has ended already (0: never was), and all that it said waits in its
    socket."""
    try:
        return os.pidfd_open(pid) if pid else -1
    except ProcessLookupError:
        return -1
