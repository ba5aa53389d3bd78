"""`orbit why`: what went wrong last, and what to try."""

from __future__ import annotations

import json
import os
import signal

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
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
    command = f"command: {orbit.home}/production/releases/002-"
    for part in ("failed in pre_deploy", "exit status 3", command, "    relation users exists", "orbit logs hooks"):
        assert part in told


def test_it_tells_what_the_health_check_heard(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nSTATUS = 500\n"))
    orbit.hup()
    orbit.wait_idle(2)
    told = orbit.cli("why").stdout
    assert f"http://localhost:{orbit.port}/ answered with status 500:" in told
    assert '"version": "2"' in told
    facts = json.loads(orbit.cli("why", "--json").stdout)
    assert facts["last_failed_deployment"]["health"]["status"] == 500
    assert facts["last_exit"] is None
    assert facts["last_failed_deployment"]["timeout"] == {"variable": "HEALTH_CHECK_TIMEOUT", "seconds": 1.0}
    assert facts["last_failed_deployment"]["command"] == "python3 serve"


def test_a_port_that_is_not_the_right_one_is_a_fact(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "2"
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nPORT = 0\n"))
    orbit.hup()
    failure = orbit.wait_idle(2)["failure"]
    (port,) = failure["listens_on"]
    assert failure["next"].endswith(f"APP_PORT={port}")
    assert orbit.status()["last_failed_deployment"]["listens_on"] == [port]
    assert f"APP_PORT={port}" in orbit.cli("why").stdout


def test_a_time_that_was_not_kept_is_named(orbit: Orbit, repository: Repository) -> None:
    orbit.env["HOOK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    repository.push({"pre-deploy.sh": "#!/bin/bash\necho waiting\nsleep 1000\n"})
    orbit.hup()
    failure = orbit.wait_idle(2)["failure"]
    assert (failure["timed_out"], failure["timeout"]) == (True, {"variable": "HOOK_TIMEOUT", "seconds": 1.0})
    assert failure["tail"] == ["waiting"]


def test_the_command_that_ran_into_the_deployments_time_is_told(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"DEPLOYMENT_TIMEOUT": "3", "BUILD_COMMAND": "test -f quick || sleep 1000"}
    deploy_first(orbit, repository, quick="")
    repository.push({"quick": None})
    orbit.hup()
    failure = orbit.wait_idle(2)["failure"]
    assert (failure["stage"], failure["command"]) == ("building", "test -f quick || sleep 1000")
    assert failure["timeout"] == {"variable": "DEPLOYMENT_TIMEOUT", "seconds": 3.0}


def test_a_signal_has_its_name_and_a_common_cause_its_advice(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"pre-deploy.sh": "#!/bin/bash\necho \"KeyError: 'SMTP_HOST'\"\nkill -SEGV $$\n"})
    orbit.hup()
    orbit.wait_idle(2)
    told = orbit.cli("why").stdout
    assert "SIGSEGV" in told and "next: the variable SMTP_HOST is not set" in told
    assert json.loads(orbit.cli("why", "--json").stdout)["last_failed_deployment"]["signal_name"] == "SIGSEGV"


def test_an_end_in_a_deployment_is_told_once(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push(apps.exits("2"))
    orbit.hup()
    orbit.wait_idle(2)
    told = orbit.cli("why").stdout
    assert told.count("no configuration") == 1 and "exit status 7" in told


def test_a_failure_that_is_over_says_so(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"pre-deploy.sh": "#!/bin/bash\nexit 3\n"})
    orbit.hup()
    orbit.wait_idle(2)
    assert "Since then" not in orbit.cli("why").stdout
    sha = repository.push({"pre-deploy.sh": None, "version.txt": "3"})
    orbit.hup()
    orbit.wait_idle(3)
    assert f"Since then {sha[:7]} has been deployed well (deployment 3" in orbit.cli("why").stdout
    assert json.loads(orbit.cli("why", "--json").stdout)["deployed_well_since"] is True


def test_a_failed_post_deploy_is_told(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository, **{"post-deploy.sh": "#!/bin/bash\necho no mail today\nexit 4\n"})
    told = orbit.cli("why").stdout
    for part in ("succeeded, with a warning", "exit status 4", "post-deploy.sh", "    no mail today", "logs hooks"):
        assert part in told
    assert orbit.status()["last_deployment"]["post_deploy"]["exit_status"] == 4


def test_the_applications_last_end_is_told(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    pid = orbit.status()["app"]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid) and orbit.status()["app"]["state"] == "RUNNING")
    told = orbit.cli("why").stdout
    for part in (
        "last ended by itself", "signal 9 (SIGKILL)", "command: python3 serve", "    ready 1", "logs app",
        "Since then 001-",
    ):  # fmt: skip
        assert part in told
    for command in ("status", "releases"):
        lines = orbit.cli(command).stdout.splitlines()
        assert lines == [line.rstrip() for line in lines]


def test_a_first_release_that_is_not_well_is_told(orbit: Orbit, repository: Repository) -> None:
    dies = "\nimport threading\nthreading.Timer(0.3, lambda: os._exit(11)).start()\n"
    repository.push(apps.server("1", before=dies))
    orbit.start()
    wait_until(lambda: (orbit.status().get("app") or {}).get("trouble"), 40, orbit.output)
    told = orbit.cli("why").stdout
    assert "was not well" in told and "no release to go back to" in told and "exit status 11" in told


def test_any_deployment_can_be_asked_for(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    repository.push({"pre-deploy.sh": "#!/bin/bash\necho 'no such table'\nexit 3\n"})
    orbit.hup()
    orbit.wait_idle(2)
    assert "Deployment 1 (update, start) of" in (first := orbit.cli("why", "1").stdout) and "succeeded" in first
    assert "    no such table" in orbit.cli("why", "2").stdout
    assert json.loads(orbit.cli("why", "2", "--json").stdout)["failure"]["exit_status"] == 3
    missing = orbit.cli("why", "99")
    assert (missing.returncode, missing.stderr) == (1, "orbit: there is no record of deployment 99; the newest is 2\n")
