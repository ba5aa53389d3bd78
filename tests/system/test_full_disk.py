"""A disk that becomes full, at every stage: what was live is live, a line says why, and room is all that it takes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import apps
from tests.support.disks import Disk
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

MEGABYTES = 12
NO_SPACE = re.compile("no space( is)? left on (the disk|device)|see whether the disk is full", re.IGNORECASE)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    instance = Disk(tmp_path / "disk", MEGABYTES)
    yield instance
    instance.unmount()


@pytest.fixture
def orbit(disk: Disk, tmp_path: Path, repository: Repository) -> Iterator[Orbit]:
    """A supervisor whose ORBIT_HOME is all that is on the disk; its console is elsewhere. It does not look for room
    before a deployment: here the stages themselves find none."""
    instance = Orbit(disk.path / "home", repository.origin, DISK=str(disk.path), GIT_DEPTH="1", DISK_RESERVE="0")
    instance.console = tmp_path / "console"
    yield instance
    disk.free()
    if instance.process:
        instance.stop()
        print(instance.output())


def assert_failed(orbit: Orbit, outcome: str, stage: str) -> None:
    """The second deployment failed for want of space, and said so in a line."""
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == (outcome, stage)
    assert NO_SPACE.search(record["reason"])
    assert_said(orbit)


def assert_said(orbit: Orbit) -> None:
    lines = [line for line in orbit.output().splitlines() if "ERROR: deployment 2 " in line]
    assert len(lines) == 1
    assert NO_SPACE.search(lines[0])
    assert "Traceback" not in orbit.output()


def assert_next_succeeds(orbit: Orbit, repository: Repository, **files: str | None) -> None:
    sha = repository.push({"version.txt": "3", **files})
    done = orbit.cli("update", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert orbit.version() == "3"
    assert str(orbit.current).endswith(sha)
    wait_until(lambda: len(orbit.releases()) == 2)
    assert None not in orbit.outcomes()


@pytest.mark.parametrize("content", ["random", "repeated"])
def test_a_commit_that_is_too_large(orbit: Orbit, repository: Repository, disk: Disk, content: str) -> None:
    """The fetch fails; or, where it compresses well, the checkout."""
    pid = deploy_first(orbit, repository)
    current, before = orbit.current, disk.free_bytes
    kilobytes = 2 * MEGABYTES * 1024
    big = os.urandom(kilobytes * 1024) if content == "random" else b"0123456789abcdef" * 64 * kilobytes
    (repository.work / "big").write_bytes(big)
    repository.push({"version.txt": "2"})
    orbit.hup()
    assert_failed(orbit, "failed", "git_pull")
    assert orbit.status()["app"]["pid"] == pid
    assert (orbit.version(), orbit.current) == ("1", current)
    wait_until(lambda: disk.free_bytes > before - 1024 * 1024, 10, "what the fetch left is gone")
    assert_next_succeeds(orbit, repository, big=None)


@pytest.mark.parametrize(
    ("variable", "stage"), [("INSTALL_COMMAND", "installing_dependencies"), ("BUILD_COMMAND", "building")]
)
def test_a_step_that_fills_the_disk(
    orbit: Orbit, repository: Repository, disk: Disk, variable: str, stage: str
) -> None:
    orbit.env[variable] = "bash step.sh"
    pid = deploy_first(orbit, repository, **{"step.sh": "exit 0\n"})
    current = orbit.current
    repository.push({"version.txt": "2", "step.sh": "set -e\nhead -c 100m /dev/zero > big\n"})
    orbit.hup()
    assert_failed(orbit, "failed", stage)
    assert orbit.status()["last_failed_deployment"]["exit_status"] == 1
    assert orbit.status()["app"]["pid"] == pid
    assert (orbit.version(), orbit.current) == ("1", current)
    assert_next_succeeds(orbit, repository, **{"step.sh": "exit 0\n"})


def test_a_step_that_fails_silently_on_a_full_disk_is_explained(
    orbit: Orbit, repository: Repository, disk: Disk
) -> None:
    orbit.env["BUILD_COMMAND"] = "bash step.sh"
    deploy_first(orbit, repository, **{"step.sh": "exit 0\n"})
    repository.push({"version.txt": "2", "step.sh": "head -c 100m /dev/zero > big 2>/dev/null\nexit 3\n"})
    orbit.hup()
    assert_failed(orbit, "failed", "building")


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_disk_that_is_full_when_the_release_is_to_be_completed(
    orbit: Orbit, repository: Repository, disk: Disk, what: str
) -> None:
    orbit.env["BUILD_COMMAND"] = "bash step.sh"
    pid = deploy_first(orbit, repository, **{"step.sh": "exit 0\n"})
    current = orbit.current
    gate = disk.path.parent / "gate"
    os.mkfifo(gate)
    repository.push({"version.txt": "2", "step.sh": f"cat {gate}\n"})
    orbit.hup()
    wait_until(lambda: orbit.status().get("stage") == "building")
    disk.fill() if what == "bytes" else disk.fill_inodes()
    gate.write_text("go")
    wait_until(lambda: "ERROR: deployment 2 failed" in orbit.output())
    assert_said(orbit)
    assert psutil.pid_exists(pid)
    assert (orbit.version(), orbit.current) == ("1", current)
    disk.free()
    assert_next_succeeds(orbit, repository, **{"step.sh": "exit 0\n"})
    assert orbit.outcomes() == ["succeeded", "failed", "succeeded"]


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_disk_that_is_full_when_the_switch_is_made(
    orbit: Orbit, repository: Repository, disk: Disk, what: str
) -> None:
    asked, done = disk.path.parent / "asked", disk.path.parent / "done"
    os.mkfifo(asked)
    os.mkfifo(done)
    last = f"lambda *_: (open({str(asked)!r}, 'w').close(), open({str(done)!r}).read(), os._exit(0))"
    waits = apps.SERVER + apps.SERVE.replace("lambda *_: sys.exit(0)", last)
    orbit.env["STOP_TIMEOUT"] = "60"
    deploy_first(orbit, repository, serve=waits)
    current = orbit.current
    repository.push(apps.server("2"))
    orbit.hup()
    asked.read_text()  # the release is complete, its application is asked to stop
    disk.fill() if what == "bytes" else disk.fill_inodes()
    done.write_text("")
    wait_until(lambda: "ERROR: deployment 2 rolled back" in orbit.output())
    assert_said(orbit)
    assert (orbit.version(), orbit.current) == ("1", current)
    disk.free()
    orbit.env["STOP_TIMEOUT"] = "2"
    repository.push({"version.txt": "3"})
    orbit.hup()
    asked.read_text()
    done.write_text("")
    orbit.wait_version("3")
    assert orbit.wait_idle(3)["outcome"] == "succeeded"
    assert orbit.outcomes() == ["succeeded", "rolled_back", "succeeded"]


def test_a_disk_that_is_full_when_current_is_to_be_moved_back(orbit: Orbit, repository: Repository, disk: Disk) -> None:
    """The previous release serves, the link leads to a release that is there, and the next start mends it."""
    deploy_first(orbit, repository)
    first = orbit.current
    fills = (
        f"\nos.mkdir('{disk.path}/ballast')\n"
        f"for number in range(1_000_000):\n    open(f'{disk.path}/ballast/{{number}}', 'w').close()\n"
    )
    repository.push(apps.server("2", before=fills))
    orbit.hup()
    wait_until(lambda: "ERROR: deployment 2 rolled back" in orbit.output())
    assert orbit.version() == "1"
    assert orbit.current != first
    assert orbit.current in orbit.releases()
    assert "cannot move `current` back" in orbit.output()
    disk.free()
    assert orbit.stop() == 0
    repository.push(apps.server("3"))
    orbit.start()
    wait_until(lambda: f"going back to {first}" in orbit.output())
    orbit.wait_version("3")
    assert orbit.wait_idle(3)["outcome"] == "succeeded"
    wait_until(lambda: len(orbit.releases()) == 2)


def test_an_application_on_a_full_disk_serves_and_is_started_again(
    orbit: Orbit, repository: Repository, disk: Disk
) -> None:
    chatty = apps.server("1", before="\nHandler.log_message = lambda self, *words: print('x' * 5000, flush=True)\n")
    pid = deploy_first(orbit, repository, **chatty)
    disk.fill()
    for _ in range(20):
        assert orbit.version() == "1"
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: (answer := orbit.ask()) is not None and answer["pid"] != pid)
    done = orbit.cli("update")
    assert done.returncode == 1
    assert done.stderr.startswith("orbit: cannot write the request: No space left on device")
    for words in (("status",), ("releases",), ("logs",)):
        done = orbit.cli(*words)
        assert (done.returncode, done.stderr) == (0, "")
    repository.push({"version.txt": "2"})
    orbit.hup()
    wait_until(lambda: "ERROR: deployment 2 failed" in orbit.output())
    assert_said(orbit)
    assert orbit.version() == "1"
    disk.free()
    assert_next_succeeds(orbit, repository)


def test_an_application_that_was_started_on_a_full_disk_can_be_taken_over(
    orbit: Orbit, repository: Repository, disk: Disk
) -> None:
    pid = deploy_first(orbit, repository)
    disk.fill()
    os.kill(pid, signal.SIGKILL)
    again = wait_until(lambda: (answer := orbit.ask()) and answer["pid"] != pid and answer["pid"])
    orbit.kill()
    orbit.start()
    wait_until(lambda: f"pid {again}; taken over" in orbit.output())
    assert orbit.version() == "1"


def test_a_start_on_a_full_disk_serves_what_is_live(orbit: Orbit, repository: Repository, disk: Disk) -> None:
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2", "pre-deploy.sh": "#!/bin/bash\nsleep 1000\n"})
    orbit.hup()
    wait_until(lambda: orbit.status().get("stage") == "pre_deploy")
    orbit.kill()
    hook = f"{disk.path}/home/production/releases/{orbit.releases()[-1]}/pre-deploy.sh"
    wait_until(lambda: not any(hook in (process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])))
    disk.fill()
    orbit.start()
    wait_until(lambda: "taken over" in orbit.output(), 10, orbit.output())
    assert orbit.version() == "1"
    assert orbit.stop() == 0
    orbit.start()
    orbit.wait_version("1")
    assert "Traceback" not in orbit.output()
    disk.free()
    assert_next_succeeds(orbit, repository, **{"pre-deploy.sh": None})
