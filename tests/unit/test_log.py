"""The log: its lines, its places, and what must not be in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from supervisor import log
from supervisor.errors import OrbitError
from tests.support.waiting import wait_until

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
MAX_BYTES = 65536
TIMEOUT_S = 30

LOUD = """
import sys
from pathlib import Path
from loguru import logger
from supervisor import log
log.configure("info", Path(sys.argv[1]), 1 << 20, 1)
for number in range({lines}):
    logger.info("line {{}} {{}}", number, "x" * 200)
"""


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    logger.remove()


@pytest.fixture
def setup_log(tmp_path: Path) -> Path:
    return tmp_path / "logs/setup.log"


def lines(path: Path) -> list[str]:
    """The lines without their times, of which each has one."""
    found = path.read_text().splitlines()
    assert all(re.match(STAMP, line) for line in found)
    return [re.sub(f"^{STAMP} ", "", line) for line in found]


def test_lines_have_a_time_and_a_mark_and_warnings_their_level(setup_log: Path) -> None:
    log.configure("info", setup_log, MAX_BYTES, 1)
    logger.debug("not shown")
    logger.info("release {} is live", "003")
    logger.warning("first\nsecond")
    logger.bind(mark="HOOKS").error("failed")
    assert lines(setup_log) == [
        "[SETUP] release 003 is live",
        "[SETUP] WARNING: first",
        "[SETUP] WARNING: second",
        "[HOOKS] ERROR: failed",
    ]


def test_the_console_has_the_same_lines(setup_log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("debug", setup_log, MAX_BYTES, 1)
    logger.debug("hello")
    logger.error("trouble")
    captured = capfd.readouterr()
    assert captured.out == setup_log.read_text()
    assert captured.err == ""


def test_what_is_logged_cannot_steer_a_terminal_or_the_log(setup_log: Path) -> None:
    log.configure("info", setup_log, MAX_BYTES, 1)
    logger.info("{}", "subject \x1b[2J\r <red>{x}</red> \udcff")
    assert lines(setup_log) == [r"[SETUP] subject \x1b[2J\x0d <red>{x}</red> \udcff"]


def test_no_secret_in_messages_or_tracebacks(setup_log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "s3cret/token+1"
    log.configure("info", setup_log, MAX_BYTES, 1, [secret])
    logger.info("https://x:{}@example.org and s3cret%2Ftoken%2B1", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("cannot do it")
    text = setup_log.read_text()
    assert text == capfd.readouterr().out
    assert "ValueError: ***" in text
    assert "s3cret" not in text


def test_the_file_is_put_aside_at_its_size_and_old_ones_go(setup_log: Path) -> None:
    log.configure("info", setup_log, 4096, 2)
    for number in range(200):
        logger.info("line {} {}", number, "x" * 100)
    names = sorted(path.name for path in setup_log.parent.iterdir())
    assert names == ["setup.log", "setup.log.1", "setup.log.2"]
    assert all(path.stat().st_size <= 4096 for path in setup_log.parent.iterdir())
    assert "line 199 " in setup_log.read_text()


def test_without_backups_the_file_starts_afresh(setup_log: Path) -> None:
    log.configure("info", setup_log, 4096, 0)
    for number in range(200):
        logger.info("line {} {}", number, "x" * 100)
    assert [path.name for path in setup_log.parent.iterdir()] == ["setup.log"]
    assert setup_log.stat().st_size <= 4096


def test_reopen_after_another_program_renamed_the_file(setup_log: Path) -> None:
    log.configure("info", setup_log, MAX_BYTES, 1)
    logger.info("before")
    setup_log.rename(setup_log.with_name("aside"))
    log.reopen()
    logger.info("after")
    assert lines(setup_log) == ["[SETUP] after"]
    assert lines(setup_log.with_name("aside")) == ["[SETUP] before"]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OrbitError, match=r"cannot create .*/file/logs: .*; check ORBIT_HOME"):
        log.configure("info", tmp_path / "file/logs/setup.log", MAX_BYTES, 1)


def run(setup_log: Path, stdout: int, count: int = 100) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", LOUD.format(lines=count), str(setup_log)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)


def test_a_full_console_costs_nothing(setup_log: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(setup_log, full)
    os.close(full)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(lines(setup_log)) == 100


def test_a_console_that_nobody_reads_any_more_costs_nothing(setup_log: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(setup_log, writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(lines(setup_log)) == 100


def test_started_with_standard_output_closed_nothing_is_written_into_another_file(setup_log: Path) -> None:
    script = f'exec {sys.executable} -c "$0" "$1" >&-'
    command = ["sh", "-c", script, LOUD.format(lines=3), str(setup_log)]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(lines(setup_log)) == 3


def test_a_stuck_reader_holds_up_nothing_and_the_pipe_stays_as_it_was(setup_log: Path) -> None:
    reader, writer = os.pipe()
    started = time.monotonic()
    done = run(setup_log, writer, count=2000)  # five times what a pipe holds
    assert time.monotonic() - started < 10
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(lines(setup_log)) == 2000
    assert os.get_blocking(writer)
    os.close(writer)
    os.close(reader)


def test_a_reader_that_is_back_is_told_how_much_was_lost(setup_log: Path) -> None:
    reader, writer = os.pipe()
    script = LOUD.format(lines=1000) + "\nsys.stdin.readline()\nlogger.info('back')\n"
    command = [sys.executable, "-c", script, str(setup_log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writer) as process:
        os.close(writer)
        assert process.stdin
        wait_until(lambda: setup_log.exists() and "line 999 " in setup_log.read_text(), TIMEOUT_S)
        os.set_blocking(reader, False)
        seen = b""
        while chunk := _read(reader):
            seen += chunk
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.wait(TIMEOUT_S)
        rest = _read(reader)
    os.close(reader)
    lost = 1000 - seen.count(b" line ")
    assert f"[{lost} messages were lost".encode() in rest
    assert rest.endswith(b"[SETUP] back\n")


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except BlockingIOError:
        return b""
