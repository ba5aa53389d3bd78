"""The one place that runs commands which end by themselves: with a timeout, a log, and a tree to empty."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from supervisor.model import Command, Exit
from supervisor.processes.child import Child, SpawnFailed
from supervisor.processes.spawner import Spawner, Spec
from supervisor.processes.uninterrupted import uninterrupted


class CommandRunner:
    """Runs one-shot commands under a shim each. Implements `model.Runner`."""

    def __init__(self, spawner: Spawner) -> None:
        self._spawner = spawner

    async def run(self, command: Command) -> Exit:
        """Run to its end, its timeout, or our cancellation; in each case nothing of its tree is left afterwards.

        A command that could not be started is an Exit with `error`.
        """
        spec = Spec(
            argv=command.argv,
            cwd=command.cwd,
            env=command.env,
            user=command.user,
            log=command.log,
            mark=command.mark,
            capture=command.capture,
            grace_s=command.grace_s,
            files=command.files,
            background=command.background,
            limits=command.limits,
            own=command.own,
        )
        spawning = asyncio.create_task(self._spawner.spawn(spec))
        try:
            child = await asyncio.shield(spawning)
        except SpawnFailed as error:
            return Exit(error=str(error))
        except asyncio.CancelledError:
            await uninterrupted(_stop_once_started(spawning))
            raise
        try:
            try:
                async with asyncio.timeout(command.timeout_s):  # wait_for may lose a cancellation, before Python 3.12
                    return await child.wait()
            except TimeoutError:
                return replace(await child.stop(), timed_out=True)
        except asyncio.CancelledError:
            await uninterrupted(child.stop())
            raise


async def _stop_once_started(spawning: asyncio.Task[Child]) -> None:
    with contextlib.suppress(SpawnFailed):
        await (await spawning).stop()
