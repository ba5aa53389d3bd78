"""DEPLOYMENT_TIMEOUT is over the whole deployment, wherever it is."""

from __future__ import annotations

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_updates import deploy_first


def test_a_build_that_takes_too_long_is_ended_and_touches_nothing_live(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"DEPLOYMENT_TIMEOUT": "3", "BUILD_COMMAND": "bash build.sh"}
    pid = deploy_first(orbit, repository, **{"build.sh": "true\n"})
    repository.push({"version.txt": "2", "build.sh": "sleep 1000\n"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("failed", "building")
    assert "3 s (DEPLOYMENT_TIMEOUT)" in record["reason"]
    assert orbit.status()["app"]["pid"] == pid


def test_a_health_check_that_takes_too_long_is_rolled_back(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"DEPLOYMENT_TIMEOUT": "3", "HEALTH_CHECK_TIMEOUT": "60"}
    deploy_first(orbit, repository)
    first = orbit.current
    repository.push(apps.server("2", before="\nSTATUS = 503\n"))
    orbit.hup()
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("rolled_back", "health_check")
    assert "DEPLOYMENT_TIMEOUT" in record["reason"]
    assert (orbit.current, orbit.version()) == (first, "1")


def test_a_post_deploy_hook_does_not_outlive_the_deployment(orbit: Orbit, repository: Repository) -> None:
    orbit.env["DEPLOYMENT_TIMEOUT"] = "3"
    deploy_first(orbit, repository)
    sha = repository.push({"version.txt": "2", "post-deploy.sh": "#!/bin/bash\nsleep 1000\n"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "succeeded"
    assert "DEPLOYMENT_TIMEOUT" in record["warnings"][0]
    assert orbit.current == f"002-{sha}"
