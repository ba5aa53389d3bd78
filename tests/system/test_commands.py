"""The commands beside a running supervisor: what they show, how they end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first


class Following:
    """A command that goes on, and the lines that it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self, timeout_s: float = 15.0) -> str:
        """The next line."""
        try:
            return self._lines.get(timeout=timeout_s)
        except Empty:
            raise AssertionError(f"no line within {timeout_s:g} s") from None

    def until(self, part: str) -> list[str]:
        """The lines up to the one in which `part` stands."""
        deadline = time.monotonic() + 15
        lines = [self.line()]
        while part not in lines[-1]:
            assert time.monotonic() < deadline, f"no line with {part!r}; the last one: {lines[-1]}"
            lines.append(self.line())
        return lines

    def interrupt(self) -> tuple[int, str]:
        """What Ctrl-C does: exit code and standard error."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=15)
        self._reader.join()
        assert self.process.stderr is not None
        return code, self.process.stderr.read().strip()


@contextmanager
def following(orbit: Orbit, *words: str) -> Iterator[Following]:
    with orbit.cli_in_background(*words) as process:
        try:
            yield Following(process)
        finally:
            process.kill()


# --- status and releases ---


def test_status_shows_what_is_live_and_what_failed_last(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    first = orbit.current
    repository.push({"pre-deploy.sh": "#!/bin/bash\necho 'relation exists'\nexit 3\n"}, message="A migration")
    assert orbit.cli("update", "--wait").returncode == 1
    done = orbit.cli("status")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line[:14].strip(): line[14:].rstrip() for line in done.stdout.splitlines() if line[:14].strip()}
    assert rows["status"] == "idle"
    assert rows["release"] == first
    assert re.fullmatch(rf"RUNNING, pid {pid} since \S+, port {orbit.port}", rows["app"])
    assert re.fullmatch(r"[0-9a-f]{7} failed in pre_deploy, \S+", rows["last failure"])
    assert "pre-deploy.sh failed: exit status 3" in done.stdout
    assert "relation exists" in done.stdout


def test_status_as_json_is_the_status_file(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    facts = json.loads(orbit.cli("status", "--json").stdout)
    names = (
        "schema sequence updated_at status stage commit commit_full rollback_commit started_at duration_seconds "
        "timeout_seconds progress_percent current_release last_deployment last_failed_deployment failed_commits_count "
        "releases queue app"
    )
    assert set(names.split()) <= facts.keys()
    assert (facts["schema"], facts["status"], facts["stage"]) == (1, "idle", None)
    assert facts["app"]["state"] == "RUNNING"
    assert facts["current_release"] == orbit.current
    assert facts["releases"][0]["id"] == orbit.current


def test_status_watch_has_a_line_for_each_change(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    with following(orbit, "status", "--watch") as watch:
        assert re.search(rf"\bidle  app RUNNING pid \d+  release {str(orbit.current)[:11]}\b", watch.line())
        repository.push({"version.txt": "2", "pre-deploy.sh": "#!/bin/bash\nsleep 0.1\n"})
        orbit.hup()
        lines = watch.until("release 002-")
        assert any(re.search(r"deploying  pre_deploy \(\d+%\) [0-9a-f]{7}  app RUNNING", line) for line in lines)
        assert len(lines) == len(set(lines))
        assert watch.interrupt() == (130, "")


def test_status_watch_as_json_prints_objects(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    with following(orbit, "status", "--watch", "--json") as watch:
        before = json.loads(watch.line())
        orbit.cli("restart")
        after = json.loads(watch.line())
        assert after["sequence"] > before["sequence"]
        assert watch.interrupt() == (130, "")


def test_who_follows_is_told_when_the_supervisor_ends(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    with following(orbit, "status", "--watch") as watch:
        watch.line()
        orbit.stop()
        assert watch.process.wait(timeout=15) == 3
        assert watch.process.stderr is not None
        assert watch.process.stderr.read().startswith(f"orbit: no supervisor runs in {orbit.home}; ")


def test_releases_as_a_table_and_as_json(orbit: Orbit, repository: Repository) -> None:
    assert orbit.cli("releases").stdout == "There are no releases.\n"
    assert json.loads(orbit.cli("releases", "--json").stdout) == []
    deploy_first(orbit, repository)
    sha = repository.push({"version.txt": "2"}, message="Second " + "long " * 100)
    assert orbit.cli("update", "--wait").returncode == 0
    head, second, first = orbit.cli("releases").stdout.splitlines()
    assert head.split() == ["RELEASE", "COMMIT", "BUILT", "TOOK", "STATE", "SUBJECT"]
    assert second.split()[:2] == ["002", sha[:7]]
    assert "live" in second
    assert "Second long" in second
    assert len(second) <= 160
    assert first.split()[0] == "001"
    assert "good" in first
    listed = json.loads(orbit.cli("releases", "--json").stdout)
    assert [(release["id"], release["current"]) for release in listed] == [
        (orbit.current, True),
        (orbit.releases()[0], False),
    ]


# --- update, restart ---


def test_without_wait_a_request_is_accepted_at_once(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    for words, expected in (
        (("restart",), "restart requested\n"),
        (("update",), "update requested; `orbit status --watch` shows how it goes\n"),
    ):
        done = orbit.cli(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    orbit.wait_idle(2)
    assert orbit.status()["app"]["pid"] != pid


def test_update_wait_shows_stages_and_progress(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository, **{"pre-deploy.sh": "#!/bin/bash\nsleep 0.2\n"})
    done = orbit.cli("update", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "update succeeded"
    assert all(re.fullmatch(r"\[ {0,2}\d+%\] [a-z_]+", line) for line in lines[:-1])
    assert "pre_deploy" in done.stdout
    percents = [int(line[1:4]) for line in lines[:-1]]
    assert percents == sorted(percents)


def test_a_named_commit_a_tag_and_a_branch_can_be_deployed(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    first = repository.git("rev-parse", "HEAD")
    repository.git("push", "-q", "origin", "HEAD:refs/tags/v1", "HEAD:refs/heads/old/one")
    repository.push({"version.txt": "2"})
    for ref in ("main", first, "main", "v1", "main", "old/one"):
        done = orbit.cli("update", "--wait", ref)
        assert (done.returncode, done.stderr) == (0, "")
        assert orbit.version() == ("2" if ref == "main" else "1")


def test_restart_waits_for_the_new_process(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    done = orbit.cli("restart", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "restarted\n", "")
    assert orbit.status()["app"]["pid"] not in (pid, None)
    assert orbit.outcomes() == ["succeeded"]


def test_restart_says_what_is_in_its_way(orbit: Orbit, repository: Repository) -> None:
    repository.push({"README.md": "nothing to run"})
    orbit.start()
    orbit.wait_idle(1)
    done = orbit.cli("restart", "--wait")
    assert (done.returncode, done.stderr) == (1, "orbit: restart failed: no release is live\n")


# --- logs ---


def test_each_log_can_be_shown(orbit: Orbit, repository: Repository) -> None:
    orbit.env["BUILD_COMMAND"] = "echo built it"
    deploy_first(orbit, repository, **{"pre-deploy.sh": "#!/bin/bash\necho migrated\n"})
    sha = repository.git("rev-parse", "HEAD")
    for words, expected in (
        ((), "ready 1\n"),
        (("app",), "ready 1\n"),
        (("setup",), "is live"),
        (("hooks",), "migrated\n"),
        (("build",), "built it\n"),
        (("build", "001"), "built it\n"),
        (("build", sha[:10]), "built it\n"),
    ):
        done = orbit.cli("logs", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert expected in done.stdout
    assert orbit.cli("logs", "setup", "-n", "1").stdout.count("\n") == 1
    assert orbit.cli("logs", "setup", "-n", "0").stdout == ""


def test_a_log_that_is_not_there_is_said_so(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    for words, expected in (
        (("hooks",), f"there is no log {orbit.home}/logs/hooks.log yet"),
        (("build", "nonesuch"), "there is no build log of 'nonesuch'; there are: 001-"),
        (("app", "001"), "RELEASE goes with `orbit logs build`, not with app"),
    ):
        done = orbit.cli("logs", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"orbit: {expected}")
    assert orbit.cli("logs", "nonesuch").returncode == 2


def test_a_log_is_followed_across_rotations_without_a_gap(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    orbit.env["LOG_MAX_SIZE"] = "64K"
    written = tmp_path / "written"
    counts = (
        "\nimport itertools\nnumbers = itertools.count()\n"
        "def log_message(self, *words):\n"
        "    lines = [f'line {next(numbers)} {\"x\" * 40}' for _ in range(500)]\n"
        "    print('\\n'.join(lines), flush=True)\n"
        f"    open({str(written)!r}, 'w').write(lines[-1])\n"
        "Handler.log_message = log_message\n"
    )
    deploy_first(orbit, repository, **apps.server("1", before=counts))
    with following(orbit, "logs", "-f", "-n", "100000") as log:
        start = int(log.until("line ")[-1].split()[1])
        for _ in range(24):
            assert orbit.version() == "1"
        last = int(written.read_text().split()[1])
        assert last > 10_000
        lines = [line for line in log.until(f"line {last} ") if line.startswith("line ")]
        assert [int(line.split()[1]) for line in lines] == list(range(start + 1, last + 1))
        assert log.interrupt() == (130, "")


def test_a_log_that_another_program_empties_or_puts_aside_is_followed(orbit: Orbit, repository: Repository) -> None:
    speaks = "\nHandler.log_message = lambda self, *words: print('asked for', self.path, flush=True)\n"
    deploy_first(orbit, repository, **apps.server("1", before=speaks))
    log_file = orbit.home / "logs/app.log"
    with following(orbit, "logs", "-f") as log:
        orbit.ask("/one")
        log.until("asked for /one")
        log_file.rename(log_file.with_name("put-aside"))
        assert orbit.process is not None
        orbit.process.send_signal(signal.SIGUSR1)
        wait_until(log_file.exists)
        orbit.ask("/two" * 100)
        log.until("asked for /two")
        log_file.write_bytes(b"")
        orbit.ask("/three")
        log.until("asked for /three")
        assert log.interrupt() == (130, "")


# --- how commands end ---


def test_no_command_has_a_traceback_and_each_exit_code_means_what_it_says(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    expected = {
        ("status",): 0,
        ("releases",): 0,
        ("why",): 0,
        ("check",): 0,
        ("update", "--wait"): 0,
        ("update", "--wait", "nonesuch"): 1,
        ("rollback", "nonesuch"): 1,
        ("cancel", "--wait"): 1,
        ("run",): 1,
        ("nonesuch",): 2,
        ("update", "--nonesuch"): 2,
        ("logs", "-n", "many"): 2,
    }
    for words, code in expected.items():
        done = orbit.cli(*words)
        assert done.returncode == code, words
        assert (done.stderr == "") == (code == 0), words
        assert "Traceback" not in done.stderr + done.stdout
    orbit.stop()
    for words in (("status",), ("update",), ("rollback",), ("restart",), ("cancel",), ("status", "--watch")):
        done = orbit.cli(*words)
        assert done.returncode == 3, words
        assert done.stderr.count("\n") == 1
    assert "Traceback" not in orbit.output()


@pytest.mark.parametrize("words", [("logs", "setup", "-n", "100000"), ("status", "--watch")])
def test_a_reader_that_goes_away_is_no_error(orbit: Orbit, repository: Repository, words: tuple[str, ...]) -> None:
    deploy_first(orbit, repository)
    process = orbit.cli_in_background(*words)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    orbit.cli("update", "--wait")
    process.wait(timeout=15)
    assert process.stderr.read() == ""
    process.stderr.close()
