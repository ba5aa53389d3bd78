"""supervisord, of PyPI's `supervisor`."""

from __future__ import annotations

from pathlib import Path

from peers.manager import BENCH, Manager, Program, until

BIN = BENCH / "supervisor/bin"


class Supervisord(Manager):
    name = "supervisord"

    def __init__(self, directory: Path, program: Program) -> None:
        super().__init__(directory, program)
        self.config = directory / "supervisord.conf"
        self.socket = directory / "s.sock"
        self.config.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={directory}/s.pid\n"
            f"[unix_http_server]\nfile={self.socket}\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.socket}\n"
            f"[program:app]\ncommand={' '.join(program.argv)}\nstartsecs=0\n"
            f"stopasgroup=true\nkillasgroup=true\nstopwaitsecs={program.grace_s}\n"
            f"stdout_logfile={directory}/app.log\nstdout_logfile_maxbytes={program.log_bytes}\n"
            f"stdout_logfile_backups={program.log_backups}\n"
        )

    def start(self) -> None:
        self.launch(BIN / "supervisord", "-c", self.config)
        until(lambda: self.socket.exists() and self.app_pid(), "supervisord")

    def stop_app(self) -> None:
        self._control("stop", "app")

    def restart_app(self) -> None:
        self._control("restart", "app")

    def asked(self) -> list[str]:
        return [str(BIN / "supervisorctl"), "-c", str(self.config), "pid", "app"]

    def _control(self, *words: str) -> None:
        self.tell(BIN / "supervisorctl", "-c", self.config, *words)
