"""A git server for tests, repositories to serve, and a plain runner: real git, loopback, no fixed ports.

with GitServer(root, token="secret") as server:
    sha = Repository.create(root / "app.git").commit({"index.html": "hello"})
    server.url("app.git")
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from supervisor.git import Git, Remote
from supervisor.layout import Layout
from supervisor.model import Command, Exit, Runner

PROMPT_ENV = {**os.environ, "LC_ALL": "C", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


@dataclass(frozen=True, slots=True)
class File:
    """What a commit holds at a path. `mode` is git's: 100755 is executable, 120000 a symlink, 160000 a
    submodule."""

    content: str | bytes
    mode: str = "100644"


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository, written to with `git fast-import`: a commit is one process."""

    path: Path

    @classmethod
    def create(cls, path: Path, branch: str = "main") -> Self:
        path.parent.mkdir(parents=True, exist_ok=True)
        repository = cls(path)
        repository.git("init", "--quiet", "--bare", f"--initial-branch={branch}", "--template=", str(path), bare=False)
        return repository

    def git(self, *arguments: str, bare: bool = True, data: bytes = b"") -> str:
        """The output of a git command in this repository."""
        place = (f"--git-dir={self.path}",) if bare else ()
        done = subprocess.run(
            ("git", "-c", "safe.directory=*", *place, *arguments),
            input=data,
            capture_output=True,
            env=PROMPT_ENV,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def commit(
        self,
        files: Mapping[str, str | bytes | File],
        message: str = "a commit",
        branch: str = "main",
        *,
        orphan: bool = False,
    ) -> str:
        """Add `files` to what the branch holds, and return the new commit. With `orphan`, forget its
        history."""
        ref = f"refs/heads/{branch}"
        parent = "" if orphan else self.git("for-each-ref", "--format=%(objectname)", ref)
        stream = [
            f"reset {ref}\n\n" if orphan else "",
            f"commit {ref}\ncommitter A U Thor <author@example.com> now\n",
        ]
        stream.append(f"data {len(message.encode())}\n{message}\n")
        stream.append(f"from {parent}\n" if parent else "")
        parts = ["".join(stream).encode()]
        for name, given in files.items():
            file = given if isinstance(given, File) else File(given)
            content = file.content.encode() if isinstance(file.content, str) else file.content
            if file.mode == "160000":
                parts.append(f"M 160000 {content.decode()} {_quoted(name)}\n".encode())
            else:
                parts.append(f"M {file.mode} inline {_quoted(name)}\ndata {len(content)}\n".encode() + content + b"\n")
        self.git("fast-import", "--quiet", "--force", "--date-format=now", data=b"".join(parts))
        return self.git("rev-parse", ref)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def pointer_to(content: bytes) -> str:
    """What git stores in the place of a file that Git LFS keeps."""
    name = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(content)}\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the server. `credential` is `user:password`, or None."""

    method: str
    path: str
    credential: str | None
    user_agent: str


@dataclass
class Stall:
    """Holds back the middle of the next pack, until it is released."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    async def wait_reached(self, timeout_s: float = 20.0) -> None:
        assert await asyncio.to_thread(self.reached.wait, timeout_s), "no pack was asked for"

    def release(self) -> None:
        self.released.set()


