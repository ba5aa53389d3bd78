"""kill -9, and errors of the disk, at every step that touches Orbit's state, and at every stage.

CI takes one place of each kind of step; `ORBIT_TEST_FAULTS=all` takes every one, which is hundreds.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from supervisor.processes import strays
from tests.support.faulty import kinds_of
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
ALL = os.environ.get("ORBIT_TEST_FAULTS") == "all"
PARTS = 8 if ALL else 3
OF_KNOWN = 40
TIDYING_S = 2.0
QUIET_S = 0.5
MOST_MISSED = 0.1  # a step whose coming depends on the time, such as a heartbeat's, may not come again
KILLS = ("before", "after", "half")
GAP = ("enter stopping_app", "enter starting_app", "enter health_check")
pytestmark = pytest.mark.timeout(3000 if ALL else 600)

SERVER = """
import os, socket, signal, sys
version = open("version.txt").read().strip()
if version.startswith("ill"):
    sys.exit(3)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
body = '{"version": "%s", "pid": %d}' % (version, os.getpid())
answer = f"HTTP/1.0 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode()
while True:
    with listener.accept()[0] as link:
        link.recv(65536)
        link.sendall(answer)
"""
HOOK = """#!/bin/sh
version=$(cat version.txt)
case $version in
    refused*) exit 1 ;;
    slow*) [ -e "../../../$version" ] || { touch "../../../$version"; exec sleep 30; } ;;
