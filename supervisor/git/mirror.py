"""The bare repository that all releases are worktrees of: fetched into, mended, kept small.

It has one ref, `refs/orbit/head`, which every fetch overwrites: there is nothing to prune, and a branch `a`
that became `a/b` is no conflict. What keeps older commits is the HEAD of each release's worktree.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from supervisor.errors import SourceError
from supervisor.files import remove_tree
from supervisor.git.answers import Kind, Refused
from supervisor.git.client import Client
from supervisor.model import Commit, Exit

HEAD = "refs/orbit/head"
SEARCH = "refs/orbit/search"

MOST_TEXT_BYTES = 65536
MOST_PACKS = 20
MOST_LOOSE_OBJECTS = 2000
SMALL_BYTES = 32 * 1024 * 1024
KEPT_UNUSED = "10.minutes.ago"  # somebody may be writing what nothing refers to yet

_QUIET = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")
_SHOW = "log -1 --no-patch --no-show-signature --no-notes --encoding=UTF-8 --format=%H%x00%an%x00%at%x00%s"


class Mirror:
    """`repo.git`. Its callers see to it that only one of these methods runs at a time."""

    def __init__(self, client: Client, path: Path, depth: int, warn: Callable[[str], None]) -> None:
        self._client = client
        self.path = path
        self._depth = depth
        self._warn = warn
        self._fresh = path.with_name(f"{path.name}.new")
        self._broken = path.with_name(f"{path.name}.broken")
        self._tidied_bytes: int | None = None  # None: not looked at yet
        self._prepared: set[Path] = set()
        local = client.remote.is_local  # whose owner may be anybody: it is the repository that the user named
        self.reach = ("--upload-pack=git -c 'safe.directory=*' upload-pack",) if local else ()

    async def fetch(self, source: str) -> Commit:
        """Fetch `source` (HEAD, a full ref, or a commit's name) and say what it is.

        A lock that a killed git has left is removed; a damaged mirror is made anew. Raises Refused,
        SourceError.
        """
        unlocked = False
        if _is_foreign(self.path):
            return await self.rebuild(source)
        while True:
            result = await self._prepare(self.path)
            if result is None:
                result = await self._fetch(self.path, source)
            if result.ok:
                return _commit(result)
            answer = self._client.judge(result)
            if answer.kind in (Kind.BROKEN, Kind.UNKNOWN):
                return await self.rebuild(source)
            if answer.kind is not Kind.LOCKED or unlocked:
                raise Refused(answer)
            await self._unlock()
            unlocked = True

    async def search(self, sha: str) -> Commit:
        """Find a commit on a server that hands out branches and tags only: fetch them all, with their
        history.

        Raises Refused, or SourceError if it is not there.
        """
        history = ("--unshallow",) if (self.path / "shallow").exists() else ()
        git = f"git --git-dir={shlex.quote(str(self.path))}"
        result = await self._client.script(
            f'"$@" || exit; {git} {_SHOW} {sha} 2>/dev/null && {git} update-ref {HEAD} {sha}; '
            f"{git} for-each-ref --format='delete %(refname)' {SEARCH} | {git} update-ref --stdin",
            f"--git-dir={self.path}",
            "fetch",
            *_QUIET,
            *history,
            *self.reach,
            self._client.remote.url,
            f"+refs/heads/*:{SEARCH}/heads/*",
            f"+refs/tags/*:{SEARCH}/tags/*",
            opened=True,
        )
        if not result.ok:
            raise Refused(self._client.judge(result))
        if not result.output:
            raise SourceError(f"cannot fetch {self._client.remote.redacted}: it has no commit {sha}")
        return _commit(result)

    async def rebuild(self, source: str) -> Commit:
        """Make the mirror anew beside the damaged one, then put it in its place; the worktrees stay
        registered.

        Raises Refused, SourceError; then the old one is still there.
        """
        try:
            await asyncio.to_thread(remove_tree, self._fresh)
            result = await self._prepare(self._fresh) or await self._fetch(self._fresh, source)
            if not result.ok:
                raise Refused(self._client.judge(result))
            commit = _commit(result)
            await self._fetch_releases(commit)
            await asyncio.to_thread(self._exchange)
        finally:
            await asyncio.to_thread(remove_tree, self._fresh)
        self._warn(f"the mirror {self.path} was damaged and has been made anew; the releases stay as they are")
        return commit

    async def tidy(self) -> None:
        """Drop what no release and no fetch needs any more, if enough of it may have come together.

        Raises SourceError.
        """
        packs, loose, size = await asyncio.to_thread(_measure, self.path / "objects")
        if self._tidied_bytes is None:
            self._tidied_bytes = size
        grown = size > SMALL_BYTES + 2 * self._tidied_bytes
        if not (grown or packs > MOST_PACKS or loose > MOST_LOOSE_OBJECTS):
            return
        await self._unlock()
        result = await self._git(
            self.path,
            *("-c", "gc.worktreePruneExpire=never"),  # git's user may not see all of them: that is for `sweep`
            *("-c", "gc.reflogExpire=now", "-c", "gc.reflogExpireUnreachable=now", "-c", "pack.threads=1"),
            *("gc", "--quiet", "--force", f"--prune={KEPT_UNUSED}"),
        )
        if not result.ok:
            raise self._client.error(f"tidy {self.path}", result)
        _, _, self._tidied_bytes = await asyncio.to_thread(_measure, self.path / "objects")

    def registrations(self) -> Iterator[tuple[Path, Path | None]]:
        """The directory that git keeps of each worktree, and the worktree; None if it never got that far."""
        if not is_real(self.path, "worktrees"):
            return
        try:
            entries = sorted((self.path / "worktrees").iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            text = _text(entry / "gitdir")
            yield entry, Path(text).parent if text else None

    async def _prepare(self, path: Path) -> Exit | None:
        """Make the repository where it, or a part of it, is missing, and tell it its origin, which LFS and
        relative submodules start from. The Exit if that failed."""
        if path in self._prepared and _is_complete(path):
            return None
        if path == self.path:
            self._finish_exchange()
        self._client.make(path)
        place = shlex.quote(str(path))
        result = await self._client.script(
            f'"$@" init --quiet --bare --object-format=sha1 --template= {place} '
            f'&& "$@" --git-dir={place} config remote.origin.url {shlex.quote(self._client.remote.url)}'
        )
        if not result.ok:
            return result
        self._prepared.add(path)
        return None

    async def _fetch(self, path: Path, source: str) -> Exit:
        done = False
        try:
            result = await self._client.script(
                f'"$@" && exec git --git-dir={shlex.quote(str(path))} {_SHOW} {HEAD}',
                f"--git-dir={path}",
                "fetch",
                *_QUIET,
                *self._history(path),
                *self.reach,
                self._client.remote.url,
                f"+{source}:{HEAD}",
                opened=True,
            )
            done = result.ok
            return result
        finally:
            if not done:
                _drop_unfinished(path / "objects")

    async def _fetch_releases(self, newest: Commit) -> None:
        """The commits of older releases, so that `git log` goes on working in them. Not every server hands
        them out, and `git rev-parse HEAD` works without."""
        shas = sorted(set(self.checked_out()) - {newest.sha})
        if shas:
            history, url = self._history(self._fresh), self._client.remote.url
            await self._git(self._fresh, "fetch", *_QUIET, *history, *self.reach, url, *shas, opened=True)

    def _history(self, path: Path) -> tuple[str, ...]:
        if self._depth:
            return (f"--depth={self._depth}",)
        return ("--unshallow",) if (path / "shallow").exists() else ()

    async def _git(self, path: Path, *arguments: str, opened: bool = False) -> Exit:
        return await self._client.git(f"--git-dir={path}", *arguments, opened=opened)

    async def _unlock(self) -> None:
        """Remove the locks of a git that was killed: no other one runs in the mirror."""
        await self._client.plain(
            *("find", str(self.path), "-path", f"{self.path}/worktrees", "-prune", "-o"),
            *("(", "-name", "*.lock", "-o", "-name", "gc.pid", ")", "-exec", "rm", "-f", "{}", "+"),
        )

    def checked_out(self) -> Iterator[str]:
        """The commits of all worktrees."""
        for entry, _ in self.registrations():
            sha = _text(entry / "HEAD")
            if sha and all(digit in "0123456789abcdef" for digit in sha):
                yield sha

    def _exchange(self) -> None:
        remove_tree(self._broken)
        if self.path.exists():
            self.path.rename(self._broken)
            if (self._broken / "worktrees").is_dir():
                (self._broken / "worktrees").rename(self._fresh / "worktrees")
        self._fresh.rename(self.path)
        self._prepared = {self.path}
        remove_tree(self._broken)

    def _finish_exchange(self) -> None:
        """What a crash in `_exchange` has left."""
        if self.path.exists():
            return
        if (self._fresh / "worktrees").is_dir():
            self._fresh.rename(self.path)
        elif self._broken.is_dir():
            self._broken.rename(self.path)


def _commit(result: Exit) -> Commit:
    sha, author, seconds, subject = result.output.decode("utf-8", "replace").rstrip("\n").split("\0", 3)
    try:
        authored_at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # a commit may claim any date
        authored_at = datetime.fromtimestamp(0, UTC)
    return Commit(sha, _printable(subject), _printable(author), authored_at)


def _printable(text: str) -> str:
    """Both go to logs and terminals, which a commit must not command."""
    return "".join(character if character.isprintable() else " " for character in text)


def _drop_unfinished(objects: Path) -> None:
    """Remove what a fetch had received when it failed or was ended: git leaves it, and it may be all of a full disk."""
    if not is_real(objects.parent, "objects") or not is_real(objects, "pack"):
        return
    with contextlib.suppress(OSError):
        for pattern in ("pack/tmp_*", "??/tmp_obj_*", "tmp_obj_*"):
            for path in objects.glob(pattern):
                path.unlink(missing_ok=True)


def is_real(parent: Path, *names: str) -> bool:
    """Whether each of the nested `names` below `parent` is a directory, and no link: the mirror belongs to the user
    whom the application runs as, who must not lead Orbit, perhaps root, to other places."""
    for name in names:
        parent = parent / name
        if parent.is_symlink() or not parent.is_dir():
            return False
    return True


_PARTS = {"HEAD": stat.S_ISREG, "config": stat.S_ISREG, "objects": stat.S_ISDIR, "refs": stat.S_ISDIR}


def _is_complete(path: Path) -> bool:
    return all(os.path.lexists(path / name) for name in _PARTS)


def _is_foreign(path: Path) -> bool:
    """Whether something stands where a part of a repository would: a FIFO, which git would wait for, or a link."""
    for name, is_kind in _PARTS.items():
        with contextlib.suppress(OSError):
            if not is_kind((path / name).lstat().st_mode):
                return True
    return False


def _text(path: Path) -> str | None:
    """Of a small file; None if it is not there, is none, or cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        return os.read(fd, MOST_TEXT_BYTES).decode("utf-8", "surrogateescape").strip()
    except OSError:
        return None
    finally:
        os.close(fd)


def _measure(objects: Path) -> tuple[int, int, int]:
    """How many packs and loose objects there are, and the bytes of all."""
    packs = loose = size = 0
    for directory, _, names in os.walk(objects):
        with os.scandir(directory) as entries:
            size += sum(entry.stat(follow_symlinks=False).st_size for entry in entries if entry.is_file())
        packs += sum(name.endswith(".pack") for name in names)
        loose += len(names) if len(Path(directory).name) == 2 else 0
    return packs, loose, size
