"""The supervisor's side of PID 1, where our parent is that program."""

from __future__ import annotations

import asyncio
import contextlib
import os

import psutil

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


def orphans() -> list[psutil.Process]:
    """What has come to PID 1 because the shim above it was killed, and what is below that.

    Without PID 1 of ours nothing tells such a process from any other of the machine.
    """
    found = []
    for child in psutil.Process(1).children() if is_above() else ():
        with contextlib.suppress(psutil.Error):
            ours = child.pid == os.getpid() or child.name() in (SHIM_NAME, SPAWNER_NAME)
            if not ours and child.status() != psutil.STATUS_ZOMBIE:
                found += [child, *child.children(recursive=True)]
    return found
