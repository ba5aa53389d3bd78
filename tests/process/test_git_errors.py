"""What users read when the repository cannot be had, and which of it is tried again."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.errors import SourceError, SourceUnreachable
from supervisor.git import Remote, with_retries
from supervisor.git.answers import Kind, judge
from supervisor.model import Exit
from tests.gitserver import GitServer, PlainRunner, Repository, git_for

TOKEN = "t0ken-0123456789"


@pytest.fixture
def app(tmp_path: Path) -> Repository:
    app = Repository.create(tmp_path / "srv" / "app.git")
    app.commit({"a": "1"})
    return app


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "srv", token=TOKEN) as server:
        yield server


async def error_of(home: Path, remote: Remote, **options: Any) -> SourceError:
    """What a fetch fails with; asking for the head fails alike."""
    git = git_for(home, remote, **options)
    with pytest.raises(SourceError) as asked:
        await git.head()
    with pytest.raises(SourceError) as fetched:
        await git.fetch()
    assert type(asked.value) is type(fetched.value)
    assert str(fetched.value).startswith(f"cannot fetch {remote.redacted}: ")
    assert "\n" not in str(fetched.value)
    return fetched.value


async def test_wrong_token(app: Repository, server: GitServer, tmp_path: Path) -> None:
    error = await error_of(tmp_path / "home", Remote.parse(server.url("app.git"), token="wrong"))
    assert str(error).endswith("the token was refused; check GIT_TOKEN (it needs read access to the repository)")
    assert type(error) is SourceError


async def test_missing_token(app: Repository, server: GitServer, tmp_path: Path) -> None:
    error = await error_of(tmp_path / "home", Remote.parse(server.url("app.git")))
    assert "the repository is private or does not exist; check the address and set GIT_TOKEN" in str(error)
    assert type(error) is SourceError


@pytest.mark.parametrize("token", [TOKEN, None])
async def test_missing_repository(app: Repository, server: GitServer, tmp_path: Path, token: str | None) -> None:
    server.token = token
    error = await error_of(tmp_path / "home", Remote.parse(server.url("nosuch.git"), token=token))
    assert "it does not exist, or" in str(error)
    assert type(error) is SourceError


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (403, "access was denied", SourceError),
        (410, "an error (410)", SourceError),
        (429, "fewer requests", SourceUnreachable),
        (500, "an error (500); the server may be busy or down", SourceUnreachable),
        (503, "an error (503); the server may be busy or down", SourceUnreachable),
        (0, "the connection broke off", SourceUnreachable),
    ],
)
async def test_answers_of_a_troubled_server(
    app: Repository, server: GitServer, tmp_path: Path, status: int, said: str, kind: type[SourceError]
) -> None:
    server.fail_next(10, status)
    error = await error_of(tmp_path / "home", Remote.parse(server.url("app.git"), token=TOKEN))
    assert said in str(error)
    assert type(error) is kind


async def test_server_that_is_down(app: Repository, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = await error_of(tmp_path / "home", Remote.parse(f"https://127.0.0.1:{port}/app.git"))
    assert "the server refused the connection" in str(error)
    assert type(error) is SourceUnreachable


async def test_unknown_host(tmp_path: Path) -> None:
    error = await error_of(tmp_path / "home", Remote.parse("https://nosuch.invalid/app.git"))
    assert "the host nosuch.invalid is unknown" in str(error)
    assert type(error) is SourceUnreachable


async def test_server_that_never_answers(app: Repository, server: GitServer, tmp_path: Path) -> None:
    stall = server.stall_next_pack()
    git = git_for(tmp_path / "home", Remote.parse(server.url("app.git"), token=TOKEN), timeout_s=1.0)
    with pytest.raises(SourceUnreachable, match="it took longer than 1 s"):
        await git.fetch()
    assert stall.reached.is_set()
    stall.release()
    assert await git.fetch()


async def test_page_that_is_no_repository(tmp_path: Path) -> None:
    page = tmp_path / "srv" / "page"
    page.mkdir(parents=True)
    with GitServer(tmp_path / "srv") as server:
        server.fail_next(10, 200)
        error = await error_of(tmp_path / "home", Remote.parse(server.url("page")))
    assert "there is no git repository; check the address" in str(error)


async def test_untrusted_certificate(app: Repository, tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", str(tmp_path / "crt")),
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(pem.read_text() + (tmp_path / "crt").read_text())
    with GitServer(tmp_path / "srv", token=TOKEN, certificate=pem) as server:
        remote = Remote.parse(server.url("app.git"), token=TOKEN)
        error = await error_of(tmp_path / "home", remote)
        assert "TLS certificate is not trusted" in str(error)
        assert type(error) is SourceError
        trusted = {"GIT_SSL_CAINFO": str(tmp_path / "crt")}
        assert await git_for(tmp_path / "home", remote, environment=trusted).fetch()


async def test_full_disk(app: Repository, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    app.commit({"large": os.urandom(3_000_000)})
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)), check=True)
    try:
        with pytest.raises(SourceError, match="no space is left on the disk"):
            await git_for(small / "home", app.path).fetch()
    finally:
        subprocess.run(("umount", "-l", str(small)), check=True)


async def test_full_disk_during_a_checkout(app: Repository, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    app.commit({"large": os.urandom(3_000_000)})
    git = git_for(tmp_path / "home", app.path)
    commit = await git.fetch()
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)), check=True)
    try:
        with pytest.raises(SourceError, match="unable to write file 'large'; see whether the disk is full"):
            await git.checkout(commit, small / "1")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(("umount", "-l", str(small)), check=True)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("remote: Invalid username or token.\nfatal: Authentication failed for 'https://h/r/'", Kind.FINAL, "refused"),
        ("fatal: unable to access 'https://h/r/': The requested URL returned error: 502", Kind.NETWORK, "502"),
        ("fatal: unable to access 'https://h/r/': GnuTLS recv error (-110)", Kind.NETWORK, "TLS"),
        ("fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF", Kind.NETWORK, "broke"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", Kind.FINAL, "GIT_SSH_KEY"),
        ("Connection closed by 1.2.3.4 port 22\nfatal: Could not read from remote", Kind.NETWORK, "closed"),
        ("fatal: sha1 file '/x' write error: No space left on device", Kind.FINAL, "no space"),
        ("error: unable to create file x: Permission denied", Kind.FINAL, "permission denied .*create file x"),
        ("fatal: something new\nhint: do this", Kind.UNKNOWN, "^something new$"),
        ("", Kind.UNKNOWN, "status 128"),
        ("Killed", Kind.UNKNOWN, "Killed"),
    ],
)
def test_what_git_says_is_translated(text: str, kind: Kind, said: str) -> None:
    answer = judge(Exit(status=128, tail=text), Remote.parse("https://h/r", token=TOKEN), 5)
    assert answer.kind is kind
    with pytest.raises(SourceError, match=said):
        raise SourceError(answer.reason)


def test_killed_git_is_told() -> None:
    for ended in (Exit(signal=9), Exit(status=137, tail="Killed")):
        answer = judge(ended, Remote.parse("https://h/r"), 5)
        assert (answer.kind, answer.reason) == (
            Kind.FINAL,
            "git was killed by signal 9; is there enough memory?",
        )


def test_braces_and_control_characters_in_answers_do_no_harm() -> None:
    answer = judge(Exit(status=1, tail="fatal: batch response: {0} {x} \x1b[31mred"), Remote.parse("https://h/r"), 5)
    assert answer.reason == "the Git LFS server said: {0} {x} ?[31mred"


# trying again


async def test_network_errors_are_tried_again(app: Repository, server: GitServer, tmp_path: Path) -> None:
    server.fail_next(2, 503)
    server.fail_next(1)
    git = git_for(tmp_path / "home", Remote.parse(server.url("app.git"), token=TOKEN))
    waits: list[float] = []
    commit = await with_retries(git.fetch, on_retry=lambda error, wait_s: waits.append(wait_s), first_wait_s=0.001)
    assert commit.subject == "a commit"
    assert len(waits) == 3
    assert 0.001 <= waits[0] <= 0.002 and 0.004 <= waits[2] <= 0.005


async def test_other_errors_are_not_tried_again(app: Repository, server: GitServer, tmp_path: Path) -> None:
    git = git_for(tmp_path / "home", Remote.parse(server.url("app.git"), token="wrong"), PlainRunner())
    with pytest.raises(SourceError, match="token was refused"):
        await with_retries(git.head, on_retry=lambda error, wait_s: pytest.fail("tried again"))


async def test_trying_again_ends_with_the_last_error() -> None:
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise SourceUnreachable(f"attempt {calls}")

    with pytest.raises(SourceUnreachable, match=r"attempt [2-9]"):
        await with_retries(fail, budget_s=0.1, first_wait_s=0.01)
    calls = 0
    with pytest.raises(SourceUnreachable, match="attempt 1"):
        await with_retries(fail, budget_s=0.5)  # the first wait would not fit


async def test_waiting_can_be_cancelled() -> None:
    waiting = asyncio.Event()

    async def fail() -> None:
        raise SourceUnreachable("down")

    task = asyncio.create_task(with_retries(fail, on_retry=lambda error, wait_s: waiting.set()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
