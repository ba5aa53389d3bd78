"""The supervisor's side of the shim: asks the fork server for one, listens to it, stops it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from loguru import logger

from supervisor.errors import OrbitError
from supervisor.model import Exit, User
from supervisor.processes import strays, tree
from supervisor.processes.hold import Hold
from supervisor.shim.protocol import KEEP, LENGTH, PID

SHIM = Path(__file__).parent.parent / "shim" / "__main__.py"
START_S = 30.0
LATE_S = 2.0
"""How much longer than its grace an emptied tree may take before that is a fault, said loudly."""
MESSAGE_BYTES = 4 * 1024 * 1024


class SpawnFailed(OrbitError):
    """A command could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """How logs of commands are kept: the size of one file in bytes, and how many rotated ones stay beside it."""

    max_bytes: int = 10_000_000
    backups: int = 5


@dataclass(frozen=True, slots=True)
class Spec:
    """What a shim is asked to run. `exit_file` receives how it ended.
    `background`: it leaves processor, disk and memory to the application first."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    user: User | None = None
    log: Path | None = None
    mark: str | None = None
    capture: bool = False
    exit_file: Path | None = None
    grace_s: float = 10.0
    background: bool = False
    files: Mapping[int, int] = field(default_factory=dict)


class Child:
    """A command under its shim, as the supervisor that started it sees it."""

    def __init__(self, shim_pid: int, report: socket.socket, grace_s: float, tag: str, spawner: Spawner) -> None:
        self.shim_pid = shim_pid
        self.pid = 0
        self.grace_s = grace_s
        self.tag = tag
        self._spawner = spawner
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
        await tree.kill_below(self.shim_pid, START_S)
        self._signal(signal.SIGKILL)  # if all below it is gone and it does not end, it is stuck itself
        try:
            async with asyncio.timeout(START_S):
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
                await strays.end(lambda: self._spawner.strays(self.tag, self.pid), 0.0, START_S)
                return Exit(error="its monitor was killed", duration_s=time.monotonic() - self._since)
            facts = message["exit"]
            return Exit(
                status=facts["status"],
                signal=facts["signal"],
                out_of_memory=facts["out_of_memory"],
                tail=facts["tail"],
                output=await self._receive_exactly(facts["captured"]),
                duration_s=time.monotonic() - self._since,
            )
        finally:
            self._close()

    def _close(self) -> None:
        self._spawner.forget(self.shim_pid)
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


class Spawner:
    """Owner of the fork server; starts it again should it be killed."""

    def __init__(
        self, log_policy: LogPolicy, hidden: tuple[str, ...] = (), owner: str = "", hold: Hold | None = None
    ) -> None:
        self._owner = owner
        self._shims: set[int] = set()
        self._asked = 0  # shims that have not said their number yet
        self._log_policy = log_policy
        self._hidden = hidden
        self._hold = hold
        self._server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The fork server's process number, while there is one."""
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start the fork server; its standard output, where marked lines go, is ours."""
        ours, theirs = socket.socketpair()
        inherited = (theirs.fileno(), *(self._hold.descriptors if self._hold else ()))
        self._server = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SHIM), "serve", *map(str, inherited)],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # Whatever is needed comes with each request; its own environment is readable by others of its user.
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
        )
        theirs.close()
        self._channel = ours

    def close(self) -> None:
        """End the fork server. Kept trees live on."""
        if self._channel:
            self._channel.close()
            self._channel = None
        if self._server:
            self._server.wait(timeout=START_S)
            self._server = None

    async def spawn(self, spec: Spec) -> Child:
        """Start a command under a shim of its own. Raises SpawnFailed."""
        tag = strays.new_tag(self._owner)
        try:
            shim_pid, report = await self._start_shim(spec, tag)
            child = Child(shim_pid, report, spec.grace_s, tag, self)
        except (OSError, TimeoutError) as error:
            raise SpawnFailed(f"cannot start {spec.argv[0]}: no monitor could be started: {error}") from error
        await child.started()
        return child

    async def _start_shim(self, spec: Spec, tag: str) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._asked += 1
        try:
            with theirs:
                self._ask(spec, tag, theirs)
            async with asyncio.timeout(START_S):
                pid = await _peer_pid(ours)
            self._shims.add(pid)
            return pid, ours
        except BaseException:
            ours.close()
            raise
        finally:
            self._asked -= 1

    def forget(self, shim_pid: int) -> None:
        """This shim has ended."""
        self._shims.discard(shim_pid)

    def strays(self, tag: str, leader: int) -> list[psutil.Process]:
        """What is left of the tree with this tag, whose shim was killed: what bears the tag, the session that
        `leader` led, and what has come to the fork server, be it without a variable and in a session of its own."""
        came = strays.orphans(self.pid, self._shims, bool(self._asked)) if self.pid else []
        return [*strays.tagged(tag), *strays.session(leader), *came]

    def _ask(self, spec: Spec, tag: str, report: socket.socket) -> None:
        files = [report.fileno(), *spec.files.values()]
        body = json.dumps(self._as_message(spec, tag)).encode()
        for attempt in (1, 2):
            if self._channel is None:
                self.start()
            assert self._channel is not None
            try:
                socket.send_fds(self._channel, [LENGTH.pack(len(body))], files)
                self._channel.sendall(body)
                return
            except (BrokenPipeError, ConnectionResetError):
                if attempt == 2:
                    raise
                logger.error("the fork server was killed; starting it again")
                self.close()

    def _as_message(self, spec: Spec, tag: str) -> dict[str, Any]:
        user = spec.user
        return {
            "argv": spec.argv,
            "cwd": str(spec.cwd),
            "env": {**spec.env, strays.TAG: tag},
            "user": user and {"name": user.name, "uid": user.uid, "gid": user.gid, "groups": user.groups},
            "log": str(spec.log) if spec.log else None,
            "log_max_bytes": self._log_policy.max_bytes,
            "log_backups": self._log_policy.backups,
            "mark": spec.mark,
            "capture": spec.capture,
            "exit_file": str(spec.exit_file) if spec.exit_file else None,
            "grace": spec.grace_s,
            "background": spec.background,
            "files": list(spec.files),
            "secrets": self._hidden,
        }


def _pidfd(pid: int) -> int:
    """What signals go to; -1 if the process has ended already (0: never was), and all that it said waits in its
    socket."""
    try:
        return os.pidfd_open(pid) if pid else -1
    except ProcessLookupError:
        return -1


async def _peer_pid(report: socket.socket) -> int:
    """The shim's own process number: the first thing that it says."""
    part = await asyncio.get_running_loop().sock_recv(report, PID.size)
    if len(part) < PID.size:
        raise OSError("it ended at once")
    pid: int = PID.unpack(part)[0]
    return pid
