"""kill -9, and errors of the disk, at every single write of a file, move of a link and removal of a tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

ROOT = Path(__file__).parents[2]
STRIDE = 4
MOST_OPERATIONS = 80
pytestmark = pytest.mark.timeout(300)


class FaultyOrbit(Orbit):
    """A supervisor that does not live for long."""

    def start_with_fault(self, at: int, kind: str) -> bool:
        """Start it; whether the fault came before all was done."""
        log = self.home.parent / "fault.log"
        log.unlink(missing_ok=True)
        env = {**self.env, "FAULT_AT": str(at), "FAULT_KIND": kind, "FAULT_LOG": str(log), "PYTHONPATH": str(ROOT)}
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.faulty", "run"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )
        process = self.process
        before = len(self.records())

        def over() -> bool:
            if process.poll() is not None:
                return True
            outcomes = self.outcomes()
            done = self.status().get("status") == "idle" and len(outcomes) > before and None not in outcomes
            return done and f"pid {process.pid};" in self.output()

        wait_until(over, 30, lambda: f"fault {at} {kind}\n{self.output()[-3000:]}")
        return log.exists()


def check_invariants(orbit: Orbit, version: str, context: str) -> None:
    """What DESIGN calls invariants, once the next supervisor has settled."""

    def settled() -> bool:
        facts = orbit.status()
        if orbit.process is None or f"pid {orbit.process.pid};" not in orbit.output():
            return False  # what is on disk is the last supervisor's
        idle = facts.get("status") == "idle" and not facts.get("queue", {}).get("waiting")
        return idle and orbit.version() == version and None not in orbit.outcomes()

    wait_until(settled, 30, lambda: f"{context}\n{orbit.output()[-3000:]}\n{orbit.status()}")
    assert orbit.current is not None, context
    assert (orbit.home / f"production/releases/{orbit.current}.json").exists(), context
    wait_until(lambda: not list((orbit.home / "run/requests").iterdir()), 10, context)

    def complete() -> bool:
        names = {path.name for path in (orbit.home / "production/releases").iterdir()}
        directories = {name for name in names if not name.endswith(".json") and not name.startswith(".")}
        return all(f"{name}.json" in names for name in directories)

    wait_until(complete, 10, lambda: f"{context}: unfinished releases stay\n{orbit.output()[-2000:]}")


@pytest.mark.parametrize("kind", ["before", "after", "ENOSPC", "EIO"])
@pytest.mark.parametrize("offset", range(STRIDE))
def test_the_next_start_finishes_or_undoes_whatever_operation_was_hit(
    tmp_path: Path, repository: Repository, kind: str, offset: int
) -> None:
    orbit = FaultyOrbit(tmp_path / "home", repository.origin, HEALTH_CHECK_TIMEOUT="5", BAKE_TIME="0")
    try:
        go_through(orbit, repository, kind, offset)
    finally:
        orbit.stop()


def go_through(orbit: FaultyOrbit, repository: Repository, kind: str, offset: int) -> None:
    deploy_first(orbit, repository)
    orbit.stop()
    log = orbit.home.parent / "fault.log"
    at = offset + 1
    while at < MOST_OPERATIONS:
        version = f"{kind}-{at}"
        repository.push({"version.txt": version})
        came = orbit.start_with_fault(at, kind)
        assert orbit.process is not None
        orbit.stop()
        orbit.start()
        check_invariants(orbit, version, f"{kind} at {at}: {log.read_text() if came else 'none'}")
        assert orbit.stop() == 0
        if not came:
            break
        at += STRIDE
    assert at > 2 * STRIDE, "the fault was never reached"
