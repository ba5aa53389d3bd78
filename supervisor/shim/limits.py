"""What a command may take of the machine, and whether lack of memory is what it died of."""

from __future__ import annotations

import os
import resource
import signal

from . import cgroup, kernel

TYPE_CHECKING = False  # typing's own one would cost every shim its import
if TYPE_CHECKING:
    from typing import Any

KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
"""How a command ends that the kernel has ended, or (as a shell tells it) whose child was."""


class Limits:
    """The limits of one command: by a control group where one can be had, which counts the whole tree, else by what
    a process can be limited to (setrlimit(2), sched_setaffinity(2))."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._background = bool(spec["background"])
        limits = spec["limits"] or {"memory": 0, "cpus": 0.0}
        self._memory: int = limits["memory"]
        self._cpus: float = limits["cpus"]
        self._group: cgroup.Group | None = None
        if self._memory or self._cpus:
            self._group = cgroup.limited(f"{cgroup.PREFIX}{os.getpid()}", self._memory, self._cpus)
        self._before = _kills()

    def apply(self) -> None:
        """In the forked child, before it gives up root's rights."""
        if self._background:
            kernel.step_back()
        if self._group:
            try:
                self._group.enter()
                return
            except OSError:
                pass
        if self._memory:
            resource.setrlimit(resource.RLIMIT_DATA, (self._memory, self._memory))
        if self._cpus:
            allowed = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, allowed[: max(1, -int(-self._cpus // 1))])

    def started(self, pid: int) -> None:
        """Once it runs: before, its /proc is root's, since a copy of us is hidden."""
        if self._background:
            kernel.offer_to_oom_killer(pid)

    def over_limit(self) -> bool:
        """Whether something of it was ended because it took more memory than it may."""
        return self._group is not None and self._group.ran_out()

    def ran_out(self, code: int) -> bool:
        """Whether lack of memory explains that it ended with `code`, nobody having asked it to."""
        return self.over_limit() or (code in KILLED and _kills() > self._before)

    def remove(self) -> None:
        """Nothing of it is left."""
        if self._group:
            self._group.remove()


def _kills() -> int:
    """In our own control group; where that says nothing, on the whole machine."""
    counted = cgroup.kills()
    return kernel.out_of_memory_kills() if counted is None else counted
