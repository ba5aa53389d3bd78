"""The address of a repository, taken apart: what git is given, what is shown, and the credential that goes
with it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from supervisor.errors import SourceError

MASK = "***"

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SCP = re.compile(r"(?:(?P<user>[^\s@:/]+)@)?(?P<host>[^\s@:/\[]+|\[[0-9A-Fa-f:.]+\]):(?P<path>(?!:)[^\s].*)")
_NO_SCHEME = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/\S+", re.IGNORECASE)
_SSH_ALIASES = {"git+ssh": "ssh", "ssh+git": "ssh"}
_TREES = (  # where a page of a folder has its branch and path, behind the repository's own path
    re.compile(r"(?P<repo>/.+?)/-/tree/(?P<tree>.+)"),  # GitLab
    re.compile(r"(?P<repo>/[^/]+/[^/]+)/tree/(?P<tree>.+)"),  # GitHub
    re.compile(r"(?P<repo>/[^/]+/[^/]+)/src/(?:branch|tag|commit)/(?P<tree>.+)"),  # Gitea, Forgejo
)
_BITBUCKET_TREE = re.compile(r"(?P<repo>/[^/]+/[^/]+)/src/(?P<tree>.+)")
_USERNAMES = {"github": "x-access-token", "gitlab": "oauth2", "bitbucket": "x-token-auth"}


class Transport(StrEnum):
    """How git reaches a repository."""

    HTTPS = "https"
    HTTP = "http"
    SSH = "ssh"
    LOCAL = "file"


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address and what opens it.

    `url` is what git is given; there is never a secret in it. `tree` is what followed `/tree/` in the address
    of a folder's page: a branch and perhaps a path, which only the repository can tell apart if there is a
    slash in it. `path` is a local repository's own. `token` goes with `username` over HTTP; `ssh_key` is a
    private key's text or the absolute path of one; `known_hosts` a file with the only host keys to trust.
    """

    url: str
    transport: Transport
    host: str = ""
    tree: str | None = None
    path: Path | None = None
    username: str | None = None
    token: str | None = field(default=None, repr=False)
    ssh_key: str | None = field(default=None, repr=False)
    known_hosts: Path | None = None

    @classmethod
    def parse(
        cls,
        url: str,
        username: str | None = None,
        token: str | None = None,
        ssh_key: str | None = None,
        known_hosts: Path | None = None,
    ) -> Remote:
        """Understand an address as people write it or copy it from a browser.

        User and password in the address are taken out of it; `username` and `token`, where given, count more.
        Raises SourceError for what is no address of a repository, or a transport that is not allowed.
        """
        text = url.strip()
        _refuse_control_characters(text, "the address of the repository")
        token = token.strip() if token else None
        _refuse_control_characters(token or "", "GIT_TOKEN")
        _refuse_control_characters(username or "", "GIT_USERNAME")
        scheme = _SCHEME.match(text)
        if scheme:
            remote = _from_url(_SSH_ALIASES.get(scheme[1].lower(), scheme[1].lower()), text[scheme.end() :])
        else:
            remote = _from_path(text)
        return replace(
            remote,
            username=username or remote.username,
            token=token or remote.token,
            ssh_key=ssh_key or None,
            known_hosts=known_hosts,
        )

    @property
    def redacted(self) -> str:
        """The address for messages and logs."""
        return self.url

    @property
    def is_local(self) -> bool:
        return self.transport is Transport.LOCAL

    @property
    def git_directory(self) -> Path | None:
        """Where a local repository keeps its refs, to be watched; None for a repository elsewhere."""
        if self.path is None:
            return None
        inner = self.path / ".git"
        try:
            if inner.is_dir():
                return inner
            return _linked_directory(inner) if inner.is_file() else self.path
        except OSError:  # it may not be looked at: that is told when it is fetched
            return self.path

    @property
    def ref(self) -> str | None:
        """The branch in the address, if its name has no slash; `Git.locate` knows for certain."""
        return self.tree.split("/", 1)[0] if self.tree else None

    @property
    def project_path(self) -> str | None:
        """The path in the address, if the branch's name has no slash; `Git.locate` knows for certain."""
        return (self.tree or "").partition("/")[2] or None

    @property
    def credential_scope(self) -> str | None:
        """The only server that may see the token, as `scheme://host[:port]`; None without a token."""
        if self.token is None or self.is_local:
            return None
        if self.transport is Transport.SSH:  # for what hangs on it: submodules and LFS over HTTPS
            return f"https://{self.host.partition(':')[0]}"
        return f"{self.transport}://{self.host}"

    @property
    def credential_user(self) -> str:
        """The user name that goes with the token: as given, else what the host expects."""
        if self.username:
            return self.username
        labels = self.host.partition(":")[0].lower().split(".")
        return next((user for label, user in _USERNAMES.items() if label in labels), "git")

    def redact(self, text: str) -> str:
        """`text` with the token replaced, also as it stands in a URL or in an Authorization header."""
        if not self.token:
            return text
        basic = base64.b64encode(f"{self.credential_user}:{self.token}".encode()).decode()
        for secret in (basic, quote(self.token, safe=""), self.token):
            text = text.replace(secret, MASK)
        return text


