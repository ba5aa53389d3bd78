"""What a manager costs while nothing happens: fresh, after a million lines, with ten thousand records."""

from __future__ import annotations

import json
import time
from pathlib import Path

from costs import Cost, measure
from peers import MANAGERS
from peers.manager import Manager, Program, until
from peers.orbit import Orbit
from table import Table, directory_for
from work import free_port

IDLE_S = 20.0
SETTLE_S = 4.0
LINES = 1_000_000
RECORDS = 10_000


def run(runs: int) -> None:
    columns = ("memory (PSS), MB", "CPU, ms/s", "wake-ups/s")
    table = Table(
        f"idle for {IDLE_S:g} s; all processes of the manager, without the application", columns, ratios=False
    )
    for kind in MANAGERS:
        _add(table, kind.name, _after_start(kind))
        _add(table, f"{kind.name}, after 10^6 lines", _after_lines(kind))
    _add(table, f"orbit, {RECORDS:,} records", _with_records())
    table.show()


def _add(table: Table, name: str, cost: Cost) -> None:
    table.add(name, cost.memory_mb, cost.cpu_ms, cost.wakeups)


def _after_start(kind: type[Manager]) -> Cost:
    with directory_for(kind.name) as directory:
        manager = kind(directory, _server())
        (directory / "version.txt").write_text("0")
        return _cost(manager)


def _after_lines(kind: type[Manager]) -> Cost:
    with directory_for(kind.name) as directory:
        go, ready = directory / "go", directory / "ready"
        go.touch()
        return _cost(kind(directory, Program("flood", (str(LINES), str(go), str(ready)))), ready)


def _with_records() -> Cost:
    """As after `RECORDS` deployments of which none was forgotten; the next one forgets most of them."""
    with directory_for("orbit") as directory:
        manager = Orbit(directory, _server())
        manager.start()
        manager.close()
        first = manager.home / "deployments/000001.json"
        record = json.loads(first.read_text())
        for number in range(2, RECORDS + 1):
            first.with_name(f"{number:06}.json").write_text(json.dumps({**record, "number": number}))
        return _cost(manager)


def _cost(manager: Manager, ready: Path | None = None) -> Cost:
    manager.start()
    try:
        if ready:
            until(ready.exists, f"{manager.name}: {LINES} lines", 120)
        time.sleep(SETTLE_S)
        return measure(manager.own_processes(), IDLE_S)
    finally:
        manager.close()


def _server() -> Program:
    port = free_port()
    return Program("server", env={"PORT": str(port)}, port=port)
