"""Orbit, and those whom it is compared with, each doing the same work."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from work import ROOT, Peer, Repository

SHELL = r"""
cd "$HOME_DIR"
if [ ! -d repo.git ]; then git init -q --bare repo.git; fi
git -C repo.git fetch -q --depth 1 "file://$ORIGIN" +refs/heads/main:refs/remotes/origin/main
release=releases/$(git -C repo.git rev-parse refs/remotes/origin/main)
git -C repo.git worktree add -q --detach "$HOME_DIR/$release" refs/remotes/origin/main
"""


class Shell(Peer):
    """The least that a shell script can do: fetch, worktree, link, kill, start."""

    name = "shell script"

    def __init__(self, directory: Path, repository: Repository) -> None:
        super().__init__(directory, repository)
        self.env |= {"HOME_DIR": str(self.directory), "ORIGIN": str(repository.origin)}

    def start(self) -> None:
        self.deploy()

    def deploy(self) -> None:
        script = (
            SHELL
            + r"""
ln -sfn "$release" current.new && mv -T current.new current
if [ -f pid ]; then kill "$(cat pid)"; while [ -e "/proc/$(cat pid)/exe" ]; do :; done; fi
cd current && { setsid ./server > /dev/null 2>&1 & echo $! > ../../pid; }
"""
        )
        script = script.replace("../../pid", str(self.directory / "pid"))
        subprocess.run(["sh", "-ec", script], env=self.env, check=True)

    def stop(self) -> None:
        os.kill(int((self.directory / "pid").read_text()), signal.SIGTERM)


class Supervisord(Peer):
    """supervisord, told by a script that does the git work."""

    name = "supervisord + script"

    def __init__(self, directory: Path, repository: Repository) -> None:
        super().__init__(directory, repository)
        self.env |= {"HOME_DIR": str(self.directory), "ORIGIN": str(repository.origin)}
        self.config = self.directory / "supervisord.conf"
        self.config.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={directory}/s.pid\n"
            f"[unix_http_server]\nfile={directory}/s.sock\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{directory}/s.sock\n"
            f"[program:app]\ncommand=/bin/sh -c 'cd {directory}/current && exec ./server'\nstartsecs=0\n"
            f"stdout_logfile={directory}/app.log\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def _fetch(self) -> None:
        script = SHELL + 'ln -sfn "$release" current.new && mv -T current.new current\n'
        subprocess.run(["sh", "-ec", script], env=self.env, check=True)

    def start(self) -> None:
        self._fetch()
        program = str(ROOT / ".bench/supervisor/bin/supervisord")
        self.process = subprocess.Popen(
            [program, "-c", str(self.config)], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def deploy(self) -> None:
        self._fetch()
        control = str(ROOT / ".bench/supervisor/bin/supervisorctl")
        subprocess.run(
            [control, "-c", str(self.config), "restart", "app"], env=self.env, capture_output=True, check=True
        )

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)


class Orbit(Peer):
    """`orbit run`, told by SIGHUP."""

    name = "orbit"

    def __init__(self, directory: Path, repository: Repository) -> None:
        super().__init__(directory, repository)
        self.env |= {
            "GIT_REPO_URL": str(repository.origin),
            "APP_PORT": str(self.port),
            "ORBIT_HOME": str(directory / "home"),
            "GIT_WATCH": "false",
        }
        if os.getuid() == 0:
            self.env["RUN_AS_USER"] = "root"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.directory / "console").open("wb") as console:
            self.process = subprocess.Popen(
                [str(ROOT / ".venv/bin/python"), "-m", "supervisor", "run"],
                env=self.env,
                stdout=console,
                stderr=console,
            )

    def deploy(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)
