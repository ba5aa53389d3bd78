"""What a build may take of the machine: really taken, and really refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from supervisor.model import Exit, Limits
from supervisor.processes.app import describe
from supervisor.shim import cgroup
from supervisor.shim import limits as limits_of_shim

Run = Callable[..., Awaitable[Exit]]
MEGABYTE = 1024 * 1024
EATS = f'{sys.executable} -c \'held = [bytes(1 << 20).replace(b"\\0", b"x") for _ in range(300)]; print(len(held))\''
BURNS = (
    "import os, time\nif os.fork(): os.fork()\nsince = time.monotonic()\nwhile time.monotonic() < since + 1: pass\n"
    "print(time.process_time(), flush=True)\nos._exit(0)\n"
)


def groups() -> list[Path]:
    """Those that Orbit's shims have made and that are still there."""
    return [path for own in cgroup.places().values() for path in Path(own).glob(f"{cgroup.PREFIX}[0-9]*")]


@pytest.fixture
def group_or_skip() -> None:
    found = cgroup.limited("orbit-probe", 64 * MEGABYTE, 1.0)
    if found is None:
        pytest.skip("no control groups can be made here")
    found.remove()


@pytest.mark.usefixtures("group_or_skip")
async def test_a_tree_over_its_memory_limit_is_ended_and_that_is_said(run: Run) -> None:
    ended = await run(f"{EATS} & {EATS}; wait; exit 3", limits=Limits(memory_bytes=200 * MEGABYTE))
    assert (ended.out_of_memory, ended.over_limit, ended.ok) == (True, True, False)
    assert describe(ended) == "out of memory: it took more than BUILD_MEMORY_LIMIT"
    assert groups() == []


@pytest.mark.usefixtures("group_or_skip")
async def test_a_tree_below_its_memory_limit_is_left_alone(run: Run) -> None:
    ended = await run(f"{EATS}", limits=Limits(memory_bytes=900 * MEGABYTE))
    assert (ended.tail, ended.ok, ended.out_of_memory) == ("300\n", True, False)


@pytest.mark.usefixtures("group_or_skip")
async def test_a_tree_gets_no_more_processor_than_it_may(run: Run, tmp_path: Path) -> None:
    (tmp_path / "burns.py").write_text(BURNS)
    ended = await run(f"{sys.executable} burns.py; wait", limits=Limits(cpus=0.5))
    assert sum(map(float, ended.tail.split())) < 0.5 * 1.6  # three that want a whole one each


async def test_a_command_without_limits_has_none(run: Run) -> None:
    ended = await run(f"{EATS}; ulimit -d; nproc")
    assert ended.tail.split() == ["300", "unlimited", str(len(os.sched_getaffinity(0)))]


def run_limited_by_process(monkeypatch: pytest.MonkeyPatch, program: str, limits: dict[str, float]) -> int:
    """Where no control group can be had; the program's exit status."""
    monkeypatch.setattr(cgroup, "limited", lambda *_: None)
    applied = limits_of_shim.Limits({"background": False, "limits": limits})
    child = os.fork()
    if child == 0:
        applied.apply()
        os.execv(sys.executable, [sys.executable, "-c", program])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_without_control_groups_a_process_cannot_take_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys\ntry:\n    bytearray(300 << 20)\nexcept MemoryError:\n    sys.exit(9)\n"
    assert run_limited_by_process(monkeypatch, program, {"memory": 200 * MEGABYTE, "cpus": 0.0}) == 9
    assert run_limited_by_process(monkeypatch, program, {"memory": 600 * MEGABYTE, "cpus": 0.0}) == 0


def test_without_control_groups_a_process_gets_so_many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os, sys\nsys.exit(len(os.sched_getaffinity(0)))\n"
    assert run_limited_by_process(monkeypatch, program, {"memory": 0, "cpus": 0.5}) == 1
