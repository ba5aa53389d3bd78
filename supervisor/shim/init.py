"""PID 1 of a container: reaps whatever is orphaned, passes signals to the supervisor, starts it again if it crashes.

It ends when the supervisor ends for good, with its status, and only once nothing is left below: what a killed shim
has let go comes to PID 1, and gets TERM before the kernel's KILL.
"""

import os
import signal
import time

from . import kernel
from .output import Console
from .protocol import INIT_NAME, SHIM_NAME, STOPPING

FORWARDED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
STOPS = (signal.SIGTERM, signal.SIGINT)
AWAITED = {*FORWARDED, STOPPING, signal.SIGCHLD}
CRASHED = 70
"""The supervisor's status after an internal error (EX_SOFTWARE of sysexits.h). Ours, too, if it hangs."""
LONGEST_PAUSE_S = 30.0
STEADY_S = 30.0
PATIENCE_S = 4.0
"""How long a supervisor that was told to stop may say nothing; then it counts as hung."""
STOP_S = 8.0
"""How long a stop may take that the supervisor does not see to; `docker stop` waits 10 s. STOP_TIMEOUT overrides it."""
LEFTOVER_GRACE_S = 2.0
LEAST_GRACE_S = 1.0
HELD_S = 1.0
"""What lives this long after its KILL is held by the kernel, which ends it with us."""
KILL_PAUSE_S = 0.05
REAPED_AT_ONCE = 500
"""After so many, signals are looked at again: a storm of orphans must not hold up a stop."""


