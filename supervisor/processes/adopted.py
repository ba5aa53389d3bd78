"""The application's tree as an earlier supervisor left it: how it is found, and followed without being its parent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import Exit
from supervisor.processes import init, strays, tree
from supervisor.processes.shimmed import LATE_S, Shimmed


@dataclass(frozen=True, slots=True)
class _ExitFile:
    """What the shim writes to `run/app.exit.json`."""

    pid: int
    status: int | None
    signal: int | None
    out_of_memory: bool
    tail: str


@dataclass(frozen=True, slots=True)
class Running:
    """What `run/app.json` says: the application's tree, so that the next supervisor can take it over."""

    release: str
    pid: int
    shim_pid: int
    shim_created: float  # seconds since the epoch
    started_at: datetime
    tag: str = ""
    ends: int = 0  # how often the release's command has ended by itself
    restarts: int = 0
    web: bool = False  # it is the web server, which serves any release's files

    @classmethod
    def read(cls, layout: Layout) -> Running | None:
        """The tree that an earlier supervisor left, if it lives. Raises OSError if that cannot be told."""
        try:
            found = msgspec.convert(files.read_json(layout.app), cls)
        except msgspec.ValidationError:
            return None
        return found if tree.is_alive(found.shim_pid, found.shim_created) else None


class AdoptedTree(Shimmed):
    """A tree that an earlier supervisor started; its end is seen through a pidfd and its exit file."""

    def __init__(self, running: Running, grace_s: float, layout: Layout) -> None:
        super().__init__(running.shim_pid, grace_s)
        self.pid = running.pid
        self.tag = running.tag
        self._layout = layout
        self._exit = asyncio.create_task(self._await_exit())

    async def _await_exit(self) -> Exit:
        try:
            if self._pidfd >= 0:
                await tree.ended(self._pidfd)
        finally:
            self._let_go()
        try:
            facts = msgspec.convert(files.read_json(self._layout.app_exit), _ExitFile)
        except (OSError, msgspec.ValidationError):
            facts = None
        if facts and facts.pid == self.pid:
            return Exit(facts.status, facts.signal, out_of_memory=facts.out_of_memory, tail=facts.tail)
        await strays.end(lambda: strays.tagged(self.tag) | strays.session(self.pid) | init.orphans(), 0.0, LATE_S)
        return Exit(error="its monitor was killed")
