"""How much memory the container has, and what runtimes are told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.deploy.memory_options import options_for
from supervisor.model import Need, Plan
from supervisor.processes import container

GIGABYTE = 1 << 30
UNLIMITED_IN_V1 = 9223372036854771712


class Groups:
    """A tree of control groups, and what /proc would say of it."""

    def __init__(self, place: Path) -> None:
        self.process, self.machine = place / "self", place / "meminfo"
        self.root = place / "groups"
        self.process.mkdir()
        self.machine.write_text(f"MemTotal:       {16 * GIGABYTE // 1024} kB\nMemFree: 1 kB\n")

    def second(self, own: str, limits: dict[str, str], root: str = "/") -> None:
        """Version 2: the limit of each group; the root of the hierarchy has none."""
        (self.process / "cgroup").write_text(f"0::{own}\n")
        (self.process / "mountinfo").write_text(f"31 23 0:28 {root} {self.root} rw - cgroup2 cgroup2 rw\n")
        self._write(limits, "memory.max", "memory pids cpu")

    def first(self, own: str, limits: dict[str, str], root: str = "/") -> None:
        (self.process / "cgroup").write_text(f"4:memory:{own}\n0::/\n")
        mounts = f"35 31 0:32 {root} {self.root} rw - cgroup cgroup rw,memory\n"
        (self.process / "mountinfo").write_text(mounts + "41 31 0:38 / /nowhere rw - cgroup2 cgroup2 rw\n")
        self._write(limits, "memory.limit_in_bytes", "")

    def _write(self, limits: dict[str, str], name: str, controllers: str) -> None:
        for group in {"", *limits}:
            place = self.root / group
            place.mkdir(parents=True, exist_ok=True)
            (place / "cgroup.procs").touch()
            (place / "cgroup.controllers").write_text(controllers)
            if group in limits:
                (place / name).write_text(limits[group] + "\n")

    def memory(self) -> int | None:
        return container.memory_bytes(str(self.process), str(self.machine))


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


def test_the_limit_of_a_container_in_version_2(groups: Groups) -> None:
    groups.second("/", {"": str(4 * GIGABYTE)})
    assert groups.memory() == 4 * GIGABYTE


def test_the_smallest_limit_above_counts(groups: Groups) -> None:
    groups.second("/pod/app", {"pod": str(2 * GIGABYTE), "pod/app": "max"})
    assert groups.memory() == 2 * GIGABYTE


@pytest.mark.parametrize("limits", [{"pod": "max"}, {"pod": str(64 * GIGABYTE)}, {"pod": "what"}])
def test_no_limit_is_none(groups: Groups, limits: dict[str, str]) -> None:
    groups.second("/pod", limits)
    assert groups.memory() is None


def test_the_limit_in_version_1_stands_at_the_root_that_a_container_is_shown(groups: Groups) -> None:
    groups.first("/docker/0123", {"": str(GIGABYTE)}, root="/docker/0123")
    assert groups.memory() == GIGABYTE


def test_in_version_1_a_number_that_no_machine_has_is_no_limit(groups: Groups) -> None:
    groups.first("/a/b", {"": str(UNLIMITED_IN_V1), "a": str(UNLIMITED_IN_V1), "a/b": str(UNLIMITED_IN_V1)})
    assert groups.memory() is None
    groups.first("/a/b", {"a": str(3 * GIGABYTE)})
    assert groups.memory() == 3 * GIGABYTE


def test_a_system_without_control_groups_has_no_limit(groups: Groups, tmp_path: Path) -> None:
    assert groups.memory() is None
    assert container.memory_bytes(str(tmp_path / "absent"), str(tmp_path / "absent")) is None


def settings(plan: Plan, megabytes: int | None, **env: str) -> dict[str, str]:
    return dict(option.setting for option in options_for(plan, env, megabytes and megabytes << 20))


NODE, JAVA, GO = (Plan(name, runtime=name) for name in ("node", "java", "go"))


@pytest.mark.parametrize(
    ("has", "heap"),
    [(4096, 3072), (2048, 1536), (8192, 6144), (16384, 8192), (1200, 1024), (1024, 1024), (1023, 767), (256, 192)],
)
def test_the_heap_of_node_is_three_quarters_within_bounds_and_never_more_than_there_is(has: int, heap: int) -> None:
    assert settings(NODE, has) == {"NODE_OPTIONS": f"--max-old-space-size={heap}"}


@pytest.mark.parametrize(("has", "heap"), [(4096, 3072), (20000, 8192), (600, 512), (400, 300)])
def test_the_heap_of_java(has: int, heap: int) -> None:
    options = settings(JAVA, has)["JAVA_OPTS"].split()
    assert options[:3] == [f"-Xms{heap}m", f"-Xmx{heap}m", "-XX:+UseG1GC"]
    assert {"-XX:MaxGCPauseMillis=200", "-XX:+UseContainerSupport"} < set(options)


def test_go_gets_a_soft_limit() -> None:
    assert settings(GO, 1000) == {"GOMEMLIMIT": "900MiB"}


def test_a_helper_counts_and_other_kinds_get_nothing() -> None:
    assert "NODE_OPTIONS" in settings(Plan("ruby", runtime="ruby", helpers=(Need("node"),)), 2048)
    assert settings(Plan("python", runtime="python"), 2048) == {}


def test_without_a_limit_runtimes_know_best() -> None:
    for plan in (NODE, JAVA, GO):
        assert settings(plan, None) == {}


def test_what_the_user_has_set_stands() -> None:
    assert settings(NODE, 4096, NODE_OPTIONS="--trace-gc") == {}
    assert settings(JAVA, 4096, JAVA_OPTS="-Xmx1g") == {}
    assert settings(NODE, None, MAX_OLD_SPACE_SIZE="2048") == {"NODE_OPTIONS": "--max-old-space-size=2048"}
    assert settings(NODE, 4096, MAX_OLD_SPACE_SIZE="lots") == {"NODE_OPTIONS": "--max-old-space-size=3072"}


def test_the_log_says_both() -> None:
    assert [option.note for option in options_for(NODE, {}, 4 * GIGABYTE)] == [
        "Auto-configured Node.js heap: 3072MB (container: 4096MB)"
    ]
