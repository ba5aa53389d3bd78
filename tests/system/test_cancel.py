"""`orbit cancel`, in every stage: the tree is gone, and what was live is live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.gitserver import GitServer
from tests.support import apps, trees
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first


def wait_stage(orbit: Orbit, stage: str) -> None:
    wait_until(lambda: orbit.status().get("stage") == stage, 15, f"stage {stage}\n{orbit.output()}")


def below(orbit: Orbit) -> set[int]:
    """Every process of the supervisor's tree."""
    assert orbit.process is not None
    return {process.pid for process in psutil.Process(orbit.process.pid).children(recursive=True)}


def wait_settled(orbit: Orbit, directories: int) -> None:
    """Until nothing is cleared away any more: as many directories as releases."""
    store = orbit.home / "production/releases"

    def settled() -> bool:
        found = sorted(path.name for path in store.iterdir())
        releases = [name for name in found if not name.endswith(".json")]
        whole = sorted([*releases, *(f"{name}.json" for name in releases)])
        registered = list((orbit.home / "repo.git/worktrees").iterdir())
        return found == whole and len(releases) == len(registered) == directories

    wait_until(settled, 10, f"{directories} whole releases; there are {list(store.iterdir())}")


@pytest.mark.parametrize(
    ("stage", "variable", "path"),
    [
        ("installing_dependencies", "INSTALL_COMMAND", "install.sh"),
        ("pre_deploy", None, "pre-deploy.sh"),
        ("building", "BUILD_COMMAND", "build.sh"),
    ],
)
def test_before_the_switch_the_application_is_not_touched(
    orbit: Orbit, repository: Repository, tmp_path: Path, stage: str, variable: str | None, path: str
) -> None:
    if variable:
        orbit.env[variable] = f"bash {path}"
    pid = deploy_first(orbit, repository, **{path: "#!/bin/bash\n"})
    current, before = orbit.current, below(orbit)
    pids = tmp_path / "pids"
    repository.push({"version.txt": "2", path: trees.stubborn(pids)})
    orbit.hup()
    wait_stage(orbit, stage)
    trees.wait_for_all(pids)
    done = orbit.cli("cancel", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert trees.alive(pids) == []
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"], record["reason"]) == ("cancelled", stage, "on request")
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.version() == "1"
    assert orbit.current == current
    assert below(orbit) == before
    wait_settled(orbit, 1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path) as instance:
        yield instance


def test_a_fetch_from_a_server_that_stalls(server: GitServer, orbit: Orbit, repository: Repository) -> None:
    orbit.env["GIT_REPO_URL"] = server.url(repository.origin.name)
    pid = deploy_first(orbit, repository)
    before = below(orbit)
    sha = repository.push({"version.txt": "2"})
    stall = server.stall_next_pack()
    orbit.hup()
    assert stall.reached.wait(15)
    assert orbit.status()["stage"] == "git_pull"
    assert orbit.cli("cancel", "--wait").returncode == 0
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("cancelled", "git_pull")
    assert below(orbit) == before
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.cli("update", "--wait").returncode == 0
    assert orbit.current == f"002-{sha}"


def test_while_the_old_application_is_being_stopped_it_comes_back(orbit: Orbit, repository: Repository) -> None:
    orbit.env["STOP_TIMEOUT"] = "3"
    deaf = apps.SERVER + apps.SERVE.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    pid = deploy_first(orbit, repository, serve=deaf)
    current = orbit.current
    repository.push(apps.server("2"))
    orbit.hup()
    wait_stage(orbit, "stopping_app")
    assert orbit.cli("cancel", "--wait").returncode == 0
    assert orbit.wait_idle(2)["outcome"] == "cancelled"
    assert orbit.version() == "1"
    assert not psutil.pid_exists(pid)
    assert orbit.current == current
    wait_settled(orbit, 1)


def test_while_the_new_application_is_not_healthy_yet_the_old_one_comes_back(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    orbit.env |= {"HEALTH_CHECK_TIMEOUT": "100", "STOP_TIMEOUT": "0.5"}
    deploy_first(orbit, repository)
    current = orbit.current
    pids = tmp_path / "pids"
    repository.push({"Procfile": "web: bash stubborn.sh\n", "stubborn.sh": trees.stubborn(pids)})
    orbit.hup()
    wait_stage(orbit, "health_check")
    trees.wait_for_all(pids)
    assert orbit.cli("cancel", "--wait").returncode == 0
    assert trees.alive(pids) == []
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("cancelled", "health_check")
    assert orbit.version() == "1"
    assert orbit.status()["app"]["state"] == "RUNNING"
    assert orbit.current == current
    wait_settled(orbit, 1)


def test_a_post_deploy_hook_is_ended_and_the_release_stays(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    deploy_first(orbit, repository)
    pids = tmp_path / "pids"
    sha = repository.push({"version.txt": "2", "post-deploy.sh": trees.stubborn(pids)})
    orbit.hup()
    wait_stage(orbit, "post_deploy")
    trees.wait_for_all(pids)
    pid = orbit.status()["app"]["pid"]
    assert orbit.cli("cancel", "--wait").returncode == 0
    assert trees.alive(pids) == []
    record = orbit.wait_idle(2)
    assert record["outcome"] == "succeeded"
    assert "post-deploy.sh was cancelled" in record["warnings"][0]
    assert orbit.current == f"002-{sha}"
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.version() == "2"


def test_the_request_that_waits_is_cancelled_too(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    pid = deploy_first(orbit, repository)
    pids = tmp_path / "pids"
    repository.push({"version.txt": "2", "pre-deploy.sh": trees.stubborn(pids)})
    orbit.hup()
    trees.wait_for_all(pids)
    repository.push({"version.txt": "3", "pre-deploy.sh": None})
    assert orbit.cli("update").returncode == 0
    wait_until(lambda: orbit.status()["queue"]["waiting"])
    assert orbit.cli("cancel", "--wait").returncode == 0
    assert orbit.wait_idle(2)["outcome"] == "cancelled"
    answers = [(answer["action"], answer["outcome"]) for answer in orbit.status()["requests"]]
    assert answers[:3] == [("cancel", "succeeded"), ("update", "cancelled"), ("update", "cancelled")]
    assert orbit.status()["queue"] == {"running": None, "waiting": None}
    assert list((orbit.home / "run/requests").iterdir()) == []
    assert len(orbit.records()) == 2
    assert orbit.status()["app"]["pid"] == pid


def test_somebody_who_waits_for_the_update_learns_that_it_was_cancelled(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    deploy_first(orbit, repository)
    pids = tmp_path / "pids"
    repository.push({"pre-deploy.sh": trees.stubborn(pids)})
    with orbit.cli_in_background("update", "--wait") as update:
        trees.wait_for_all(pids)
        assert orbit.cli("cancel").returncode == 0
        _, error = update.communicate(timeout=30)
    assert update.returncode == 1
    assert error.startswith("orbit: update cancelled: on request\n")


def test_cancelling_again_while_the_tree_still_dies_changes_nothing(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    pid = deploy_first(orbit, repository)
    pids = tmp_path / "pids"
    repository.push({"version.txt": "2", "pre-deploy.sh": trees.stubborn(pids)})
    orbit.hup()
    trees.wait_for_all(pids)
    assert orbit.cli("cancel").returncode == 0
    done = orbit.cli("cancel", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert trees.alive(pids) == []
    assert orbit.wait_idle(2)["outcome"] == "cancelled"
    assert orbit.status()["app"]["pid"] == pid
    wait_settled(orbit, 1)


def test_a_way_back_that_has_begun_is_gone_to_its_end(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "3"
    deploy_first(orbit, repository)
    current = orbit.current
    pids = tmp_path / "pids"
    repository.push({"Procfile": "web: bash stubborn.sh\n", "stubborn.sh": trees.stubborn(pids)})
    orbit.hup()
    trees.wait_for_all(pids)
    wait_stage(orbit, "health_check")
    wait_until(lambda: orbit.status()["app"]["state"] == "STOPPING")
    assert orbit.cli("cancel", "--wait").returncode == 0
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert "not healthy" in record["reason"]
    assert trees.alive(pids) == []
    assert orbit.current == current
    orbit.wait_version("1")
    wait_settled(orbit, 1)


def test_nothing_to_cancel_is_said_so(orbit: Orbit, repository: Repository) -> None:
    pid = deploy_first(orbit, repository)
    done = orbit.cli("cancel", "--wait")
    assert done.returncode == 1
    assert done.stderr == "orbit: cancel failed: there is no deployment to cancel\n"
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.outcomes() == ["succeeded"]


@pytest.mark.parametrize("cause", ["SIGHUP", "orbit update"])
def test_a_deployment_during_which_orbit_is_stopped_goes_on_at_the_next_start(
    orbit: Orbit, repository: Repository, tmp_path: Path, cause: str
) -> None:
    deploy_first(orbit, repository)
    current, pids, opened = orbit.current, tmp_path / "pids", tmp_path / "opened"
    hook = f"[ ! -e {opened} ] || exit 0\n" + trees.stubborn(pids)
    sha = repository.push({"version.txt": "2", "pre-deploy.sh": hook})
    if cause == "SIGHUP":
        orbit.hup()
    else:
        assert orbit.cli("update").returncode == 0
    trees.wait_for_all(pids)
    assert orbit.stop() == 0
    assert trees.alive(pids) == []
    assert orbit.outcomes() == ["succeeded", "interrupted"]
    assert orbit.current == current
    opened.touch()
    orbit.start()
    orbit.wait_version("2")
    record = orbit.wait_idle(3)
    assert (record["outcome"], record["cause"]) == ("succeeded", cause)
    assert orbit.current is not None
    assert orbit.current.endswith(sha)
    wait_settled(orbit, 2)


def test_orbit_can_be_stopped_while_the_previous_release_is_asked_whether_it_is_well(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    orbit.env["HEALTH_CHECK_TIMEOUT"] = "100"
    once = f"\nimport pathlib, threading\nif pathlib.Path('{tmp_path}/again').exists():\n    threading.Event().wait()\n"
    deploy_first(orbit, repository, **apps.server("1", before=once))
    current = orbit.current
    (tmp_path / "again").touch()
    repository.push(apps.exits("2"))
    orbit.hup()
    wait_until(lambda: orbit.status()["app"]["state"] == "RUNNING" and "going back" in orbit.output())
    assert orbit.status()["status"] == "deploying"
    assert orbit.stop() == 0
    assert orbit.outcomes() == ["succeeded", "rolled_back"]
    assert orbit.current == current
