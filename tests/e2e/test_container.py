"""Orbit in a real container, built from conf/Dockerfile: what `docker run`, `stop`, `kill`, `exec` and restarts do."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.container import Container, podman
from tests.support.repository import Repository
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)  # the first one makes the image

FAREWELL = """
import atexit, pathlib
atexit.register(lambda: pathlib.Path(os.environ["FAREWELL"]).write_text("orderly"))
"""
"""The application writes a file when it ends in its own way."""


@pytest.fixture
def container(tmp_path: Path, repository: Repository) -> Iterator[Container]:
    repository.push(apps.server("1", before=FAREWELL))
    instance = Container(tmp_path, repository, FAREWELL="/app/cache/farewell")
    yield instance
    if instance.process:
        instance.kill()
        print(instance.output())


@pytest.fixture
def serving(container: Container) -> Container:
    container.start()
    container.wait_version("1")
    container.wait_idle(1)
    return container


class Client:
    """Asks all the time, and counts what was not answered."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.pids: set[int] = set()
        self.answered = 0
        self.failed = 0

    def _ask(self) -> None:
        while not self._over.is_set():
            answer = self._container.ask()
            if answer:
                self.answered += 1
                self.pids.add(answer["pid"])
            else:
                self.failed += 1

    @contextlib.contextmanager
    def asking(self) -> Iterator[Client]:
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()


def test_a_stop_is_the_applications_own_end_well_within_ten_seconds(serving: Container) -> None:
    answer = serving.ask()
    assert answer and answer["env"]["USER"] == "appuser"
    assert serving.run_python(f"import os; print(os.stat('/proc/{answer['pid']}').st_uid)") == "1000\n"
    since = time.monotonic()
    assert serving.stop() == 0
    assert time.monotonic() - since < 5
    assert (serving.home / "cache/farewell").read_text() == "orderly"
    assert serving.status()["status"] == "stopped"


def test_commands_and_signals_from_outside(serving: Container, repository: Repository) -> None:
    repository.push({"version.txt": "2"})
    serving.hup()
    serving.wait_version("2")
    serving.wait_idle(2)
    shown = serving.run_inside("orbit", "status")
    assert "RUNNING" in shown and "002-" in shown
    serving.run_inside("orbit", "rollback", "--wait")
    serving.wait_version("1")


def test_ten_thousand_orphans_leave_no_zombie_and_disturb_nobody(serving: Container, repository: Repository) -> None:
    storm = "import os\nfor n in range(10000):\n if os.fork() == 0:\n  os.fork()\n  os._exit(0)\n os.wait()\n"
    repository.push({"version.txt": "2"})
    with Client(serving).asking() as client:
        raging = threading.Thread(target=serving.run_python, args=(storm,))
        raging.start()
        serving.hup()
        serving.wait_version("2")
        serving.wait_idle(2)
        raging.join()
    assert client.answered > 10
    wait_until(lambda: not [name for name in serving.processes().values() if "zombie" in name])
    assert serving.stop() == 0


def test_killing_the_supervisor_costs_no_request(serving: Container) -> None:
    with Client(serving).asking() as client:
        for times in range(1, 3):
            serving.run_inside("python3", "-c", f"import os; os.kill({serving.supervisor}, 9)")
            wait_until(lambda: serving.output().count("taken over") == times, 30, serving.output)  # noqa: B023
        seen = client.answered
        wait_until(lambda: client.answered > seen + 10)
    assert client.failed == 0
    assert len(client.pids) == 1
    assert serving.stop() == 0
    assert (serving.home / "cache/farewell").read_text() == "orderly"


def test_when_everything_of_orbit_is_killed_at_once_the_application_is_started_anew(
    serving: Container, repository: Repository
) -> None:
    """Its processes come to PID 1, and would keep the port; one of them has nothing that tells whose it is."""
    repository.push({"Procfile": "web: (env -i setsid sleep 1000 &); exec python3 serve\n", "version.txt": "2"})
    serving.hup()
    serving.wait_version("2")
    serving.wait_idle(2)
    hidden = [pid for pid, name in serving.processes().items() if name == "sleep"]
    before = serving.ask()
    ours = [pid for pid, name in serving.processes().items() if name in ("orbit-shim", "orbit-spawner")]
    serving.run_python(f"import os\nfor pid in {[serving.supervisor, *ours]}: os.kill(pid, 9)")

    def renewed() -> bool:
        answer = serving.ask()
        return bool(before and answer and answer["pid"] != before["pid"])

    wait_until(renewed, 30, serving.output)
    assert before and not {before["pid"], *hidden} & serving.processes().keys()
    assert list(serving.processes().values()).count("sleep") == len(hidden) == 1
    assert serving.stop() == 0


def test_a_new_container_serves_from_the_volume_without_the_repository(serving: Container) -> None:
    assert serving.stop() == 0
    shutil.rmtree(serving.repository.origin)
    serving.repository.origin.mkdir()
    serving.start()
    serving.wait_version("1")
    assert serving.stop() == 0


@pytest.mark.parametrize("entry", [["flux-entrypoint.sh"], ["/opt/orbit/bin/python", "-m", "supervisor", "run"]])
def test_however_it_is_started_pid_1_is_the_small_program(container: Container, entry: list[str]) -> None:
    container.entry = entry
    container.start()
    container.wait_version("1")
    assert container.processes()[1] == "orbit-init"
    assert container.stop() == 0


def test_below_another_init_it_works_as_well(container: Container, repository: Repository) -> None:
    container.options = ["--init"]
    container.start()
    container.wait_version("1")
    container.wait_idle(1)
    assert container.processes()[1] not in ("orbit-init", "orbit")
    assert "orbit-init" not in container.processes().values()
    repository.push({"version.txt": "2"})
    container.run_inside("orbit", "update", "--wait")
    assert container.version() == "2"
    assert container.stop() == 0
    assert (container.home / "cache/farewell").read_text() == "orderly"


def test_nothing_but_the_volume_has_to_be_writable(container: Container, repository: Repository) -> None:
    container.options = ["--read-only", "--read-only-tmpfs=false"]
    container.start()
    container.wait_version("1")
    container.wait_idle(1)
    repository.push({"version.txt": "2", "pre-deploy.sh": "#!/bin/sh\nid -un\n"})
    container.run_inside("orbit", "update", "--wait")
    assert container.version() == "2"
    assert "\nappuser\n" in container.log("hooks.log")
    assert container.stop() == 0


def test_a_stop_in_the_middle_of_a_deployment(serving: Container, repository: Repository) -> None:
    hook = "#!/bin/bash\ntrap '' TERM\n(setsid sleep 1000) &\necho waiting; while :; do sleep 1000; done\n"
    repository.push({"version.txt": "2", "pre-deploy.sh": hook})
    serving.hup()
    wait_until(lambda: "waiting" in serving.output(), 30, serving.output)
    since = time.monotonic()
    assert serving.stop() == 0
    assert time.monotonic() - since < 10
    assert serving.outcomes() == ["succeeded", "interrupted"]
    assert (serving.home / "cache/farewell").read_text() == "orderly"


def test_wrong_settings_are_status_2_and_a_line(container: Container) -> None:
    container.env["APP_PORT"] = "eighty"
    container.start()
    assert container.process is not None
    assert container.process.wait(timeout=30) == 2
    assert container.output().startswith("orbit: APP_PORT: 'eighty'")
    assert container.output().count("\n") == 1
    assert podman("container", "exists", container.name).returncode == 1
