"""PID 1 of a container: reaps whatever is orphaned, passes signals to the supervisor, starts it again if it crashes."""

import os
import signal
import sys
import time

from . import kernel

FORWARDED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
STOPPING = (signal.SIGTERM, signal.SIGINT)
CRASHED = 70
"""The supervisor's status after an internal error (EX_SOFTWARE of sysexits.h)."""
LONGEST_PAUSE_S = 30.0
STEADY_S = 30.0
STOP_S = 8.0
"""How long the tree may take to end when there is no supervisor to end it; `docker stop` waits 10 s."""


class Init:
    """One supervisor at a time below PID 1."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.pid = 0
        self.stopping = False
        self.pause_s = 0.0

    def run(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, {*FORWARDED, signal.SIGCHLD})
        self._start()
        while True:
            timeout = self.pause_s if self.pid == 0 else None
            info = (
                signal.sigwaitinfo({*FORWARDED, signal.SIGCHLD})
                if timeout is None
                else signal.sigtimedwait({*FORWARDED, signal.SIGCHLD}, timeout)
            )
            if info is None:
                self._start()
            elif info.si_signo == signal.SIGCHLD:
                status = self._reap()
                if status is not None:
                    return status
            elif self._forward(info.si_signo):
                return 0

    def _start(self) -> None:
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.setsid()
                os.execvpe(self.command[0], self.command, {**os.environ, "ORBIT_UNDER_INIT": "1"})
            finally:
                os._exit(127)

    def _forward(self, number: int) -> bool:
        """True when there is nothing left to wait for."""
        self.stopping = self.stopping or number in STOPPING
        if self.pid:
            os.kill(self.pid, number)
            return False
        if self.stopping:
            self._stop_everything()
        return self.stopping

    def _reap(self) -> int | None:
        """Take in every child that has ended; our own exit status if the supervisor has ended for good."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid == self.pid:
                self.pid = 0
                code = os.waitstatus_to_exitcode(status)
                if self.stopping or (code >= 0 and code != CRASHED):
                    return code if code >= 0 else 128 - code
                self._plan_restart(code)

    def _plan_restart(self, code: int) -> None:
        steady = time.monotonic() - self.started >= STEADY_S
        self.pause_s = 0.01 if steady or not self.pause_s else min(max(self.pause_s * 2, 0.5), LONGEST_PAUSE_S)
        how = f"signal {-code}" if code < 0 else f"status {code}"
        try:
            print(f"[SETUP] ERROR: the supervisor ended with {how}; starting it again", flush=True)
        except OSError:
            pass  # nobody reads, which is no reason for PID 1 to end

    def _stop_everything(self) -> None:
        """A stop while there is no supervisor: end the trees that it left."""
        deadline = time.monotonic() + STOP_S
        for number in (signal.SIGTERM, signal.SIGKILL):
            kernel.signal_all(kernel.descendants(os.getpid()), number)
            while time.monotonic() < deadline:
                signal.sigtimedwait({signal.SIGCHLD}, 0.1)
                self._reap()
                if not kernel.descendants(os.getpid()):
                    return


def run(command: list[str]) -> int:
    """Run `command` as the supervisor below this process; its exit status."""
    kernel.set_name("orbit-init")
    kernel.hide()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return Init(command).run()
