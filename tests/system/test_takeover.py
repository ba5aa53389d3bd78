"""A supervisor that dies, and the next that takes over: the same application, and nothing else that was left."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil

import supervisor
from tests.support import apps, trees
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first


def start_hook(orbit: Orbit, repository: Repository, script: str) -> None:
    """A push whose hook is `script`, until the hook is running."""
    repository.push({"version.txt": "2", "pre-deploy.sh": script})
    orbit.hup()
    wait_until(lambda: orbit.status().get("stage") == "pre_deploy", 15, orbit.output)


def orbit_processes(orbit: Orbit) -> list[psutil.Process]:
    """The supervisor and all that it has started, the application's tree included."""
    assert orbit.process is not None
    supervisor = psutil.Process(orbit.process.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def shims(orbit: Orbit) -> list[psutil.Process]:
    return [process for process in orbit_processes(orbit) if process.name() in ("orbit-shim", "orbit-spawner")]


def test_a_new_attempt_begins_only_once_the_hook_of_the_dead_one_has_ended(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    """The hook is deaf to TERM, so it lives for 2 s more; the next start's hook finds it gone."""
    pid = deploy_first(orbit, repository)
    pids, seen = tmp_path / "pids", tmp_path / "seen"
    start_hook(orbit, repository, trees.stubborn(pids))
    trees.wait_for_all(pids)
    count = f"for pid in $(cat {pids}); do kill -0 $pid 2>/dev/null && echo alive $pid; done > {seen}; true\n"
    repository.push({"version.txt": "3", "pre-deploy.sh": f"#!/bin/bash\n{count}"})
    orbit.kill()
    orbit.start()
    orbit.wait_version("3")
    assert seen.read_text() == ""
    assert f"pid {pid}; taken over" in orbit.output()
    assert orbit.wait_idle(3)["outcome"] == "succeeded"
    assert orbit.outcomes() == ["succeeded", "interrupted", "succeeded"]


def test_every_process_of_orbit_but_the_shim_of_the_application_is_killed_at_once(
    orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository)
    start_hook(orbit, repository, "#!/bin/bash\nexec sleep 1000\n")
    app_shim = psutil.Process(pid).ppid()
    victims = [process for process in shims(orbit) if process.pid != app_shim]
    (hook,) = [process for process in orbit_processes(orbit) if process.name() == "sleep"]
    assert orbit.process is not None
    for number in (orbit.process.pid, *(process.pid for process in victims)):
        os.kill(number, signal.SIGSTOP)  # none of them sees another die
    for number in (orbit.process.pid, *(process.pid for process in victims)):
        os.kill(number, signal.SIGKILL)
    orbit.process.wait()
    repository.push({"version.txt": "3", "pre-deploy.sh": None})
    orbit.start()
    wait_until(lambda: f"pid {pid}; taken over" in orbit.output(), 10, orbit.output)
    orbit.wait_version("3")
    assert orbit.wait_idle(3)["outcome"] == "succeeded"
    assert orbit.outcomes()[1] == "interrupted"
    assert not psutil.pid_exists(pid)
    assert not hook.is_running() or hook.status() == psutil.STATUS_ZOMBIE


def test_a_terminal_that_closes_is_no_request(orbit: Orbit, repository: Repository) -> None:
    """The kernel sends SIGHUP to whatever was started there; the application goes on, and is not deployed anew."""
    repository.push(apps.server("1"))
    ours, theirs = os.openpty()
    orbit.start(terminal=theirs)
    os.close(theirs)
    orbit.wait_version("1")
    orbit.wait_idle(1)
    pid = orbit.status()["app"]["pid"]
    os.close(ours)
    wait_until(lambda: "the terminal was closed" in orbit.log("setup.log"))
    wait_until(lambda: psutil.pid_exists(pid) and orbit.version() == "1")
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    assert (orbit.version(), orbit.outcomes()) == ("2", ["succeeded", "succeeded"])


def test_a_supervisor_started_by_a_shell_without_a_session_of_its_own(orbit: Orbit, repository: Repository) -> None:
    """What hits the shell's process group hits Orbit, too, but not what it started."""
    repository.push(apps.server("1"))
    orbit.start(from_shell=True)
    orbit.wait_version("1")
    orbit.wait_idle(1)
    pid = orbit.status()["app"]["pid"]
    assert orbit.process is not None
    os.killpg(orbit.process.pid, signal.SIGKILL)
    orbit.process.wait()
    assert orbit.version() == "1"
    orbit.start()
    wait_until(lambda: f"pid {pid}; taken over" in orbit.output(), 10, orbit.output)


def test_killed_twice_in_a_row(orbit: Orbit, repository: Repository) -> None:
    """Also in the middle of the take-over, wherever that is."""
    pid = deploy_first(orbit, repository)
    for started in ("; the application runs as", "taken over"):
        said = orbit.output().count(started)
        orbit.kill()
        orbit.start()
        wait_until(lambda said=said, started=started: orbit.output().count(started) > said, 10, orbit.output)  # type: ignore[misc]
    orbit.kill()
    orbit.start()
    repository.push({"version.txt": "2"})
    wait_until(lambda: orbit.status()["app"]["pid"] == pid)
    orbit.wait_version("2")


def test_another_version_of_orbit_takes_the_application_over(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    pid = deploy_first(orbit, repository)
    shutil.copytree(Path(supervisor.__file__).parent, tmp_path / "new/supervisor")
    (tmp_path / "new/supervisor/__init__.py").write_text('__version__ = "99.0"\n')
    orbit.kill()
    orbit.env["PYTHONPATH"] = str(tmp_path / "new")
    orbit.start()
    wait_until(lambda: f"pid {pid}; taken over" in orbit.output(), 10, orbit.output)
    assert "orbit 99.0 in" in orbit.output()
    assert (orbit.version(), orbit.status()["app"]["pid"]) == ("1", pid)
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.version() == "2"


def test_an_interrupted_rollback_goes_to_the_same_release_and_not_further_back(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    for version in ("2", "3"):
        repository.push({"version.txt": version})
        assert orbit.cli("update", "--wait").returncode == 0
    orbit.env["HEALTH_CHECK_PATH"] = "/"
    assert orbit.process is not None
    orbit.cli("rollback")
    wait_until(lambda: str(orbit.current).startswith("002"))
    orbit.kill()
    orbit.start()
    record = orbit.wait_idle(4)
    wait_until(lambda: not list((orbit.home / "run/requests").iterdir()))
    assert record["release"] == orbit.current
    assert str(orbit.current).startswith("002")
    orbit.wait_version("2")
