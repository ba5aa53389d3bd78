"""How a tree is ended: TERM to all of it, KILL to what is left after the grace, again until nothing is left."""

import os
import signal
import time

from . import kernel

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1
CHASE_S = 0.02
CHASED = 4


class Ending:
    """Nothing, until `begin`; from then on `due` says when the next KILLs are to be dealt out, and `strike` does it."""

    def __init__(self, first: int = signal.SIGTERM) -> None:
        self._first = first
        self.kill_at: float | None = None
        self._next = 0.0
        self._pause_s = FIRST_PAUSE_S

    @property
    def begun(self) -> bool:
        return self.kill_at is not None

    def begin(self, grace_s: float) -> None:
        """TERM (or what is `first`) to the whole tree now, KILL to what is left after `grace_s` seconds, or earlier if
        that was said."""
        deadline = time.monotonic() + grace_s
        if self.kill_at is None or deadline < self.kill_at:
            self.kill_at = deadline
        if grace_s > 0:
            pids = kernel.descendants(os.getpid())
            kernel.signal_all(pids, self._first)
            kernel.signal_all(pids, signal.SIGCONT)  # a stopped process would not see its TERM before the KILL

    def wait_s(self) -> float | None:
        """Seconds until `due`; None while nothing is to be ended."""
        if self.kill_at is None:
            return None
        return max(0.0, max(self.kill_at, self._next) - time.monotonic())

    def due(self) -> bool:
        return self.wait_s() == 0.0

    def strike(self) -> None:
        """One round of KILLs. What is born meanwhile is met by the next one."""
        own = os.getpid()
        found = kernel.processes()
        below = kernel.below(own, found)
        # A group is killed as a whole: the kernel lets none of it fork meanwhile, which a list of numbers cannot do.
        # All of a session that began below us is below us.
        session = os.getsid(0)
        for group in {found[pid].group for pid in below if found[pid].session != session}:
            kernel.signal_group(group, signal.SIGKILL)
        kernel.signal_all(below, signal.SIGKILL)
        self._next = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 1.5, LONGEST_PAUSE_S)

    def chase(self) -> None:
        """KILL what was born last, if it is ours. What forks, leaves its session, ends, and so on, is in no list of
        /proc for long enough to be met by a round; but its number is among the last that were given."""
        own, deadline = os.getpid(), time.monotonic() + CHASE_S
        while time.monotonic() < deadline:
            last = kernel.newest()
            met = [pid for pid in range(last, max(last - CHASED, 0), -1) if kernel.is_below(pid, own)]
            if not met:
                return
            kernel.signal_all(met, signal.SIGKILL)
