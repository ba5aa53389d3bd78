"""The token: who gets it, and that it stands nowhere."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from supervisor.errors import SourceError
from supervisor.git import Remote
from supervisor.model import Runner, User
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner
from tests.gitserver import File, GitServer, PlainRunner, Repository, git_for

TOKEN = "t0ken-0123456789-secret"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can reach, too."""
    path = Path(tempfile.mkdtemp(prefix="orbit-git-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def app(place: Path) -> Repository:
    app = Repository.create(place / "srv" / "app.git")
    app.commit({"a": "1"})
    return app


@pytest.fixture
def server(place: Path) -> Iterator[GitServer]:
    with GitServer(place / "srv", token=TOKEN) as server:
        yield server


@pytest.fixture(params=["as root", "as another user"])
def user(request: pytest.FixtureRequest) -> User | None:
    if request.param == "as root":
        return None
    if os.geteuid() != 0:
        pytest.skip("only root can run git as another user")
    nobody = pwd.getpwnam("nobody")
    return User("nobody", nobody.pw_uid, nobody.pw_gid, (nobody.pw_gid,), "/nonexistent")


@pytest.fixture(params=["plain runner", "shim"])
def runner(request: pytest.FixtureRequest, spawner: Spawner) -> Runner:
    return PlainRunner() if request.param == "plain runner" else CommandRunner(spawner)


async def test_token_opens_the_repository(
    app: Repository, server: GitServer, place: Path, user: User | None, runner: Runner
) -> None:
    home = place / "home"
    lib = Repository.create(place / "srv" / "lib.git")
    sha = lib.commit({"b": "2"})
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n'
    app.commit({".gitmodules": modules, "lib": File(sha, "160000")})
    git = git_for(home, Remote.parse(server.url("app.git"), token=TOKEN), runner, user=user)
    assert (await git.head())[0] == "main"
    commit = await git.fetch()
    await git.checkout(commit, home / "r" / "1")
    assert (home / "r" / "1" / "lib" / "b").read_text() == "2"
    assert {seen.credential for seen in server.seen} == {None, f"git:{TOKEN}"}
    if user:
        owners = {path.lstat().st_uid for path in [*(home / "r" / "1").rglob("*"), *(home / "repo.git").rglob("*")]}
        assert owners == {user.uid}
        assert (home / "r").stat().st_uid == 0
    await git.tidy()
    await git.remove(home / "r" / "1")


async def test_credential_in_the_address_is_used(app: Repository, server: GitServer, place: Path) -> None:
    remote = Remote.parse(server.url("app.git", user=f"ada:{TOKEN}"))
    await git_for(place / "home", remote).fetch()
    assert server.seen[-1].credential == f"ada:{TOKEN}"


async def test_user_name_can_be_given(app: Repository, server: GitServer, place: Path) -> None:
    await git_for(place / "home", Remote.parse(server.url("app.git"), username="eve", token=TOKEN)).fetch()
    assert server.seen[-1].credential == f"eve:{TOKEN}"


async def test_odd_characters_arrive_unchanged(place: Path) -> None:
    token = r"a b%20'\"$(id)`\n=&ü"
    Repository.create(place / "srv" / "app.git").commit({"a": "1"})
    with GitServer(place / "srv", token=token) as server:
        await git_for(place / "home", Remote.parse(server.url("app.git"), token=token)).fetch()
        assert server.seen[-1].credential == f"git:{token}"


async def test_token_stands_nowhere(app: Repository, server: GitServer, place: Path, user: User | None) -> None:
    app.commit({f"f{number}": os.urandom(2000) for number in range(100)})
    home = place / "home"
    git = git_for(home, Remote.parse(server.url("app.git", user=f"ada:{TOKEN}")), user=user)
    stall = server.stall_next_pack()
    fetching = asyncio.create_task(git.fetch())
    await stall.wait_reached()
    processes = psutil.Process().children(recursive=True)
    names = {process.name() for process in processes}
    assert {"git", "git-remote-http"} <= names
    for process in processes:
        assert TOKEN not in "\0".join(process.cmdline())
        assert TOKEN not in repr(process.environ())
    assert find_text(TOKEN.encode(), home) == []
    stall.release()
    await git.checkout(await fetching, home / "r" / "1")
    await git.tidy()
    assert find_text(TOKEN.encode(), home) == []
    assert find_text(b"ada", home / "repo.git" / "config") == []


def find_text(text: bytes, place: Path) -> list[Path]:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return [path for path in files if text in path.read_bytes()]


async def test_descriptors_are_closed_after_each_command(app: Repository, server: GitServer, place: Path) -> None:
    git = git_for(place / "home", Remote.parse(server.url("app.git"), token=TOKEN))
    await git.fetch()
    before = psutil.Process().num_fds()
    for _ in range(3):
        await git.head()
    assert psutil.Process().num_fds() <= before


async def test_only_commands_that_meet_the_remote_can_read_the_token(
    app: Repository, server: GitServer, place: Path
) -> None:
    runner = PlainRunner()
    git = git_for(place / "home", Remote.parse(server.url("app.git"), token=TOKEN), runner)
    await git.fetch()
    opened = [command for command in runner.commands if command.files]
    assert len(opened) == 1
    assert any("fetch" in word for word in opened[0].argv)


async def test_environment_of_the_application_does_not_reach_git(
    app: Repository, server: GitServer, place: Path
) -> None:
    runner = PlainRunner()
    hostile = {
        "DATABASE_URL": "postgres://secret",
        "GIT_TOKEN": TOKEN,
        "GIT_DIR": "/nonexistent",
        "GIT_SSH_COMMAND": "touch /tmp/pwned",
        "GIT_ASKPASS": "/bin/echo",
        "SSH_ASKPASS": "/bin/echo",
        "GIT_EXEC_PATH": "/nonexistent",
        "GIT_TRACE": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.sshCommand",
        "GIT_CONFIG_VALUE_0": "x",
        "https_proxy": "http://proxy",
    }
    git = git_for(place / "home", app.path, runner, environment=hostile)
    await git.fetch()
    for command in runner.commands:
        assert not set(hostile) - {"https_proxy", "GIT_SSH_COMMAND", "GIT_ASKPASS"} & set(command.env)
        assert command.env["https_proxy"] == "http://proxy"
        assert command.env["GIT_ASKPASS"] == ""
        assert "pwned" not in command.env["GIT_SSH_COMMAND"]


async def test_helpers_of_the_machine_are_not_asked(app: Repository, server: GitServer, place: Path) -> None:
    told = place / "told"
    settings = place / "nobody" / ".gitconfig"
    settings.parent.mkdir()
    settings.write_text(f'[credential]\n\thelper = "!f() {{ cat >> {told}; }}; f"\n')
    for token in (TOKEN, "wrong", None):
        git = git_for(place / "home", Remote.parse(server.url("app.git"), token=token))
        if token == TOKEN:
            await git.fetch()
        else:
            with pytest.raises(SourceError, match="GIT_TOKEN"):
                await git.fetch()
    assert not told.exists()


async def test_token_that_a_server_says_is_not_shown(app: Repository, server: GitServer, place: Path) -> None:
    server.echo_secrets = True
    git = git_for(place / "home", Remote.parse(server.url("app.git"), token="wrong-token"))
    with pytest.raises(SourceError, match="the token was refused; check GIT_TOKEN") as caught:
        await git.fetch()
    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize("when", ["at once", "once it is authorized"])
async def test_redirect_to_another_host_does_not_leak_the_token(
    app: Repository, server: GitServer, place: Path, when: str
) -> None:
    with GitServer(place / "srv", token="another") as elsewhere:
        server.redirect_to = elsewhere.url("").rstrip("/")
        server.redirect_authorized_only = when == "once it is authorized"
        git = git_for(place / "home", Remote.parse(server.url("app.git"), token=TOKEN))
        with pytest.raises(SourceError):
            await git.fetch()
        assert elsewhere.seen
        assert {seen.credential for seen in elsewhere.seen} == {None}


async def test_renamed_public_repository_is_found(app: Repository, server: GitServer, place: Path) -> None:
    with GitServer(place / "srv") as elsewhere:
        server.redirect_to = elsewhere.url("").rstrip("/")
        assert await git_for(place / "home", server.url("app.git")).fetch()


async def test_repository_of_another_user_on_this_machine_can_be_read(app: Repository, place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run git as another user")
    nobody = User("nobody", 65534, 65534, (65534,), "/nonexistent")
    git = git_for(place / "home", app.path, user=nobody)
    branch, sha = await git.head()
    assert (await git.fetch(branch)).sha == sha
