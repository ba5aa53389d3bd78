"""Runtimes that the system does not have: installed by mise from a mirror on loopback, kept, shared, removed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import apps, runtimes
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.runtimes import Mirror
from tests.support.waiting import wait_until

FAST = {"MISE_HTTP_RETRIES": "0", "npm_config_fetch_retries": "0", "MISE_USE_VERSIONS_HOST": "0"}
HOSTILE = """
[env]
X = "{{ exec(command='touch PLANTED') }}"
[hooks]
postinstall = "touch PLANTED"
[settings]
node.mirror_url = "http://127.0.0.1:9/"
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what is downloaded for these tests lies; all workers of a run share it."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "runtimes"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with Mirror(tmp_path / "mirror") as mirror:
        yield mirror


@pytest.fixture
def node_orbit(orbit: Orbit, mirror: Mirror, packages: Path) -> Orbit:
    """With mise on PATH, and the mirror as the only place to download from."""
    orbit.env |= {"PATH": f"{runtimes.mise(packages)}:{orbit.env['PATH']}", **FAST}
    orbit.env |= {"MISE_NODE_MIRROR_URL": mirror.address, "npm_config_registry": "http://127.0.0.1:9/"}
    return orbit


def app(version: str, node: str) -> dict[str, str | None]:
    """A project of Node that is served without it: a stand-in can do no more than print a version."""
    manifest = {"name": "x", "version": "1.0.0", "engines": {"node": node}}
    return {**apps.server(version), "package.json": json.dumps(manifest), "mise.toml": HOSTILE, ".mise.toml": HOSTILE}


def installed(orbit: Orbit) -> list[str]:
    """What counts as installed."""
    return sorted(path.stem for path in (orbit.home / "runtimes").glob("*.json"))


def node_of(orbit: Orbit) -> str:
    """The version of the node that the application finds."""
    answer = orbit.ask()
    assert answer
    return subprocess.run(["node", "-v"], env=answer["env"], capture_output=True, text=True, check=True).stdout.strip()


def test_application_runs_on_a_version_of_node_that_the_system_does_not_have(
    node_orbit: Orbit, repository: Repository, mirror: Mirror, packages: Path
) -> None:
    mirror.add_real(packages, "22.12.0", "10.9.0")
    mirror.add_stand_ins("24.1.0")
    node_orbit.env["PATH"] = node_orbit.env["PATH"].partition(":")[2]  # mise itself comes from npm's registry
    del node_orbit.env["npm_config_registry"]
    index = (
        "require('http').createServer((request, response) => response.end(JSON.stringify("
        "{version: process.version, path: process.execPath}))).listen(process.env.PORT)"
    )
    manifest = {"name": "x", "version": "1.0.0", "scripts": {"start": "node index.js"}, "engines": {"node": "22.x"}}
    repository.push({"package.json": json.dumps(manifest), "index.js": index})
    with node_orbit:
        assert node_orbit.wait_idle(1, 120)["outcome"] == "succeeded"
        answer = node_orbit.ask()
        assert answer
        assert answer["version"] == "v22.12.0"
        assert answer["path"].startswith(f"{node_orbit.home}/runtimes/node-22.12.0/")


def test_releases_share_a_runtime_and_it_goes_when_none_needs_it(
    node_orbit: Orbit, repository: Repository, mirror: Mirror
) -> None:
    mirror.add_stand_ins("22.1.0", "22.9.0", "24.1.0")
    node_orbit.env["KEEP_RELEASES"] = "2"
    repository.push(app("one", "^22"))
    with node_orbit:
        node_orbit.wait_version("one")
        assert (node_of(node_orbit), installed(node_orbit), mirror.downloads) == ("v22.9.0", ["node-22.9.0"], 1)
        mirror.asked.clear()
        repository.push(app("two", ">=22 <23"))
        node_orbit.hup()
        node_orbit.wait_version("two")
        assert (node_of(node_orbit), mirror.asked) == ("v22.9.0", []), "the network was asked for what is there"
        repository.push(app("three", "24"))
        node_orbit.hup()
        node_orbit.wait_version("three")
        node_orbit.wait_idle(3)
        assert installed(node_orbit) == ["node-22.9.0", "node-24.1.0"], "what a kept release needs stays"
        repository.push(app("four", "24"))
        node_orbit.hup()
        wait_until(lambda: installed(node_orbit) == ["node-24.1.0"], 20, node_orbit.output)
        node_orbit.wait_version("four")
        assert node_of(node_orbit) == "v24.1.0"
        wait_until(
            lambda: [path.name for path in (node_orbit.home / "runtimes").iterdir() if path.is_dir()] == ["node-24.1.0"]
        )
    assert not list(node_orbit.home.rglob("PLANTED")), "the repository's own configuration was executed"