class Init:
    """One supervisor at a time below PID 1."""

    def __init__(self, command: list[str], stop_timeout_s: float | None) -> None:
        self.command = command
        self.stop_s = STOP_S if stop_timeout_s is None else PATIENCE_S + stop_timeout_s
        self.console = Console(1, "SETUP")
        self.pid = 0
        self.crashed = False
        self.pause_s = 0.0
        self.start_at = 0.0
        self.stop_by: float | None = None  # set by the first stop
        self.silent_by = 0.0
        self.status: int | None = None  # what we end with, once that is known
        self.kill_at = 0.0
        self.zombies_left = False
        self.empty = False

    def run(self) -> int:
        """The exit status of the container."""
        signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
        self._start()
        while self.status is None:
            self._handle(self._await_signal(self._next_deadline()))
            self._reap()
            self._look_at_clock()
        self._empty()
        return self.status

    def _next_deadline(self) -> float | None:
        if self.pid == 0:
            return self.start_at
        return self.silent_by if self.stop_by is not None else None

    def _await_signal(self, deadline: float | None) -> signal.struct_siginfo | None:
        if self.zombies_left:
            return signal.sigtimedwait(AWAITED, 0)
        if deadline is None:
            return signal.sigwaitinfo(AWAITED)
        return signal.sigtimedwait(AWAITED, max(0.0, deadline - time.monotonic()))

    def _handle(self, info: signal.struct_siginfo | None) -> None:
        if info is None or info.si_signo == signal.SIGCHLD:
            return
        if info.si_signo == STOPPING:
            if info.si_pid == self.pid:
                self.silent_by = time.monotonic() + PATIENCE_S
            return
        if info.si_signo in STOPS and self.stop_by is None:
            self.stop_by = time.monotonic() + self.stop_s
            self.silent_by = time.monotonic() + PATIENCE_S
        if self.pid:
            os.kill(self.pid, info.si_signo)
            if self.stop_by is not None:
                os.kill(self.pid, signal.SIGCONT)  # somebody may have suspended it
        elif self.stop_by is not None:
            self._end(0, self.stop_by)

    def _look_at_clock(self) -> None:
        if self.status is not None:
            return
        now = time.monotonic()
        if self.pid == 0:
            if now >= self.start_at:
                self._start()
        elif self.stop_by is not None and now >= self.silent_by:
            self._say("ERROR: the supervisor does not answer; ending everything without it")
            os.kill(self.pid, signal.SIGKILL)
            self._end(CRASHED, self.stop_by)

    def _start(self) -> None:
        self.started = time.monotonic()
        try:
            self.pid = os.fork()
        except OSError as error:
            self._ended(1, f"cannot be started: {error.strerror}")
            return
        if self.pid == 0:
            try:
                # What is forwarded stays blocked until the supervisor listens: none may end it before, or be lost.
                signal.pthread_sigmask(signal.SIG_SETMASK, FORWARDED)
                os.setsid()
                os.execvp(self.command[0], self.command)
            finally:
                os._exit(127)

    def _reap(self) -> None:
        """Take in children that have ended, in a burst not all of them at once."""
        for _ in range(REAPED_AT_ONCE):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.zombies_left, self.empty = False, True
                return
            if pid == 0:
                self.zombies_left = False
                return
            if pid == self.pid:
                self.pid = 0
                if self.status is None:
                    code = os.waitstatus_to_exitcode(status)
                    self._ended(code, f"ended with {f'signal {-code}' if code < 0 else f'status {code}'}")
        self.zombies_left = True

    def _ended(self, code: int, how: str) -> None:
        """The supervisor has ended: for good, or is it started again?

        After a crash whatever it says now but 0 is no reason to take the application along: a full disk passes.
        """
        crash = code < 0 or code == CRASHED
        exit_status = code if code >= 0 else 128 - code
        now = time.monotonic()
        if self.stop_by is not None:
            self._end(exit_status, self.stop_by if crash else now + LEFTOVER_GRACE_S)
        elif code == 0 or not (crash or self.crashed):
            self._end(exit_status, now + LEFTOVER_GRACE_S)
        else:
            self.crashed = True
            steady = now - self.started >= STEADY_S
            self.pause_s = 0.01 if steady or not self.pause_s else min(max(self.pause_s * 2, 0.5), LONGEST_PAUSE_S)
            self.start_at = now + self.pause_s
            when = f" in {self.pause_s:g} s" if self.pause_s >= 0.5 else ""
            self._say(f"ERROR: the supervisor {how}; the application goes on, starting the supervisor again{when}")

    def _end(self, status: int, kill_at: float) -> None:
        self.status = status
        self.kill_at = max(kill_at, time.monotonic() + LEAST_GRACE_S)

    def _empty(self) -> None:
        """End what is left: TERM, KILL from `kill_at` on, until there is nothing, or only what the kernel holds."""
        self.empty = False
        self._reap()
        if self.empty:
            return
        kernel.signal_all(_tops(os.getpid()), signal.SIGTERM)
        kernel.signal_all(kernel.descendants(os.getpid()), signal.SIGCONT)
        next_kill = self.kill_at
        while not self.empty and time.monotonic() < self.kill_at + HELD_S:
            info = self._await_signal(next_kill)
            if info and info.si_signo in STOPS:
                self.kill_at = next_kill = time.monotonic()
            self._reap()
            if time.monotonic() >= next_kill:
                kernel.signal_all(kernel.descendants(os.getpid()), signal.SIGKILL)
                next_kill = time.monotonic() + KILL_PAUSE_S

    def _say(self, text: str) -> None:
        """A line on standard output. A reader that is stuck loses it, and does not hold us up."""
        self.console.flush()
        if not self.console.pending:
            self.console.write(text.encode() + b"\n")


def _tops(root: int) -> list[int]:
    """Who below `root` is to be told of a stop: not what stands below a shim, which passes it on."""
    found = kernel.processes()
    kept_out = {pid for pid in found if kernel.name(pid) == SHIM_NAME}
    return kernel.below(root, {pid: process for pid, process in found.items() if process.parent not in kept_out})


def _stop_timeout_s() -> float | None:
    """STOP_TIMEOUT, if it is set; whether it is right is for the supervisor to say."""
    try:
        return min(max(float(os.environ["STOP_TIMEOUT"]), 0.0), 600.0)
    except (KeyError, ValueError):
        return None


def _assure_standard_files() -> None:
    """A closed standard output must not become the number of a socket or of a log."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        os.set_inheritable(fd, True)
        fd = os.open(os.devnull, os.O_RDWR)
    os.close(fd)


def run(command: list[str]) -> int:
    """Run `command` as the supervisor below this process; its exit status."""
    _assure_standard_files()
    kernel.set_name(INIT_NAME)
    kernel.hide()
    return Init(command, _stop_timeout_s()).run()
