"""A command under its shim, as the supervisor that started it sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import Any, Protocol

from loguru import logger

from supervisor.errors import OrbitError
from supervisor.model import Exit
from supervisor.processes import strays, tree
from supervisor.processes.shimmed import Shimmed
from supervisor.shim.protocol import KEEP

KILLED_S = 30.0
"""How long the kernel may take to end what was killed."""
MESSAGE_BYTES = 4 * 1024 * 1024


class SpawnFailed(OrbitError):
    """A command could not be started; the message says why."""


class Trees(Protocol):
    """Who knows which shims there are."""

    def strays(self, tag: str, leader: int) -> set[int]:
        """What is left of a tree whose shim was killed."""
        ...

    def forget(self, shim_pid: int) -> None:
        """This shim has ended."""
        ...


class Child(Shimmed):
    """A command under its shim, as the supervisor that started it sees it."""

    def __init__(self, shim_pid: int, report: socket.socket, grace_s: float, tag: str, trees: Trees) -> None:
        super().__init__(shim_pid, grace_s)
        self.tag = tag
        self._trees = trees
        self._report = report
        self._buffer = b""
        self._since = time.monotonic()

    async def started(self) -> None:
        """Wait until the command runs. Raises SpawnFailed."""
        message = await self._receive()
        if message is None or "error" in message:
            self._close()
            reason = message["error"] if message else "cannot start a command: its monitor ended at once"
            raise SpawnFailed(str(reason))
        self.pid = message["started"]
        self._exit = asyncio.create_task(self._await_exit())

    def keep(self) -> None:
        """From now on it lives on when the supervisor goes; to be called once it is on record."""
        with contextlib.suppress(OSError):
            self._report.send(KEEP)

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
        self._let_go()

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
