"""When an application that ended is started again, and how its end is told."""

from __future__ import annotations

import pytest

from supervisor.model import Exit
from supervisor.processes.app import describe, pause_before_restart
from supervisor.processes.shell import argv_of
from supervisor.triggers.polling import JITTER, LONGEST_BACKOFF, pause_s


def test_the_first_restart_is_at_once_then_the_pause_doubles_to_thirty_seconds() -> None:
    assert [pause_before_restart(crashes) for crashes in range(1, 10)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert pause_before_restart(10_000) == 30


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Exit(status=3), "exit status 3"),
        (Exit(signal=9), "signal 9 (SIGKILL)"),
        (Exit(signal=60), "signal 60"),
        (Exit(signal=9, out_of_memory=True), "out of memory: the kernel ended it"),
        (Exit(signal=9, timed_out=True), "timed out"),
        (Exit(error="cannot run x: No such file or directory"), "cannot run x: No such file or directory"),
    ],
)
def test_an_end_is_told_in_words(ended: Exit, words: str) -> None:
    assert describe(ended) == words


@pytest.mark.parametrize("line", ["npm start", "node index.js --port 80", "./server"])
def test_a_plain_command_needs_no_shell(line: str) -> None:
    assert argv_of(line) == tuple(line.split())


@pytest.mark.parametrize("line", ["a && b", "serve -p $PORT", "cd web", "FOO=1 node x.js", "echo 'a b'", "exec ./x"])
def test_any_other_command_runs_in_a_shell(line: str) -> None:
    assert argv_of(line)[1:] == ("-c", line)


def test_polling_never_runs_in_step_and_backs_off_within_a_bound() -> None:
    pauses = {pause_s(60, 0) for _ in range(50)}
    assert len(pauses) > 1
    assert all(60 * (1 - JITTER) <= pause <= 60 * (1 + JITTER) for pause in pauses)
    assert pause_s(60, 1000) <= 60 * LONGEST_BACKOFF * (1 + JITTER)
