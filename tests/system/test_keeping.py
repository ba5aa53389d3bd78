"""What is kept after a deployment, and what is not."""

from __future__ import annotations

import os
import subprocess

from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_room import MB, deploy, numbers, update
from tests.system.test_updates import deploy_first


def test_a_release_that_a_process_uses_stays_until_it_ends(orbit: Orbit, repository: Repository) -> None:
    orbit.env["KEEP_RELEASES"] = "1"
    deploy_first(orbit, repository)
    held = orbit.home / "production/releases" / orbit.releases()[0]
    tail = subprocess.Popen(["tail", "-f", "version.txt"], cwd=held, stdout=subprocess.DEVNULL)
    try:
        update(orbit, repository, 2)
        wait_until(lambda: f"{held} is kept: process {tail.pid} still uses it" in orbit.output())
        update(orbit, repository, 3)
        wait_until(lambda: numbers(orbit) == [1, 3], 10, lambda: str(numbers(orbit)))
        assert (held / "version.txt").read_text() == "1"
    finally:
        tail.kill()
        tail.wait()
    update(orbit, repository, 4)
    wait_until(lambda: numbers(orbit) == [4], 10, lambda: str(numbers(orbit)))


def test_releases_and_caches_are_brought_within_their_budgets(orbit: Orbit, repository: Repository) -> None:
    variables = {
        "KEEP_RELEASES": "10",
        "RELEASE_BUDGET": "20M",
        "CACHE_BUDGET": "2M",
        "BUILD_COMMAND": "bash build.sh",
    }
    cache = orbit.home / "cache/pip"
    cache.mkdir(parents=True)
    for age, name in enumerate(("new", "older", "oldest")):
        (cache / name).write_bytes(bytes(MB))
        os.utime(cache / name, (10_000 - age, 10_000 - age))
    orbit.env |= variables
    deploy(orbit, repository, 4)
    wait_until(lambda: numbers(orbit) == [3, 4], 10, lambda: str(numbers(orbit)))
    wait_until(lambda: [path.name for path in cache.iterdir()] == ["new"])
