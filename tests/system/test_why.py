"""`orbit why`: what went wrong last, and what to try."""

from __future__ import annotations

import json

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_updates import deploy_first


def test_nothing_has_gone_wrong(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    done = orbit.cli("why")
    assert (done.returncode, done.stdout) == (0, "Nothing has gone wrong.\n")


def test_it_tells_stage_reason_last_lines_and_what_to_try(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"pre-deploy.sh": "#!/bin/bash\necho 'relation users exists'\nexit 3\n"})
    orbit.hup()
    orbit.wait_idle(2)
    told = orbit.cli("why").stdout
    for part in ("failed in pre_deploy", "exit status 3", "    relation users exists", "orbit logs hooks"):
        assert part in told


def test_it_tells_what_the_health_check_heard(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nSTATUS = 500\n"))
    orbit.hup()
    orbit.wait_idle(2)
    told = orbit.cli("why").stdout
    assert f"http://localhost:{orbit.port}/ answered:" in told
    assert '"version": "2"' in told
    facts = json.loads(orbit.cli("why", "--json").stdout)
    assert facts["last_failed_deployment"]["health"]["status"] == 500
    assert facts["last_exit"] is None
