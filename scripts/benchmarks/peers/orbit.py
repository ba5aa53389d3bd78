"""`orbit run` with a repository whose Procfile names the program."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from work import ROOT, Repository

from peers.manager import Manager, Program, until

PYTHON = ROOT / ".venv/bin/python"


class Orbit(Manager):
    name = "orbit"

    def __init__(self, directory: Path, program: Program) -> None:
        super().__init__(directory, program)
        self.home = directory / "home"
        repository = Repository(directory / "repository", procfile=f"web: exec {' '.join(program.argv)}\n")
        self.env |= {
            "GIT_REPO_URL": str(repository.origin),
            "APP_PORT": str(program.port or 1),
            "ORBIT_HOME": str(self.home),
            "STOP_TIMEOUT": str(program.grace_s),
            "LOG_MAX_SIZE": str(program.log_bytes),
            "LOG_BACKUPS": str(program.log_backups),
            "SKIP_HEALTH_CHECK": str(program.port is None).lower(),
            "BAKE_TIME": "0",
        }
        if os.getuid() == 0:
            self.env["RUN_AS_USER"] = "root"

    def start(self) -> None:
        self.launch(PYTHON, "-m", "supervisor", "run")
        until(lambda: self.status().get("status") == "idle" and self.status().get("last_deployment"), "orbit run")

    def status(self) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads((self.home / "run/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return value

    def stop_app(self) -> None:
        self.close()  # there is no Orbit without its application

    def restart_app(self) -> None:
        self.tell(PYTHON, "-m", "supervisor", "restart", "--wait")

    def asked(self) -> list[str]:
        # answered by the supervisor's loop, unlike `status`, which reads a file: there is no deployment to cancel
        return [str(PYTHON), "-m", "supervisor", "cancel", "--wait"]

    def logs(self) -> list[Path]:
        return sorted((self.home / "logs").glob("app.log*"))
