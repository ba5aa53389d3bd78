"""The heap of an application fits the container's memory: Orbit in a real control group, a real Node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.shim import cgroup
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

SERVER = """
require('http').createServer((_, response) => response.end(JSON.stringify({
  version: '1', heap: require('v8').getHeapStatistics().heap_size_limit >> 20, options: process.env.NODE_OPTIONS,
}))).listen(process.env.PORT)
"""
LIMIT_MB = 2048


@pytest.fixture
def group() -> Iterator[cgroup.Group]:
    """A container's worth of memory."""
    found = cgroup.limited(f"test-memory-{os.getpid()}", LIMIT_MB << 20, 0.0)
    if found is None or not shutil.which("node"):
        pytest.skip("no control groups can be made here, or there is no node")
    yield found
    wait_until(lambda: not any(Path(place, "cgroup.procs").read_text() for place in found._directories), 10.0)
    found.remove()


def test_the_heap_of_node_is_three_quarters_of_the_container(
    orbit: Orbit, repository: Repository, group: cgroup.Group
) -> None:
    repository.push({"server.js": SERVER, "package.json": '{"name": "app", "scripts": {"start": "node server.js"}}'})
    orbit.enter = group.enter
    orbit.env["BUILD_COMMAND"] = "echo built with $NODE_OPTIONS"
    orbit.env["BUILD_MEMORY_LIMIT"] = "1200M"
    orbit.start()
    orbit.wait_version("1")
    answer = orbit.ask()
    orbit.wait_idle(1)
    assert answer and answer["options"] == "--max-old-space-size=1536"
    assert 1536 <= answer["heap"] < LIMIT_MB
    assert f"Auto-configured Node.js heap: 1536MB (container: {LIMIT_MB}MB)" in orbit.log("setup.log")
    assert "built with --max-old-space-size=1024" in next((orbit.home / "logs/builds").iterdir()).read_text()
    orbit.stop()
