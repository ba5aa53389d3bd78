"""An application that writes at full speed: what is taken in, what is lost, and what it costs the manager."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread

from costs import cpu_seconds
from peers import MANAGERS
from peers.manager import Manager, Program
from table import Table, directory_for
from work import median

LINES = 8_000_000
LINE_BYTES = 120
FILE_BYTES = 50_000_000
LIMIT_S = 300.0
SECRETS = {f"SERVICE_{number}_TOKEN": f"x{number}-{'q7' * 12}{number}" for number in range(10)}
"""None of them is written: what is measured is the looking for them."""


def run(runs: int) -> None:
    table = Table(
        f"{LINES:,} lines of {LINE_BYTES} bytes at full speed into files of {FILE_BYTES // 10**6} MB",
        ("MB/s", "lines lost", "manager's CPU, s/GB", "answer at rest, ms", "answer meanwhile, ms"),
        ratios=False,
    )
    for kind in MANAGERS:
        table.add(kind.name, *_measure(kind))
        if kind.name == "orbit":
            table.add("orbit, 10 secrets", *_measure(kind, SECRETS))
    table.show()


def _measure(kind: type[Manager], env: dict[str, str] | None = None) -> tuple[float, ...]:
    with directory_for(kind.name) as directory:
        go, ready = directory / "go", directory / "ready"
        program = Program(
            "flood", (str(LINES), str(go), str(ready)), env=env or {}, log_bytes=FILE_BYTES, log_backups=40
        )
        manager = kind(directory, program)
        manager.start()
        try:
            at_rest = median([manager.ask_seconds() for _ in range(5)])
            own = manager.own_processes()
            asker = _Asker(manager)
            before = sum(map(cpu_seconds, own))
            since = time.perf_counter()
            go.touch()
            asker.start()
            _wait_for_the_end(manager)
            took = time.perf_counter() - since
            cpu = sum(map(cpu_seconds, own)) - before
            asker.stop()
            lost = LINES - sum(_lines(path) for path in manager.logs())
        finally:
            manager.close()
    volume = LINES * LINE_BYTES
    return volume / took / 1e6, lost, cpu / (volume / 1e9), at_rest * 1e3, median(asker.found) * 1e3


class _Asker(Thread):
    """Asks the manager something again and again, as somebody at a keyboard might."""

    def __init__(self, manager: Manager) -> None:
        super().__init__(daemon=True)
        self._manager = manager
        self._done = Event()
        self.found: list[float] = []

    def run(self) -> None:
        while not self._done.wait(0.1):
            self.found.append(self._manager.ask_seconds())

    def stop(self) -> None:
        self._done.set()
        self.join()


def _wait_for_the_end(manager: Manager) -> None:
    """Until all that was written is in the files, or nothing more has come for a while."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 5 and since < since + LIMIT_S:
        size = sum(_size(path) for path in manager.logs())
        if size >= LINES * LINE_BYTES:
            return
        if size != last:
            last, since = size, time.monotonic()
        time.sleep(0.005)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it is being rotated


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
