"""Trees that try to get away: nothing of them is left, soon after the grace, and nothing else was touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from supervisor.model import Command, Exit, LogPolicy
from supervisor.processes import strays
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner
from tests.support.waiting import wait_until

Run = Callable[..., Awaitable[Exit]]
TIMEOUT_S = 0.7
GRACE_S = 0.3
LATE_S = 2.0

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can run things as another user")


def script(body: str) -> tuple[str, ...]:
    """A Python program that is deaf to what can be ignored."""
    deaf = "import os, signal, sys, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
    return (sys.executable, "-c", deaf + body)


FORKS_ON = "while True:\n    if os.fork(): os._exit(0)\n"
LEAVES_AND_FORKS_ON = "while True:\n    if os.fork(): os._exit(0)\n    os.setsid()\n"
FORKS_AND_STAYS = """
import resource
os.setuid(65534)  # root knows no such limit
resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.001)
"""
ADOPTS = """
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        os.setsid()
        time.sleep(1000)
print("ready", flush=True)
time.sleep(1000)
"""
TRACES = """
import ctypes
libc = ctypes.CDLL(None)
child = os.fork()
if child == 0:
    libc.ptrace(0, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(1000)
os.waitpid(child, os.WUNTRACED)
print("ready", flush=True)
time.sleep(1000)
"""
IS_STOPPED = "print('ready', flush=True)\nif os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(1000)\n"
BLOCKS_EVERYTHING = (
    "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nprint('ready', flush=True)\ntime.sleep(1000)\n"
)
HOLDS_THE_OUTPUT = """
if os.fork() == 0:
    os.setsid()
    while True:
        os.write(1, b"x" * 65536)
time.sleep(1000)
"""


@pytest.fixture
def neighbour() -> Iterator[psutil.Popen]:
    """Somebody else's process, which looks much the same."""
    process = psutil.Popen(script("time.sleep(1000)"), start_new_session=True)
    yield process
    assert process.status() != psutil.STATUS_ZOMBIE, "a process of another tree was ended"
    process.kill()
    process.wait()


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(FORKS_ON, id="forks and ends, again and again"),
        pytest.param(LEAVES_AND_FORKS_ON, id="forks, leaves its session and ends, again and again"),
        pytest.param(FORKS_AND_STAYS, id="fork loop", marks=as_root),
        pytest.param(ADOPTS, id="sub-reaper"),
        pytest.param(TRACES, id="tracer"),
        pytest.param(IS_STOPPED, id="stopped"),
        pytest.param(BLOCKS_EVERYTHING, id="blocks all signals"),
        pytest.param(HOLDS_THE_OUTPUT, id="daemon that floods the output"),
    ],
)
async def test_a_tree_that_tries_to_get_away_is_empty_soon_after_the_grace(
    spawner: Spawner, tmp_path: Path, body: str
) -> None:
    command = Command(script(body), Path("/"), dict(os.environ), TIMEOUT_S, grace_s=GRACE_S, log=tmp_path / "log")
    since = time.monotonic()
    ended = await CommandRunner(spawner).run(command)
    took_s = time.monotonic() - since
    assert ended.error is None
    assert took_s < TIMEOUT_S + GRACE_S + LATE_S
    assert [process for process in psutil.process_iter() if is_of(process, body)] == []


def is_of(process: psutil.Process, body: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and body in "\n".join(process.cmdline())
    return False


async def start(spawner: Spawner, tmp_path: Path, line: str) -> asyncio.Task[Exit]:
    """A command that writes numbers of processes to `pids`, then `ready`."""
    command = Command(("bash", "-c", line), tmp_path, dict(os.environ), 60.0, grace_s=GRACE_S)
    task = asyncio.create_task(CommandRunner(spawner).run(command))
    while not (tmp_path / "ready").exists():
        await asyncio.sleep(0.01)
    return task


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def numbers(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "pids").read_text().split()]


HIDES = (
    "echo $$ >> pids; (setsid bash -c 'echo $$ >> pids; exec sleep 1000' &); "
    "(setsid env -i bash -c 'echo $$ >> pids; exec -a orbit-shim sleep 1000' &); "
    'while [ "$(wc -l < pids)" -lt 3 ]; do :; done; touch ready; sleep 1000'
)


