"""Deploying, updating, going back: a real supervisor on a real repository."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until


def deploy_first(orbit: Orbit, repository: Repository, **files: str | None) -> int:
    """Version 1 is live; the application's pid."""
    repository.push({**apps.server("1"), **files})
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    pid = orbit.status()["app"]["pid"]
    assert isinstance(pid, int)
    return pid


def test_first_deployment_is_served_and_a_push_with_sighup_replaces_it(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    first = orbit.current
    sha = repository.push({"version.txt": "2"})
    orbit.hup()
    orbit.wait_version("2")
    record = orbit.wait_idle(2)
    assert record["outcome"] == "succeeded"
    assert orbit.current == f"002-{sha}"
    assert first in orbit.releases()
    facts = orbit.status()
    assert facts["current_release"] == orbit.current
    assert facts["last_deployment"]["commit_full"] == sha
    assert facts["app"]["state"] == "RUNNING"


def test_the_old_application_is_gone_and_the_new_one_runs_in_the_resolved_path(
    orbit: Orbit, repository: Repository
) -> None:
    old = deploy_first(orbit, repository)
    repository.push({"version.txt": "2"})
    orbit.hup()
    orbit.wait_version("2")
    answer = orbit.ask()
    assert answer is not None
    assert answer["cwd"] == str(orbit.home / "production/releases" / str(orbit.current))
    assert not psutil.pid_exists(old)


def test_a_new_version_that_exits_at_once_is_rolled_back_without_waiting_for_the_window(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    first = orbit.current
    repository.push(apps.exits("2"))
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert record["failure"]["stage"] == "health_check"
    assert record["failure"]["exit_status"] == 7
    assert "no configuration" in record["failure"]["tail"]
    assert record["timings"]["health_check"] < 2
    assert orbit.current == first
    assert orbit.version() == "1"
    assert len(orbit.releases()) == 1


def test_a_new_version_that_answers_500_is_rolled_back(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nSTATUS = 500\n"))
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert record["failure"]["health"]["status"] == 500
    assert '"version": "2"' in record["failure"]["health"]["text"]
    assert orbit.version() == "1"


def test_a_new_version_on_the_wrong_port_is_rolled_back_and_the_port_is_named(
    orbit: Orbit, repository: Repository
) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "2"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nPORT += 1\n"))
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert f"listens on port {orbit.port + 1}" in record["reason"]
    assert orbit.version() == "1"


def test_a_new_version_that_never_listens_is_rolled_back(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nimport threading\nthreading.Event().wait()\n"))
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert "listens on no port" in record["reason"]
    assert orbit.version() == "1"


def test_update_wait_exits_1_with_the_reason(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push(apps.exits("2"))
    done = orbit.cli("update", "--wait")
    assert done.returncode == 1
    assert "exit status 7" in done.stderr
    assert "no configuration" in done.stderr
    assert "Traceback" not in done.stderr


def test_update_wait_exits_0_and_shows_the_stages(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2"})
    done = orbit.cli("update", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert "update succeeded" in done.stdout
    assert orbit.version() == "2"


def test_a_commit_deployed_again_gets_a_release_of_its_own(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    first = orbit.current
    assert first is not None
    before = {path: path.stat().st_mtime_ns for path in (orbit.home / "production/releases" / first).rglob("*")}
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.current == first.replace("001-", "002-")
    assert {path: path.stat().st_mtime_ns for path in (orbit.home / "production/releases" / first).rglob("*")} == before


def test_only_the_newest_of_the_requests_made_meanwhile_follows(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    gate = orbit.home.parent / "gate"
    os.mkfifo(gate)
    repository.push({"version.txt": "2", "pre-deploy.sh": f"#!/bin/bash\ncat {gate}\n"})
    orbit.hup()
    wait_until(lambda: orbit.status().get("stage") == "pre_deploy")
    for version in ("3", "4"):
        repository.push({"version.txt": version, "pre-deploy.sh": "#!/bin/bash\n"})
        assert orbit.cli("update").returncode == 0
    gate.write_text("go")
    orbit.wait_version("4")
    orbit.wait_idle(3)
    assert orbit.outcomes() == ["succeeded"] * 3
    assert [record["commit_message"] for record in orbit.records()] == ["change"] * 3
    subjects = [orbit.home / "production/releases" / name / "version.txt" for name in orbit.releases()]
    assert [path.read_text() for path in subjects] == ["1", "2", "4"]
    answers = {answer["outcome"] for answer in orbit.status()["requests"]}
    assert "superseded" in answers


def test_no_accepted_request_is_lost_when_the_supervisor_is_killed(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    gate = orbit.home.parent / "gate"
    os.mkfifo(gate)
    repository.push({"version.txt": "2", "pre-deploy.sh": f"#!/bin/bash\n[ -e {gate}.open ] || cat {gate}\n"})
    assert orbit.cli("update").returncode == 0
    wait_until(lambda: orbit.status().get("stage") == "pre_deploy")
    orbit.kill()
    (orbit.home.parent / "gate.open").touch()
    assert orbit.version() == "1"
    orbit.start()
    orbit.wait_version("2")
    orbit.wait_idle(3)
    assert orbit.outcomes() == ["succeeded", "interrupted", "succeeded"]


def test_a_killed_supervisor_leaves_the_application_alone_and_the_next_takes_it_over(
    orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository)
    orbit.kill()
    assert orbit.version() == "1"
    orbit.start()
    wait_until(lambda: f"pid {pid}; taken over" in orbit.output())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid))
    assert orbit.status()["app"]["last_exit"]["signal"] == signal.SIGKILL
    orbit.wait_version("1")


def test_a_killed_application_is_started_again(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid))
    orbit.wait_version("1")
    app = orbit.status()["app"]
    assert app["restarts"] == 1
    assert app["last_exit"]["signal"] == signal.SIGKILL
    assert orbit.outcomes() == ["succeeded"]


def test_a_restarted_supervisor_serves_before_it_fetches_and_without_the_remote(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    assert orbit.stop() == 0
    assert orbit.version() is None
    repository.origin.rename(repository.origin.with_name("elsewhere"))
    orbit.start()
    orbit.wait_version("1", timeout_s=5)


def test_a_failed_first_deployment_leaves_a_supervisor_that_says_why(orbit: Orbit, repository: Repository) -> None:
    repository.push(apps.exits("1", status=9))
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["outcome"] == "failed"
    assert orbit.current is None
    failed = orbit.status()["last_failed_deployment"]
    assert (failed["stage"], failed["exit_status"]) == ("health_check", 9)
    assert "exit status 9" in orbit.cli("status").stdout
    repository.push(apps.server("2"))
    orbit.hup()
    orbit.wait_version("2")


def test_releases_are_kept_up_to_the_limit_with_their_numbers_never_used_twice(
    orbit: Orbit, repository: Repository
) -> None:
    orbit.env["KEEP_RELEASES"] = "2"
    deploy_first(orbit, repository)
    for number in range(2, 5):
        repository.push({"version.txt": str(number)})
        orbit.hup()
        orbit.wait_version(str(number))
        orbit.wait_idle(number)
    wait_until(lambda: [name[:3] for name in orbit.releases()] == ["003", "004"])
    listed = json.loads(orbit.cli("releases", "--json").stdout)
    assert [(release["number"], release["current"]) for release in listed] == [(4, True), (3, False)]


def test_stopping_leaves_nothing_alive_and_exits_0(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    assert orbit.stop() == 0
    assert not psutil.pid_exists(pid)
    assert orbit.status()["status"] == "stopped"
    assert orbit.cli("status").returncode == 3


def test_the_start_time_of_an_application_that_ignores_term_is_bounded_by_the_stop_timeout(
    orbit: Orbit, repository: Repository
) -> None:
    orbit.env["STOP_TIMEOUT"] = "0.5"
    repository.push(apps.server("1").copy() | {"Procfile": "web: trap '' TERM; python3 serve & wait; sleep 1000\n"})
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    assert orbit.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGUSR2])
def test_sigusr2_restarts_the_application(orbit: Orbit, repository: Repository, number: int) -> None:
    pid = deploy_first(orbit, repository)
    assert orbit.process is not None
    orbit.process.send_signal(number)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid))
    orbit.wait_version("1")
    assert orbit.outcomes() == ["succeeded"]


def test_two_supervisors_do_not_share_a_home(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    deploy_first(orbit, repository)
    done = orbit.cli("run")
    assert done.returncode == 1
    assert str(orbit.process and orbit.process.pid) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stop_during_the_start_leaves_nothing_behind(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    for _ in range(5):
        orbit.kill()
        orbit.start()
        assert orbit.process is not None
        status = Path(f"/proc/{orbit.process.pid}/status")  # before it holds signals back it is only an interpreter
        wait_until(lambda status=status: "SigBlk:\t0000000000000000" not in status.read_text())
        assert orbit.stop() == 0
        assert orbit.version() is None
        orbit.start()
        orbit.wait_version("1")
