"""What processes cost, read from /proc: memory, processor time, wake-ups."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Cost:
    """Of some processes together: proportional memory in MB (10^6 bytes), processor time in ms and wake-ups, both a
    second."""

    memory_mb: float
    cpu_ms: float
    wakeups: float


def measure(processes: Sequence[psutil.Process], seconds: float) -> Cost:
    """What they cost during the next `seconds`; their memory at the end."""
    before = [(cpu_seconds(process), _switches(process)) for process in processes]
    time.sleep(seconds)
    after = [(cpu_seconds(process), _switches(process)) for process in processes]
    cpu = sum(b[0] - a[0] for a, b in zip(before, after, strict=True))
    switches = sum(b[1] - a[1] for a, b in zip(before, after, strict=True))
    return Cost(memory_mb(processes), cpu * 1000 / seconds, switches / seconds)


def memory_mb(processes: Sequence[psutil.Process]) -> float:
    """Their proportional memory: pages that several share count for each in part."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e6


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of all its threads, to the nanosecond, which `times` in /proc/PID/stat is not."""
    return sum(int(text.split()[0]) for text in _of_threads(process, "schedstat")) / 1e9


def _switches(process: psutil.Process) -> int:
    """How often its threads went to sleep of their own accord, and so were woken."""
    lines = [line for text in _of_threads(process, "status") for line in text.splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def _of_threads(process: psutil.Process, file: str) -> list[str]:
    found = []
    for thread in Path(f"/proc/{process.pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            found.append((thread / file).read_text())
    return found
