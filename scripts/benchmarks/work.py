"""The work that is measured: a repository that is pushed to, and an application that is asked all the time."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / ".bench/bin/server"
LIMIT_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def median(values: list[float]) -> float:
    return statistics.median(values)


class Repository:
    """A bare repository and a clone, with a server that starts in a millisecond and `files` more files."""

    def __init__(self, directory: Path, files: int = 0, procfile: str = "web: ./server\n") -> None:
        self.origin, self.work = directory / "origin.git", directory / "work"
        self.work.mkdir(parents=True)
        self.git("init", "-q", "--bare", "-b", "main", str(self.origin))
        self.git("init", "-q", "-b", "main")
        shutil.copy(SERVER, self.work / "server")
        (self.work / "Procfile").write_text(procfile)
        for number in range(files):
            path = self.work / f"data/{number // 100}/{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * 10)
        self.git("remote", "add", "origin", str(self.origin))
        self.push("0")

    def git(self, *words: str) -> None:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
        subprocess.run(["git", *identity, *words], cwd=self.work, check=True, capture_output=True)

    def commit(self, version: str) -> None:
        (self.work / "version.txt").write_text(version)
        self.git("add", "-A")
        self.git("commit", "-qm", version)

    def push(self, version: str) -> None:
        self.commit(version)
        self.git("push", "-q", "origin", "main")


def ask(port: int) -> str | None:
    """What the server answers; None if it does not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while part := link.recv(4096):
                answer += part
    except OSError:
        return None
    return answer.rpartition(b"\r\n\r\n")[2].decode() or None


class Client(threading.Thread):
    """Asks the application without a pause; remembers when which version answered, and the longest silence."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.first_seen: dict[str, float] = {}
        self.gaps: list[tuple[float, float]] = []
        self.done = threading.Event()
        self.changed = threading.Condition()

    def run(self) -> None:
        last = None
        while not self.done.is_set():
            version = ask(self.port)
            now = time.perf_counter()
            if version is None:
                time.sleep(0.0002)
                continue
            if version not in self.first_seen:
                with self.changed:
                    self.first_seen[version] = now
                    self.changed.notify_all()
            if last is not None:
                self.gaps.append((now, now - last))
            last = now

    def wait_for(self, version: str) -> float:
        """When the version was first served."""
        with self.changed:
            if not self.changed.wait_for(lambda: version in self.first_seen, LIMIT_S):
                raise SystemExit(f"version {version} was not served within {LIMIT_S:g} s")
            return self.first_seen[version]

    def longest_silence(self, since: float, until: float) -> float:
        return max((gap for at, gap in self.gaps if since <= at <= until + 0.5), default=0.0)


class Peer:
    """Something that deploys what was pushed when it is told to."""

    name = ""

    def __init__(self, directory: Path, repository: Repository) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True)
        self.repository = repository
        self.port = free_port()
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PORT": str(self.port)}

    def start(self) -> None:
        raise NotImplementedError

    def deploy(self) -> None:
        """Called right after the push, until it returns or the new version is served."""
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError
