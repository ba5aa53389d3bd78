"""The program that is PID 1, in a process namespace of its own, above small supervisors of every kind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until

SHIM = Path(__file__).parents[2] / "supervisor/shim/__main__.py"
pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="a process namespace of its own needs root and unshare"
)
LISTENING = (
    "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""PID 1 starts a supervisor with its signals blocked, and bash does not unblock them."""
UNTIL_TERM = "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait $!; done"
"""A supervisor that does nothing; its sleep comes to PID 1."""
POLITE = "setsid bash -c 'trap \"echo ended > polite; exit\" TERM; echo > polite-ready; sleep 1000 & wait'"
"""An application that notices its end."""
DEAF = "setsid bash -c 'trap \"\" TERM; echo > deaf-ready; sleep 1000; sleep 1000'"


class Init:
    """PID 1 with `script`, run by bash, as its supervisor. It works in `directory`."""

    def __init__(
        self, directory: Path, script: str, stdout: int | None = None, closed: bool = False, **variables: str
    ) -> None:
        self.directory = directory
        self.console = directory / "console"
        command = [sys.executable, "-I", "-S", str(SHIM), "init", sys.executable, "-c", LISTENING, "bash", "-c", script]
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", *command],
                env={"PATH": os.environ["PATH"], **variables},
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                cwd=directory,
                start_new_session=True,
                preexec_fn=(lambda: os.close(1)) if closed else None,
            )

    @property
    def init(self) -> psutil.Process:
        return wait_until(lambda: psutil.Process(self.process.pid).children())[0]

    def kill(self, number: int) -> None:
        self.init.send_signal(number)

    def wait(self, timeout_s: float = 15.0) -> int:
        return self.process.wait(timeout=timeout_s)

    def output(self) -> str:
        return self.console.read_text()

    def wait_file(self, name: str) -> Path:
        path = self.directory / name
        wait_until(path.exists, 15, lambda: f"{name}\n{self.output()}")
        return path

    def wait_said(self, word: str, times: int = 1) -> None:
        wait_until(lambda: self.output().count(word) >= times, 15, self.output)


Start = Callable[..., Init]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Init] = []

    def make(script: str, stdout: int | None = None, closed: bool = False, **variables: str) -> Init:
        started.append(Init(tmp_path, script, stdout, closed, **variables))
        return started[-1]

    yield make
    for instance in started:
        for process in psutil.Process(instance.process.pid).children() if instance.process.poll() is None else ():
            process.kill()
        instance.process.wait(timeout=10)


@pytest.mark.parametrize("status", [0, 1, 2, 3, 127])
def test_the_status_of_a_first_start_that_fails_is_the_containers(start: Start, status: int) -> None:
    assert start(f"exit {status}").wait() == status


@pytest.mark.parametrize("how", ["kill -9 $$", "exit 70", "kill -SEGV $$"])
def test_after_a_crash_it_goes_on_trying_whatever_the_supervisor_says(start: Start, how: str) -> None:
    container = start(
        f"{POLITE} & echo >> starts; n=$(wc -l < starts);"
        f" [ $n = 1 ] && {how}; [ $n -lt 4 ] && exit $((n - 1)); {UNTIL_TERM}"
    )
    container.wait_said("ready")
    assert "ended with status 1; the application goes on, starting the supervisor again in 0.5 s" in container.output()
    assert "ended with status 2; the application goes on, starting the supervisor again in 1 s" in container.output()
    assert not (container.directory / "polite").exists()
    container.kill(signal.SIGTERM)
    assert container.wait() == 0


def test_an_orderly_end_after_a_crash_is_an_end(start: Start) -> None:
    assert start("echo >> starts; [ $(wc -l < starts) = 1 ] && kill -9 $$; exit 0").wait() == 0


def test_a_stop_while_no_supervisor_runs_ends_what_it_left(start: Start) -> None:
    container = start(f"[ -e polite-ready ] || {POLITE} & until [ -e polite-ready ]; do :; done; exit 70")
    container.wait_said("again in 2 s")
    container.kill(signal.SIGTERM)
    assert container.wait() == 0
    assert container.wait_file("polite").read_text() == "ended\n"


def test_orphans_do_not_put_off_the_next_start(start: Start) -> None:
    """Each of them wakes PID 1 up."""
    container = start(
        "echo >> starts; n=$(wc -l < starts); [ $n = 1 ] && (for i in {1..400}; do sleep 0.02; (true &) done) &"
        f" n=$(wc -l < starts); [ $n -lt 3 ] && exit 70; {UNTIL_TERM}"
    )
    since = time.monotonic()
    container.wait_said("ready")
    assert time.monotonic() - since < 6
    container.kill(signal.SIGTERM)
    assert container.wait() == 0


