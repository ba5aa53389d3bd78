"""After going live: for a while a bad sign leads back; later it leads to a restart."""

from __future__ import annotations

import os
import signal

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

DIES = "\nimport threading\nthreading.Timer(0.3, lambda: os._exit(11)).start()\n"
ASKED_ONCE = """
import pathlib, time
class Once(Handler):
    def do_GET(self):
        if pathlib.Path("asked").exists() and not pathlib.Path(os.environ["WELL"]).exists():
            time.sleep(1000)
        pathlib.Path("asked").touch()
        super().do_GET()
Handler = Once
"""


def test_a_release_that_keeps_ending_soon_after_it_went_live_is_rolled_back(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    first = orbit.current
    sha = repository.push(apps.server("2", before=DIES))
    orbit.hup()
    wait_until(lambda: len(orbit.outcomes()) == 3 and orbit.outcomes()[2] == "succeeded", 30, orbit.output())
    orbit.wait_version("1")
    assert orbit.current == first
    bad, back = orbit.records()[1:]
    assert (bad["commit_full"], bad["outcome"], bad["stage"]) == (sha, "rolled_back", "completed")
    assert "ended 3 times" in bad["reason"] and "exit status 11" in bad["reason"]
    assert back["action"] == "rollback"
    assert "was not well" in back["cause"]
    wait_until(lambda: orbit.status()["last_failed_deployment"])
    assert orbit.status()["last_failed_deployment"]["commit_full"] == sha


def test_a_crash_or_two_are_only_restarted(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2"})
    orbit.hup()
    orbit.wait_version("2")
    orbit.wait_idle(2)
    for _ in range(2):
        pid = orbit.status()["app"]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: orbit.status()["app"]["pid"] not in (None, pid))
    orbit.wait_version("2")
    assert orbit.outcomes() == ["succeeded", "succeeded"]


def test_later_a_crash_loop_is_only_restarted(orbit: Orbit, repository: Repository) -> None:
    orbit.env["BAKE_TIME"] = "0"
    deploy_first(orbit, repository)
    sha = repository.push(apps.server("2", before=DIES))
    orbit.hup()
    wait_until(lambda: orbit.status().get("app", {}).get("restarts", 0) >= 3, 30)
    assert orbit.current == f"002-{sha}"


def test_an_application_that_hangs_is_restarted(orbit: Orbit, repository: Repository) -> None:
    well = orbit.home.parent / "well"
    orbit.env |= {"BAKE_TIME": "0", "HEALTH_CHECK_INTERVAL": "1", "WELL": str(well)}
    repository.push(apps.server("1", before=ASKED_ONCE))
    orbit.start()
    orbit.wait_idle(1)
    pid = orbit.status()["app"]["pid"]
    wait_until(lambda: "does not answer any more" in orbit.output(), 40, "the hang is noticed")
    well.touch()
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid), 20)
    orbit.wait_version("1")
