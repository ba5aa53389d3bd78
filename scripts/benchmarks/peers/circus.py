"""circusd, of PyPI's `circus`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from peers.manager import BENCH, Manager, Program, until

BIN = BENCH / "circus/bin"


class Circus(Manager):
    name = "circus"

    def __init__(self, directory: Path, program: Program) -> None:
        super().__init__(directory, program)
        self.config = directory / "circus.ini"
        self.endpoint = f"ipc://{directory}/c.sock"
        self.config.write_text(
            f"[circus]\nendpoint = {self.endpoint}\npubsub_endpoint = ipc://{directory}/p.sock\n"
            f"[watcher:app]\ncmd = {' '.join(program.argv)}\nnumprocesses = 1\ncopy_env = True\n"
            f"stop_children = True\ngraceful_timeout = {program.grace_s}\n"
            f"stdout_stream.class = FileStream\nstdout_stream.filename = {directory}/app.log\n"
            f"stdout_stream.max_bytes = {program.log_bytes}\nstdout_stream.backup_count = {program.log_backups}\n"
        )

    def start(self) -> None:
        self.launch(BIN / "circusd", self.config)
        until(self._runs, "circusd", pause_s=0.1)

    def _runs(self) -> bool:
        if not self.app_pid():
            return False
        return subprocess.run(self.asked(), env=self.env, capture_output=True, check=False).returncode == 0

    def stop_app(self) -> None:
        self._control("stop", "app", "--waiting")

    def restart_app(self) -> None:
        self._control("restart", "app", "--waiting")

    def asked(self) -> list[str]:
        return [str(BIN / "circusctl"), "--endpoint", self.endpoint, "status", "app"]

    def _control(self, *words: str) -> None:
        self.tell(BIN / "circusctl", "--endpoint", self.endpoint, "--timeout", "60", *words)
