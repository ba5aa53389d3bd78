"""Addresses of repositories, as people write them, copy them, or would abuse them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.errors import SourceError
from supervisor.git import Remote, Transport
from tests.gitserver import Repository, git_for

TOKEN = "ghp_0123456789abcdefghij"


@pytest.mark.parametrize(
    ("given", "url", "transport"),
    [
        ("https://github.com/o/r", "https://github.com/o/r", Transport.HTTPS),
        ("  https://GitHub.com/o/r.git/ ", "https://github.com/o/r.git", Transport.HTTPS),
        ("HTTPS://github.com/o/r", "https://github.com/o/r", Transport.HTTPS),
        ("http://localhost:3000/o/r", "http://localhost:3000/o/r", Transport.HTTP),
        ("https://[::1]:8443/r.git", "https://[::1]:8443/r.git", Transport.HTTPS),
        ("https://github.com/o/r?tab=readme-ov-file#top", "https://github.com/o/r", Transport.HTTPS),
        ("https://gitlab.com/a/b/c/d.git", "https://gitlab.com/a/b/c/d.git", Transport.HTTPS),
        ("ssh://git@host.example:2222/o/r.git", "ssh://git@host.example:2222/o/r.git", Transport.SSH),
        ("git+ssh://git@host.example/o/r", "ssh://git@host.example/o/r", Transport.SSH),
        ("git@github.com:o/r.git", "git@github.com:o/r.git", Transport.SSH),
        ("github.com:o/r.git", "github.com:o/r.git", Transport.SSH),
        ("git@[::1]:r.git", "git@[::1]:r.git", Transport.SSH),
        ("file:///srv/r%20s.git", "/srv/r s.git", Transport.LOCAL),
        ("file://localhost/srv/r.git", "/srv/r.git", Transport.LOCAL),
        ("/srv/r.git", "/srv/r.git", Transport.LOCAL),
        ("/srv/with:colon/r.git", "/srv/with:colon/r.git", Transport.LOCAL),
    ],
)
def test_addresses_are_understood(given: str, url: str, transport: Transport) -> None:
    remote = Remote.parse(given)
    assert (remote.url, remote.transport, remote.redacted) == (url, transport, url)
    assert remote.is_local == (transport is Transport.LOCAL)


@pytest.mark.parametrize(
    ("given", "username", "token"),
    [
        (f"https://ada:{TOKEN}@github.com/o/r", "ada", TOKEN),
        (f"https://{TOKEN}@github.com/o/r", None, TOKEN),
        (f"https://{TOKEN}:x-oauth-basic@github.com/o/r", None, TOKEN),
        ("https://ada:p%40ss%2Fword@github.com/o/r", "ada", "p@ss/word"),
        ("https://ada@bitbucket.org/o/r.git", "ada", None),
    ],
)
def test_user_and_password_are_taken_out_of_the_address(given: str, username: str | None, token: str | None) -> None:
    remote = Remote.parse(given)
    assert (remote.username, remote.token) == (username, token)
    assert "@" not in remote.url
    assert token is None or token not in repr(remote) + remote.redacted


def test_what_is_set_counts_more_than_what_is_in_the_address() -> None:
    remote = Remote.parse("https://ada:old@github.com/o/r", username="eve", token=" new\n")
    assert (remote.username, remote.token) == ("eve", "new")


def test_repr_shows_no_secret() -> None:
    remote = Remote.parse("https://github.com/o/r", token=TOKEN, ssh_key="-----BEGIN KEY\nabc\n")
    assert TOKEN not in repr(remote)
    assert "BEGIN" not in repr(remote)


def test_redaction_knows_all_forms_of_the_token() -> None:
    remote = Remote.parse("https://h.example/r", username="u", token="a/b c:d")
    for form in ("a/b c:d", "a%2Fb%20c%3Ad", "dTphL2IgYzpk"):
        assert remote.redact(f"said {form}!") == "said ***!"


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("https://github.com/o/r", "x-access-token"),
        ("https://gitlab.company.example/o/r", "oauth2"),
        ("https://bitbucket.org/o/r", "x-token-auth"),
        ("https://git.example/o/r", "git"),
        ("https://notgithub.com/o/r", "git"),
    ],
)
def test_user_beside_a_token_is_what_the_host_expects(url: str, user: str) -> None:
    assert Remote.parse(url, token=TOKEN).credential_user == user


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("https://github.com/o/r", "https://github.com"),
        ("http://git.example:3000/o/r", "http://git.example:3000"),
        ("git@github.com:o/r", "https://github.com"),
        ("ssh://git@git.example:2222/o/r", "https://git.example"),
        ("/srv/r.git", None),
    ],
)
def test_token_is_for_one_server(url: str, scope: str | None) -> None:
    assert Remote.parse(url, token=TOKEN).credential_scope == scope
    assert Remote.parse(url).credential_scope is None


@pytest.mark.parametrize(
    ("given", "url", "ref", "path"),
    [
        ("https://github.com/o/r/tree/main/apps/web", "https://github.com/o/r", "main", "apps/web"),
        ("https://github.com/o/r/tree/main/", "https://github.com/o/r", "main", None),
        ("https://github.com/o/r/tree/v%231/a%20b?x=1", "https://github.com/o/r", "v#1", "a b"),
        ("https://gitlab.com/g/s/r/-/tree/dev/web?ref_type=heads", "https://gitlab.com/g/s/r", "dev", "web"),
        ("https://bitbucket.org/o/r/src/main/web", "https://bitbucket.org/o/r", "main", "web"),
        ("https://codeberg.org/o/r/src/branch/main/web", "https://codeberg.org/o/r", "main", "web"),
        ("https://git.example/o/tree.git", "https://git.example/o/tree.git", None, None),
        ("https://git.example/a/b/tree/c.git", "https://git.example/a/b/tree/c.git", None, None),
    ],
)
def test_page_of_a_folder_gives_branch_and_path(given: str, url: str, ref: str | None, path: str | None) -> None:
    remote = Remote.parse(given)
    assert (remote.url, remote.ref, remote.project_path) == (url, ref, path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("github.com/user/repo", "write https://github.com/user/repo"),
        ("git.example.com:8080/user/repo", "write https://git.example.com:8080/user/repo"),
        ("", "empty address"),
        ("user/repo", "absolute path"),
        ("./repo", "absolute path"),
        ("--upload-pack=touch /tmp/x", "dash"),
        ("-oProxyCommand=x:y", "dash"),
        ("git@-oProxyCommand=x:y", "dash"),
        ("git@host:-x", "dash"),
        ("ssh://-oProxyCommand=x/y", "host is missing or malformed"),
        ("ssh://git@host/-x", "dash"),
        ("ssh://git:secret@host/x", "GIT_SSH_KEY"),
        ("ext::sh -c id", "not|remote helpers"),
        ("fd::17", "remote helpers"),
        ("ext://x/y", "not allowed"),
        ("ftp://host/r", "not allowed"),
        ("git://host/r", "not allowed"),
        ("https:///r", "host is missing"),
        ("https://host", "ends before"),
        ("https://host/", "ends before"),
        ("https://host:port/r", "malformed"),
        ("file://elsewhere/r", "file:///path"),
        ("https://host/a\nb", "line break"),
        ("file:///a%0ab", "line break"),
        ("https://a%0ahost=evil:b@host/r", "line break"),
    ],
)
def test_what_is_no_address_is_refused(given: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        Remote.parse(given)


@pytest.mark.parametrize("option", ["username", "token"])
def test_line_break_in_a_credential_is_refused(option: str) -> None:
    with pytest.raises(SourceError, match="line break"):
        Remote.parse("https://host/r", **{option: "a\nhost=evil"})  # type: ignore[arg-type]


def test_secret_in_a_wrong_address_is_not_shown() -> None:
    for given in (f"user:{TOKEN}@github.com/o/r", f"ssh://git:{TOKEN}@host/r", f"ftp://u:{TOKEN}@host/r"):
        with pytest.raises(SourceError) as caught:
            Remote.parse(given)
        assert TOKEN not in str(caught.value)


def test_git_directory_of_local_repositories(tmp_path: Path) -> None:
    bare = Repository.create(tmp_path / "bare.git")
    bare.commit({"a": "1"})
    subprocess.run(("git", "clone", "--quiet", str(bare.path), str(tmp_path / "work")), check=True)
    subprocess.run(
        ("git", "-C", str(tmp_path / "work"), "worktree", "add", "-q", "--detach", str(tmp_path / "tree")), check=True
    )
    assert Remote.parse(f"file://{bare.path}").git_directory == bare.path
    assert Remote.parse(str(tmp_path / "work")).git_directory == tmp_path / "work" / ".git"
    assert Remote.parse(str(tmp_path / "tree")).git_directory == tmp_path / "work" / ".git"
    assert Remote.parse("https://host/r").git_directory is None


def test_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Remote.parse("~/r.git").path == tmp_path / "r.git"


@pytest.mark.parametrize(
    ("tree", "ref", "path"),
    [
        ("main/apps/web", "main", "apps/web"),
        ("feature/login/apps/web", "feature/login", "apps/web"),
        ("feature/login", "feature/login", None),
        ("v1/web", "v1", "web"),
        ("1" * 40 + "/web", "1" * 40, "web"),
        ("main", "main", None),
        ("nosuch", "nosuch", None),
    ],
)
async def test_branch_with_slashes_is_told_from_the_path(tmp_path: Path, tree: str, ref: str, path: str | None) -> None:
    repository = Repository.create(tmp_path / "app.git")
    repository.commit({"a": "1"})
    repository.commit({"a": "2"}, branch="feature/login")
    repository.git("tag", "v1", "main")
    git = git_for(tmp_path / "home", replace(Remote.parse(str(repository.path)), tree=tree))
    assert await git.locate() == (ref, path)


async def test_unknown_branch_in_the_address_is_refused_with_those_there_are(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "app.git")
    repository.commit({"a": "1"}, branch="develop")
    git = git_for(tmp_path / "home", replace(Remote.parse(str(repository.path)), tree="devlop/web"))
    with pytest.raises(SourceError, match=r"no branch or tag devlop.*develop"):
        await git.locate()


async def test_plain_address_names_neither(tmp_path: Path) -> None:
    assert await git_for(tmp_path / "home", "/srv/r.git").locate() == (None, None)