async def test_a_killed_shim_leaves_nothing_behind_and_other_trees_alone(spawner: Spawner, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = await start(spawner, tmp_path / "other", HIDES)
    one = await start(spawner, tmp_path, HIDES)
    os.kill(psutil.Process(numbers(tmp_path)[0]).ppid(), signal.SIGKILL)
    assert (await one).error == "its monitor was killed"
    assert [pid for pid in numbers(tmp_path) if psutil.pid_exists(pid)] == []
    assert all(psutil.pid_exists(pid) for pid in numbers(tmp_path / "other"))
    other.cancel()
    await asyncio.wait({other})


async def test_a_command_does_not_outlive_its_shim_even_if_nobody_is_left_to_end_it(
    tmp_path: Path,
) -> None:
    spawner = Spawner(LogPolicy(), (), str(tmp_path))
    await start(spawner, tmp_path, "echo $$ > pids; touch ready; exec sleep 1000")
    pid = numbers(tmp_path)[0]
    shim = psutil.Process(pid).parent()
    assert shim and spawner.pid
    os.kill(spawner.pid, signal.SIGSTOP)
    shim.kill()
    wait_until(lambda: not alive(pid))
    os.kill(spawner.pid, signal.SIGCONT)
    spawner.close()


async def test_what_a_dead_supervisor_left_is_found_by_its_tag(tmp_path: Path) -> None:
    spawner = Spawner(LogPolicy(), (), str(tmp_path))
    line = "(setsid bash -c 'trap \"\" TERM; echo $$ >> pids; touch ready; while :; do sleep 1000; done' &); sleep 1000"
    task = await start(spawner, tmp_path, line)
    pid = numbers(tmp_path)[0]
    assert pid in strays.owned(str(tmp_path), but=None)
    assert strays.owned(str(tmp_path.parent), but=None) == set()
    assert await strays.end(lambda: strays.owned(str(tmp_path), but=None), 0.2, LATE_S)
    assert not psutil.pid_exists(pid)
    await asyncio.wait({task})
    spawner.close()


@as_root
async def test_a_command_that_cannot_fork_any_more_is_an_error(spawner: Spawner, tmp_path: Path) -> None:
    """The fork server's own limit is reached: this command does not start, later ones do."""
    runner = CommandRunner(spawner)
    command = Command(("true",), tmp_path, dict(os.environ), 5.0)
    assert (await runner.run(command)).ok
    assert spawner.pid
    subprocess.run(["prlimit", f"--pid={spawner.pid}", "--nofile=4:1024"], check=True)
    ended = await runner.run(command)
    assert ended.error and "cannot" in ended.error
    subprocess.run(["prlimit", f"--pid={spawner.pid}", "--nofile=1024:1024"], check=True)
    assert (await runner.run(command)).ok


async def test_a_suspended_shim_is_stopped_with_its_tree_all_the_same(spawner: Spawner, tmp_path: Path) -> None:
    task = await start(spawner, tmp_path, "echo $$ > pids; touch ready; trap '' TERM; while :; do sleep 1000; done")
    pid = numbers(tmp_path)[0]
    shim = psutil.Process(pid).parent()
    assert shim
    shim.suspend()
    since = time.monotonic()
    task.cancel()
    await asyncio.wait({task})
    assert time.monotonic() - since < GRACE_S + LATE_S
    assert not alive(pid)


async def test_many_processes_of_a_killed_shim_do_not_hold_up_the_supervisor(spawner: Spawner, tmp_path: Path) -> None:
    line = "for n in $(seq 300); do sleep 1000 & done; echo $$ > pids; touch ready; wait"
    task = await start(spawner, tmp_path, line)
    shim = psutil.Process(numbers(tmp_path)[0]).parent()
    assert shim
    children = [child.pid for child in shim.children(recursive=True)]
    assert len(children) > 300
    shim.kill()
    longest = 0.0
    while not task.done():
        since = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - since)
    assert [pid for pid in children if alive(pid)] == []
    assert longest < 1.0


def test_a_server_is_found_by_where_it_stands_whatever_link_leads_there(tmp_path: Path) -> None:
    (tmp_path / "home/run").mkdir(parents=True)
    (tmp_path / "link").symlink_to("home")
    with subprocess.Popen(["sleep", "1000"], cwd=tmp_path / "home/run") as server:
        try:
            wait_until(lambda: strays.standing_in(tmp_path / "link/run", "sleep") == {server.pid})
            assert strays.standing_in(tmp_path / "link/run", "nginx") == set()
            assert strays.standing_in(tmp_path / "link", "sleep") == set()
        finally:
            server.kill()
