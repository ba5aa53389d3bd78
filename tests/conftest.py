"""Every test: no process may be left behind, however it hid."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

PR_SET_CHILD_SUBREAPER = 36


def pytest_configure() -> None:
    # Whatever loses its parent becomes a child of the test's process, where it is found.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _alive() -> dict[int, str]:
    found = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                if process.ppid() == os.getpid():
                    with contextlib.suppress(ChildProcessError):
                        os.waitpid(process.pid, os.WNOHANG)
            else:
                found[process.pid] = " ".join(process.cmdline())
    return found


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    before = _alive()
    yield
    try:
        wait_until(lambda: not (_alive().keys() - before.keys()), 3.0)
    except AssertionError:
        left = {pid: line for pid, line in _alive().items() if pid not in before}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        pytest.fail(f"left behind: {left}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def orbit(tmp_path: Path, repository: Repository) -> Iterator[Orbit]:
    """A supervisor for `repository`, not started yet; stopped at the end."""
    instance = Orbit(tmp_path / "home", repository.origin)
    yield instance
    if instance.process:
        instance.stop()
        print(instance.output())  # shown where a test has failed