def test_runtime_of_a_running_process_stays(node_orbit: Orbit, repository: Repository, mirror: Mirror) -> None:
    mirror.add_stand_ins("22.1.0", "24.1.0")
    node_orbit.env["KEEP_RELEASES"] = "1"
    repository.push(app("one", "22"))
    with node_orbit:
        node_orbit.wait_version("one")
        node_orbit.wait_idle(1)
        place = node_orbit.home / "runtimes/node-22.1.0/installs"
        with subprocess.Popen(["sleep", "60"], cwd=place) as user:
            repository.push(app("two", "24"))
            node_orbit.hup()
            node_orbit.wait_idle(2)
            wait_until(lambda: len(node_orbit.releases()) == 1, 20, node_orbit.output)
            repository.push(app("three", "24"))
            node_orbit.hup()
            node_orbit.wait_idle(3)
            assert installed(node_orbit) == ["node-22.1.0", "node-24.1.0"]
            user.kill()
        repository.push(app("four", "24"))
        node_orbit.hup()
        wait_until(lambda: installed(node_orbit) == ["node-24.1.0"], 20, node_orbit.output)


@pytest.mark.parametrize(
    ("fault", "says"), [("corrupt", "Checksum mismatch"), ("cut", "end of file before"), ("away", "503")]
)
def test_spoiled_download_fails_clearly_and_the_next_attempt_succeeds(
    node_orbit: Orbit, repository: Repository, mirror: Mirror, fault: runtimes.Fault, says: str
) -> None:
    mirror.add_stand_ins("22.1.0")
    mirror.fault = fault
    repository.push(app("one", "22"))
    with node_orbit:
        record = node_orbit.wait_idle(1)
        assert (record["outcome"], record["failure"]["stage"]) == ("failed", "installing_runtime")
        assert says in record["reason"]
        assert "cannot provide node 22 (engines.node in package.json): this system has" in record["reason"]
        assert installed(node_orbit) == []
        mirror.fault = "none"
        node_orbit.hup()
        node_orbit.wait_version("one")
        assert node_of(node_orbit) == "v22.1.0"


def test_version_that_does_not_exist_is_an_error_that_names_the_nearest(
    node_orbit: Orbit, repository: Repository, mirror: Mirror
) -> None:
    mirror.add_stand_ins("20.3.0", "22.1.0", "22.9.0", "24.1.0", "24.2.0")
    node_orbit.env["NODE_VERSION"] = "22.99.0"
    repository.push(app("one", "*"))
    with node_orbit:
        assert node_orbit.wait_idle(1)["reason"] == (
            "cannot provide node 22.99.0 (NODE_VERSION): there is no such version; the nearest: 24.2.0, 24.1.0, "
            "22.9.0 and 22.1.0; set NODE_VERSION to one that there is"
        )


def test_kill_in_the_middle_of_an_installation_leaves_nothing_that_counts(
    node_orbit: Orbit, repository: Repository, mirror: Mirror
) -> None:
    mirror.add_stand_ins("22.1.0")
    mirror.fault = "stall"
    repository.push(app("one", "22"))
    node_orbit.start()
    assert mirror.stalled.wait(30)
    assert node_orbit.process
    node_orbit.process.send_signal(signal.SIGKILL)
    node_orbit.process.wait()
    assert (node_orbit.home / "runtimes/node-22.1.0").is_dir()
    assert installed(node_orbit) == []
    mirror.fault = "none"
    with node_orbit:
        node_orbit.wait_version("one")
        assert (node_of(node_orbit), installed(node_orbit)) == ("v22.1.0", ["node-22.1.0"])
        folders = lambda: sorted(path.name for path in (node_orbit.home / "runtimes").iterdir() if path.is_dir())  # noqa: E731
        wait_until(lambda: folders() == ["node-22.1.0"], 20, lambda: str(folders()))


def test_build_cannot_change_a_runtime_that_other_releases_use(
    node_orbit: Orbit, repository: Repository, mirror: Mirror, packages: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can run things as another user")
    mirror.add_stand_ins("22.1.0")
    for directory in (packages, *packages.parents, node_orbit.home.parent, node_orbit.home.parent.parent):
        directory.chmod(directory.stat().st_mode | 0o011)  # pytest keeps its folders to root
    path = node_orbit.env["PATH"].partition(":")[0]
    node_orbit.env |= {"RUN_AS_USER": "nobody", "PATH": f"{path}:/usr/bin:/bin"}
    node_orbit.env["BUILD_COMMAND"] = (
        "bin=$(dirname $(command -v node)); chmod u+w $bin $bin/node 2>/dev/null; touch $bin/planted"
    )
    repository.push(app("one", "22"))
    with node_orbit:
        record = node_orbit.wait_idle(1)
        assert record["failure"]["stage"] == "building", node_orbit.output()
        assert "Permission denied" in record["failure"]["tail"][-1]
        assert installed(node_orbit) == ["node-22.1.0"]
