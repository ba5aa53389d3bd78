"""Repositories over SSH: a real sshd with throwaway keys, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from supervisor.errors import SourceError, SourceUnreachable
from supervisor.git import Remote
from supervisor.model import User
from tests.gitserver import File, PlainRunner, Repository, git_for

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(SSHD is None or os.geteuid() != 0, reason="needs root and openssh-server")


class SshServer:
    """One sshd for each connection, on a socket of ours: the port is free, and nothing runs in between."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.key = self._keygen("user")
        self._host_key = self._keygen("host")
        (place / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._thread = threading.Thread(target=self._serve)

    def _keygen(self, name: str, *options: str) -> Path:
        path = self.place / name
        path.unlink(missing_ok=True)
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), *options), check=True)
        return path

    def change_host_key(self) -> None:
        self._host_key = self._keygen("host")

    @property
    def known_hosts_line(self) -> str:
        return f"[127.0.0.1]:{self.port} {self._host_key.with_suffix('.pub').read_text()}"

    def url(self, path: Path) -> str:
        return f"ssh://root@127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        options = {
            "HostKey": self._host_key,
            "AuthorizedKeysFile": self.place / "authorized_keys",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
        }
        sshd = " ".join(f"-o {name}={value}" for name, value in options.items())
        script = f"mount -t tmpfs none /run && mkdir /run/sshd && exec {SSHD} -i -f /dev/null {sshd}"
        running = []
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                break
            self.connections += 1
            with connection:
                running.append(
                    subprocess.Popen(
                        ("unshare", "--mount", "sh", "-c", script),
                        stdin=connection.fileno(),
                        stdout=connection.fileno(),
                        stderr=subprocess.DEVNULL,
                    )
                )
        for process in running:
            process.wait(10)


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="orbit-ssh-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(place: Path) -> Iterator[SshServer]:
    (place / "sshd").mkdir()
    with SshServer(place / "sshd") as server:
        yield server


@pytest.fixture
def app(place: Path) -> Repository:
    app = Repository.create(place / "srv" / "app.git")
    app.commit({"a": "1"})
    return app


def remote(server: SshServer, app: Repository, key: str | None, known_hosts: Path | None = None) -> Remote:
    return Remote.parse(server.url(app.path), ssh_key=key, known_hosts=known_hosts)


def nobody() -> User:
    entry = pwd.getpwnam("nobody")
    return User("nobody", entry.pw_uid, entry.pw_gid, (entry.pw_gid,), "/nonexistent")


@pytest.mark.parametrize("user", [None, nobody()], ids=["root", "nobody"])
@pytest.mark.parametrize("form", ["path", "text", "one line", "crlf"])
async def test_key_opens_the_repository(
    server: SshServer, app: Repository, place: Path, form: str, user: User | None
) -> None:
    text = server.key.read_text()
    key = {
        "path": str(server.key),  # 0600, root's: git's user could not read it
        "text": text.strip(),
        "one line": text.replace("\n", "\\n"),
        "crlf": text.replace("\n", "\r\n"),
    }[form]
    git = git_for(place / "home", remote(server, app, key), user=user)
    branch, sha = await git.head()
    assert (branch, (await git.fetch()).sha) == ("main", sha)


async def test_key_is_in_no_file_and_no_argument(server: SshServer, app: Repository, place: Path) -> None:
    runner = PlainRunner()
    secret = server.key.read_text().splitlines()[1]
    git = git_for(place / "home", remote(server, app, server.key.read_text()), runner)
    await git.checkout(await git.fetch(), place / "home" / "r" / "1")
    for command in runner.commands:
        assert secret not in repr(command)
    for path in (place / "home").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


async def test_submodules_over_ssh_use_the_key(server: SshServer, app: Repository, place: Path) -> None:
    lib = Repository.create(place / "srv" / "lib.git")
    sha = lib.commit({"b": "2"})
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {server.url(lib.path)}\n'
    app.commit({".gitmodules": modules, "lib": File(sha, "160000")})
    git = git_for(place / "home", remote(server, app, str(server.key)), user=nobody())
    await git.checkout(await git.fetch(), place / "home" / "r" / "1")
    assert (place / "home" / "r" / "1" / "lib" / "b").read_text() == "2"


async def test_first_host_key_is_kept_and_another_refused(server: SshServer, app: Repository, place: Path) -> None:
    git = git_for(place / "home", remote(server, app, str(server.key)), user=nobody())
    await git.fetch()
    known = place / "home" / "cache" / "known_hosts"
    assert f"[127.0.0.1]:{server.port}" in known.read_text()
    assert known.stat().st_mode & 0o777 == 0o600
    server.change_host_key()
    with pytest.raises(SourceError, match=r"SSH host key is not the known one.*cache/known_hosts") as caught:
        await git.fetch()
    assert not isinstance(caught.value, SourceUnreachable)


async def test_only_given_host_keys_are_trusted(server: SshServer, app: Repository, place: Path) -> None:
    known = place / "known hosts"
    known.write_text("")
    git = git_for(place / "home", remote(server, app, str(server.key), known))
    with pytest.raises(SourceError, match=r"SSH host key is not the known one.*known hosts"):
        await git.fetch()
    known.write_text(server.known_hosts_line)
    assert await git.fetch()


async def test_refused_key_is_told(server: SshServer, app: Repository, place: Path) -> None:
    (server.place / "authorized_keys").write_text("")
    for key, said in ((str(server.key), "key was refused.*deploy keys"), (None, "wants an SSH key; set GIT_SSH_KEY")):
        with pytest.raises(SourceError, match=said) as caught:
            await git_for(place / "home", remote(server, app, key), user=nobody()).fetch()
        assert not isinstance(caught.value, SourceUnreachable)


async def test_key_that_is_none_is_told(server: SshServer, app: Repository, place: Path) -> None:
    with pytest.raises(SourceError, match="private key without a passphrase"):
        await git_for(place / "home", remote(server, app, "no key")).fetch()
    with pytest.raises(SourceError, match=r"cannot read the SSH key /nonexistent: No such file.*GIT_SSH_KEY"):
        await git_for(place / "home", remote(server, app, "/nonexistent")).fetch()


async def test_key_with_a_passphrase_is_told(server: SshServer, app: Repository, place: Path) -> None:
    subprocess.run(("ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(server.key)), check=True, capture_output=True)
    with pytest.raises(SourceError, match=r"without a passphrase|key was refused"):
        await git_for(place / "home", remote(server, app, str(server.key))).fetch()


async def test_repository_that_is_not_there_is_told(server: SshServer, place: Path) -> None:
    app = Repository(place / "srv" / "nosuch.git")
    with pytest.raises(SourceError, match="no git repository") as caught:
        await git_for(place / "home", remote(server, app, str(server.key))).fetch()
    assert not isinstance(caught.value, SourceUnreachable)


async def test_server_that_is_down_is_worth_another_try(app: Repository, place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for url in (f"ssh://git@127.0.0.1:{port}{app.path}", "ssh://git@nosuch.invalid/app.git"):
        with pytest.raises(SourceUnreachable, match=r"does not answer|is unknown"):
            await git_for(place / "home", Remote.parse(url)).fetch()
