"""After going live: for a while a bad sign leads back; later it leads to a restart."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

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
ILL_WHEN_TOLD = """
import pathlib
class Patient(Handler):
    def do_GET(self):
        global STATUS
        STATUS = 500 if pathlib.Path(os.environ["ILL"] + VERSION).exists() else 200
        super().do_GET()
Handler = Patient
"""


def crash(orbit: Orbit) -> None:
    """Kill the application, and wait until it is started again."""
    pid = wait_until(lambda: orbit.status()["app"]["pid"])
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid), 10, orbit.output)


def wait_rolled_back(orbit: Orbit, number: int) -> dict[str, Any]:
    """The record of that deployment, once it says so and the way back has ended."""
    wait_until(lambda: orbit.outcomes()[number - 1 :] == ["rolled_back", "succeeded"], 40, orbit.output)
    return orbit.records()[number - 1]


def deploy_second(orbit: Orbit, repository: Repository, before: str = "") -> str:
    """A second release that is live and baking; its commit."""
    deploy_first(orbit, repository)
    sha = repository.push(apps.server("2", before=before))
    orbit.hup()
    orbit.wait_version("2")
    orbit.wait_idle(2)
    return sha


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
    deploy_second(orbit, repository)
    crash(orbit)
    crash(orbit)
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
    assert orbit.status()["app"]["trouble"]["remedy"] == "restart"


def test_an_application_that_is_stopped_in_its_tracks_is_restarted(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"BAKE_TIME": "0", "HEALTH_CHECK_INTERVAL": "1", "STOP_TIMEOUT": "1"}
    deploy_first(orbit, repository)
    pid = orbit.status()["app"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid), 40, orbit.output)
    orbit.wait_version("1")


def test_a_killed_supervisor_does_not_end_the_bake(orbit: Orbit, repository: Repository) -> None:
    deploy_second(orbit, repository)
    crash(orbit)
    orbit.kill()
    orbit.start()
    wait_until(lambda: "taken over" in orbit.output(), 20, orbit.output)
    wait_until(lambda: orbit.status()["app"]["restarts"] == 1, 20, orbit.output)
    crash(orbit)
    os.kill(orbit.status()["app"]["pid"], signal.SIGKILL)
    record = wait_rolled_back(orbit, 2)
    assert "ended 3 times" in record["reason"]
    orbit.wait_version("1")


def test_a_stop_and_a_start_do_not_end_the_bake(orbit: Orbit, repository: Repository) -> None:
    orbit.env["ILL"] = str(orbit.home.parent / "ill")
    deploy_second(orbit, repository, ILL_WHEN_TOLD)
    orbit.stop()
    orbit.env["BAKE_TIME"] = "600"  # so many seconds since the deployment, not since the start
    orbit.start()
    orbit.wait_version("2")
    (orbit.home.parent / "ill2").touch()
    assert wait_rolled_back(orbit, 2)["failure"]["health"]["status"] == 500


def test_a_restart_does_not_end_the_bake(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"ILL": str(orbit.home.parent / "ill"), "BAKE_TIME": "10"}
    deploy_second(orbit, repository, ILL_WHEN_TOLD)
    assert orbit.cli("restart", "--wait").returncode == 0
    (orbit.home.parent / "ill2").touch()
    assert wait_rolled_back(orbit, 2)["failure"]["health"]["status"] == 500


def test_the_bake_has_an_end_also_for_a_new_supervisor(orbit: Orbit, repository: Repository) -> None:
    deploy_second(orbit, repository)
    path = sorted((orbit.home / "deployments").glob("*.json"))[-1]
    orbit.kill()
    path.write_text(json.dumps({**json.loads(path.read_text()), "ended_at": "2026-01-01T00:00:00+00:00"}))
    orbit.start()
    wait_until(lambda: "taken over" in orbit.output(), 20, orbit.output)
    orbit.wait_idle(2)
    for _ in range(4):
        crash(orbit)
    orbit.wait_version("2")
    assert orbit.outcomes() == ["succeeded", "succeeded"]


def test_a_short_bake_time_is_long_enough_to_see_that_nothing_good_comes(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"ILL": str(orbit.home.parent / "ill"), "BAKE_TIME": "3"}
    deploy_second(orbit, repository, ILL_WHEN_TOLD)
    (orbit.home.parent / "ill2").touch()
    record = wait_rolled_back(orbit, 2)
    assert "stopped answering" in record["reason"] and record["failure"]["stage"] == "health_check"
    assert (record["failure"]["health"]["status"], record["failure"]["tail"]) == (500, ["ready 2"])


def test_a_bake_that_ends_amid_a_silence_goes_on_until_it_is_decided(orbit: Orbit, repository: Repository) -> None:
    orbit.env["BAKE_TIME"] = "4"
    deploy_second(orbit, repository)
    os.kill(orbit.status()["app"]["pid"], signal.SIGSTOP)  # three asks of 5 s each: longer than the bake time
    assert "does not answer" in wait_rolled_back(orbit, 2)["reason"]
    orbit.wait_version("1")


def test_an_application_that_has_ended_is_watched_until_it_is_steady(orbit: Orbit, repository: Repository) -> None:
    orbit.env["BAKE_TIME"] = "3"
    sha = deploy_second(orbit, repository, "\nimport threading\nthreading.Timer(2.0, lambda: os._exit(11)).start()\n")
    assert wait_rolled_back(orbit, 2)["commit_full"] == sha  # the third end comes after 6 s


def test_the_first_release_stays_since_there_is_none_to_go_back_to(orbit: Orbit, repository: Repository) -> None:
    repository.push(apps.server("1", before=DIES))
    orbit.start()
    wait_until(lambda: (orbit.status().get("app") or {}).get("restarts", 0) >= 4, 40, orbit.output)
    assert orbit.outcomes() == ["succeeded"] and orbit.current
    assert "no release to go back to" in orbit.records()[0]["warnings"][-1]
    trouble = orbit.status()["app"]["trouble"]
    assert (trouble["remedy"], trouble["exit_status"]) == (None, 11)


def test_a_first_release_that_hangs_is_restarted(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"ILL": str(orbit.home.parent / "ill"), "BAKE_TIME": "3"}
    deploy_first(orbit, repository, **apps.server("1", before=ILL_WHEN_TOLD))
    pid = orbit.status()["app"]["pid"]
    (orbit.home.parent / "ill1").touch()
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid), 20, orbit.output)
    (orbit.home.parent / "ill1").unlink()
    orbit.wait_version("1")
    assert orbit.outcomes() == ["succeeded"]


def test_of_two_ill_releases_the_older_is_kept_up_and_there_is_an_end(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"ILL": str(orbit.home.parent / "ill"), "HEALTH_CHECK_TIMEOUT": "2"}
    deploy_first(orbit, repository, **apps.server("1", before=ILL_WHEN_TOLD))
    first = orbit.current
    (orbit.home.parent / "ill1").touch()
    repository.push(apps.server("2", before=DIES))
    orbit.hup()
    wait_until(lambda: orbit.outcomes()[1:] == ["rolled_back", "failed"], 40, orbit.output)
    back = orbit.records()[2]
    assert orbit.current == first
    assert "status 500" in back["reason"] and "it is kept up" in back["warnings"][0]
    pid = wait_until(lambda: orbit.status()["app"]["pid"])
    (orbit.home.parent / "ill1").unlink()
    orbit.wait_version("1")
    assert (orbit.status()["app"]["pid"], len(orbit.records())) == (pid, 3)
