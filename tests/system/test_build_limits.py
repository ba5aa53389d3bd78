"""A build that takes too much is ended, said to have run out of memory, and hurts nobody."""

from __future__ import annotations

import pytest

from supervisor.shim import cgroup
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_updates import deploy_first

EATS = "python3 -c \"held = [b'x' * (1 << 20) for _ in range(400)]\""


def test_a_build_over_its_memory_limit_fails_by_name_and_the_application_serves_on(
    orbit: Orbit, repository: Repository
) -> None:
    probe = cgroup.limited("orbit-probe", 64 << 20, 0.0)
    if probe is None:
        pytest.skip("no control groups can be made here")
    probe.remove()
    orbit.env["BUILD_MEMORY_LIMIT"] = "64M"
    pid = deploy_first(orbit, repository)
    repository.push({"version.txt": "2", "pre-deploy.sh": f"#!/bin/bash\n{EATS}\n"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "failed"
    assert record["failure"]["out_of_memory"] is True
    assert record["reason"] == "pre-deploy.sh failed: out of memory: it took more than BUILD_MEMORY_LIMIT"
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.version() == "1"
