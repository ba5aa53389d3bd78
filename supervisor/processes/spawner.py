"""The supervisor's side of the shim: asks the fork server for one, listens to it, stops it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loguru import logger

from supervisor.model import UNLIMITED, Limits, LogPolicy, User
from supervisor.processes import strays
from supervisor.processes.child import Child, SpawnFailed
from supervisor.processes.hold import Hold
from supervisor.shim.protocol import LENGTH, PID

SHIM = Path(__file__).parent.parent / "shim" / "__main__.py"
START_S = 30.0
CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What a shim is asked to run. `exit_file` receives how it ended. `stop_signal` asks all of it to end.
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
    stop_signal: int = signal.SIGTERM
    background: bool = False
    limits: Limits = UNLIMITED
    files: Mapping[int, int] = field(default_factory=dict)
    web: bool = False  # the web server, which need not be started anew for another release
    own: bool = False


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
            try:
                self._server.wait(timeout=CLOSE_S)
            except subprocess.TimeoutExpired:  # suspended, perhaps
                self._server.kill()
                self._server.wait()
            self._server = None

    def hide(self, texts: tuple[str, ...]) -> None:
        """Keep these out of what is printed by all that is started from now on, longest first."""
        self._hidden = texts

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

    def strays(self, tag: str, leader: int) -> set[int]:
        """What is left of the tree with this tag, whose shim was killed: what bears the tag, the session that
        `leader` led, and what has come to the fork server, be it without a variable and in a session of its own."""
        came = strays.orphans(self.pid, self._shims, bool(self._asked)) if self.pid else set()
        return strays.tagged(tag) | strays.session(leader) | came

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
            "stop_signal": int(spec.stop_signal),
            "background": spec.background,
            "limits": {"memory": spec.limits.memory_bytes, "cpus": spec.limits.cpus},
            "files": list(spec.files),
            "own": spec.own,
            "secrets": self._hidden,
        }


async def _peer_pid(report: socket.socket) -> int:
    """The shim's own process number: the first thing that it says."""
    part = await asyncio.get_running_loop().sock_recv(report, PID.size)
    if len(part) < PID.size:
        raise OSError("it ended at once")
    pid: int = PID.unpack(part)[0]
    return pid