def _from_url(scheme: str, rest: str) -> Remote:
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise SourceError("cannot use the file:// address: write it as file:///path/to/repository")
        path = unquote(path)
        _refuse_control_characters(path, "the address of the repository")
        return _local(path)
    if scheme in ("https", "http"):
        return _http(Transport(scheme), rest)
    if scheme == "ssh":
        return _ssh(rest)
    raise SourceError(f"cannot use {scheme}:// addresses: they are not allowed; use https://, ssh:// or git@host:path")


def _http(transport: Transport, rest: str) -> Remote:
    try:
        parts = urlsplit(f"{transport}://{rest}")
        host = (parts.hostname or "") if parts.port is None else f"{parts.hostname}:{parts.port}"
    except ValueError:
        raise SourceError("cannot use the address of the repository: its host or port is malformed") from None
    if parts.hostname and ":" in parts.hostname:
        host = f"[{parts.hostname}]" + (f":{parts.port}" if parts.port else "")
    _require(host, parts.path)
    path, tree = _split_tree(parts.hostname or "", parts.path)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    _refuse_control_characters(user + password, "the user in the repository's address")
    if password == "x-oauth-basic" or (user and not password and _is_token(user)):
        user, password = "", user  # https://<token>@host, and GitHub's form of it
    url = f"{transport}://{host}{path}"  # a query and a fragment mean nothing to git, and may hold secrets
    return Remote(url, transport, host, tree, username=user or None, token=password or None)


def _ssh(rest: str) -> Remote:
    authority, _, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    if ":" in user:
        raise SourceError("cannot use a password with ssh://: take it out of the address and set GIT_SSH_KEY")
    _require(host, f"/{path}")
    _refuse_option(user, host, path)
    return Remote(f"ssh://{authority}/{path}", Transport.SSH, host)


def _from_path(text: str) -> Remote:
    if text.startswith("-"):
        raise SourceError("cannot use the address of the repository: it must not begin with a dash")
    if text.startswith(("/", "~/")):
        return _local(text if text.startswith("/") else str(Path(text).expanduser()))
    if _NO_SCHEME.fullmatch(text) and "@" not in text.partition("/")[0]:
        raise SourceError(f"cannot use {text}: the scheme is missing; write https://{text}")
    scp = _SCP.fullmatch(text)
    if scp and not scp["user"] and "@" in scp["path"].partition("/")[0]:
        raise SourceError("cannot use the address of the repository: the scheme is missing; put https:// before it")
    if scp:
        _refuse_option(scp["user"] or "", scp["host"], scp["path"])
        return Remote(text, Transport.SSH, scp["host"])
    if "::" in text:
        raise SourceError("cannot use remote helpers (name::address): use https://, ssh:// or git@host:path")
    shown = text if "@" not in text else "the address"
    raise SourceError(
        f"cannot use {shown or 'an empty address'}: it is neither https://…, ssh://…, git@host:path "
        "nor an absolute path"
    )


def _local(path: str) -> Remote:
    absolute = Path("/", path)
    return Remote(str(absolute), Transport.LOCAL, path=absolute)


def _split_tree(host: str, path: str) -> tuple[str, str | None]:
    """The repository's path, and branch and folder if `path` is that of a folder's page."""
    patterns = (*_TREES, _BITBUCKET_TREE) if "bitbucket" in host else _TREES
    for pattern in patterns:
        match = pattern.fullmatch(path.rstrip("/"))
        if match and not path.rstrip("/").endswith(".git"):
            return match["repo"], unquote(match["tree"])
    return path.rstrip("/"), None


def _linked_directory(file: Path) -> Path:
    """The directory of refs that a `.git` file leads to: that of a worktree's or a submodule's repository."""
    target = file.parent / file.read_text(encoding="utf-8", errors="replace").removeprefix("gitdir:").strip()
    common = target / "commondir"
    return (target / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else target


def _is_token(user: str) -> bool:
    """Whether a user without a password is rather a token: they are long, and no person's name."""
    return len(user) >= 20 or user.startswith(("ghp_", "gho_", "ghs_", "github_pat_", "glpat-"))


def _require(host: str, path: str) -> None:
    if not host.strip("[]:") or host.startswith("-"):
        raise SourceError("cannot use the address of the repository: the host is missing or malformed")
    if not path.strip("/"):
        raise SourceError(f"cannot use {host}: the address ends before the repository's name")


def _refuse_option(*parts: str) -> None:
    """Git and ssh would read such a part as an option."""
    if any(part.startswith("-") for part in parts):
        raise SourceError("cannot use the address of the repository: no part of it may begin with a dash")


def _refuse_control_characters(text: str, what: str) -> None:
    """A line break would add lines of its own to what git is told."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise SourceError(f"cannot use {what}: there is a line break or a control character in it")
