"""`orbit run` as PID 1 of a process namespace, as in a container."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from supervisor.sites import nginx
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="a process namespace of its own needs root and unshare"
)


class Container(Orbit):
    """`process` is unshare; below it PID 1 runs, and below that the supervisor."""

    def start(self) -> Container:
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-m", "supervisor", "run"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )
        return self

    @property
    def init(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid).children()[0]

    @property
    def supervisor(self) -> psutil.Process:
        return next(child for child in self.init.children() if "run" in child.cmdline())

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.init.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def container(orbit: Orbit, repository: Repository) -> Iterator[Container]:
    instance = Container(orbit.home, repository.origin, APP_PORT=str(orbit.port))
    instance.port = orbit.port
    repository.push(apps.server("1"))
    instance.start()
    instance.wait_version("1")
    instance.wait_idle(1)
    yield instance
    instance.stop()


def test_pid_1_is_the_small_program_and_reaps_orphans(container: Container) -> None:
    assert container.init.name() == "orbit-init"
    assert container.init.memory_info().rss < 16_000_000
    script = "for n in $(seq 500); do (sh -c 'true & exit' &); done"
    subprocess.run(["nsenter", "-t", str(container.init.pid), "-p", "-m", "bash", "-c", script], check=True)
    wait_until(lambda: [p.status() for p in container.init.children()].count(psutil.STATUS_ZOMBIE) == 0)
    assert len(container.init.children()) == 1


def test_signals_reach_the_supervisor(container: Container, repository: Repository) -> None:
    repository.push({"version.txt": "2"})
    container.init.send_signal(signal.SIGHUP)
    container.wait_version("2")


def test_a_crashed_supervisor_is_started_again_and_the_application_does_not_notice(container: Container) -> None:
    before = container.ask()
    old = container.supervisor.pid
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: "taken over" in container.output())
    after = container.ask()
    assert before and after and before["pid"] == after["pid"]
    assert container.supervisor.pid != old


@pytest.mark.skipif(not nginx.find(os.environ["PATH"]), reason="there is no nginx")
def test_a_site_is_served_through_a_crash_and_ends_with_the_container(
    container: Container, repository: Repository
) -> None:
    container.stop()
    container.env |= {"INSTALL_COMMAND": "true", "BUILD_COMMAND": "mkdir dist && cp page.html dist/index.html"}
    package = '{"scripts": {"build": "x"}, "devDependencies": {"vite": "^6.0.0"}}'
    repository.push({"package.json": package, "page.html": '{"version": "site"}', "Procfile": None, "serve": None})
    container.start()
    container.wait_version("site")
    container.wait_idle(2)
    pid = container.status()["app"]["pid"]
    os.kill(container.supervisor.pid, signal.SIGKILL)
    wait_until(lambda: container.output().count("taken over") == 1)
    assert container.version() == "site"
    assert container.status()["app"]["pid"] == pid
    pids = [process.pid for process in container.init.children(recursive=True)]
    assert container.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_stopping_it_ends_everything_with_status_0(container: Container) -> None:
    pids = [process.pid for process in container.init.children(recursive=True)]
    assert container.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_application_that_is_deaf_to_term_does_not_use_up_the_patience_of_docker_stop(
    container: Container, repository: Repository
) -> None:
    container.stop()
    del container.env["STOP_TIMEOUT"]
    deaf = "web: trap '' TERM; python3 serve & trap '' TERM; wait; sleep 1000\n"
    repository.push({"Procfile": deaf, "serve": str(apps.server("2")["serve"]).replace("SIGTERM", "SIGUSR1")})
    container.start()
    wait_until(lambda: len(container.outcomes()) == 2 and None not in container.outcomes(), 30, container.output)
    since = time.monotonic()
    assert container.stop() == 0
    assert time.monotonic() - since < 9.5


def test_wrong_settings_end_the_container_with_status_2(container: Container) -> None:
    container.stop()
    container.env["APP_PORT"] = "eighty"
    container.start()
    assert container.process is not None
    assert container.process.wait(timeout=20) == 2
    assert "APP_PORT: 'eighty'" in container.output()
