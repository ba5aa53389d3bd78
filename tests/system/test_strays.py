"""Everything of Orbit is killed at once: what is left of its trees is found, and ended before anything begins."""

from __future__ import annotations

import contextlib
import os

import psutil

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

WORKERS = """
for deaf in (False, True):
    if os.fork() == 0:
        os.setsid()
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
"""


def ours(orbit: Orbit) -> list[psutil.Process]:
    """The supervisor, its fork server, and every shim."""
    assert orbit.process is not None
    root = psutil.Process(orbit.process.pid)
    return [root, *(child for child in root.children(recursive=True) if child.name().startswith("orbit-"))]


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def kill_all(orbit: Orbit) -> None:
    for process in ours(orbit):
        process.kill()
    assert orbit.process is not None
    orbit.process.wait(10)


def workers(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children()}


def test_the_application_is_started_anew_when_its_shim_was_killed_with_the_supervisor(
    orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository, **apps.server("1", before=WORKERS))
    hidden = workers(pid)
    assert len(hidden) == 2
    kill_all(orbit)
    orbit.start()
    wait_until(lambda: (answer := orbit.ask()) is not None and answer["pid"] != pid)
    assert not any(alive(number) for number in (pid, *hidden))
    assert orbit.outcomes() == ["succeeded"]


def test_a_shim_killed_after_a_take_over_costs_a_restart_and_leaves_nothing(
    orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository, **apps.server("1", before=WORKERS))
    hidden = workers(pid)
    orbit.kill()
    orbit.start()
    wait_until(lambda: f"pid {pid}; taken over" in orbit.output())
    psutil.Process(pid).parent().kill()  # type: ignore[union-attr]
    wait_until(lambda: (answer := orbit.ask()) is not None and answer["pid"] != pid)
    wait_until(lambda: not any(alive(number) for number in (pid, *hidden)))


def test_a_hook_of_a_killed_supervisor_is_gone_before_the_next_attempt_runs_its_own(
    orbit: Orbit, repository: Repository
) -> None:
    """The hook does not want to end, and its shim was killed, too."""
    log = orbit.home.parent / "hooks"
    pid = deploy_first(orbit, repository)
    hook = f"""#!/bin/bash
trap '' TERM
for other in $(cat {log}); do grep -q 'State:.[^ZX]' /proc/$other/status && echo lives >> {log}; done
setsid bash -c 'trap "" TERM; echo $$ >> {log}; while :; do sleep 1000; done' &
[ -e {log}.go ] || while :; do sleep 1000; done
"""
    log.touch()
    repository.push({"version.txt": "2", "pre-deploy.sh": hook})
    orbit.hup()
    wait_until(lambda: log.read_text().split())
    left = int(log.read_text().split()[0])
    app_shim = psutil.Process(pid).ppid()
    for process in ours(orbit):
        if process.pid != app_shim:
            process.kill()
    assert orbit.process is not None
    orbit.process.wait(10)
    os.kill(left, 0)
    (log.parent / "hooks.go").touch()
    orbit.start()
    wait_until(lambda: "taken over" in orbit.output())
    orbit.wait_version("2")
    orbit.wait_idle(3)
    assert not alive(left)
    assert "lives" not in log.read_text()
    assert orbit.outcomes() == ["succeeded", "interrupted", "succeeded"]
