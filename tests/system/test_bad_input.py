"""Whatever is wrong with the repository, the settings or our own files: one clear line, and nothing is lost."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests import gitserver
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first


def failure(orbit: Orbit, deployments: int) -> str:
    """Why the last deployment failed, in the one line that the log has for it."""
    record = orbit.wait_idle(deployments)
    assert record["outcome"] == "failed"
    reason = str(record["reason"])
    assert "\n" not in reason
    wait_until(lambda: f": {reason}\n" in orbit.output())
    assert orbit.output().count(reason) == 1
    assert "Traceback" not in orbit.output()
    return reason


def assert_untouched(orbit: Orbit, pid: int, releases: int = 1) -> None:
    """What was live before is live."""
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.version() == "1"
    wait_until(lambda: len(orbit.releases()) == releases)


# --- the repository ---


def test_an_empty_repository(orbit: Orbit, repository: Repository) -> None:
    orbit.start()
    assert failure(orbit, 1).endswith("the repository is empty; push a commit to it first")
    repository.push(apps.server("1"))
    orbit.hup()
    orbit.wait_version("1")


def test_a_branch_that_does_not_exist(orbit: Orbit, repository: Repository) -> None:
    orbit.env["GIT_BRANCH"] = "prodcution"
    repository.push(apps.server("1"))
    repository.git("push", "-q", "origin", "main:production")
    orbit.start()
    reason = failure(orbit, 1)
    assert "it has no branch or tag prodcution" in reason
    assert "production, main" in reason


def test_a_path_that_does_not_exist(orbit: Orbit, repository: Repository) -> None:
    orbit.env["PROJECT_PATH"] = "apps/wbe"
    repository.push({f"apps/web/{name}": text for name, text in apps.server("1").items()})
    orbit.start()
    assert "there is apps/web" in failure(orbit, 1)
    assert orbit.releases() == []


@pytest.mark.parametrize("address", ["/nonexistent/repository.git", "http://127.0.0.1:1/repository.git"])
def test_a_repository_that_is_not_there(orbit: Orbit, address: str) -> None:
    orbit.env["GIT_REPO_URL"] = address
    orbit.start()
    wait_until(lambda: address in orbit.output(), 10)
    assert orbit.cli("status").returncode == 0
    assert orbit.cli("cancel", "--wait").returncode == (0 if address.startswith("http") else 1)
    assert "Traceback" not in orbit.output()


def test_a_bare_repository_given_as_a_file_address(orbit: Orbit, repository: Repository) -> None:
    orbit.env["GIT_REPO_URL"] = f"file://{repository.origin}"
    deploy_first(orbit, repository)
    assert orbit.current is not None
    assert orbit.current.endswith(repository.git("rev-parse", "HEAD"))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": "# Notes\n"}, "cannot tell what kind of project is in the repository's root"),
        ({"package.json": '{"name": "x",\n  broken}\n'}, "cannot read package.json: line 2"),
        ({"package.json": "{}", "package-lock.json": "<<<<<<< HEAD\n{}\n"}, "a merge conflict is left in it"),
        ({"package.json": '{"scripts": {"start": "x"}}', "yarn.lock": ""}, "cannot read yarn.lock: it is empty"),
        ({"requirements.txt": "flask\n", "Procfile": "worker: python x.py\n"}, "cannot tell how to start"),
    ],
    ids=["unknown", "broken manifest", "conflict", "empty lockfile", "no start"],
)
def test_a_project_that_cannot_be_understood(
    orbit: Orbit, repository: Repository, files: dict[str, str | None], expected: str
) -> None:
    pid = deploy_first(orbit, repository)
    repository.push({**dict.fromkeys(apps.server("1")), **files})
    orbit.hup()
    assert expected in failure(orbit, 2)
    assert_untouched(orbit, pid)


def test_hostile_file_names_are_deployed_as_they_are(orbit: Orbit, tmp_path: Path) -> None:
    origin = gitserver.Repository.create(tmp_path / "hostile.git")
    names = ("current", "-rf", "--help", "a\nb", "\x1b[2J", "spaces  and 'quotes\"", "$(touch pwned)", "ä ö", "*")
    files = {name: text or "" for name, text in apps.server("1").items()}
    origin.commit({**files, **dict.fromkeys([*names, "-d/inside", "a\tb/inside"], "x")})
    _add_invalid_utf8(origin)
    orbit.env |= {"GIT_REPO_URL": str(origin.path), "BUILD_COMMAND": "ls -la > /dev/null"}
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    live = orbit.home / "production/releases" / str(orbit.current)
    assert {*names, os.fsdecode(b"\xff\xfe.txt")} <= {path.name for path in live.iterdir()}
    assert orbit.cli("update", "--wait").returncode == 0
    for words in (("status",), ("releases",), ("rollback", "--list"), ("logs", "build")):
        done = orbit.cli(*words)
        assert (done.returncode, done.stderr) == (0, "")
    assert "Traceback" not in orbit.output()
    orbit.env["KEEP_RELEASES"] = "1"
    orbit.stop()
    orbit.start()
    orbit.wait_version("1")
    assert orbit.cli("update", "--wait").returncode == 0
    wait_until(lambda: len(orbit.releases()) == 1)


def _add_invalid_utf8(origin: gitserver.Repository) -> None:
    head = origin.git("rev-parse", "refs/heads/main")
    stream = (
        b"commit refs/heads/main\ncommitter A <a@example.org> now\ndata 1\nx\nfrom " + head.encode() + b"\n"
        b'M 100644 inline "\\377\\376.txt"\ndata 1\nx\n'
    )
    origin.git("fast-import", "--quiet", "--date-format=now", data=stream)


def test_a_subject_with_terminal_escapes_reaches_no_terminal(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.commit({"version.txt": "2"}, message="\x1b]0;owned\x07\x1b[2J {0} %s \x9b31m <red> [bold]x[/bold]")
    repository.git("push", "-q", "origin", "main")
    shown = orbit.cli("update", "--wait").stdout
    for words in (("status",), ("releases",), ("rollback", "--list"), ("status", "--json"), ("releases", "--json")):
        done = orbit.cli(*words)
        assert (done.returncode, done.stderr) == (0, "")
        shown += done.stdout
    assert "[bold]x[/bold]" in shown
    for text in (shown, orbit.output(), orbit.log("setup.log"), orbit.cli("logs", "setup").stdout):
        assert not {"\x1b", "\x07", "\x9b"} & set(text)


def test_an_unknown_ref_is_said_so_to_who_asked_for_it(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    done = orbit.cli("update", "nonesuch", "--wait")
    assert done.returncode == 1
    assert "it has no branch or tag nonesuch" in done.stderr
    for ref in ("-x", "a..b", "\x1b[2J", "é\n"):
        done = orbit.cli("update", "--wait", "--", ref)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stderr
    assert_untouched(orbit, pid)


# --- our own files ---


def test_a_current_that_somebody_made_a_directory_stops_nothing(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    pid = orbit.status()["app"]["pid"]
    link = orbit.home / "production/current"
    link.unlink()
    (link / "mine").mkdir(parents=True)
    for words in (("update",), ("rollback", "001")):
        done = orbit.cli(*words, "--wait")
        assert done.returncode == 1
        assert f"{link} is not a link; move it away, then update again" in done.stderr
    assert (link / "mine").is_dir()
    assert orbit.status()["app"]["pid"] == pid
    link.rename(link.with_name("away"))
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.version() == "2"


def test_a_current_that_leads_nowhere_is_mended_at_the_start(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    current = orbit.current
    orbit.stop()
    link = orbit.home / "production/current"
    link.unlink()
    link.symlink_to("releases/nowhere")
    repository.origin.rename(repository.origin.with_name("elsewhere"))
    orbit.start()
    orbit.wait_version("1")
    assert orbit.current == current


def test_the_live_release_comes_back_after_a_failure_though_somebody_removed_current(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    current = orbit.current
    (orbit.home / "production/current").unlink()
    repository.push(apps.exits("2"))
    orbit.hup()
    assert orbit.wait_idle(2)["outcome"] == "rolled_back"
    assert orbit.version() == "1"
    assert orbit.current == current


def test_garbage_among_the_requests_is_removed_and_the_others_are_dealt_with(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    deploy_first(orbit, repository)
    spool = orbit.home / "run/requests"
    secret = tmp_path / "secret"
    secret.write_text('{"action": "restart"}')
    (spool / "00-link.json").symlink_to(secret)
    (spool / "01-huge.json").write_bytes(b'{"action": "restart", "x": "' + b"x" * 1_000_000 + b'"}')
    os.mkfifo(spool / "02-fifo.json")
    (spool / "03-directory.json").mkdir()
    (spool / "03-directory.json/full").touch()
    (spool / "04-binary.json").write_bytes(bytes(range(256)))
    (spool / "05-deep.json").write_text("[" * 16000)
    for number, text in enumerate(
        ('"text"', "[]", "{}", '{"action": "explode"}', '{"action": []}', '{"action": "update", "created_at": 7}',
         '{"action": "update", "created_at": "yesterday"}',
         '{"action": "restart", "id": "../../x", "created_at": "2020-01-01T00:00:00"}'),
        start=10,
    ):  # fmt: skip
        (spool / f"{number}.json").write_text(text)
    repository.push({"version.txt": "2"})
    done = orbit.cli("update", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: list(spool.iterdir()) == [])
    assert orbit.version() == "2"
    assert secret.exists()
    assert [(answer["action"], answer["outcome"]) for answer in orbit.status()["requests"]] == [
        ("update", "succeeded"),
        ("restart", "succeeded"),
        ("update", "succeeded"),
    ]
    assert "Traceback" not in orbit.output()


def test_a_request_for_an_unknown_release_says_which_there_are(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    done = orbit.cli("rollback", "999", "--wait")
    assert done.returncode == 1
    assert "there is no release '999'" in done.stderr
    assert len(orbit.records()) == 1
    (orbit.home / "run/requests/by-hand.json").write_text('{"action": "rollback", "release": "999"}')
    orbit.hup()
    reason = failure(orbit, 2)
    assert "there is no release '999'; there are: 001-" in reason
    assert_untouched(orbit, pid)


GARBAGE = (
    b"",
    b"\x00\xff\xfe",
    b'{"sequence": "x", "number": "x", "release": 1, "good": "yes"}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_our_own_records_is_passed_over(orbit: Orbit, repository: Repository, garbage: bytes) -> None:
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2"})
    assert orbit.cli("update", "--wait").returncode == 0
    current = orbit.current
    orbit.stop()
    first = next((orbit.home / "production/releases").glob("001-*.json"))
    for path in (
        first,
        orbit.home / "production/releases/garbage.json",
        orbit.home / "run/app.json",
        orbit.home / "run/app.exit.json",
        orbit.home / "run/status.json",
        orbit.home / "run/supervisor.lock",
        orbit.home / "deployments/000002.json",
        orbit.home / "deployments/000009.json",
    ):
        path.write_bytes(garbage)
    assert orbit.cli("status").returncode == 3
    orbit.start()
    orbit.wait_version("2")
    wait_until(lambda: orbit.status().get("status") == "idle")
    assert orbit.current == current
    for words in (("status",), ("releases",), ("rollback", "--list")):
        done = orbit.cli(*words)
        assert (done.returncode, done.stderr) == (0, "")
    repository.push({"version.txt": "3"})
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.version() == "3"
    assert str(orbit.current).startswith("003-")
    assert first.exists()
    assert "Traceback" not in orbit.output()


def test_things_that_are_no_files_where_records_should_be(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    orbit.stop()
    for path in (orbit.home / "run/app.json", orbit.home / "run/status.json", orbit.home / "deployments/000001.json"):
        path.unlink()
        os.mkfifo(path)
    (orbit.home / "deployments/000005.json").mkdir()
    (orbit.home / "deployments/notes.json").write_text("{}")
    orbit.start()
    orbit.wait_version("1")
    wait_until(lambda: orbit.status().get("status") == "idle")
    assert orbit.cli("update", "--wait").returncode == 0
    assert (orbit.home / "deployments/000006.json").is_file()
    assert "Traceback" not in orbit.output()


# --- ORBIT_HOME and the settings ---


def test_an_orbit_home_that_is_a_file(orbit: Orbit, tmp_path: Path) -> None:
    orbit.home.write_text("notes")
    done = orbit.cli("run")
    assert done.returncode == 1
    assert done.stderr.startswith(f"orbit: cannot use ORBIT_HOME {orbit.home}: ")
    assert done.stderr.count("\n") == 1
    assert orbit.home.read_text() == "notes"
    assert orbit.cli("status").returncode == 3
    assert orbit.cli("status", "--watch").returncode == 3


def test_an_orbit_home_that_cannot_be_written(orbit: Orbit) -> None:
    orbit.env["ORBIT_HOME"] = "/proc/orbit"
    done = orbit.cli("run")
    assert done.returncode == 1
    assert done.stderr.startswith("orbit: cannot use ORBIT_HOME /proc/orbit: ")
    assert done.stderr.count("\n") == 1


def test_an_orbit_home_that_does_not_exist_yet_is_no_fault_of_who_asks(orbit: Orbit) -> None:
    for words in (("status",), ("status", "--watch"), ("update",), ("cancel",), ("restart",), ("update", "--wait")):
        done = orbit.cli(*words)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert f"no supervisor runs in {orbit.home}" in done.stderr
    for words in (("releases",), ("rollback", "--list")):
        assert orbit.cli(*words).stdout == "There are no releases.\n"
    assert orbit.cli("rollback").returncode == 1
    assert not orbit.home.exists()


def test_a_port_that_another_program_listens_on_is_not_taken_for_the_application(
    orbit: Orbit, repository: Repository
) -> None:
    with socket.create_server(("127.0.0.1", orbit.port)):
        repository.push(apps.server("1"))
        orbit.start()
        record = orbit.wait_idle(1)
    assert record["outcome"] == "failed"
    assert f"port {orbit.port} is in use by" in record["reason"]
    assert f"(pid {os.getpid()})" in record["reason"]
    orbit.hup()
    orbit.wait_version("1")


def test_bad_settings_are_told_all_at_once(orbit: Orbit) -> None:
    wrong = {"APP_PORT": "99999", "HOOK_TIMEOUT": "soon", "KEEP_RELEASES": "0", "GIT_WATCH": "perhaps"}
    orbit.env |= wrong
    orbit.env["GIT_TOKEN"] = "two words"
    done = orbit.cli("run")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert sorted(line.split(": ")[1] for line in lines) == sorted([*wrong, "GIT_TOKEN"])
    assert all("allowed: " in line for line in lines)
    assert "two words" not in done.stderr
    assert not orbit.home.exists()


def test_without_any_settings(orbit: Orbit) -> None:
    for name in ("GIT_REPO_URL", "APP_PORT"):
        del orbit.env[name]
    done = orbit.cli("run")
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["GIT_REPO_URL", "APP_PORT"]


def test_an_application_that_cannot_be_started_any_more_is_tried_again(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    orbit.env["PATH"] = f"{tmp_path}/bin:{orbit.env['PATH']}"
    program = tmp_path / "bin/serve"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec python3 serve\n")
    program.chmod(0o755)
    deploy_first(orbit, repository, Procfile="web: serve\n")
    program.rename(tmp_path / "serve")
    done = orbit.cli("restart", "--wait")
    assert done.returncode == 1
    assert "cannot run serve" in done.stderr
    wait_until(lambda: orbit.status()["app"]["state"] == "BACKOFF")
    assert "cannot run serve" in json.dumps(orbit.status()["app"]["last_exit"])
    (tmp_path / "serve").rename(program)
    orbit.wait_version("1")
