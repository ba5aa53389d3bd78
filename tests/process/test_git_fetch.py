"""What is the newest commit, and getting it: real git against local repositories and an HTTP server."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supervisor.errors import SourceError, SourceUnreachable
from supervisor.git import Git
from tests.gitserver import GitServer, PlainRunner, Repository, git_for


@pytest.fixture
def app(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "srv" / "app.git")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "srv") as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def mirror(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", f"--git-dir={home / 'repo.git'}", *arguments), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_fetched_commit_is_described(app: Repository, home: Path) -> None:
    sha = app.commit({"a": "1"}, "Grüße: \x1b[31m a subject\n\nand a body")
    commit = await git_for(home, app.path).fetch()
    assert commit.subject.isprintable()
    assert (commit.sha, commit.short, commit.author) == (sha, sha[:7], "A U Thor")
    assert commit.subject.startswith("Grüße") and "body" not in commit.subject
    assert abs(commit.authored_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_default_branch_is_the_remotes(tmp_path: Path, home: Path) -> None:
    app = Repository.create(tmp_path / "app.git", branch="trunk")
    sha = app.commit({"a": "1"}, branch="trunk")
    app.commit({"a": "2"}, branch="main")
    git = git_for(home, app.path)
    assert await git.head() == ("trunk", sha)
    assert (await git.fetch()).sha == sha


async def test_branches_and_tags_and_commits_can_be_named(app: Repository, home: Path) -> None:
    first = app.commit({"a": "1"})
    app.git("-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "-m", "one", "v1", first)
    second = app.commit({"a": "2"})
    other = app.commit({"a": "3"}, branch="feature/x")
    git = git_for(home, app.path)
    for ref, sha in {
        "main": second,
        "feature/x": other,
        "refs/heads/feature/x": other,
        "v1": first,
        "refs/tags/v1": first,
        first: first,
    }.items():
        assert (await git.fetch(ref)).sha == sha
        assert await git.head(ref) == (ref, sha)


async def test_branch_counts_more_than_a_tag_of_its_name(app: Repository, home: Path) -> None:
    first = app.commit({"a": "1"})
    app.git("tag", "main", first)
    second = app.commit({"a": "2"})
    git = git_for(home, app.path)
    assert (await git.fetch("main")).sha == second
    assert (await git.head("main"))[1] == second


async def test_branch_is_not_mistaken_for_one_that_ends_like_it(app: Repository, home: Path) -> None:
    app.git("update-ref", "refs/other/refs/heads/main", app.commit({"a": "0"}, branch="side"))
    sha = app.commit({"a": "1"})
    assert await git_for(home, app.path).head("main") == ("main", sha)


async def test_update_takes_one_command_and_checkout_another(app: Repository, home: Path) -> None:
    runner = PlainRunner()
    git = git_for(home, app.path, runner)
    app.commit({"a": "1"})
    await git.fetch()
    runner.commands.clear()
    sha = app.commit({"a": "2"})
    commit = await git.fetch()
    await git.checkout(commit, home / "releases" / "1")
    assert commit.sha == sha
    assert len(runner.commands) == 2


async def test_history_is_as_deep_as_asked(app: Repository, home: Path) -> None:
    for number in range(5):
        app.commit({"a": str(number)})

    async def depth_with(depth: int) -> int:
        await git_for(home, app.path, depth=depth).fetch()
        return int(mirror(home, "rev-list", "--count", "refs/orbit/head"))

    assert [await depth_with(depth) for depth in (1, 3, 0, 0, 1)] == [1, 3, 5, 5, 1]


async def test_mirror_stays_small_in_refs(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    app.git("tag", "v1", "main")
    git = git_for(home, app.path)
    for number in range(3):
        app.commit({"a": str(number)}, branch=f"b{number}")
        await git.fetch(f"b{number}")
    assert mirror(home, "for-each-ref", "--format=%(refname)") == "refs/orbit/head"


async def test_force_push_is_followed(app: Repository, home: Path) -> None:
    git = git_for(home, app.path)
    app.commit({"a": "1"})
    await git.fetch()
    sha = app.commit({"b": "2"}, orphan=True)
    assert (await git.fetch()).sha == sha


async def test_branch_that_became_a_folder_is_no_conflict(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    app.commit({"a": "1"}, branch="x")
    git = git_for(home, app.path)
    await git.fetch("x")
    app.git("update-ref", "-d", "refs/heads/x")
    sha = app.commit({"a": "2"}, branch="x/y")
    assert (await git.fetch("x/y")).sha == sha


async def test_another_repository_may_take_the_place_of_the_first(app: Repository, tmp_path: Path, home: Path) -> None:
    app.commit({"a": "1"})
    await git_for(home, app.path).fetch()
    other = Repository.create(tmp_path / "other.git")
    sha = other.commit({"b": "1"})
    assert (await git_for(home, other.path).fetch()).sha == sha
    assert mirror(home, "config", "remote.origin.url") == str(other.path)


async def test_deleted_branch_is_told_with_those_there_are(app: Repository, home: Path) -> None:
    git = git_for(home, app.path)
    for branch in ("production", "develop"):
        app.commit({"a": "1"}, branch=branch)
    await git.fetch("production")
    app.git("update-ref", "-d", "refs/heads/production")
    app.commit({"a": "1"}, branch="products")
    for asked in (git.fetch("production"), git.head("production")):
        with pytest.raises(
            SourceError, match=r"no branch or tag production.*GIT_BRANCH.*: products, develop$"
        ) as caught:
            await asked
        assert not isinstance(caught.value, SourceUnreachable)


async def test_only_ten_branches_are_named(app: Repository, home: Path) -> None:
    first = app.commit({"a": "1"})
    for number in range(30):
        app.git("update-ref", f"refs/heads/b{number}", first)
    with pytest.raises(SourceError, match=r"and 21 more$") as caught:
        await git_for(home, app.path).fetch("nosuch")
    assert str(caught.value).count("b") < 25


async def test_head_that_names_no_branch_is_told(tmp_path: Path, home: Path) -> None:
    app = Repository.create(tmp_path / "app.git", branch="master")
    app.commit({"a": "1"}, branch="main")
    for asked in (git_for(home, app.path).fetch(), git_for(home, app.path).head()):
        with pytest.raises(SourceError, match="set GIT_BRANCH to one of these: main"):
            await asked


async def test_empty_repository_is_told(app: Repository, home: Path) -> None:
    git = git_for(home, app.path)
    for asked in (git.fetch(), git.fetch("main"), git.head(), git.head("main")):
        with pytest.raises(SourceError, match="the repository is empty; push a commit"):
            await asked


async def test_abbreviated_commit_is_refused(app: Repository, home: Path) -> None:
    sha = app.commit({"a": "1"})
    with pytest.raises(SourceError, match="40 digits"):
        await git_for(home, app.path).fetch(sha[:10])


@pytest.mark.parametrize(
    "ref", ["--upload-pack=x", "-x", "a b", "a:b", "a..b", "a^", "x\ny", "", "a.lock", "/a", "a/", "@{1}"]
)
async def test_what_is_no_ref_is_refused(app: Repository, home: Path, ref: str) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    for asked in (git.fetch(ref), git.head(ref)):
        with pytest.raises(SourceError, match="as a branch"):
            await asked


async def test_older_commit_is_fetched_by_its_name(app: Repository, server: GitServer, home: Path) -> None:
    first = app.commit({"a": "1"})
    app.commit({"a": "2"})
    assert (await git_for(home, server.url("app.git")).fetch(first)).sha == first


async def test_commit_is_found_on_a_server_that_hands_out_branches_only(
    app: Repository, server: GitServer, home: Path
) -> None:
    first = app.commit({"a": "1"})
    for number in range(3):
        app.commit({"a": str(number)})
    server.protocol_2 = False
    git = git_for(home, server.url("app.git"))
    await git.fetch()
    assert (await git.fetch(first)).sha == first
    await git.checkout(await git.fetch(first), home / "r" / "1")
    assert mirror(home, "for-each-ref", "--format=%(refname)") == "refs/orbit/head"
    with pytest.raises(SourceError, match="has no commit 1111"):
        await git.fetch("1" * 40)
    assert mirror(home, "for-each-ref", "--format=%(refname)") == "refs/orbit/head"


async def test_unknown_commit_is_told(app: Repository, server: GitServer, home: Path) -> None:
    app.commit({"a": "1"})
    with pytest.raises(SourceError, match="no such commit"):
        await git_for(home, server.url("app.git")).fetch("1" * 40)


async def test_local_repository_with_a_work_tree_can_be_the_remote(tmp_path: Path, home: Path) -> None:
    work = tmp_path / "work tree"
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(("git", "init", "-q", "-b", "main", str(work)), check=True)
    (work / "a").write_text("1")
    subprocess.run(("git", "-C", str(work), "add", "."), check=True)
    subprocess.run(("git", "-C", str(work), *identity, "commit", "-qm", "one"), check=True)
    git = git_for(home, f"file://{work}")
    branch, sha = await git.head()
    assert branch == "main"
    assert (await git.fetch()).sha == sha


async def test_path_that_is_no_repository_is_told(tmp_path: Path, home: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nosuch"):
        with pytest.raises(SourceError, match="no git repository; check the address"):
            await git_for(home, path).fetch()


async def test_calls_at_the_same_time_do_not_disturb_each_other(app: Repository, home: Path) -> None:
    app.commit({"a": "1"})
    git = git_for(home, app.path)
    commit = await git.fetch()
    results = await asyncio.gather(
        git.fetch(),
        git.checkout(commit, home / "r" / "1"),
        git.fetch("main"),
        git.checkout(commit, home / "r" / "2"),
        git.head(),
        git.tidy(),
    )
    assert results[0] == results[2] == commit


async def test_large_repository_is_updated_quickly(tmp_path: Path, home: Path) -> None:
    app = Repository.create(tmp_path / "app.git")
    app.commit({f"d{number % 40}/f{number}.txt": f"line {number}\n" * 5 for number in range(20_000)})
    git = git_for(home, app.path)
    await git.fetch()
    sha = app.commit({"d0/f0.txt": "changed"})
    loop = asyncio.get_running_loop()
    since = loop.time()
    assert (await git.fetch()).sha == sha
    assert loop.time() - since < 2.0
    assert int(mirror(home, "count-objects").split()[0]) < 100  # only what changed was sent


async def test_git_that_is_not_installed_is_told(app: Repository, tmp_path: Path, home: Path) -> None:
    app.commit({"a": "1"})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    git: Git = git_for(home, app.path, environment={"PATH": str(tmp_path / "bin")})
    for asked in (git.fetch(), git.head()):
        with pytest.raises(SourceError, match="git is not installed"):
            await asked
