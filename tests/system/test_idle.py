"""What `orbit run` costs while nothing happens: its supervisor, fork server and shim together."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import psutil

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

MEMORY_MB = 30.0 + 3.0
"""The goal, and what it moves by: how many other programs share Python's library counts in proportional memory."""
WAKEUPS_A_SECOND = 2.0
CPU_MS_A_SECOND = 1.0
NOISE = 2.0  # how much more of processor time a busy machine may show
IDLE_S = 12.0  # longer than a heartbeat


def own_processes(orbit: Orbit) -> list[psutil.Process]:
    """Without the application's."""
    assert orbit.process is not None
    root = psutil.Process(orbit.process.pid)
    found = [root, *(p for p in root.children(recursive=True) if p.name() in ("orbit-spawner", "orbit-shim"))]
    assert len(found) == 3, [p.name() for p in found]
    return found


def memory_mb(processes: list[psutil.Process]) -> float:
    """Their proportional memory."""
    return float(sum(process.memory_full_info().pss for process in processes)) / 1e6


def spent(processes: list[psutil.Process]) -> tuple[float, int]:
    """Processor time in ms, and how often a thread of theirs has gone to sleep, so far."""
    cpu_ns = switches = 0
    for process in processes:
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                cpu_ns += int((thread / "schedstat").read_text().split()[0])
                lines = (thread / "status").read_text().splitlines()
                switches += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return cpu_ns / 1e6, switches


def test_an_idle_orbit_takes_little_memory_and_hardly_ever_wakes_up(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"BAKE_TIME": "0", "GIT_WATCH": "true"}
    deploy_first(orbit, repository)
    repository.push(apps.server("2"))
    orbit.wait_version("2")
    orbit.wait_idle(2)
    ours = own_processes(orbit)
    print(
        [(p.name(), round(p.memory_full_info().pss / 1e6, 2), round(p.memory_full_info().uss / 1e6, 2)) for p in ours]
    )
    wait_until(lambda: memory_mb(ours) <= MEMORY_MB, 10, lambda: f"{memory_mb(ours):.1f} MB")
    before = spent(ours)
    threading.Event().wait(IDLE_S)
    after = spent(ours)
    assert (after[1] - before[1]) / IDLE_S <= WAKEUPS_A_SECOND
    assert (after[0] - before[0]) / IDLE_S <= CPU_MS_A_SECOND * NOISE
    assert memory_mb(ours) <= MEMORY_MB


def test_output_that_has_been_taken_in_leaves_no_memory_behind(orbit: Orbit, repository: Repository) -> None:
    lots = "\nfor _ in range(200):\n    sys.stdout.write(('x' * 119 + '\\n') * 5000)\nsys.stdout.flush()\n"
    deploy_first(orbit, repository, **apps.server("1", before=lots))
    ours = own_processes(orbit)
    print(
        [(p.name(), round(p.memory_full_info().pss / 1e6, 2), round(p.memory_full_info().uss / 1e6, 2)) for p in ours]
    )
    wait_until(lambda: memory_mb(ours) <= MEMORY_MB, 10, lambda: f"{memory_mb(ours):.1f} MB")
