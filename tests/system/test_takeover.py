"""A supervisor that dies, and the next that takes over: the same application, and nothing else that was left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from tests.support import trees
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
