"""The mirror: what a crash or a broken disk leaves of it is mended, and it does not grow without bound."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.errors import SourceError
from supervisor.git import mirror as mirror_module
from supervisor.git import source as source_module
from supervisor.model import Command, Exit
from tests.gitserver import GitServer, PlainRunner, Repository, git_for


@pytest.fixture
def app(tmp_path: Path) -> Repository:
    app = Repository.create(tmp_path / "srv" / "app.git")
    app.commit({"a": "1", "sub/b": "2"})
    return app


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def git_in(directory: Path, *arguments: str) -> str:
    done = subprocess.run(("git", "-C", str(directory), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _overwrite(path: Path, content: bytes = b"") -> int:
    path.chmod(0o644)
    return path.write_bytes(content)


def _objects(repository: Path) -> list[Path]:
    return [path for path in (repository / "objects").rglob("*") if path.is_file()]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "HEAD is garbage": lambda r: _overwrite(r / "HEAD", b"\0\0\0"),
    "HEAD is empty": lambda r: _overwrite(r / "HEAD"),
    "configuration is garbage": lambda r: _overwrite(r / "config", b"[[["),
    "shallow is garbage": lambda r: _overwrite(r / "shallow", b"zzz\n"),
    "ref is empty": lambda r: _overwrite(r / "refs" / "orbit" / "head"),
    "ref is garbage": lambda r: _overwrite(r / "refs" / "orbit" / "head", b"\xff" * 41),
    "packed refs are garbage": lambda r: (r / "packed-refs").write_bytes(b"\0garbage\n"),
    "objects are empty": lambda r: [_overwrite(path) for path in _objects(r)],
    "objects are garbage": lambda r: [_overwrite(path, b"bad") for path in _objects(r)],
    "objects are missing": lambda r: subprocess.run(("rm", *map(str, _objects(r))), check=True),
    "objects directory is missing": lambda r: subprocess.run(("rm", "-rf", str(r / "objects")), check=True),
    "HEAD is missing": lambda r: (r / "HEAD").unlink(),
    "configuration is missing": lambda r: (r / "config").unlink(),
    "refs are missing": lambda r: subprocess.run(("rm", "-rf", str(r / "refs")), check=True),
}


@pytest.mark.parametrize("again", ["same process", "new process"])
@pytest.mark.parametrize("damage", DAMAGE)
async def test_damaged_mirror_is_mended_and_releases_live_on(
    app: Repository, home: Path, damage: str, again: str
) -> None:
    git = git_for(home, app.path)
    old = await git.fetch()
    await git.checkout(old, home / "r" / "1")
    DAMAGE[damage](home / "repo.git")
    sha = app.commit({"a": "new"})
    git = git if again == "same process" else git_for(home, app.path)
    commit = await git.fetch()
    assert commit.sha == sha
    await git.checkout(commit, home / "r" / "2")
    assert git_in(home / "r" / "2", "rev-parse", "HEAD") == sha
    assert (home / "r" / "2" / "sub" / "b").read_text() == "2"
    assert git_in(home / "r" / "1", "rev-parse", "HEAD") == old.sha
    assert old.sha.startswith(git_in(home / "r" / "1", "rev-parse", "--short", "HEAD"))
    assert sorted(path.name for path in home.iterdir()) == ["r", "repo.git"]


async def test_a_mirror_made_anew_is_told_and_has_the_commits_of_releases(app: Repository, home: Path) -> None:
    told: list[str] = []
    git = git_for(home, app.path, warn=told.append)
    old = await git.fetch()
    await git.checkout(old, home / "r" / "1")
    DAMAGE["objects are empty"](home / "repo.git")
    app.commit({"a": "new"})
    await git.fetch()
    assert len(told) == 1 and "been made anew" in told[0]
    assert git_in(home / "r" / "1", "log", "-1", "--format=%H") == old.sha
    assert git_in(home / "r" / "1", "status", "--porcelain") == ""


async def test_damage_that_only_a_checkout_meets_is_mended(app: Repository, home: Path) -> None:
    told: list[str] = []
    git = git_for(home, app.path, warn=told.append)
    commit = await git.fetch()
    blob = app.git("rev-parse", "main:sub/b")
    _overwrite(home / "repo.git" / "objects" / blob[:2] / blob[2:], b"bad")
    await git.checkout(commit, home / "r" / "1")
    assert (home / "r" / "1" / "sub" / "b").read_text() == "2"
    assert told


async def test_damaged_mirror_is_kept_while_the_remote_is_away(app: Repository, home: Path) -> None:
    git = git_for(home, app.path)
    old = await git.fetch()
    await git.checkout(old, home / "r" / "1")
    DAMAGE["shallow is garbage"](home / "repo.git")
    app.path.rename(app.path.with_name("away"))
    with pytest.raises(SourceError):
        await git.fetch()
    assert sorted(path.name for path in home.iterdir()) == ["r", "repo.git"]
    assert (home / "repo.git" / "worktrees" / "1").is_dir()
    app.path.with_name("away").rename(app.path)
    assert (await git.fetch()).sha == old.sha
    assert git_in(home / "r" / "1", "rev-parse", "HEAD") == old.sha


@pytest.mark.parametrize("step", ["before the worktrees moved", "after the worktrees moved"])
async def test_crash_while_the_mirror_is_exchanged_is_finished(app: Repository, home: Path, step: str) -> None:
    git = git_for(home, app.path)
    old = await git.fetch()
    await git.checkout(old, home / "r" / "1")
    fresh, broken = home / "repo.git.new", home / "repo.git.broken"
    subprocess.run(("git", "init", "-q", "--bare", str(fresh)), check=True)
    (home / "repo.git").rename(broken)
    if step == "after the worktrees moved":
        (broken / "worktrees").rename(fresh / "worktrees")
    git = git_for(home, app.path)
    assert (await git.fetch()).sha == old.sha
    assert git_in(home / "r" / "1", "rev-parse", "HEAD") == old.sha


@pytest.mark.parametrize(
    "lock", ["shallow.lock", "refs/orbit/head.lock", "packed-refs.lock", "HEAD.lock", "config.lock", "gc.pid"]
)
@pytest.mark.parametrize("again", ["same process", "new process"])
async def test_locks_of_a_killed_git_are_no_obstacle(app: Repository, home: Path, lock: str, again: str) -> None:
    git = git_for(home, app.path)
    await git.checkout(await git.fetch(), home / "r" / "1")
    (home / "repo.git" / lock).touch()
    kept = home / "repo.git" / "worktrees" / "1" / "index.lock"
    kept.touch()  # a release's own: its hooks may be running git
    sha = app.commit({"a": "new"})
    git = git if again == "same process" else git_for(home, app.path)
    commit = await git.fetch()
    assert commit.sha == sha
    await git.checkout(commit, home / "r" / "2")
    assert kept.exists()


async def test_fetch_that_was_cancelled_in_the_middle_is_no_obstacle(app: Repository, home: Path) -> None:
    app.commit({f"f{number}": os.urandom(2000) for number in range(200)})
    with GitServer(app.path.parent) as server:
        git = git_for(home, server.url("app.git"))
        stall = server.stall_next_pack()
        fetching = asyncio.create_task(git.fetch())
        await stall.wait_reached()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        stall.release()
        commit = await git.fetch()
        await git.checkout(commit, home / "r" / "1")
    assert len(list((home / "r" / "1").iterdir())) == 203


async def test_half_made_mirror_is_finished(app: Repository, home: Path) -> None:
    (home / "repo.git" / "objects").mkdir(parents=True)
    (home / "repo.git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert await git_for(home, app.path).fetch()


async def test_mirror_that_cannot_be_made_is_told(app: Repository, home: Path) -> None:
    home.mkdir()
    (home / "repo.git").write_text("a file")
    with pytest.raises(SourceError, match=r"cannot make .*repo\.git"):
        await git_for(home, app.path).fetch()


async def test_mirror_is_bounded(app: Repository, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "SMALL_BYTES", 500_000)
    monkeypatch.setattr(mirror_module, "KEPT_UNUSED", "now")
    git = git_for(home, app.path)
    sizes = []
    for number in range(12):
        app.commit({"large": os.urandom(300_000)})
        await git.checkout(await git.fetch(), home / "r" / str(number))
        if number > 1:
            await git.remove(home / "r" / str(number - 2))
        await git.tidy()
        sizes.append(sum(path.stat().st_size for path in _objects(home / "repo.git")))
    assert max(sizes) < 2_500_000
    for number in (10, 11):
        assert git_in(home / "r" / str(number), "status", "--porcelain") == ""


async def test_mirror_of_an_earlier_run_is_not_packed_at_once(
    app: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SMALL_BYTES", 1000)
    app.commit({"large": os.urandom(100_000)})
    runner = PlainRunner()
    git = git_for(home, app.path, runner)
    await git.fetch()
    runner.commands.clear()
    await git_for(home, app.path, runner).tidy()
    assert runner.commands == []


async def test_tidying_is_put_off_for_a_fetch_but_not_for_ever(
    app: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MOST_LOOSE_OBJECTS", 0)

    class Slow(PlainRunner):
        """Packing takes until it is told."""

        def __init__(self) -> None:
            super().__init__()
            self.packing = asyncio.Event()
            self.told = asyncio.Event()

        async def run(self, command: Command) -> Exit:
            if "gc" in command.argv:
                self.packing.set()
                await self.told.wait()
            return await super().run(command)

    runner = Slow()
    git = git_for(home, app.path, runner)
    await git.fetch()
    for _ in range(source_module.MOST_TIMES_PUT_OFF):
        runner.packing.clear()
        tidying = asyncio.create_task(git.tidy())
        await runner.packing.wait()
        sha = app.commit({"a": os.urandom(10)})
        assert (await git.fetch()).sha == sha
        await tidying
    runner.packing.clear()
    tidying = asyncio.create_task(git.tidy())
    await runner.packing.wait()
    fetching = asyncio.create_task(git.fetch())
    runner.told.set()
    await tidying
    assert "in-pack: 0" not in git_in(home / "repo.git", "count-objects", "-v")
    await fetching


async def test_tidying_that_is_cancelled_ends_its_command(
    app: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MOST_LOOSE_OBJECTS", 0)
    packing, ended = asyncio.Event(), asyncio.Event()

    class Stuck(PlainRunner):
        async def run(self, command: Command) -> Exit:
            if "gc" in command.argv:
                packing.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.set()
            return await super().run(command)

    git = git_for(home, app.path, Stuck())
    await git.fetch()
    tidying = asyncio.create_task(git.tidy())
    await packing.wait()
    tidying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tidying
    assert ended.is_set()
    assert await git.fetch()


async def test_tidying_is_nothing_when_nothing_is_due(app: Repository, home: Path) -> None:
    runner = PlainRunner()
    git = git_for(home, app.path, runner)
    await git.tidy()
    await git.fetch()
    runner.commands.clear()
    await git.tidy()
    assert runner.commands == []


async def test_tidying_drops_history_that_a_search_has_fetched(
    app: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = app.git("rev-parse", "main")
    for number in range(20):
        app.commit({"a": os.urandom(1000)}, str(number))
    with GitServer(app.path.parent) as server:
        server.protocol_2 = False
        git = git_for(home, server.url("app.git"))
        await git.fetch()
        await git.fetch(first)
        assert len(_objects(home / "repo.git")) > 0
        await git.fetch()
    monkeypatch.setattr(mirror_module, "MOST_LOOSE_OBJECTS", 0)
    monkeypatch.setattr(mirror_module, "KEPT_UNUSED", "now")
    await git.tidy()
    assert int(git_in(home / "repo.git", "rev-list", "--all", "--count")) == 1
    assert "in-pack: 5" in git_in(home / "repo.git", "count-objects", "-v")


async def test_tidying_sweeps_records_of_worktrees_that_are_gone(app: Repository, home: Path) -> None:
    git = git_for(home, app.path)
    commit = await git.fetch()
    await git.checkout(commit, home / "r" / "1")
    await git.checkout(commit, home / "r" / "2")
    subprocess.run(("rm", "-rf", str(home / "r" / "1")), check=True)
    killed = home / "repo.git" / "worktrees" / "3"
    killed.mkdir()
    (killed / "locked").write_text("initializing")  # as `git worktree add` leaves it when it is killed
    await git.tidy()
    assert [path.name for path in (home / "repo.git" / "worktrees").iterdir()] == ["2"]
    assert git_in(home / "r" / "2", "rev-parse", "HEAD") == commit.sha
