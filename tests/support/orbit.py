"""A real `orbit run`, as a user starts it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

KEEP = ("PATH", "HOME", "LANG", "PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "PYENV_ROOT")


def free_port() -> int:
    """A port that nobody listens on; the application under test is told to use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Orbit:
    """One supervisor with an ORBIT_HOME of its own."""

    def __init__(self, home: Path, repository: str | Path, **variables: str) -> None:
        self.home = home
        self.port = free_port()
        self.env = {name: os.environ[name] for name in KEEP if name in os.environ}
        self.env |= {
            "GIT_REPO_URL": str(repository),
            "APP_PORT": str(self.port),
            "ORBIT_HOME": str(home),
            "HEALTH_CHECK_TIMEOUT": "15",
            "STOP_TIMEOUT": "2",
            "GIT_WATCH": "false",
        }
        if os.getuid() == 0:
            self.env["RUN_AS_USER"] = "root"
        self.env |= variables
        self.process: subprocess.Popen[bytes] | None = None
        self.enter: Callable[[], None] | None = None  # called in the new process before all else
        self.console = home.parent / f"{home.name}.console"

    def start(self, terminal: int | None = None, from_shell: bool = False) -> Orbit:
        """As a service is started; or at a terminal; or by a shell, in whose process group it then is."""
        argv = [sys.executable, "-m", "supervisor", "run"]
        if terminal is not None:
            argv = ["setsid", "--ctty", *argv]
        elif from_shell:
            argv = ["bash", "-c", '"$@"; exit', "-", *argv]
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                argv,
                env=self.env,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=output if terminal is None else terminal,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=terminal is None,
                preexec_fn=self.enter,
            )
        return self

    def __enter__(self) -> Orbit:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """What a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def hup(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def cli(self, *words: str, timeout_s: float = 60.0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "supervisor", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            input=stdin,
            check=False,
        )

    def cli_in_background(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor", *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # --- facts ---

    def status(self) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads((self.home / "run/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return value

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted((self.home / "deployments").glob("[0-9]*.json"))]

    def outcomes(self) -> list[str | None]:
        return [record["outcome"] for record in self.records()]

    def wait_idle(self, deployments: int, timeout_s: float = 60.0) -> dict[str, Any]:
        """The last record once that many deployments have ended and the status says so."""

        def settled() -> bool:
            self.check_alive()
            outcomes = self.outcomes()
            return len(outcomes) >= deployments and None not in outcomes and self.status().get("status") == "idle"

        wait_until(settled, timeout_s, lambda: f"{deployments} deployments\n{self.output()}")
        return self.records()[-1]

    def check_alive(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, f"orbit run ended with {self.process.returncode}\n{self.output()}"

    def output(self) -> str:
        return self.console.read_text(errors="replace")

    def log(self, name: str) -> str:
        return (self.home / "logs" / name).read_text(errors="replace")

    @property
    def current(self) -> str | None:
        link = self.home / "production/current"
        return os.readlink(link).removeprefix("releases/") if link.is_symlink() else None

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.home / "production/releases").iterdir() if path.is_dir())

    def ask(self, path: str = "/") -> dict[str, Any] | None:
        """The application's answer, or None."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=5) as answer:
                value: dict[str, Any] = json.loads(answer.read())
                return value
        except (urllib.error.URLError, OSError, ValueError, http.client.HTTPException):
            return None

    def version(self) -> str | None:
        answer = self.ask()
        return str(answer["version"]) if answer else None

    def wait_version(self, version: str, timeout_s: float = 60.0) -> None:
        def served() -> bool:
            self.check_alive()
            return self.version() == version

        wait_until(served, timeout_s, lambda: f"version {version}\n{self.output()}")
