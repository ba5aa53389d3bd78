"""Releases as worktrees: what is in them, what never runs, what is left of them afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.errors import SourceError
from supervisor.git import Remote
from supervisor.model import Commit
from tests.gitserver import File, GitServer, Repository, git_for, pointer_to

TOKEN = "t0ken-0123456789"


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    return tmp_path / "srv"


@pytest.fixture
def app(srv: Path) -> Repository:
    return Repository.create(srv / "app.git")


@pytest.fixture
def server(srv: Path) -> Iterator[GitServer]:
    with GitServer(srv, token=TOKEN) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def git_in(directory: Path, *arguments: str) -> str:
    done = subprocess.run(("git", "-C", str(directory), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def gitmodules(**addresses: str) -> str:
    return "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n' for name, url in addresses.items())


async def deploy(home: Path, remote: Remote | Path, name: str = "1", **options: Any) -> Path:
    git = git_for(home, remote, **options)
    directory = home / "r" / name
    assert await git.checkout(await git.fetch(), directory) == ()
    return directory


async def test_git_works_inside_a_checkout(app: Repository, home: Path) -> None:
    sha = app.commit({"a": "1", "bin/run": File("#!/bin/sh\n", "100755")})
    directory = await deploy(home, app.path)
    assert git_in(directory, "rev-parse", "HEAD") == sha
    assert sha.startswith(git_in(directory, "rev-parse", "--short", "HEAD"))
    assert git_in(directory, "status", "--porcelain") == ""
    assert git_in(directory, "log", "-1", "--format=%s") == "a commit"
    assert os.access(directory / "bin" / "run", os.X_OK)


async def test_hostile_names_are_only_names(app: Repository, home: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("untouched")
    files: dict[str, str | bytes | File] = {
        "line\nbreak": "1",
        "-rf": "2",
        "--upload-pack=x": "3",
        "$(touch pwned)": "4",
        "ünï": "5",
        "out": File("../../../outside", "120000"),
        "up": File("/", "120000"),
    }
    app.commit(files)
    directory = await deploy(home, app.path)
    assert sorted(path.name for path in directory.iterdir()) == sorted([".git", *files])
    assert (directory / "up").readlink() == Path("/")
    assert (tmp_path / "outside").read_text() == "untouched"


async def test_nothing_of_the_repository_or_the_machine_runs(app: Repository, home: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {ran}\n"
    app.commit({"a": "1", "hooks/post-checkout": File(script, "100755"), ".gitattributes": "a filter=x diff=x\n"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    hooks = home / "repo.git" / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "fsmonitor"):
        (hooks / name).write_text(script)
        (hooks / name).chmod(0o755)
    for key, value in {"core.fsmonitor": str(hooks / "fsmonitor"), "core.hooksPath": str(hooks)}.items():
        git_in(home / "repo.git", "config", key, value)
    ran.unlink(missing_ok=True)
    await git.checkout(commit, home / "r" / "1")
    app.commit({"a": "2"})
    await git.fetch()
    await git.head()
    assert not ran.exists()


async def test_directory_that_holds_something_is_refused_and_kept(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    directory = home / "r" / "1"
    directory.mkdir(parents=True)
    (directory / "mine").write_text("1")
    with pytest.raises(SourceError, match="is not empty"):
        await git.checkout(commit, directory)
    assert (directory / "mine").read_text() == "1"


async def test_commit_that_was_not_fetched_is_told_and_leaves_nothing(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    with pytest.raises(SourceError, match=r"cannot check out 1111111: .*fetch it first"):
        await git.checkout(Commit("1" * 40, "", "", commit.authored_at), home / "r" / "1")
    assert not (home / "r" / "1").exists()


async def test_checkout_may_be_removed_and_made_again(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    directory = home / "r" / "1"
    for _ in range(2):
        await git.checkout(commit, directory)
        (directory / "locked").mkdir()
        (directory / "locked" / "file").touch()
        (directory / "locked").chmod(0o500)
        await git.remove(directory)
        assert not directory.exists()
        assert list((home / "repo.git" / "worktrees").iterdir()) == []
    await git.remove(directory)


@pytest.mark.parametrize("registered", [True, False])
async def test_checkout_goes_where_one_vanished(app: Repository, home: Path, registered: bool) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    directory = home / "r" / "1"
    await git.checkout(commit, directory)
    shutil.rmtree(directory)
    if not registered:
        await git.remove(directory)
        assert list((home / "repo.git" / "worktrees").iterdir()) == []
    await git.checkout(commit, directory)
    assert git_in(directory, "rev-parse", "HEAD") == commit.sha


async def test_removing_one_leaves_the_others(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    for name in ("1", "11", "2"):
        await git.checkout(commit, home / "r" / name)
    await git.remove(home / "r" / "1")
    for name in ("11", "2"):
        assert git_in(home / "r" / name, "rev-parse", "HEAD") == commit.sha


# submodules


async def test_submodules_of_a_local_repository_are_checked_out(app: Repository, srv: Path, home: Path) -> None:
    inner, lib = Repository.create(srv / "inner.git"), Repository.create(srv / "lib.git")
    inner_sha = inner.commit({"deep": "3"})
    old_sha = lib.commit(
        {"b": "2", ".gitmodules": gitmodules(inner="../inner.git"), "inner": File(inner_sha, "160000")}
    )
    lib.commit({"b": "newer"})
    app.commit({"a": "1", ".gitmodules": gitmodules(lib="../lib.git"), "lib": File(old_sha, "160000")})
    directory = await deploy(home, app.path)
    assert (directory / "lib" / "b").read_text() == "2"
    assert (directory / "lib" / "inner" / "deep").read_text() == "3"
    git = git_for(home, app.path)
    await git.remove(directory)
    assert list((home / "repo.git" / "worktrees").iterdir()) == []


async def test_submodule_follows_a_new_address(app: Repository, srv: Path, home: Path) -> None:
    for number, name in enumerate(("one", "two"), 1):
        lib = Repository.create(srv / f"{name}.git")
        sha = lib.commit({"b": name})
        app.commit({".gitmodules": gitmodules(lib=f"../{name}.git"), "lib": File(sha, "160000")})
        directory = await deploy(home, app.path, str(number))
        assert (directory / "lib" / "b").read_text() == name
        lib.path.rename(srv / "gone.git")
        shutil.rmtree(srv / "gone.git")


@pytest.mark.parametrize("address", ["relative", "https", "scp", "ssh"])
async def test_private_submodules_of_the_same_host_get_the_token(
    app: Repository, srv: Path, server: GitServer, home: Path, address: str
) -> None:
    lib = Repository.create(srv / "lib.git")
    sha = lib.commit({"b": "2"})
    url = {
        "relative": "../lib.git",
        "https": server.url("lib.git"),
        "scp": "git@127.0.0.1:lib.git",
        "ssh": "ssh://git@127.0.0.1/lib.git",
    }[address]
    app.commit({".gitmodules": gitmodules(lib=url), "lib": File(sha, "160000")})
    directory = await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
    assert (directory / "lib" / "b").read_text() == "2"


async def test_submodule_elsewhere_does_not_get_the_token(
    app: Repository, srv: Path, server: GitServer, home: Path, tmp_path: Path
) -> None:
    with GitServer(tmp_path / "evil", token="another") as evil:
        sha = Repository.create(tmp_path / "evil" / "lib.git").commit({"b": "2"})
        app.commit({".gitmodules": gitmodules(lib=evil.url("lib.git")), "lib": File(sha, "160000")})
        with pytest.raises(SourceError, match="asks for credentials, and GIT_TOKEN is only for"):
            await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
        assert evil.seen
        assert {seen.credential for seen in evil.seen} == {None}
    assert not (home / "r" / "1").exists()


@pytest.mark.parametrize("url", ["/etc", "file:///etc", "ext::sh -c touch% pwned", "-u./payload"])
async def test_submodule_cannot_reach_this_machine(app: Repository, server: GitServer, home: Path, url: str) -> None:
    app.commit({".gitmodules": gitmodules(lib=url), "lib": File("1" * 40, "160000")})
    with pytest.raises(SourceError, match="submodule"):
        await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
    assert not (home / "r" / "1").exists()


async def test_submodule_at_an_older_commit_of_a_server_that_hands_out_branches_only(
    app: Repository, srv: Path, server: GitServer, home: Path
) -> None:
    lib = Repository.create(srv / "lib.git")
    sha = lib.commit({"b": "old"})
    lib.commit({"b": "new"})
    other = Repository.create(srv / "other.git").commit({"c": "3"})
    modules = gitmodules(lib="../lib.git", other="../other.git")
    app.commit({".gitmodules": modules, "lib": File(sha, "160000"), "other": File(other, "160000")})
    server.protocol_2 = False
    directory = await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
    assert (directory / "lib" / "b").read_text() == "old"
    assert (directory / "other" / "c").read_text() == "3"
    assert git_in(directory, "status", "--porcelain") == ""


async def test_command_in_gitmodules_does_not_run(app: Repository, srv: Path, home: Path, tmp_path: Path) -> None:
    sha = Repository.create(srv / "lib.git").commit({"b": "2"})
    modules = gitmodules(lib="../lib.git") + f"\tupdate = !touch {tmp_path}/ran\n"
    app.commit({".gitmodules": modules, "lib": File(sha, "160000")})
    with pytest.raises(SourceError, match="submodule"):
        await deploy(home, app.path)
    assert not (tmp_path / "ran").exists()


async def test_submodule_without_an_entry_is_no_obstacle(app: Repository, home: Path) -> None:
    app.commit({"a": "1", "lib": File("1" * 40, "160000")})
    assert (await deploy(home, app.path) / "lib").is_dir()


async def test_commit_that_a_submodule_does_not_have_is_told(app: Repository, srv: Path, home: Path) -> None:
    Repository.create(srv / "lib.git").commit({"b": "2"})
    app.commit({".gitmodules": gitmodules(lib="../lib.git"), "lib": File("1" * 40, "160000")})
    with pytest.raises(SourceError, match="submodule"):
        await deploy(home, app.path)


# large files

lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


@lfs
async def test_large_files_are_fetched_with_the_token(app: Repository, server: GitServer, home: Path) -> None:
    contents = {f"f{number}.bin": os.urandom(5000) for number in range(3)}
    pointers = {name: server.add_large_file(content) for name, content in contents.items()}
    app.commit({".gitattributes": ATTRIBUTES, **pointers})
    directory = await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
    assert {name: (directory / name).read_bytes() for name in contents} == contents
    batches = [seen for seen in server.seen if seen.path.endswith("/objects/batch")]
    assert batches and batches[-1].credential == f"git:{TOKEN}"


@lfs
async def test_large_files_of_a_local_repository_are_found(app: Repository, home: Path, tmp_path: Path) -> None:
    content = os.urandom(5000)
    pointer = pointer_to(content)
    app.commit({".gitattributes": ATTRIBUTES, "f.bin": pointer})
    name = pointer.split("sha256:")[1][:64]
    stored = app.path / "lfs" / "objects" / name[:2] / name[2:4] / name
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    assert (await deploy(home, app.path) / "f.bin").read_bytes() == content


@lfs
async def test_large_file_that_the_server_does_not_have_is_told(
    app: Repository, server: GitServer, home: Path, tmp_path: Path
) -> None:
    app.commit({".gitattributes": ATTRIBUTES, "f.bin": pointer_to(b"missing")})
    with pytest.raises(SourceError, match="Git LFS does not find a file on its server"):
        await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
    assert not (home / "r" / "1").exists()


@lfs
async def test_hostile_address_of_large_files_does_not_get_the_token(
    app: Repository, server: GitServer, home: Path, tmp_path: Path
) -> None:
    with GitServer(tmp_path / "evil", token="another") as evil:
        pointer = evil.add_large_file(b"content")
        app.commit({
            ".gitattributes": ATTRIBUTES,
            ".lfsconfig": f"[lfs]\n\turl = {evil.url('x/info/lfs')}\n",
            "f.bin": pointer,
        })  # fmt: skip
        with pytest.raises(SourceError):
            await deploy(home, Remote.parse(server.url("app.git"), token=TOKEN))
        assert evil.seen
        assert {seen.credential for seen in evil.seen} == {None}


@lfs
async def test_large_files_that_no_release_uses_are_dropped(app: Repository, server: GitServer, home: Path) -> None:
    git = git_for(home, Remote.parse(server.url("app.git"), token=TOKEN))
    for number in range(3):
        app.commit({".gitattributes": ATTRIBUTES, "f.bin": server.add_large_file(os.urandom(1000))})
        await git.checkout(await git.fetch(), home / "r" / str(number))
    store = home / "repo.git" / "lfs" / "objects"
    assert sum(path.is_file() for path in store.rglob("*")) == 3
    await git.remove(home / "r" / "0")
    await git.tidy()
    assert sum(path.is_file() for path in store.rglob("*")) == 2


async def test_missing_lfs_is_a_remark(app: Repository, home: Path, tmp_path: Path) -> None:
    pointer = pointer_to(b"content")
    app.commit({".gitattributes": ATTRIBUTES, "f.bin": pointer})
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    git = git_for(home, app.path, environment={"PATH": str(programs)})
    notes = await git.checkout(await git.fetch(), home / "r" / "1")
    assert len(notes) == 1 and "git-lfs is not installed" in notes[0]
    assert (home / "r" / "1" / "f.bin").read_text() == pointer
