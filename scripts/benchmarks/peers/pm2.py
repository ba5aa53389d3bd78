"""pm2, of npm. It does not rotate logs by itself."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil

from peers.manager import BENCH, LIMIT_S, Manager, Program, until

PM2 = BENCH / "pm2/node_modules/.bin/pm2"


class Pm2(Manager):
    name = "pm2"

    def __init__(self, directory: Path, program: Program) -> None:
        super().__init__(directory, program)
        self.env |= {"PM2_HOME": str(directory / "pm2"), "HOME": str(directory)}
        self.config = directory / "app.config.json"
        app = {
            "name": "app",
            "script": str(program.path),
            "args": list(program.arguments),
            "interpreter": "none",
            "kill_timeout": program.grace_s * 1000,
            "out_file": str(directory / "app.log"),
            "error_file": "/dev/null",
        }
        self.config.write_text(json.dumps({"apps": [app]}))

    def start(self) -> None:
        self.tell(PM2, "start", self.config)
        until(self.app_pid, "pm2")

    def stop_app(self) -> None:
        self.tell(PM2, "stop", "app")

    def restart_app(self) -> None:
        self.tell(PM2, "restart", "app")

    def close(self) -> None:
        roots = self.roots()
        self.tell(PM2, "kill")
        with contextlib.suppress(psutil.Error):
            psutil.wait_procs([psutil.Process(pid) for pid in roots], LIMIT_S)

    def asked(self) -> list[str]:
        return [str(PM2), "pid", "app"]

    def roots(self) -> list[int]:
        with contextlib.suppress(OSError, ValueError):  # its daemon is nobody's child
            return [int((self.directory / "pm2/pm2.pid").read_text())]
        return []
