"""An application that is killed: how long until it answers again."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time

from peers import MANAGERS
from peers.manager import Manager, Program, until
from table import Table, directory_for
from work import ask, free_port, median

SETTLE_S = 1.5
"""Up this long, it counts as well started for every manager; the kill after that is its first crash."""


def run(runs: int) -> None:
    own = median([_own_start() for _ in range(max(runs, 5))])
    table = Table(
        f"kill -9 of the application until it answers again, medians of {runs}",
        ("ms", "above its own start, ms"),
        ratios=False,
    )
    table.add("its own start", own * 1e3, 0)
    for kind in MANAGERS:
        with directory_for(kind.name) as directory:
            port = free_port()
            manager = kind(directory, Program("server", env={"PORT": str(port)}, port=port))
            try:
                took = median(_measure(manager, port, runs))
            finally:
                manager.close()
        table.add(kind.name, took * 1e3, (took - own) * 1e3)
    table.show()


def _own_start() -> float:
    """Seconds from starting the server until it answers, without any manager."""
    port = free_port()
    with directory_for("start") as directory:
        (directory / "version.txt").write_text("0")
        since = time.perf_counter()
        server = subprocess.Popen(
            [str(Program("server").path)], env={"PORT": str(port)}, cwd=directory, stdout=subprocess.DEVNULL
        )
        _wait_for_answer(port)
        took = time.perf_counter() - since
        server.kill()
        server.wait()
    return took


def _measure(manager: Manager, port: int, runs: int) -> list[float]:
    """Seconds, for each of `runs` kills; each time after a restart that was asked for, which ends all backing off."""
    (manager.directory / "version.txt").write_text("0")
    manager.start()
    found = []
    for run in range(runs):
        if run:
            manager.restart_app()
        _wait_for_answer(port)
        time.sleep(SETTLE_S)
        pid = manager.app_pid()
        assert pid is not None
        pidfd = os.pidfd_open(pid)
        since = time.perf_counter()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        select.select([pidfd], [], [])  # from here on it is not the old one that answers
        os.close(pidfd)
        _wait_for_answer(port)
        found.append(time.perf_counter() - since)
    return found


def _wait_for_answer(port: int) -> None:
    until(lambda: ask(port) is not None, f"an answer on port {port}", pause_s=0.0002)