class GitServer:
    """Serves the bare repositories below `root` over HTTP with `git http-backend`, and objects of Git LFS.

    With `token`, a request without it as its password is refused with 401. `certificate` (a PEM file with its
    key) makes it HTTPS. Whatever is injected counts for the next requests only.
    """

    def __init__(self, root: Path, token: str | None = None, certificate: Path | None = None) -> None:
        self.root = root
        self.token = token
        self.seen: list[Seen] = []
        self.large_files: dict[str, bytes] = {}
        self.protocol_2 = True
        self.redirect_to: str | None = None
        self.redirect_authorized_only = False
        self.echo_secrets = False
        self._failures: list[int] = []
        self._stall: Stall | None = None
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.git = self
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._stall:
            self._stall.release()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def host(self) -> str:
        """The server's name and port, as in a URL."""
        return f"127.0.0.1:{self.port}"

    def url(self, name: str, user: str | None = None) -> str:
        """The address of the repository `name`; `user` may be `user:password`, to stand in it."""
        return f"{self._scheme}://{user + '@' if user else ''}{self.host}/{name}"

    def fail_next(self, count: int, status: int = 0) -> None:
        """Answer the next `count` requests with `status`; 0 breaks the connection without an answer."""
        with self._lock:
            self._failures += [status] * count

    def stall_next_pack(self) -> Stall:
        """Hold back the middle of the next pack."""
        self._stall = Stall()
        return self._stall

    def add_large_file(self, content: bytes) -> str:
        """Keep a file for Git LFS; what git stores in its place is returned."""
        self.large_files[hashlib.sha256(content).hexdigest()] = content
        return pointer_to(content)

    def next_failure(self) -> int | None:
        with self._lock:
            return self._failures.pop(0) if self._failures else None

    def take_stall(self) -> Stall | None:
        with self._lock:
            stall, self._stall = self._stall, None
            return stall


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    git: GitServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def log_message(self, format: str, *args: Any) -> None:
        pass

    @property
    def _git(self) -> GitServer:
        assert isinstance(self.server, _Server)
        return self.server.git

    def _serve(self, body: bytes) -> None:
        server = self._git
        credential = self._credential()
        server.seen.append(Seen(self.command, self.path, credential, self.headers.get("User-Agent", "")))
        failure = server.next_failure()
        authorized = server.token is None or (credential or "").partition(":")[2] == server.token
        if failure == 0:
            self._break_off()
        elif failure:
            self._answer(failure, b"injected\n")
        elif server.redirect_to and (authorized or not server.redirect_authorized_only):
            self._answer(302, b"", {"Location": server.redirect_to + self.path})
        elif not authorized:
            said = f"no access with {credential}\n" if server.echo_secrets else "no access\n"
            self._answer(401, said.encode(), {"WWW-Authenticate": 'Basic realm="git"', "Content-Type": "text/plain"})
        elif "/info/lfs/" in self.path or self.path.startswith("/lfs/"):
            self._large_files(body)
        else:
            self._backend(body)

    def _credential(self) -> str | None:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(value).decode() if kind == "Basic" else None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(chunks)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _break_off(self) -> None:
        """End the connection with a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _large_files(self, body: bytes) -> None:
        """Git LFS: where a file is, and the file."""
        files = self._git.large_files
        if self.command == "GET":
            self._answer(200, files[self.path.rpartition("/")[2]])
            return
        objects: list[dict[str, object]] = []
        for wanted in json.loads(body)["objects"]:
            name = wanted["oid"]
            if name in files:
                place = {"href": f"{self._git.url('lfs')}/{name}"}
                objects.append({"oid": name, "size": len(files[name]), "actions": {"download": place}})
            else:
                objects.append({"oid": name, "error": {"code": 404, "message": "Object does not exist"}})
        answer = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self._answer(200, answer, {"Content-Type": "application/vnd.git-lfs+json"})

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        env = {
            **PROMPT_ENV,
            "GIT_PROJECT_ROOT": str(self._git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if self._git.protocol_2 and "Git-Protocol" in self.headers:
            env["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        done = subprocess.run(("git", "http-backend"), input=body, capture_output=True, env=env, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        stall = self._git.take_stall() if b"PACK" in content else None
        if stall is None:
            self._answer(status, content, headers)
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        stall.reached.set()
        stall.released.wait()
        with contextlib.suppress(OSError):
            self.wfile.write(content[len(content) // 2 :])


class PlainRunner:
    """Runs commands with asyncio's subprocesses: captured output, files, a user, a timeout; the whole process
    group is killed when a call is cancelled. `commands` are those that ran."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def run(self, command: Command) -> Exit:
        self.commands.append(command)
        user = command.user
        as_user: dict[str, Any] = {"user": user.uid, "group": user.gid, "extra_groups": user.groups} if user else {}
        try:
            process = await asyncio.create_subprocess_exec(
                *_with_files(command),
                cwd=command.cwd,
                env=dict(command.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                pass_fds=tuple(command.files.values()),
                **as_user,
            )
        except OSError as error:
            return Exit(error=str(error))
        try:
            async with asyncio.timeout(command.timeout_s):
                output, errors = await process.communicate()
        except TimeoutError:
            await _kill(process)
            return Exit(signal=signal.SIGKILL, timed_out=True)
        except asyncio.CancelledError:
            await _kill(process)
            raise
        tail = errors.decode("utf-8", "replace")[-8192:]
        code = process.returncode or 0
        return Exit(status=code, tail=tail, output=output) if code >= 0 else Exit(signal=-code, tail=tail)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _with_files(command: Command) -> tuple[str, ...]:
    """The command's arguments, behind a shell that puts our descriptors at the numbers which it wants."""
    if not command.files:
        return command.argv
    moves = " ".join(f"{number}<&{fd}" for number, fd in command.files.items())
    closes = " ".join(f"{fd}<&-" for fd in set(command.files.values()) - set(command.files))
    return ("bash", "-c", f'exec "$@" {moves} {closes}', "bash", *command.argv)


def git_for(home: Path, remote: Remote | str | Path, runner: Runner | None = None, **options: Any) -> Git:
    """A `Git` with `home` as ORBIT_HOME, that sees nothing of the machine's git configuration.

    `options` are those of `Git`: user, environment, depth, timeout_s, warn.
    """
    parsed = remote if isinstance(remote, Remote) else Remote.parse(str(remote))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home.parent / "nobody"), **options.pop("environment", {})}
    user = options.pop("user", None)
    return Git(runner or PlainRunner(), Layout(home), parsed, user, environment, **options)
