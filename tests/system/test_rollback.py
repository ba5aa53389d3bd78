"""Going back to an older release."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gitserver import GitServer
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

SCRIPTS = Path(__file__).parents[2] / "scripts"


def deploy_all(orbit: Orbit, repository: Repository, count: int) -> list[str]:
    """Versions 1 to `count`, one after the other; the ids of their releases."""
    deploy_first(orbit, repository)
    ids = [str(orbit.current)]
    for number in range(2, count + 1):
        repository.push({"version.txt": str(number)})
        orbit.hup()
        orbit.wait_version(str(number))
        orbit.wait_idle(number)
        ids.append(str(orbit.current))
    return ids


def short(release: str) -> str:
    return release[: len("001-") + 7]


def test_without_a_name_it_goes_to_the_previous_release_each_time(orbit: Orbit, repository: Repository) -> None:
    ids = deploy_all(orbit, repository, 3)
    for version in ("2", "1"):
        done = orbit.cli("rollback", "--wait")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(f"rolled back to {short(ids[int(version) - 1])}\n")
        assert orbit.version() == version
        assert orbit.current == ids[int(version) - 1]
    done = orbit.cli("rollback", "--wait")
    assert done.returncode == 1
    assert "there is no earlier release to go back to" in done.stderr
    assert orbit.version() == "1"
    assert [(record["action"], record["outcome"]) for record in orbit.records()[3:]] == [("rollback", "succeeded")] * 2
    assert orbit.releases() == sorted(ids)


def test_every_name_of_a_release_is_understood(orbit: Orbit, repository: Repository) -> None:
    first, second = deploy_all(orbit, repository, 2)
    names = {first: ("001", short(first), first.partition("-")[2][:7]), second: ("2", second, second.partition("-")[2])}
    for there, back in zip(names[first], names[second], strict=True):
        for name, release in ((there, first), (back, second)):  # which may as well be forward
            done = orbit.cli("rollback", name, "--wait")
            assert (done.returncode, done.stderr, orbit.current) == (0, "", release), name
    assert orbit.version() == "2"
    done = orbit.cli("rollback", "7", "--wait")
    assert done.returncode == 1
    assert "there is no release '7'; `orbit rollback --list` shows what is there" in done.stderr
    assert orbit.current == second


def test_the_list_says_what_is_current_and_what_is_previous(orbit: Orbit, repository: Repository) -> None:
    assert orbit.cli("rollback", "--list").stdout == "There are no releases.\n"
    ids = [short(release) for release in deploy_all(orbit, repository, 3)]
    done = orbit.cli("rollback", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Available releases:",
        f"  {ids[2]} (current)",
        f"  {ids[1]} ← previous",
        f"  {ids[0]}",
    ]
    orbit.cli("rollback", "--wait")
    assert f"  {ids[2]}\n  {ids[1]} (current)\n  {ids[0]} ← previous\n" in orbit.cli("rollback", "--list").stdout
    orbit.env["LANG"] = "C"
    assert orbit.cli("rollback", "--list").returncode == 0


def test_no_hooks_run_and_nothing_is_built(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    orbit.env |= {"TRACE": str(trace), "BUILD_COMMAND": 'echo build >> "$TRACE"'}
    hooks = {name: f'#!/bin/bash\necho {name} >> "$TRACE"\n' for name in ("pre-deploy.sh", "post-deploy.sh")}
    deploy_first(orbit, repository, **hooks)
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    before = trace.read_text()
    assert before.split() == ["pre-deploy.sh", "build", "post-deploy.sh"] * 2
    assert orbit.cli("rollback", "--wait").returncode == 0
    assert orbit.version() == "1"
    assert trace.read_text() == before


def test_a_release_that_is_not_well_any_more_is_left_again(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    needed = tmp_path / "database"
    needed.touch()
    check = f"\nprint('looking for the database', flush=True)\nopen({str(needed)!r}).close()\n"
    deploy_first(orbit, repository, **apps.server("1", before=check))
    repository.push(apps.server("2"))
    assert orbit.cli("update", "--wait").returncode == 0
    second = orbit.current
    needed.unlink()
    done = orbit.cli("rollback", "--wait")
    assert done.returncode == 1
    assert done.stderr.startswith("orbit: rollback rolled back: the application ended before it was healthy")
    assert "    looking for the database" in done.stderr.splitlines()
    assert orbit.version() == "2"
    assert orbit.current == second
    assert len(orbit.releases()) == 2


@pytest.mark.parametrize("trigger", ["polling", "watching"])
def test_no_trigger_goes_forward_again_before_there_is_something_new(
    orbit: Orbit, repository: Repository, tmp_path: Path, trigger: str
) -> None:
    with GitServer(tmp_path) as server:
        if trigger == "polling":
            orbit.env |= {"GIT_REPO_URL": server.url(repository.origin.name), "POLLING_INTERVAL": "1"}
        else:
            orbit.env["GIT_WATCH"] = "true"
        first, _ = deploy_all(orbit, repository, 2)
        assert orbit.cli("rollback", "--wait").returncode == 0
        for _ in range(2):
            before = len(server.seen)
            if trigger == "polling":
                wait_until(lambda seen=before: len(server.seen) >= seen + 4, 20)  # two looks, of two requests each
            else:
                repository.git("pack-refs", "--all", cwd=repository.origin)
            assert orbit.current == first
            assert orbit.version() == "1"
            orbit.stop()
            orbit.start()
            orbit.wait_version("1")
            wait_until(lambda: orbit.status().get("status") == "idle")
        third = repository.push({"version.txt": "3"})
        orbit.wait_version("3")
        record = orbit.wait_idle(4)
        assert record["cause"] == trigger
        assert str(orbit.current).endswith(third)
        assert len(orbit.records()) == 4


def test_an_explicit_update_goes_forward_again(orbit: Orbit, repository: Repository) -> None:
    deploy_all(orbit, repository, 2)
    assert orbit.cli("rollback", "--wait").returncode == 0
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.version() == "2"
    assert str(orbit.current).startswith("003-")


# --- on a terminal ---


def on_a_terminal(orbit: Orbit, words: list[str], answer: str) -> tuple[int, str]:
    """Run a command on a terminal and type `answer`; its exit code, and what stood on the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, env=orbit.env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.write(ours, answer.encode())
    screen = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:  # nobody has it open any more
            break
        if not data:
            break
        screen += data
    os.close(ours)
    return process.wait(timeout=30), screen.decode().replace("\r\n", "\n")


def orbit_words(*words: str) -> list[str]:
    return [sys.executable, "-m", "supervisor", *words]


def test_on_a_terminal_it_asks_and_no_means_no(orbit: Orbit, repository: Repository) -> None:
    first, second = deploy_all(orbit, repository, 2)
    pid = orbit.status()["app"]["pid"]
    code, screen = on_a_terminal(orbit, orbit_words("rollback", "--wait"), "n\n")
    assert code == 1
    assert f"current release: {short(second)}\n" in screen
    assert f"go back to {short(first)} (change)? [y/N]: " in screen
    assert screen.endswith("orbit: aborted\n")
    assert orbit.status()["app"]["pid"] == pid
    assert len(orbit.records()) == 2
    code, screen = on_a_terminal(orbit, orbit_words("rollback", "--wait"), "y\n")
    assert code == 0
    assert screen.endswith(f"rolled back to {short(first)}\n")
    assert orbit.current == first


def test_force_does_not_ask(orbit: Orbit, repository: Repository) -> None:
    first, _ = deploy_all(orbit, repository, 2)
    code, screen = on_a_terminal(orbit, orbit_words("rollback", "--force", "--wait"), "")
    assert code == 0
    assert "?" not in screen
    assert orbit.current == first


def test_a_subject_cannot_write_to_the_terminal_that_asks(orbit: Orbit, repository: Repository) -> None:
    repository.commit(apps.server("1"), message="\x1b]0;owned\x07 first")
    repository.git("push", "-q", "origin", "main")
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    _, screen = on_a_terminal(orbit, orbit_words("rollback"), "n\n")
    assert "owned" in screen
    assert "\x1b" not in screen
    assert "\x07" not in screen


# --- under the names of the public documentation ---


def test_the_scripts_do_the_same(orbit: Orbit, repository: Repository) -> None:
    first, _ = deploy_all(orbit, repository, 2)
    orbit.env["PATH"] = f"{Path(sys.executable).parent}:{orbit.env['PATH']}"

    def script(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPTS / words[0]), *words[1:]],
            env=orbit.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    listed = script("flux-rollback", "--list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"  {short(first)} ← previous\n" in listed.stdout
    assert script("flux-rollback").returncode == 0
    assert orbit.current == first
    third = repository.push({"version.txt": "3"})
    done = script("flux-entrypoint.sh", "update")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(orbit.current).endswith(third)
    assert script("flux-rollback", "--force", short(first)).returncode == 0
    assert orbit.version() == "1"
    repository.push(apps.exits("4"))
    failed = script("flux-entrypoint.sh", "update")
    assert failed.returncode == 1
    assert "exit status 7" in failed.stderr
    assert script("flux-entrypoint.sh", "status").returncode == 0
    assert script("flux-rollback", "999").returncode == 1
