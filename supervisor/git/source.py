"""The source layer as the rest of Orbit sees it: what is the newest commit, get it, check it out."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from supervisor.errors import SourceError
from supervisor.git.answers import Kind, Refused
from supervisor.git.client import Client
from supervisor.git.mirror import Mirror
from supervisor.git.remote import Remote
from supervisor.git.worktrees import Worktrees
from supervisor.layout import Layout
from supervisor.model import Commit, Runner, User

MOST_BRANCHES_NAMED = 10
MOST_TIMES_PUT_OFF = 5

_SHA = re.compile(r"[0-9a-f]{40}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_REF = re.compile(
    r"(?![-/])(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))(?!\.)[^\x00-\x20\x7f~^:?*\[\\]*[^\x00-\x20\x7f~^:?*\[\\./]"
)


class Git:
    """One remote repository, its mirror, and the worktrees of that.

    `depth` is how many commits of history are fetched, 0 for all of them. `timeout_s` is for each command;
    one that runs into it raises SourceUnreachable. `warn` is told what a user should know though nothing
    failed.
    """

    def __init__(
        self,
        runner: Runner,
        layout: Layout,
        remote: Remote,
        user: User | None,
        environment: Mapping[str, str],
        depth: int = 1,
        timeout_s: float = 300.0,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.remote = remote
        self._client = Client(runner, layout, remote, user, environment, timeout_s)
        self._mirror = Mirror(self._client, layout.mirror, depth, warn)
        self._worktrees = Worktrees(self._client, self._mirror)
        self._one_at_a_time = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None
        self._times_put_off = 0

    async def head(self, ref: str | None = None) -> tuple[str, str]:
        """The branch and the commit that `ref` means at the remote now: a branch, else a tag; None is the
        default branch. A commit's full name is taken at its word. Needs no mirror. Raises SourceError."""
        if ref is not None and _SHA.fullmatch(ref):
            return ref, ref
        names = tuple(_sources(ref))
        peeled = tuple(f"{name}^{{}}" for name in names if not name.startswith("refs/heads/"))
        shas, default = await self._advertised(f"ask {self.remote.redacted}", *names, *peeled)
        for name in names:
            sha = shas.get(f"{name}^{{}}") or shas.get(name)
            if sha:
                return ref or default or "HEAD", sha
        raise await self._no_such_ref(f"ask {self.remote.redacted}", ref)

    async def locate(self) -> tuple[str | None, str | None]:
        """The branch and the project's path that a `/tree/…` address means: the longest beginning that is a
        branch or a tag, or a commit's full name. (None, None) for a plain address. Raises SourceError."""
        tree = self.remote.tree
        if tree is None:
            return None, None
        parts = [part for part in tree.split("/") if part]
        if len(parts) == 1 or _SHA.fullmatch(parts[0]):
            return parts[0], "/".join(parts[1:]) or None
        beginnings = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
        doing = f"ask {self.remote.redacted}"
        sources = {name: tuple(_sources(name)) for name in beginnings if _REF.fullmatch(name)}
        shas, _ = await self._advertised(doing, *(name for names in sources.values() for name in names))
        for beginning, names in sources.items():
            if any(name in shas for name in names):
                return beginning, tree.strip("/")[len(beginning) + 1 :] or None
        raise await self._no_such_ref(doing, parts[0])

    async def fetch(self, ref: str | None = None) -> Commit:
        """Bring the mirror what `ref` means now: a branch, else a tag, a commit's full name, or (None) the
        default branch. Raises SourceUnreachable where another try may help, SourceError where not."""
        doing = f"fetch {self.remote.redacted}"
        self._put_off_tidying()
        async with self._one_at_a_time:
            for source in _sources(ref):
                try:
                    return await self._mirror.fetch(source)
                except Refused as refused:
                    if refused.answer.kind is Kind.UNADVERTISED:
                        return await self._search(doing, source)
                    if refused.answer.kind is not Kind.NO_REF:
                        raise refused.answer.error(doing, self.remote) from None
        raise await self._no_such_ref(doing, ref)

    async def checkout(self, commit: Commit, directory: Path) -> tuple[str, ...]:
        """Put the files of a fetched commit, its submodules and large files into `directory`, absent or
        empty, as a worktree; nothing of the repository is run. Returns remarks for the user. Raises
        SourceError; then the directory is gone."""
        async with self._one_at_a_time:
            return await self._worktrees.add(commit, directory)

    async def remove(self, directory: Path) -> None:
        """Remove a worktree and git's record of it, also where only one is left. Raises SourceError."""
        try:
            await self._worktrees.remove(directory)
        except OSError as error:
            raise SourceError(f"cannot remove {directory}: {error}") from None

    async def tidy(self) -> None:
        """Bound the mirror's size. Cheap unless much has come together; that is then given up, until the next
        time, for a fetch that comes in between. Raises SourceError."""
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._worktrees.sweep)
                await self._tidy_mirror()
                await self._worktrees.drop_large_files()
            except OSError as error:
                raise SourceError(f"cannot tidy the mirror: {error}") from None

    async def _tidy_mirror(self) -> None:
        task = self._tidying = asyncio.create_task(self._mirror.tidy())
        try:
            await asyncio.wait((task,))
        finally:
            self._tidying = None
            task.cancel()
            await asyncio.wait((task,))
        if not task.cancelled():
            self._times_put_off = 0
            task.result()

    def _put_off_tidying(self) -> None:
        """Nobody shall wait for what can be done later; but it has to be done one day."""
        if self._tidying is not None and self._times_put_off < MOST_TIMES_PUT_OFF:
            self._tidying.cancel()
            self._times_put_off += 1

    async def _search(self, doing: str, sha: str) -> Commit:
        try:
            return await self._mirror.search(sha)
        except Refused as refused:
            raise refused.answer.error(doing, self.remote) from None

    async def _advertised(self, doing: str, *patterns: str) -> tuple[dict[str, str], str | None]:
        """The remote's refs, by name, that end in one of `patterns`, and its default branch if HEAD is one.
        Raises SourceError."""
        result = await self._client.git(
            "ls-remote", "--quiet", "--symref", *self._mirror.reach, self.remote.url, *patterns, opened=True
        )
        if not result.ok:
            raise self._client.error(doing, result)
        shas: dict[str, str] = {}
        default = None
        for line in result.output.decode("utf-8", "replace").splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: "):
                default = value.removeprefix("ref: refs/heads/") if name == "HEAD" else default
            else:
                shas[name] = value
        return shas, default

    async def _no_such_ref(self, doing: str, ref: str | None) -> SourceError:
        """The error for a branch that is not there; it names those that are."""
        shas, _ = await self._advertised(doing, "refs/heads/*")
        branches = sorted(name.removeprefix("refs/heads/") for name in shas if name.startswith("refs/heads/"))
        if not branches:
            return SourceError(f"cannot {doing}: the repository is empty; push a commit to it first")
        near = difflib.get_close_matches(ref or "main", branches, MOST_BRANCHES_NAMED)
        named = [*near, *(branch for branch in branches if branch not in near)][:MOST_BRANCHES_NAMED]
        more = f" and {len(branches) - len(named)} more" if len(branches) > len(named) else ""
        there = f"{', '.join(named)}{more}"
        if ref is None:
            why = f"its HEAD names a branch that does not exist; set GIT_BRANCH to one of these: {there}"
        elif _SHORT_SHA.fullmatch(ref):
            why = f"it has no branch or tag {ref}; a commit needs all its 40 digits; its branches: {there}"
        else:
            why = f"it has no branch or tag {ref}; check its name, or GIT_BRANCH; its branches: {there}"
        return SourceError(self.remote.redact(f"cannot {doing}: {why}"))


def _sources(ref: str | None) -> Iterator[str]:
    """What `ref` may mean at the remote, in the order in which it is tried. Raises SourceError if nothing."""
    if ref is None:
        yield "HEAD"
    elif _SHA.fullmatch(ref) or ref == "HEAD":
        yield ref
    elif not _REF.fullmatch(ref):
        shown = "".join(character if character.isprintable() else "?" for character in ref)
        raise SourceError(f"cannot use {shown!r} as a branch: git allows no such name; check GIT_BRANCH")
    elif ref.startswith("refs/"):
        yield ref
    else:
        yield f"refs/heads/{ref}"
        yield f"refs/tags/{ref}"
