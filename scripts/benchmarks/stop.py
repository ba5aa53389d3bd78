"""A stop of an application with many children: who is left, and how long it takes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from threading import Thread

import psutil
from peers import MANAGERS
from peers.manager import Manager, Program, until
from table import Table, directory_for

GRACE_S = 2
SETTLE_S = 3.0
LIMIT_S = 30.0


def run_survivors(runs: int) -> None:
    children = 200
    table = Table(
        f"stop of an application with {children} children, half of them in sessions of their own and deaf to TERM",
        ("survivors",),
        ratios=False,
    )
    for kind in MANAGERS:
        table.add(kind.name, _stop(kind, children, every=2)[0])
    table.show()


def run_tree(runs: int) -> None:
    children = 999
    table = Table(
        f"stop of a tree of {children + 1:,} processes, all deaf to TERM, with a grace of {GRACE_S} s",
        ("survivors", "from its end until empty, ms"),
        ratios=False,
    )
    for kind in MANAGERS:
        left, took = _stop(kind, children, every=1)
        table.add(kind.name, left, None if left else (took - GRACE_S) * 1e3)
    table.show()


def _stop(kind: type[Manager], children: int, every: int) -> tuple[int, float]:
    """How many processes are left a while after the stop, and after how many seconds the last of the others ended."""
    with directory_for(kind.name) as directory:
        ready = directory / "ready"
        manager = kind(directory, Program("crowd", (str(children), str(every), str(ready)), grace_s=GRACE_S))
        manager.start()
        try:
            until(ready.exists, f"{children} children")
            return _stop_crowd(manager, str(ready), children + 1)
        finally:
            manager.close()


def _stop_crowd(manager: Manager, mark: str, expected: int) -> tuple[int, float]:
    crowd = [process.pid for process in psutil.process_iter() if _belongs(process, mark)]
    assert len(crowd) == expected, f"{len(crowd)} processes instead of {expected}"
    pidfds = {os.pidfd_open(pid) for pid in crowd}
    stopping = Thread(target=manager.stop_app, daemon=True)  # some never return from it
    since = time.perf_counter()
    stopping.start()
    took = _wait_for(set(pidfds), since)
    stopping.join(SETTLE_S)
    time.sleep(SETTLE_S)
    _, alive = _ended(set(pidfds), 0)
    for pidfd in alive:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    for pidfd in pidfds:
        os.close(pidfd)
    return len(alive), took


def _wait_for(pidfds: set[int], since: float) -> float:
    """Seconds until the last of them had ended, or the last that did before nothing more happened."""
    last = time.perf_counter()
    while pidfds and time.perf_counter() - last < GRACE_S + SETTLE_S:
        ended, pidfds = _ended(pidfds, 100)
        if ended:
            last = time.perf_counter()
    return last - since


def _ended(pidfds: set[int], timeout_ms: int) -> tuple[set[int], set[int]]:
    """Those whose processes have ended, and the others."""
    poll = select.poll()
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
    ended = {pidfd for pidfd, _ in poll.poll(timeout_ms)}
    return ended, pidfds - ended


def _belongs(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.name() == "crowd" and mark in process.cmdline()
    return False
