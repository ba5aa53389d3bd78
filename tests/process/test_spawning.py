"""The supervisor's side of a shim, when it is late."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import psutil
import pytest

from supervisor.model import Exit
from supervisor.processes import child, spawner


async def test_a_command_that_ends_before_its_shim_is_looked_at_has_been_run(
    run: Callable[..., Awaitable[Exit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer_pid = spawner._peer_pid

    async def late(report: socket.socket) -> int:
        pid = await peer_pid(report)
        async with asyncio.timeout(10):
            while psutil.pid_exists(pid):
                await asyncio.sleep(0.005)
        return pid

    monkeypatch.setattr(spawner, "_peer_pid", late)
    ended = await run("echo said; exit 3")
    assert (ended.status, ended.tail, ended.error) == (3, "said\n", None)


async def test_a_cancellation_at_the_very_end_of_a_command_is_not_lost(
    run: Callable[..., Awaitable[Exit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = child.Child.wait

    async def ends_as_it_is_cancelled(self: child.Child) -> Exit:
        ended = await wait(self)
        task.cancel()
        return ended

    async def run_and_go_on() -> None:
        await run("exit 0")
        await asyncio.Event().wait()

    monkeypatch.setattr(child.Child, "wait", ends_as_it_is_cancelled)
    task = asyncio.create_task(run_and_go_on())
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
