"""Before a release is built there is room for it: made from what is old, or there is no deployment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disks import Disk
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_updates import deploy_first

MB = 1 << 20
BUILDS = "set -e\nhead -c 8M /dev/urandom > blob\nmkdir -p many\n(cd many && touch $(seq 300))\n"
"""A release takes 8 MB and some 300 inodes."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    instance = Disk(tmp_path / "disk", 96, inodes=10_000)
    yield instance
    instance.unmount()


@pytest.fixture
def orbit(disk: Disk, tmp_path: Path, repository: Repository) -> Iterator[Orbit]:
    """A supervisor whose ORBIT_HOME is on the disk, and which wants 16 MB and a release's 8 MB to be free there."""
    variables = {"KEEP_RELEASES": "10", "BUILD_COMMAND": "bash build.sh"}
    instance = Orbit(disk.path / "home", repository.origin, DISK_RESERVE="16M", **variables)
    instance.console = tmp_path / "console"
    yield instance
    disk.free()
    if instance.process:
        instance.stop()
        print(instance.output())


def update(orbit: Orbit, repository: Repository, number: int) -> dict[str, object]:
    """Push version `number`; the record of its deployment."""
    repository.push({"version.txt": str(number)})
    orbit.hup()
    return orbit.wait_idle(number)


def numbers(orbit: Orbit) -> list[int]:
    return [int(name.partition("-")[0]) for name in orbit.releases()]


def deploy(orbit: Orbit, repository: Repository, count: int) -> None:
    deploy_first(orbit, repository, **{"build.sh": BUILDS})
    for number in range(2, count + 1):
        assert update(orbit, repository, number)["outcome"] == "succeeded"


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_too_little_room_is_a_refusal_in_one_line_and_nothing_is_touched(
    orbit: Orbit, repository: Repository, disk: Disk, what: str
) -> None:
    pid = deploy_first(orbit, repository, **{"build.sh": BUILDS})
    current = orbit.current
    disk.fill(20 * MB) if what == "bytes" else disk.fill_inodes(1100)
    record = update(orbit, repository, 2)
    assert (record["outcome"], record["stage"], record["release"]) == ("failed", "git_pull", None)
    reason = str(record["reason"])
    assert reason.startswith(f"too little room on the disk of {orbit.home}: ")
    assert ("MB needed" if what == "bytes" else "inodes (files) are free") in reason
    assert "\n" not in reason
    assert len([line for line in orbit.output().splitlines() if "too little room" in line]) == 1
    assert orbit.status()["app"]["pid"] == pid
    assert (orbit.version(), orbit.current, numbers(orbit)) == ("1", current, [1])
    disk.free()
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.version() == "2"


def test_room_is_made_from_what_is_needed_least(orbit: Orbit, repository: Repository, disk: Disk) -> None:
    deploy(orbit, repository, 3)
    downloads = orbit.home / "cache/pip/http/file"
    downloads.parent.mkdir(parents=True)
    downloads.write_bytes(bytes(8 * MB))

    disk.fill(20 * MB)  # an older release is enough
    record = update(orbit, repository, 4)
    assert record["outcome"] == "succeeded"
    assert "nearly full: removed older releases (" in str(record["warnings"])
    assert (numbers(orbit), downloads.exists()) == ([2, 3, 4], True)

    disk.fill(10 * MB)  # the downloads have to go, too
    assert update(orbit, repository, 5)["outcome"] == "succeeded"
    assert (numbers(orbit), downloads.exists()) == ([3, 4, 5], False)

    disk.fill(9 * MB)  # even what one would go back to
    record = update(orbit, repository, 6)
    assert record["outcome"] == "succeeded"
    assert "removed release 004-" in str(record["warnings"])
    assert numbers(orbit) == [5, 6]

    disk.fill(3 * MB)  # it would not be enough: then it stays
    record = update(orbit, repository, 7)
    assert record["outcome"] == "failed"
    assert numbers(orbit) == [5, 6]
    assert orbit.version() == "6"


def test_inodes_are_made_room_for(orbit: Orbit, repository: Repository, disk: Disk) -> None:
    deploy(orbit, repository, 3)
    disk.fill_inodes(1200)
    record = update(orbit, repository, 4)
    assert record["outcome"] == "succeeded"
    assert numbers(orbit) == [2, 3, 4]


def test_a_full_disk_has_room_for_the_fetch_again(orbit: Orbit, repository: Repository, disk: Disk) -> None:
    deploy(orbit, repository, 4)
    disk.fill()
    record = update(orbit, repository, 5)
    assert record["outcome"] == "succeeded"
    assert orbit.version() == "5"
    assert numbers(orbit) == [4, 5]


def test_a_release_that_a_process_uses_is_not_removed_for_room(
    orbit: Orbit, repository: Repository, disk: Disk
) -> None:
    deploy(orbit, repository, 4)
    held = orbit.home / "production/releases" / orbit.releases()[0]
    with subprocess.Popen(["tail", "-f", str(held / "version.txt")], stdout=subprocess.DEVNULL) as tail:
        disk.fill(20 * MB)
        record = update(orbit, repository, 5)
        tail.kill()
    assert record["outcome"] == "succeeded"
    assert numbers(orbit) == [1, 3, 4, 5]
