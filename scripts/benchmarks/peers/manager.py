"""What every process manager that is measured can be told, and how its processes are found."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from work import ROOT

BENCH = ROOT / ".bench"
LIMIT_S = 60.0
CLOSE_S = 20.0


@dataclass(frozen=True, slots=True)
class Program:
    """What is kept up: an executable below .bench/bin, and how its manager is to treat it."""

    name: str
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    grace_s: int = 2
    log_bytes: int = 10_000_000
    log_backups: int = 5

    @property
    def path(self) -> Path:
        return BENCH / "bin" / self.name

    @property
    def argv(self) -> tuple[str, ...]:
        return (str(self.path), *self.arguments)


class Manager:
    """One process manager with one program. `start` returns when the program has been started."""

    name = ""

    def __init__(self, directory: Path, program: Program) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.program = program
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **program.env}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        raise NotImplementedError

    def stop_app(self) -> None:
        """Stop the program by the manager's own means; returns when the manager says that it is done."""
        raise NotImplementedError

    def restart_app(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End the manager, and with it what it has not let go of."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(CLOSE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def asked(self) -> list[str]:
        """A command line that asks the manager something which it answers itself."""
        raise NotImplementedError

    def logs(self) -> list[Path]:
        """The files that hold the program's output."""
        return sorted(self.directory.glob("app.log*"))

    def roots(self) -> list[int]:
        """The processes that the manager consists of, without their children."""
        return [self.process.pid] if self.process else []

    # --- the same for all ---

    def launch(self, *argv: str | Path) -> None:
        """Start the manager's own process, without a reader of what it says."""
        self.process = subprocess.Popen(
            [str(word) for word in argv],
            env=self.env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def tell(self, *argv: str | Path, allowed: tuple[int, ...] = (0,)) -> None:
        done = subprocess.run(
            [str(word) for word in argv], env=self.env, cwd=self.directory, capture_output=True, check=False
        )
        if done.returncode not in allowed:
            raise SystemExit(f"{self.name}: {argv[0]}: {(done.stderr or done.stdout).decode().strip()}")

    def ask_seconds(self) -> float:
        """How long the manager takes to answer, with the start of its command-line client."""
        since = time.perf_counter()
        self.tell(*self.asked(), allowed=(0, 1))
        return time.perf_counter() - since

    def tree(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for root in self.roots():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(root)
                found |= {p.pid: p for p in (process, *process.children(recursive=True))}
        return list(found.values())

    def own_processes(self) -> list[psutil.Process]:
        """The manager's, without the program's."""
        return [process for process in self.tree() if _name(process) != self.program.name]

    def app_pid(self) -> int | None:
        """The number of the program's first process."""
        found = [process.pid for process in self.tree() if _name(process) == self.program.name]
        return found[0] if found else None


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


def until(fact: Callable[[], object], what: str, limit_s: float = LIMIT_S, pause_s: float = 0.002) -> None:
    """Wait for a fact. Ends the benchmark if it does not come about."""
    deadline = time.monotonic() + limit_s
    while not fact():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {limit_s:g} s")
        time.sleep(pause_s)
