"""The shim above one command: starts it, copies its output, and does not end before its tree is empty.

It talks over a socket to whoever asked for it, a line of JSON a message: `started` once the command runs, `error` if
it could not be started, `exit` once the command has ended and nothing that it started is left. When the other end
closes, the command is stopped, unless KEEP was received before: the application is kept, and goes on.

SIGTERM stops the tree (TERM or `stop_signal`, `grace` seconds, KILL); a second one, or SIGINT, kills it at once;
SIGUSR1 reopens the log.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import socket
import time

from . import kernel
from .command import become
from .ending import Ending
from .limits import Limits
from .output import Console, Output, RotatedFile
from .protocol import EXEC_FAILED, KEEP, PID, SHIM_NAME

TYPE_CHECKING = False  # typing's own one would cost every shim its import
if TYPE_CHECKING:
    from typing import Any

READ_BYTES = 262144
PIPE_BYTES = 1048576
CAPTURE_BYTES = 1048576
LEFTOVER_GRACE_S = 2.0
"""How long what a command left behind may take to end after TERM."""


class Monitor:
    """State of one shim: running, then (asked to, or because the command ended) emptying, then done."""

    def __init__(
        self, spec: dict[str, Any], report: socket.socket, files: list[int], console_fd: int, hold: int = -1
    ) -> None:
        self.spec = spec
        self.report: socket.socket | None = report
        self.kept = False
        self.hold = hold
        self.files = files
        self.started_at = time.time()
        self.pid = 0
        self.wait_status: int | None = None
        self.limits = Limits(spec)
        self.ran_out_of_memory = False
        self.empty = False
        self.ending = Ending(spec["stop_signal"])
        self.captured = bytearray()
        self.output = self._make_output(console_fd)
        self.poll = select.poll()
        self.readers: dict[int, bool] = {}  # descriptor → is it captured?
        self.waiting_for: int | None = None  # the console, while its reader is behind

    def _make_output(self, console_fd: int) -> Output:
        spec = self.spec
        file = RotatedFile(spec["log"], spec["log_max_bytes"], spec["log_backups"]) if spec["log"] else None
        console = Console(console_fd, spec["mark"]) if spec["mark"] else None
        return Output([secret.encode("utf-8", "surrogateescape") for secret in spec["secrets"]], file, console)

    def run(self) -> int:
        """The command's exit status, 128 + N if signal N ended it (as a shell has it)."""
        os.setsid()  # what a terminal signals must not hit us
        kernel.become_subreaper()
        kernel.set_name(SHIM_NAME)
        self._listen_for_signals()
        self._introduce()
        error = self._start()
        if error:
            self._say({"error": error})
            self._reap()
            self.limits.remove()
            return EXEC_FAILED
        self._say({"started": self.pid})
        while not self.empty:
            self._wait()
            self._advance()
        self._drain()
        return self._finish()

    def _introduce(self) -> None:
        """Our process number, by which the supervisor signals us; from now on it may."""
        assert self.report is not None
        self.report.send(PID.pack(os.getpid()))

    def _listen_for_signals(self) -> None:
        self.wakeup, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, _only_wake)
        for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        self.poll.register(self.wakeup, select.POLLIN)
        if self.report:
            self.poll.register(self.report.fileno(), select.POLLIN)

    def _start(self) -> str | None:
        """Fork the command; what went wrong, or None."""
        out_read, out_write = self._pipe()
        self.readers[out_read] = False
        error_write = out_write
        if self.spec["capture"]:
            self.readers[out_read] = True
            error_read, error_write = self._pipe()
            self.readers[error_read] = False
        failed_read, failed_write = os.pipe2(os.O_CLOEXEC)
        own = os.getpid()
        try:
            self.pid = os.fork()
        except OSError as error:
            return f"cannot fork: {error.strerror}"
        if self.pid == 0:
            become(self.spec, (out_write, error_write, failed_write), self.files, self.limits, own)
        for fd in {out_write, error_write, failed_write, *self.files}:
            os.close(fd)
        failure = os.read(failed_read, 4096).decode("utf-8", "replace")
        os.close(failed_read)
        self.limits.started(self.pid)
        for fd in self.readers:
            self.poll.register(fd, select.POLLIN)
        return failure or None

    def _pipe(self) -> tuple[int, int]:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        if self.spec["user"]:  # else it could not open /dev/stdout
            os.fchown(writer, self.spec["user"]["uid"], self.spec["user"]["gid"])
        os.set_blocking(reader, False)
        try:
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            pass  # over the user's limit of pipe memory: it is only a matter of speed
        return reader, writer

    def _wait(self) -> None:
        wait_s = self.ending.wait_s()
        if wait_s is None:
            wait_s = self.output.pause_s
        ready = self.poll.poll(None if wait_s is None else wait_s * 1000 + 1)
        if not ready:
            self.output.give_back()
        for fd, _ in ready:
            if fd in self.readers:
                self._read(fd)
            elif fd == self.wakeup:
                self._handle_signals()
            elif self.report and fd == self.report.fileno():
                self._listen()
            elif fd == self.waiting_for and self.output.console:
                self.output.console.flush()
        self._balance()

    def _balance(self) -> None:
        """While the console's reader is behind, its readiness is waited for instead of the command's output."""
        console = self.output.console
        if console is None or self.output.congested == (self.waiting_for is not None):
            return
        if self.waiting_for is None:
            self.waiting_for = console.fd
            self.poll.register(console.fd, select.POLLOUT)
            for fd in self.readers:
                self.poll.unregister(fd)
        else:
            self.poll.unregister(self.waiting_for)
            self.waiting_for = None
            for fd in self.readers:
                self.poll.register(fd, select.POLLIN)

    def _read(self, fd: int) -> bool:
        """One read; False when nothing more is to be had now."""
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            del self.readers[fd]
            if self.waiting_for is None:
                self.poll.unregister(fd)
            os.close(fd)
            return False
        if self.readers[fd]:
            self.captured += data[: CAPTURE_BYTES - len(self.captured)]
        else:
            self.output.feed(data)
        return True

    def _handle_signals(self) -> None:
        for number in os.read(self.wakeup, 512):
            if number == signal.SIGTERM:
                again = self.ending.begun and self.wait_status is None
                self.ending.begin(0.0 if again else self.spec["grace"])
            elif number == signal.SIGINT:
                self.ending.begin(0.0)
            elif number == signal.SIGUSR1 and self.output.file:
                self.output.file.reopen()

    def _listen(self) -> None:
        """KEEP is all that the supervisor says here; else it has closed, or died."""
        assert self.report is not None
        try:
            said = self.report.recv(16)
            if KEEP in said:
                self._keep()
            gone = not said
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self.poll.unregister(self.report.fileno())
            self.report.close()
            self.report = None
            if not self.kept:
                self.ending.begin(min(self.spec["grace"], LEFTOVER_GRACE_S))

    def _keep(self) -> None:
        """From now on the next supervisor takes the tree over, and need not wait for its end."""
        self.kept = True
        if self.hold >= 0:
            os.close(self.hold)
            self.hold = -1

    def _advance(self) -> None:
        self._reap()
        if not self.empty and self.ending.due():
            self.ending.strike()
            self._reap()
            if not self.empty:
                self.ending.chase()

    def _reap(self) -> None:
        command_ended = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True  # the usual end, and no need to look through all of /proc
                return
            if pid == 0:
                break
            if pid == self.pid:
                self.wait_status = status
                asked = self.ending.begun
                self.ran_out_of_memory = not asked and self.limits.ran_out(os.waitstatus_to_exitcode(status))
                command_ended = True
        if command_ended:
            self._empty_leftovers()

    def _empty_leftovers(self) -> None:
        """The command has ended; what it left behind has to end, too."""
        if kernel.descendants(os.getpid()):
            self.ending.begin(min(self.spec["grace"], LEFTOVER_GRACE_S))
        else:
            self.ending.begin(0.0)  # nothing but zombies: reap on

    def _drain(self) -> None:
        """Nobody is left who could write: read to the end. Nor can anybody hold us up: an end that is not reached
        (a descriptor sent to a process outside of the tree) is not waited for."""
        for fd in list(self.readers):
            while self._read(fd):
                continue
        self.output.finish()

    def _finish(self) -> int:
        assert self.wait_status is not None
        status = os.waitstatus_to_exitcode(self.wait_status)
        message = {
            "exit": {
                "pid": self.pid,
                "status": status if status >= 0 else None,
                "signal": -status if status < 0 else None,
                "out_of_memory": self.ran_out_of_memory,
                "over_limit": self.ran_out_of_memory and self.limits.over_limit(),
                "started_at": self.started_at,
                "ended_at": time.time(),
                "tail": self.output.tail.decode("utf-8", "replace"),
                "captured": len(self.captured),
            }
        }
        self.limits.remove()
        if self.spec["exit_file"]:
            _write_file(self.spec["exit_file"], json.dumps(message["exit"]).encode())
        self._say(message, bytes(self.captured))
        return status if status >= 0 else 128 - status

    def _say(self, message: dict[str, Any], body: bytes = b"") -> None:
        if self.report is None:
            return
        try:
            self.report.setblocking(True)
            self.report.sendall(json.dumps(message).encode() + b"\n" + body)
            self.report.setblocking(False)
        except OSError:
            pass  # the supervisor is gone; the exit file tells the next one


def _only_wake(number: int, frame: object) -> None:
    """The descriptor given to set_wakeup_fd is what carries the signal."""


def _write_file(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        os.write(fd, data)
        os.close(fd)
        os.rename(temporary, path)
    except OSError:
        pass  # a full disk: the supervisor is told over the socket