def test_a_crash_in_a_stop_gives_the_application_its_term_and_tells(start: Start) -> None:
    container = start(f"{POLITE} & trap 'kill -9 $$' TERM; until [ -e polite-ready ]; do :; done; echo ready; wait")
    container.wait_said("ready")
    container.kill(signal.SIGTERM)
    assert container.wait() == 128 + signal.SIGKILL
    assert container.wait_file("polite").read_text() == "ended\n"


def test_a_suspended_supervisor_stops_all_the_same(start: Start) -> None:
    container = start(UNTIL_TERM)
    container.wait_said("ready")
    container.init.children()[0].suspend()
    container.kill(signal.SIGTERM)
    assert container.wait(3) == 0


def test_a_supervisor_that_hangs_is_not_waited_for(start: Start) -> None:
    container = start(f"{POLITE} & {DEAF} & trap '' TERM; echo ready; while :; do sleep 1000; done")
    container.wait_said("ready")
    container.wait_file("polite-ready")
    container.wait_file("deaf-ready")
    since = time.monotonic()
    container.kill(signal.SIGTERM)
    assert container.wait() == 70
    assert 7 < time.monotonic() - since < 9.5, "the whole patience is given, and no more than docker stop has"
    assert "does not answer" in container.output()
    assert container.wait_file("polite").read_text() == "ended\n"


def test_a_supervisor_that_says_that_it_is_stopping_is_waited_for(start: Start) -> None:
    container = start(
        "trap 'for i in {1..12}; do kill -URG 1; sleep 0.5; done; exit 0' TERM; echo ready; sleep 1000 & wait"
    )
    container.wait_said("ready")
    container.kill(signal.SIGTERM)
    assert container.wait() == 0


def test_a_second_stop_does_not_wait_for_what_is_deaf(start: Start) -> None:
    script = f"[ -e deaf-ready ] || {DEAF} & until [ -e deaf-ready ]; do :; done; exit 70"
    container = start(script, STOP_TIMEOUT="600")
    container.wait_said("again in 2 s")
    container.kill(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        container.wait(1)
    container.kill(signal.SIGTERM)
    assert container.wait(5) == 0


def test_what_is_left_after_an_orderly_end_gets_term_and_then_kill(start: Start) -> None:
    container = start(f"{POLITE} & {DEAF} & until [ -e polite-ready ] && [ -e deaf-ready ]; do :; done; {UNTIL_TERM}")
    container.wait_said("ready")
    since = time.monotonic()
    container.kill(signal.SIGTERM)
    assert container.wait() == 0
    assert time.monotonic() - since < 5
    assert container.wait_file("polite").read_text() == "ended\n"


def test_a_burst_of_orphans_is_reaped_while_signals_are_passed_on(start: Start) -> None:
    orphans = "import os\nfor n in range(2000):\n  if os.fork() == 0:\n    os.fork()\n    os._exit(0)\n  os.wait()\n"
    container = start(
        "trap 'echo hup' HUP; trap 'exit 0' TERM; echo ready;"
        f" {sys.executable} -I -S -c '{orphans}' & echo $! > storm; while :; do sleep 0.02; done"
    )
    container.wait_said("ready")
    init = container.init
    storm = wait_until(lambda: [p for p in init.children(recursive=True) if p.cmdline()[-1:] == [orphans]])[0]
    heard = 0
    while storm.is_running() and storm.status() != psutil.STATUS_ZOMBIE:
        container.kill(signal.SIGHUP)
        heard += 1
        container.wait_said("hup", heard)
    assert heard > 3
    wait_until(lambda: not [p for p in init.children(recursive=True) if p.status() == psutil.STATUS_ZOMBIE])
    container.kill(signal.SIGTERM)
    assert container.wait() == 0


@pytest.mark.parametrize("stdout", ["stuck", "closed", "gone"])
def test_a_standard_output_that_takes_nothing_does_not_matter(start: Start, tmp_path: Path, stdout: str) -> None:
    reader, writer = os.pipe()
    if stdout == "stuck":
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 65536)
        os.set_blocking(writer, True)
    elif stdout == "gone":
        os.close(reader)
    script = (
        "echo >> starts; n=$(wc -l < starts); [ $n -lt 3 ] && exit 70; touch up; trap 'exit 0' TERM; sleep 99 & wait"
    )
    container = start(script, writer, closed=stdout == "closed")
    container.wait_file("up")
    container.kill(signal.SIGTERM)
    assert container.wait(5) == 0
    os.close(writer)
    if stdout != "gone":
        os.close(reader)
