"""The supervisor's side of PID 1, where our parent is that program."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from supervisor.shim import kernel
from supervisor.shim.protocol import INIT_NAME, SHIM_NAME, SPAWNER_NAME, STOPPING

WORD_S = 1.0
"""How often it hears that a stop goes on."""


def is_above() -> bool:
    """Whether we are the supervisor below PID 1."""
    return os.getppid() == 1 and kernel.name(1) == INIT_NAME


def tell_stopping(limit_s: float) -> None:
    """Have PID 1 wait for us while our loop turns, `limit_s` seconds at the most."""
    if not is_above():
        return
    os.kill(1, STOPPING)
    if limit_s > 0:
        asyncio.get_running_loop().call_later(WORD_S, tell_stopping, limit_s - WORD_S)


def orphans() -> set[int]:
    """What has come to PID 1 because the shim above it was killed, and what is below that.

    Without PID 1 of ours nothing tells such a process from any other of the machine. A shim of ours is one by its name
    and its program: a name alone anybody can take.
    """
    if not is_above():
        return set()
    found = kernel.processes()
    own = (_program(os.getpid()), None)  # a shim hides, so to another user than root its program is unknown
    shims = {SHIM_NAME, SPAWNER_NAME}
    strays = [
        pid
        for pid, process in found.items()
        if process.parent == 1 and pid != os.getpid() and not (kernel.name(pid) in shims and _program(pid) in own)
    ]
    return {pid for root in strays for pid in (root, *kernel.below(root, found))}


def _program(pid: int) -> Path | None:
    """None if it has ended, or is not ours to look at."""
    try:
        return Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return None
