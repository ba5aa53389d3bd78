"""kill -9, and errors of the disk, at every step by which a site goes live: the web server goes on."""

from __future__ import annotations

import os

import psutil
import pytest

from supervisor.sites import nginx
from tests.support.repository import Repository
from tests.system.test_crashes import (
    ALL,
    SCENARIOS,
    FaultyOrbit,
    faults_of,
    put_fault,
    settle,
    steps_of,
    wait_until,
)  # fmt: skip
from tests.system.test_crashes import pytestmark as crashes

pytestmark = [crashes, pytest.mark.skipif(not nginx.find(os.environ["PATH"]), reason="there is no nginx")]

FILES: dict[str, str | None] = {
    "package.json": '{"scripts": {"build": "x"}, "devDependencies": {"vite": "^6.0.0"}}',
    "version.txt": "0",
}
BUILD = 'mkdir -p dist && printf \'{"version": "%s"}\' "$(cat version.txt)" > dist/index.html'
FEW = 6


@pytest.mark.parametrize("name", ["update", "rollback"])
def test_whatever_step_is_hit_the_web_server_goes_on_with_the_right_release(
    orbit: FaultyOrbit, repository: Repository, name: str
) -> None:
    faulty = FaultyOrbit(orbit.home, repository.origin)
    faulty.env |= {"INSTALL_COMMAND": "true", "BUILD_COMMAND": BUILD}
    repository.push(FILES)
    faulty.start()
    try:
        settle(faulty, {"0"}, "first")
        pid = faulty.status()["app"]["pid"]
        steps_of(faulty, repository, SCENARIOS["update"], "a")
        steps = [step for step in steps_of(faulty, repository, SCENARIOS[name], "b") if "web" in step or "app" in step]
        faults = faults_of(steps, set())
        assert faults, "there is nothing to be hit"
        for fault in faults if ALL else faults[::FEW]:
            put_fault(faulty, repository, SCENARIOS[name], fault)
        servers = [process for process in psutil.process_iter(["cwd", "name"]) if _serves(process, faulty)]
        masters = [process for process in servers if process.ppid() not in {other.pid for other in servers}]
        assert [process.pid for process in masters] == [faulty.status()["app"]["pid"]]
        print(f"{len(faults)} faults; pid {pid}, then {masters[0].pid}")
    finally:
        faulty.armed.unlink(missing_ok=True)
        if faulty.ended:
            faulty.start()
            wait_until(faulty.is_up)
        faulty.stop()


def _serves(process: psutil.Process, orbit: FaultyOrbit) -> bool:
    return process.info["name"] == "nginx" and process.info["cwd"] == str(orbit.home / "run/web")  # type: ignore[attr-defined]
