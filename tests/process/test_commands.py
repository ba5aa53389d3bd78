"""One-shot commands: what is known of their end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from supervisor.model import Command, Exit
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner
from tests.process.conftest import SECRET
from tests.support.waiting import wait_until

Run = Callable[..., Awaitable[Exit]]

HIDING = """
trap '' TERM HUP INT
for n in 1 2 3; do
  (setsid env -i bash -c 'trap "" TERM HUP; echo $$ >> pids; while :; do sleep 1000 & wait; done') &
  (setsid bash -c '(setsid bash -c "echo \\$\\$ >> pids; exec sleep 1000") &') &
done
while [ "$(cat pids 2>/dev/null | wc -l)" -lt 6 ]; do :; done
"""


def survivors(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "pids").read_text().split() if psutil.pid_exists(int(line))]


async def test_exit_status_and_last_lines_are_told(run: Run) -> None:
    ended = await run("echo one; echo two >&2; exit 3")
    assert (ended.status, ended.signal, ended.ok) == (3, None, False)
    assert ended.tail == "one\ntwo\n"


async def test_signal_that_killed_it_is_told(run: Run) -> None:
    ended = await run("kill -SEGV $$")
    assert (ended.status, ended.signal) == (None, signal.SIGSEGV)


async def test_a_program_that_is_not_there_is_an_error(spawner: Spawner, tmp_path: Path) -> None:
    ended = await CommandRunner(spawner).run(Command(("no-such-program",), tmp_path, {"PATH": "/usr/bin"}, 5.0))
    assert ended.error == "cannot run no-such-program: No such file or directory"
    assert not ended.ok


async def test_captured_output_is_not_logged(run: Run, tmp_path: Path) -> None:
    ended = await run("echo data; echo remark >&2", capture=True, log=tmp_path / "log")
    assert ended.output == b"data\n"
    assert (tmp_path / "log").read_text() == "remark\n"


async def test_captured_output_is_bounded(run: Run) -> None:
    ended = await run("head -c 5000000 /dev/zero", capture=True)
    assert ended.ok
    assert len(ended.output) == 1024 * 1024


async def test_nothing_is_left_of_a_command_that_hides_its_children(run: Run, tmp_path: Path) -> None:
    ended = await run(HIDING + "exit 0", grace_s=0.3)
    assert ended.status == 0
    assert survivors(tmp_path) == []


async def test_a_timeout_empties_the_tree(run: Run, tmp_path: Path) -> None:
    since = time.monotonic()
    ended = await run(HIDING + "sleep 1000", timeout_s=1.5, grace_s=0.3)
    assert ended.timed_out and not ended.ok
    assert ended.signal == signal.SIGKILL
    assert time.monotonic() - since < 6
    assert survivors(tmp_path) == []


async def test_cancelling_empties_the_tree_before_it_returns(run: Run, tmp_path: Path) -> None:
    task = asyncio.ensure_future(run(HIDING + "sleep 1000", grace_s=0.3))
    while not (tmp_path / "pids").exists() or len((tmp_path / "pids").read_text().split()) < 6:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert survivors(tmp_path) == []


async def test_a_daemon_that_holds_the_output_does_not_hold_up_the_command(run: Run) -> None:
    since = time.monotonic()
    ended = await run("sleep 1000 & disown; echo done")
    assert ended.ok and ended.tail == "done\n"
    assert time.monotonic() - since < 2


async def test_a_stopped_child_is_ended_as_well(run: Run, tmp_path: Path) -> None:
    await run("sleep 1000 & echo $! > pids; kill -STOP $!; exit 0", grace_s=0.2)
    assert survivors(tmp_path) == []


async def test_secrets_are_not_logged_even_in_pieces(run: Run, tmp_path: Path) -> None:
    half = len(SECRET) // 2
    script = f"printf 'a {SECRET[:half]}'; sleep 0.2; echo '{SECRET[half:]} b'; echo {SECRET}; printf '{SECRET[:half]}'"
    ended = await run(script, log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == ended.tail == f"a *** b\n***\n{SECRET[:half]}"


async def test_logs_rotate_between_lines_and_lose_nothing(run: Run, tmp_path: Path) -> None:
    await run("seq -f '%0119.0f' 1 3000", log=tmp_path / "log")
    parts = [tmp_path / "log.3", tmp_path / "log.2", tmp_path / "log.1", tmp_path / "log"]
    lines = [int(line) for part in parts if part.exists() for line in part.read_text().splitlines()]
    assert lines == list(range(3000 - len(lines) + 1, 3001))
    assert len(lines) > 3 * 100_000 // 121  # as much as the bound allows
    assert all(part.stat().st_size <= 100_000 for part in parts if part.exists())


async def test_a_killed_shim_leaves_nothing_behind(spawner: Spawner, tmp_path: Path) -> None:
    runner = CommandRunner(spawner)
    script = "(setsid sleep 1000 &) ; echo $$ >> pids; exec sleep 1000"
    task = asyncio.create_task(runner.run(Command(("bash", "-c", script), tmp_path, dict(os.environ), 30.0)))
    while not (tmp_path / "pids").exists():
        await asyncio.sleep(0.01)
    pid = int((tmp_path / "pids").read_text())
    os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    ended = await task
    assert ended.error == "its monitor was killed"
    assert survivors(tmp_path) == []


async def test_a_killed_fork_server_is_replaced(spawner: Spawner, run: Run) -> None:
    assert (await run("exit 0")).ok
    assert spawner.pid is not None
    os.kill(spawner.pid, signal.SIGKILL)
    wait_until(lambda: spawner.pid is not None and psutil.Process(spawner.pid).status() == psutil.STATUS_ZOMBIE)
    assert (await run("exit 5")).status == 5


async def test_extra_descriptors_have_the_wanted_numbers(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    (tmp_path / "b").write_text("second")
    fds = [os.open(tmp_path / name, os.O_RDONLY) for name in "ab"]
    try:
        ended = await run("cat <&9; cat <&3; ls /proc/self/fd | wc -l", files={9: fds[0], 3: fds[1]}, capture=True)
    finally:
        for fd in fds:
            os.close(fd)
    assert ended.output.startswith(b"firstsecond")
    # 0, 1, 2, the two, and the one that ls reads the folder by: nothing of the supervisor's own leaks in
    assert int(ended.output.removeprefix(b"firstsecond")) == 6


async def test_a_thousand_children_are_gone_soon_after_the_grace(run: Run) -> None:
    since = time.monotonic()
    ended = await run(
        "trap '' TERM; for n in $(seq 1000); do sleep 1000 & done; echo ready; wait; sleep 1000",
        timeout_s=8.0,
        grace_s=0.2,
    )
    assert ended.timed_out
    assert time.monotonic() - since < 8.0 + 0.2 + 2.0


async def test_the_environment_is_what_was_given_and_no_more(run: Run) -> None:
    os.environ["SOMETHING_OF_THE_SUPERVISOR"] = "1"
    try:
        ended = await run("env", capture=True)
    finally:
        del os.environ["SOMETHING_OF_THE_SUPERVISOR"]
    assert b"SOMETHING" not in ended.output


async def test_what_runs_in_the_background_leaves_the_machine_to_the_application_first(run: Run) -> None:
    ended = await run("nice; cat /proc/self/oom_score_adj; ionice -p $$", capture=True, background=True)
    assert ended.output.decode().splitlines() == ["10", "500", "best-effort: prio 7"]
