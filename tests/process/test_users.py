"""A directory that a process uses is known, however it is used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.processes.users import users_of

WAIT = "print('ready', flush=True); input()"
OPENED = "import sys, mmap; file = open(sys.argv[1].replace('%', '/')); "
OPEN = OPENED + WAIT
MAP = f"{OPENED}memory = mmap.mmap(file.fileno(), 0, prot=1); file.close(); {WAIT}"

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python with a script and arguments; its number, once it is ready."""
    started = []

    def start(*words: str, cwd: Path = Path("/")) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", *words], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    directory = tmp_path / "releases" / "001-abc"
    directory.mkdir(parents=True)
    (directory / "file").write_text("content")
    return directory


def hidden(path: Path) -> str:
    """A path that is not to be recognized in a command line."""
    return str(path).replace("/", "%")


def test_nobody_uses_what_nobody_uses(release: Path) -> None:
    assert users_of([release]) == {}
    assert users_of([]) == {}


def test_who_stands_in_it(release: Path, start: Start) -> None:
    (release / "inner").mkdir()
    pid = start(WAIT, cwd=release / "inner")
    assert users_of([release]) == {release: pid}
    assert users_of([release.with_name("001-ab"), release.with_name("001-abcd"), release / "file"]) == {}


def test_who_has_a_file_open(release: Path, start: Start) -> None:
    pid = start(OPEN, hidden(release / "file"))
    assert users_of([release]) == {release: pid}


def test_who_has_a_file_mapped(release: Path, start: Start) -> None:
    pid = start(MAP, hidden(release / "file"))
    assert users_of([release]) == {release: pid}


def test_who_names_it_in_the_command_line(release: Path, start: Start) -> None:
    pid = start(WAIT, f"--config={release}/config.json")
    assert users_of([release]) == {release: pid}


def test_who_runs_a_program_of_it(release: Path) -> None:
    program = release / "program"
    program.write_bytes(Path("/bin/cat").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen(["cat"], executable=program, stdin=subprocess.PIPE) as process:
        try:
            assert users_of([release]) == {release: process.pid}
        finally:
            process.kill()


def test_a_directory_that_is_reached_through_a_link(release: Path, start: Start, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(release.parent)
    pid = start(WAIT, cwd=release)
    assert users_of([tmp_path / "home" / release.name]) == {tmp_path / "home" / release.name: pid}


def test_a_path_that_only_ends_like_it_is_another(release: Path, start: Start) -> None:
    start(WAIT, f"/elsewhere{release}/file")
    assert users_of([release]) == {}
