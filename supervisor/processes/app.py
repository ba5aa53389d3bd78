"""The application's process: its states, its restarts, its stop, and its take-over from a supervisor that died."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from loguru import logger

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import AppState, Exit
from supervisor.processes import init, strays, tree
from supervisor.processes.adopted import AdoptedTree, Running
from supervisor.processes.child import SpawnFailed
from supervisor.processes.shell import line_of
from supervisor.processes.shimmed import LATE_S, Shimmed
from supervisor.processes.spawner import Spawner, Spec

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LEFTOVER_GRACE_S = 2.0
WEB_NAME = "nginx"
STEADY_S = 30.0
"""Up this long, an application counts as steady: its next restart is at once again."""


def pause_before_restart(crashes: int) -> float:
    """Seconds to wait before the restart after the nth crash in a row: none, then 0.5 doubling to 30."""
    return 0.0 if crashes <= 1 else min(FIRST_PAUSE_S * 2.0 ** min(crashes - 2, 16), LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class LastExit:
    """How the application's process ended the last time that nobody had asked it to."""

    at: datetime
    exit: Exit


class App:
    """Owner of the application's process. `on_change` is called after each change of what `state` and the rest say."""

    def __init__(self, spawner: Spawner, layout: Layout, on_change: Callable[[], None]) -> None:
        self._spawner = spawner
        self._layout = layout
        self._on_change = on_change
        self._spec: Spec | None = None
        self._tree: Shimmed | None = None
        self._watch: asyncio.Task[None] | None = None
        self._spawning = asyncio.Lock()
        self._kept_up = False
        self._crashes = 0
        self._since = 0.0
        self.release: str | None = None
        self.state = AppState.STOPPED
        self.restarts = 0
        self.ends = 0
        """How often it has ended by itself since `start`, also under an earlier supervisor."""
        self.started_at: datetime | None = None
        self.last_exit: LastExit | None = None
        self.exited = asyncio.Event()
        self._waiting_for_exit: list[asyncio.Future[Exit]] = []

    @property
    def pid(self) -> int | None:
        """The number of the application's own process, while it runs."""
        return self._tree.pid if self._tree else None

    @property
    def command(self) -> str | None:
        """The command line that it was started with last."""
        return line_of(self._spec.argv) if self._spec else None

    @property
    def is_web(self) -> bool:
        """Whether what runs is the web server."""
        return self._tree is not None and self._spec is not None and self._spec.web

    @property
    def shim_pid(self) -> int | None:
        """The number of the shim above it."""
        return self._tree.shim_pid if self._tree else None

    async def start(self, spec: Spec, release: str) -> None:
        """Start a release's command; until `keep_up` an exit is final. Raises SpawnFailed."""
        assert self._tree is None
        self._spec, self.release = spec, release
        self._kept_up, self._crashes = False, 0
        self.ends = self.restarts = 0
        self._change(AppState.STARTING)
        try:
            await self._spawn()
        except SpawnFailed as error:
            self._note_exit(Exit(error=str(error)))
            raise
        self._watch = asyncio.create_task(self._watch_over())

    def hand_over(self, spec: Spec, release: str) -> None:
        """The process that runs serves another release from now on; as after `start`, an exit is final."""
        assert self._tree is not None
        self._spec, self.release = spec, release
        self._kept_up, self._crashes = False, 0
        self.ends = self.restarts = 0
        self._record(self._tree)
        self._on_change()

    def keep_up(self) -> None:
        """From now on it is started again whenever it ends."""
        self._kept_up = True
        if self.exited.is_set() and (self._watch is None or self._watch.done()):
            self._watch = asyncio.create_task(self._watch_over())

    def adopt(self, spec: Spec, release: str) -> bool:
        """Take over the tree that an earlier supervisor left, if it runs this release, or is the web server that can
        serve it; whether it did."""
        running = Running.read(self._layout)
        if running is None or running.web != spec.web or not (running.release == release or spec.web):
            return False
        try:
            self._tree = AdoptedTree(running, spec.grace_s, self._layout)
        except ProcessLookupError:
            return False
        self._spec, self.release, self._kept_up = spec, release, True
        self.started_at = running.started_at
        self.ends, self.restarts = running.ends, running.restarts
        self._since = time.monotonic()
        self._watch = asyncio.create_task(self._watch_over())
        self._change(AppState.RUNNING)
        if running.release != release:
            self._record(self._tree)
        return True

    async def end_leftovers(self, owner: str, grace_s: float) -> None:
        """End every tree of an earlier supervisor of `owner` (an ORBIT_HOME) but the one that was taken over: an
        application that was not, hooks and builds whose shims are still at it, and what was below a killed shim."""
        running = Running.read(self._layout)
        if running and not self._tree:
            with contextlib.suppress(ProcessLookupError):
                await AdoptedTree(running, grace_s, self._layout).stop()
        kept = running.tag if running and self._tree else None

        def find() -> set[int]:
            servers = set() if self._tree else strays.standing_in(self._layout.web, WEB_NAME)
            return strays.owned(owner, but=kept) | init.orphans() | servers

        left = find()
        if not left:
            return
        logger.warning("ending {} processes that an earlier supervisor has left", len(left))
        if not await strays.end(find, LEFTOVER_GRACE_S, LATE_S):
            logger.error("processes of an earlier supervisor do not end: {}", sorted(find()))

    async def stop(self, now: bool = False) -> None:
        """Stop it and stay stopped; returns when nothing of its tree is left."""
        self._kept_up = False
        async with self._spawning:  # one that is being started right now has to be stopped, too
            if self._watch:
                self._watch.cancel()
                self._watch = None
            running = self._tree
        if running:
            self._change(AppState.STOPPING)
            await running.stop(now)
            self._tree = None
        self._change(AppState.STOPPED)

    def kill(self) -> None:
        """During a stop: do not wait for the grace to pass."""
        if self._tree:
            self._tree.kill()

    async def next_exit(self, timeout_s: float) -> Exit | None:
        """How it ends the next time that nobody asked it to; None if it does not within `timeout_s` seconds."""
        future: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._waiting_for_exit.append(future)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting_for_exit.remove(future)

    def reload(self) -> None:
        """Have the process read its configuration anew. Raises ProcessLookupError."""
        if self._tree:
            self._tree.tell(signal.SIGHUP)

    def reopen_log(self) -> None:
        """Its log was renamed: have its shim write to a new one."""
        if self._tree:
            self._tree.reopen_log()

    async def _spawn(self) -> None:
        """Start the command. Whoever waits for it may be cancelled; a process half started may not."""
        await asyncio.shield(asyncio.create_task(self._spawn_whole()))

    async def _spawn_whole(self) -> None:
        async with self._spawning:
            await self._spawn_now()

    async def _spawn_now(self) -> None:
        assert self._spec is not None
        self._since = time.monotonic()
        child = await self._spawner.spawn(self._spec)
        self._tree = child
        self.started_at = datetime.now(UTC)
        self.exited.clear()
        if self._record(child):
            child.keep()
        self._change(AppState.RUNNING)

    def _record(self, running: Shimmed) -> bool:
        """Write down where it is found by the next supervisor; whether that could be done, since only then may it live
        on without this one."""
        assert self.release is not None
        assert self._spec is not None
        assert self.started_at is not None
        facts = Running(
            release=self.release,
            pid=running.pid,
            shim_pid=running.shim_pid,
            shim_created=tree.created_at(running.shim_pid),
            started_at=self.started_at,
            tag=running.tag,
            ends=self.ends,
            restarts=self.restarts,
            web=self._spec.web,
        )
        try:
            files.write_json_somehow(self._layout.app, msgspec.to_builtins(facts))
        except OSError as error:
            logger.warning("cannot record the application's process: {}; a crash of Orbit would restart it", error)
            return False
        return True

    async def _watch_over(self) -> None:
        while True:
            if self._tree:
                ended = await self._tree.wait()
                self._tree = None
                self._note_exit(ended)
            if not self._kept_up:
                return
            pause_s = pause_before_restart(self._crashes)
            if pause_s:
                self._change(AppState.BACKOFF)
                await asyncio.sleep(pause_s)
            self.restarts += 1
            try:
                await self._spawn()
            except SpawnFailed as error:
                self._note_exit(Exit(error=str(error)))

    def _note_exit(self, ended: Exit) -> None:
        steady = time.monotonic() - self._since >= STEADY_S
        self._crashes = 1 if steady else self._crashes + 1
        self.ends += 1
        self.last_exit = LastExit(datetime.now(UTC), ended)
        self._change(AppState.EXITED)
        self.exited.set()
        for future in self._waiting_for_exit:
            if not future.done():
                future.set_result(ended)
        logger.warning("the application ended: {}", describe(ended))

    def _change(self, state: AppState) -> None:
        self.state = state
        self._on_change()


def describe(ended: Exit) -> str:
    """How a command ended, in words: “exit status 3”, “signal 9 (SIGKILL)”, “timed out”."""
    if ended.error:
        return ended.error
    if ended.timed_out:
        return "timed out"
    if ended.over_limit:
        return "out of memory: it took more than BUILD_MEMORY_LIMIT"
    if ended.out_of_memory:
        return "out of memory: the kernel ended it"
    if ended.signal is not None:
        name = signal_name(ended.signal)
        return f"signal {ended.signal} ({name})" if name else f"signal {ended.signal}"
    return f"exit status {ended.status}"


def signal_name(number: int) -> str | None:
    """SIGKILL for 9; None if it has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