esac
"""
FILES: dict[str, str | None] = {
    "serve": SERVER,
    "pre-deploy.sh": HOOK,
    "Procfile": "web: exec python3 -I -S serve\n",
    "version.txt": "0",
}


class FaultyOrbit(Orbit):
    """A supervisor into whose steps faults can be put."""

    def __init__(self, home: Path, repository: Path) -> None:
        super().__init__(home, repository, BAKE_TIME="0", HEALTH_CHECK_TIMEOUT="5", KEEP_RELEASES="2")
        self.trace = home.parent / "trace"
        self.armed = home.parent / "armed"
        places = {"FAULT_TRACE": str(self.trace), "FAULT_ARMED": str(self.armed), "PYTHONPATH": str(ROOT)}
        self.env |= places
        self.count = 0
        self._since = 0
        self._is_up = False

    def start(self, terminal: int | None = None, from_shell: bool = False) -> Orbit:
        self._since, self._is_up = self.trace.stat().st_size if self.trace.exists() else 0, False
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.faulty", "run"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )
        return self

    def arm(self, step: str, nth: int, kind: str) -> None:
        temporary = self.armed.with_suffix(".new")
        temporary.write_text(json.dumps({"step": step, "nth": nth, "kind": kind}))
        self.clear_trace()
        temporary.rename(self.armed)

    def request(self, action: str, **more: str) -> None:
        """Accepted, as `orbit update` does it."""
        self.count += 1
        path = self.home / f"run/requests/.{self.count}.json"
        path.write_text(json.dumps({"action": action, "id": f"r{self.count}", "cause": "test", **more}))
        path.rename(path.with_name(f"{self.count}.json"))
        self.hup()

    @property
    def ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def clear_trace(self) -> None:
        self.trace.write_text("")
        self._since = 0

    def is_up(self) -> bool:
        """Whether what is on disk is this supervisor's, not the last one's: each begins with a deployment."""
        self._is_up = self._is_up or " enter " in self.trace.read_text()[self._since :]
        return self._is_up

    def is_settled(self) -> bool:
        facts = self.status()
        idle = facts.get("status") == "idle" and not facts.get("queue", {}).get("waiting")
        idle = idle and not facts["queue"]["running"]
        return self.is_up() and idle and not os.listdir(self.home / "run/requests") and None not in self.outcomes()

    def unfinished(self) -> list[str]:
        names = {path.name for path in (self.home / "production/releases").iterdir()}
        return [name for name in names if f"{name}.json" not in names and not name.endswith(".json")]


@dataclass(frozen=True)
class Scenario:
    """Something that Orbit is asked for. `act` asks; `expected` are the versions that may be served when all is over,
    after a kill and after an error; `started` says that the fault comes with the next start."""

    act: Callable[[FaultyOrbit, Repository, str], None]
    after_kill: Callable[[str, str], set[str]]
    after_error: Callable[[str, str], set[str]]
    started: bool = False
    outcomes: tuple[str, ...] = ("interrupted",)
    """What the record of an attempt may say in which the supervisor was killed."""


def push(version: str) -> Callable[[FaultyOrbit, Repository, str], None]:
    def act(orbit: FaultyOrbit, repository: Repository, name: str) -> None:
        repository.push({"version.txt": f"{version}{name}"})
        orbit.request("update")

    return act


def roll_back(orbit: FaultyOrbit, repository: Repository, name: str) -> None:
    other = next(release["id"] for release in orbit.status()["releases"] if release["id"] != orbit.current)
    orbit.request("rollback", release=other)


def stop_in_a_hook(orbit: FaultyOrbit, repository: Repository, name: str) -> None:
    repository.push({"version.txt": f"slow{name}"})
    orbit.request("update")
    begun = orbit.home / f"slow{name}"
    wait_until(lambda: begun.exists() or over(orbit), 20)
    begun.touch()
    if not orbit.ended:
        orbit.stop()


def crash_in_a_hook(orbit: FaultyOrbit, repository: Repository, name: str) -> None:
    repository.push({"version.txt": f"slow{name}"})
    orbit.request("update")
    wait_until((orbit.home / f"slow{name}").exists)
    orbit.kill()


def new(old: str, name: str) -> set[str]:
    return {name}


def slow(old: str, name: str) -> set[str]:
    return {f"slow{name}"}


def same(old: str, name: str) -> set[str]:
    return {old}


def anything(old: str, name: str) -> set[str]:
    return set()


SCENARIOS = {
    "update": Scenario(push(""), new, new),
    "failing_hook": Scenario(push("refused"), same, same, outcomes=("interrupted", "failed")),
    "ill_release": Scenario(push("ill"), same, same, outcomes=("interrupted", "rolled_back")),
    "rollback": Scenario(roll_back, anything, anything),
    "restart": Scenario(lambda orbit, _, __: orbit.request("restart"), same, same),
    "stop": Scenario(stop_in_a_hook, slow, slow),
    "recovery": Scenario(crash_in_a_hook, slow, slow, started=True),
}


def over(orbit: FaultyOrbit) -> bool:
    """Whether the supervisor has died of it, or has done what it was asked for."""
    answered = any(answer["id"] == f"r{orbit.count}" for answer in orbit.status().get("requests", []))
    return orbit.ended or (orbit.is_up() and answered and orbit.status()["status"] == "idle")


def steps_of(orbit: FaultyOrbit, repository: Repository, scenario: Scenario, name: str) -> list[str]:
    """The steps that it takes when nothing goes wrong."""
    old = orbit.version() or ""
    wait_until_quiet(orbit)
    orbit.clear_trace()
    scenario.act(orbit, repository, name)
    ended = orbit.ended
    steps = orbit.trace.read_text().splitlines()
    if ended:
        orbit.clear_trace()
        orbit.start()
    settle(orbit, scenario.after_kill(old, name), "recording")
    wait_until_quiet(orbit)
    return steps if ended and not scenario.started else orbit.trace.read_text().splitlines()


def wait_until_quiet(orbit: FaultyOrbit) -> None:
    """Until the tidying is over, too: nothing more is touched for a moment."""
    last = (-1, time.monotonic())

    def quiet() -> bool:
        nonlocal last
        size = orbit.trace.stat().st_size
        if size != last[0]:
            last = (size, time.monotonic())
        return time.monotonic() - last[1] > QUIET_S

    wait_until(quiet, 20)


def settle(orbit: FaultyOrbit, versions: set[str], context: str) -> None:
    """Wait until all is well, and see that it is."""

    def well() -> bool:
        version = orbit.version()
        served = version in versions if versions else version is not None
        return served and orbit.is_settled() and not orbit.unfinished()

    wait_until(well, 30, lambda: f"{context}\n{orbit.output()[-4000:]}\n{orbit.status()}\n{orbit.unfinished()}")
    assert (orbit.home / f"production/releases/{orbit.current}.json").exists(), context
    places = ("production", "production/releases", "deployments", "run", "run/requests")
    wait_until(
        lambda: not [name for place in places for name in os.listdir(orbit.home / place) if name.endswith(".tmp")],
        5,
        f"{context}: temporary files are left",
    )
    numbers = [name.partition("-")[0] for name in orbit.releases()]
    assert len(numbers) == len(set(numbers)), context
    shim = psutil.Process(orbit.status()["app"]["pid"]).ppid()
    tree = {process.pid for process in psutil.Process(shim).children(recursive=True)}

    def strangers() -> set[int]:
        return strays.owned(strays.owner_of(orbit.home), but=None) - tree

    wait_until(lambda: not strangers(), 5, f"{context}: something else runs")


def put_fault(orbit: FaultyOrbit, repository: Repository, scenario: Scenario, fault: tuple[str, int, str]) -> bool:
    """Whether the fault came; all is well in any case."""
    step, nth, kind = fault
    orbit.count += 1
    name = f"v{orbit.count}"
    context = f"{kind} at {step} ({nth})"
    old, pid = orbit.version() or "", orbit.status()["app"]["pid"]
    if scenario.started:
        scenario.act(orbit, repository, name)
        orbit.arm(*fault)
        orbit.start()
    else:
        orbit.arm(*fault)
        scenario.act(orbit, repository, name)
    wait_until(lambda: over(orbit), 30, lambda: f"{context}\n{orbit.output()[-4000:]}")
    with contextlib.suppress(AssertionError):  # what is asked for has been done; the tidying may be under way
        wait_until(lambda: orbit.ended or not orbit.armed.exists(), TIDYING_S)
    came = " !" in orbit.trace.read_text()
    orbit.armed.unlink(missing_ok=True)
    passed = orbit.trace.read_text().splitlines()
    gap = ("enter pre_deploy",) if scenario is SCENARIOS["stop"] else GAP
    switched = any(stage in line for stage in gap for line in passed)
    said = len(orbit.output())
    stopped = orbit.process is not None and orbit.process.returncode == 0
    if not orbit.ended:
        orbit.kill()
    if came and kind in KILLS and not stopped and not switched and scenario is not SCENARIOS["restart"]:
        assert orbit.version() == old, context
        orbit.start()
        wait_until(orbit.is_up, 15, lambda: f"{context}\n{orbit.output()[-4000:]}")
        wait_until(lambda: "taken over" in orbit.output()[said:], 15, lambda: f"{context}\n{orbit.output()[-4000:]}")
        assert f"pid {pid}; taken over" in orbit.output()[said:], context
    else:
        orbit.start()
    expected = scenario.after_kill if kind in KILLS else scenario.after_error
    settle(orbit, expected(old, name), context)
    asked = f"r{orbit.count}"
    begun = any("enter git_pull" in line for line in passed) and not any("enter completed" in line for line in passed)
    if came and kind in KILLS and begun and not scenario.started and scenario is not SCENARIOS["stop"]:
        outcomes = [record["outcome"] for record in orbit.records() if record["request"] == asked]
        assert outcomes[0] in scenario.outcomes, f"{context}: {outcomes}"
    return came


def faults_of(steps: list[str], but: set[str]) -> list[tuple[str, int, str]]:
    """Every fault that may come; or, of each step the first time, and of those in `but` only a few."""
    seen: dict[str, int] = {}
    found, known = [], []
    for step in steps:
        seen[step] = seen.get(step, 0) + 1
        faults = [(step, seen[step], kind) for kind in kinds_of(step)]
        if ALL or (seen[step] == 1 and step not in but):
            found += faults
        elif seen[step] == 1:
            known += faults
    return found + known[::OF_KNOWN]


@pytest.fixture
def faulty(tmp_path: Path, repository: Repository) -> Iterator[FaultyOrbit]:
    orbit = FaultyOrbit(tmp_path / "home", repository.origin)
    repository.push(FILES, executable=("pre-deploy.sh",))
    orbit.start()
    settle(orbit, {"0"}, "first")
    yield orbit
    orbit.armed.unlink(missing_ok=True)
    if orbit.ended:
        orbit.start()
        wait_until(orbit.is_up)
    orbit.stop()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_next_start_finishes_or_undoes_whatever_step_was_hit(
    faulty: FaultyOrbit, repository: Repository, name: str, part: int
) -> None:
    steps_of(faulty, repository, SCENARIOS["update"], "a")
    known = set(steps_of(faulty, repository, SCENARIOS["update"], "b"))
    steps = steps_of(faulty, repository, SCENARIOS[name], "c")
    faults = faults_of(steps, set() if name == "update" else known)
    assert faults, "there is nothing to be hit"
    missed = [fault for fault in faults[part::PARTS] if not put_fault(faulty, repository, SCENARIOS[name], fault)]
    assert len(missed) <= 1 + len(faults[part::PARTS]) * MOST_MISSED, f"faults that never came: {missed}"
