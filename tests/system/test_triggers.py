"""What asks by itself: polling, and a watched repository."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitserver import GitServer
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first


@pytest.fixture
def server(tmp_path: Path, orbit: Orbit, repository: Repository) -> Iterator[GitServer]:
    """The repository over HTTP, and Orbit polling it as often as it can be told to."""
    with GitServer(tmp_path) as instance:
        orbit.env |= {"GIT_REPO_URL": instance.url(repository.origin.name), "POLLING_INTERVAL": "1"}
        yield instance


def wait_polls(server: GitServer, count: int) -> None:
    """Until the remote's head has been asked for that often from now on, and the last answer was taken in: a look
    begins when the one before it is over."""
    before = looks(server)
    wait_until(lambda: looks(server) > before + count, 30, f"{count} looks at the remote")


def looks(server: GitServer) -> int:
    return sum(seen.method == "GET" and "/info/refs" in seen.path for seen in server.seen)


def causes(orbit: Orbit) -> list[tuple[str, str]]:
    return [(record["cause"], record["outcome"]) for record in orbit.records()]


def test_polling_notices_a_push_and_deploys_it_once(server: GitServer, orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    sha = repository.push({"version.txt": "2"})
    orbit.wait_version("2")
    orbit.wait_idle(2)
    wait_polls(server, 2)
    assert causes(orbit) == [("start", "succeeded"), ("polling", "succeeded")]
    assert orbit.current == f"002-{sha}"


def test_polling_does_not_try_a_failed_commit_again_but_a_request_does(
    server: GitServer, orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository)
    repository.push({"version.txt": "2", "pre-deploy.sh": "#!/bin/bash\nexit 1\n"})
    orbit.wait_idle(2)
    wait_polls(server, 2)
    assert causes(orbit)[1:] == [("polling", "failed")]
    assert orbit.cli("update", "--wait").returncode == 1
    wait_polls(server, 1)
    assert causes(orbit)[1:] == [("polling", "failed"), ("orbit update", "failed")]
    assert orbit.status()["app"]["pid"] == pid
    repository.push({"pre-deploy.sh": None})
    orbit.wait_version("2")


def test_polling_does_not_try_again_what_was_taken_back(
    server: GitServer, orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository)
    repository.push(apps.server("2", before="\nimport threading\nthreading.Timer(0.3, lambda: os._exit(1)).start()\n"))
    wait_until(lambda: orbit.outcomes()[1:] == ["rolled_back", "succeeded"], 40, orbit.output)
    wait_polls(server, 2)
    assert [cause for cause, _ in causes(orbit)].count("polling") == 1
    orbit.wait_version("1")


def test_polling_bears_a_remote_that_fails_and_sees_what_came_meanwhile(
    server: GitServer, orbit: Orbit, repository: Repository
) -> None:
    pid = deploy_first(orbit, repository)
    before = len(server.seen)
    server.fail_next(1, 503)
    repository.push({"version.txt": "2"})
    wait_until(lambda: len(server.seen) > before, 10)
    wait_until(lambda: "polling: " in orbit.output(), 10)
    assert orbit.status()["app"]["pid"] == pid
    orbit.wait_version("2")
    orbit.wait_idle(2)
    assert "the repository answers again" in orbit.output()
    assert causes(orbit) == [("start", "succeeded"), ("polling", "succeeded")]


def test_without_polling_and_watching_a_push_waits_for_its_signal(
    server: GitServer, orbit: Orbit, repository: Repository
) -> None:
    orbit.env["POLLING_INTERVAL"] = "0"
    deploy_first(orbit, repository)
    before = len(server.seen)
    repository.push({"version.txt": "2"})
    assert orbit.process is not None
    orbit.process.send_signal(signal.SIGUSR2)  # any turn of the loop: it is over when the application runs anew
    wait_until(lambda: "request: restart" in orbit.output() and orbit.status()["app"]["state"] == "RUNNING")
    assert len(server.seen) == before
    orbit.hup()
    orbit.wait_version("2")


# --- a repository on the same machine ---


@pytest.fixture
def watching(orbit: Orbit) -> Orbit:
    orbit.env["GIT_WATCH"] = "true"
    return orbit


def answers(orbit: Orbit) -> list[str]:
    """How all requests so far were answered, the first one first."""
    return [answer["outcome"] for answer in reversed(orbit.status()["requests"])]


def test_a_push_to_a_watched_repository_is_deployed_once(watching: Orbit, repository: Repository) -> None:
    deploy_first(watching, repository)
    for number in (2, 3):
        repository.push({"version.txt": str(number)})
        watching.wait_version(str(number))
        watching.wait_idle(number)
    assert causes(watching) == [("start", "succeeded"), ("watching", "succeeded"), ("watching", "succeeded")]
    assert answers(watching) == ["succeeded"] * 3


def test_a_push_and_a_signal_at_the_same_time_deploy_once(watching: Orbit, repository: Repository) -> None:
    deploy_first(watching, repository)
    shas = []
    for number in (2, 3, 4):
        shas.append(repository.push({"version.txt": str(number)}))
        watching.hup()
        watching.wait_version(str(number))
    # What the pushes before may still bring comes before this one.
    shas.append(repository.push({"version.txt": "5"}))
    watching.wait_version("5")
    watching.wait_idle(5)
    assert [record["commit_full"] for record in watching.records()[1:]] == shas
    assert set(watching.outcomes()) == {"succeeded"}


def test_a_push_and_an_update_at_the_same_time_deploy_once(watching: Orbit, repository: Repository) -> None:
    deploy_first(watching, repository)
    shas = []
    for number in (2, 3):
        shas.append(repository.push({"version.txt": str(number)}))
        done = watching.cli("update", "--wait")
        assert (done.returncode, done.stderr) == (0, "")
        assert watching.version() == str(number)
    shas.append(repository.push({"version.txt": "4"}))
    watching.wait_version("4")
    watching.wait_idle(4)
    assert [record["commit_full"] for record in watching.records()[1:]] == shas


def test_a_push_to_another_branch_does_nothing(watching: Orbit, repository: Repository) -> None:
    deploy_first(watching, repository)
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"version.txt": "feature"})
    repository.git("push", "-q", "origin", "feature")
    repository.git("tag", "v9")
    repository.git("push", "-q", "origin", "v9")
    repository.git("pack-refs", "--all", cwd=repository.origin)
    repository.git("checkout", "-q", "main")
    sha = repository.push({"version.txt": "2"})
    watching.wait_version("2")
    record = watching.wait_idle(2)
    assert record["commit_full"] == sha
    assert answers(watching) == ["succeeded"] * 2


def test_a_push_that_goes_back_is_deployed_too(watching: Orbit, repository: Repository) -> None:
    deploy_first(watching, repository)
    first = repository.git("rev-parse", "HEAD")
    second = repository.push({"version.txt": "2"})
    watching.wait_version("2")
    watching.wait_idle(2)
    for number, (sha, version) in enumerate([(first, "1"), (second, "2")], start=3):
        repository.git("push", "-q", "--force", "origin", f"{sha}:main")
        watching.wait_version(version)
        watching.wait_idle(number)
        assert watching.current == f"{number:03d}-{sha}"
    assert watching.outcomes() == ["succeeded"] * 4


def test_a_failed_push_to_a_watched_repository_is_tried_again_by_a_request_alone(
    watching: Orbit, repository: Repository
) -> None:
    deploy_first(watching, repository)
    repository.push({**apps.exits("2")})
    watching.wait_idle(2)
    repository.git("pack-refs", "--all", cwd=repository.origin)  # a change of refs that changes nothing
    watching.hup()
    watching.wait_idle(3)
    repository.push(apps.server("3"))
    watching.wait_version("3")
    watching.wait_idle(4)
    assert [cause for cause, _ in causes(watching)] == ["start", "watching", "SIGHUP", "watching"]
    assert watching.outcomes() == ["succeeded", "rolled_back", "rolled_back", "succeeded"]


def test_a_working_copy_as_repository_is_watched_as_well(watching: Orbit, repository: Repository) -> None:
    watching.env["GIT_REPO_URL"] = str(repository.work)
    deploy_first(watching, repository)
    repository.commit({"version.txt": "2"})
    watching.wait_version("2")
    watching.wait_idle(2)
    assert causes(watching)[1:] == [("watching", "succeeded")]
