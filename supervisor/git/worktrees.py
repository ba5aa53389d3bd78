"""Releases as worktrees of the mirror, with their submodules and large files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from supervisor.errors import SourceError
from supervisor.files import remove_tree
from supervisor.git.answers import Kind, Refused
from supervisor.git.client import Client
from supervisor.git.mirror import Mirror, is_real
from supervisor.model import Commit, Exit

MOST_ATTRIBUTES_BYTES = 1024 * 1024


class Worktrees:
    """Adds and removes worktrees of one mirror. Its callers see to it that one method runs at a time."""

    def __init__(self, client: Client, mirror: Mirror) -> None:
        self._client = client
        self._mirror = mirror
        self._large_files = 0  # those that were kept when it was last looked

    async def add(self, commit: Commit, directory: Path) -> tuple[str, ...]:
        """Put the files of `commit` into `directory`, which must be empty or absent; none of them is run.

        Returns remarks for the user. Raises SourceError; then the directory is gone.
        """
        self._make(commit, directory)
        try:
            await self._add(commit, directory)
            if (directory / ".gitmodules").is_file():
                result = await self._add_submodules(directory)
                if not result.ok:
                    raise self._client.error(f"check out the submodules of {commit.short}", result)
        except SourceError:
            await self.remove(directory)
            raise
        if not self._client.has_lfs and _wants_lfs(directory):
            return ("files are kept in Git LFS, and git-lfs is not installed: pointers stand in their place",)
        return ()

    async def remove(self, directory: Path) -> None:
        """Remove a worktree and git's record of it, also where only one is left. Raises OSError."""
        await asyncio.to_thread(self._remove, directory)

    def sweep(self) -> None:
        """Remove the records of worktrees that are not there any more. Raises OSError."""
        for record, worktree in self._mirror.registrations():
            if worktree is None or not (worktree / ".git").exists():
                remove_tree(record)

    async def drop_large_files(self) -> None:
        """Remove the large files that the mirror keeps and no worktree uses. Raises SourceError, OSError."""
        if not is_real(self._mirror.path, "lfs", "objects"):
            return
        store = self._mirror.path / "lfs" / "objects"
        if not self._client.has_lfs or await asyncio.to_thread(_count, store) == self._large_files:
            return
        used: set[str] = set()
        for sha in set(self._mirror.checked_out()):
            # not in the worktree, which git's user may not be allowed to enter
            result = await self._client.git(f"--git-dir={self._mirror.path}", "lfs", "ls-files", "--long", sha)
            if not result.ok:
                raise self._client.error(f"list the large files of {sha[:7]}", result)
            used.update(line.split(b" ", 1)[0].decode() for line in result.output.splitlines())
        await asyncio.to_thread(_keep_only, store, used)
        self._large_files = await asyncio.to_thread(_count, store)

    async def _add(self, commit: Commit, directory: Path) -> None:
        result = await self._try(commit, directory)
        if not result.ok and self._client.judge(result).kind is Kind.BROKEN:
            await self.remove(directory)
            try:
                await self._mirror.rebuild(commit.sha)
            except Refused as refused:
                raise refused.answer.error(f"check out {commit.short}", self._client.remote) from None
            self._make(commit, directory)
            result = await self._try(commit, directory)
        if not result.ok:
            raise self._client.error(f"check out {commit.short}", result)

    async def _try(self, commit: Commit, directory: Path) -> Exit:
        # forced: a directory that vanished may still be registered
        return await self._client.git(
            f"--git-dir={self._mirror.path}",
            *("worktree", "add", "--quiet", "--force", "--detach", str(directory), commit.sha),
            opened=True,
        )

    async def _add_submodules(self, directory: Path) -> Exit:
        """Submodules at their recorded commits. `sync`: the addresses that an earlier release has left in the
        mirror's configuration do not count."""
        update = '"$@" submodule --quiet update --init --recursive --checkout --jobs=4'
        result = await self._client.script(
            f'"$@" submodule --quiet sync --recursive && {update} --depth=1', cwd=directory, opened=True
        )
        if not result.ok and self._client.judge(result).kind is Kind.NOT_IN_SHALLOW:
            # not every server hands out a commit by its name: once more, with all history
            again = '"$@" submodule --quiet deinit --all --force && rm -rf "$("$@" rev-parse --git-path modules)"'
            result = await self._client.script(f"{again} && {update}", cwd=directory, opened=True)
        return result

    def _make(self, commit: Commit, directory: Path) -> None:
        self._client.make(directory)
        if any(directory.iterdir()):
            raise SourceError(f"cannot check out {commit.short}: {directory} is not empty")

    def _remove(self, directory: Path) -> None:
        remove_tree(directory)
        for record, worktree in self._mirror.registrations():
            if worktree is not None and worktree in (directory, directory.resolve()):
                remove_tree(record)


def _wants_lfs(directory: Path) -> bool:
    """Whether the checkout's own .gitattributes speak of Git LFS."""
    try:
        with open(os.open(directory / ".gitattributes", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return b"filter=lfs" in file.read(MOST_ATTRIBUTES_BYTES)
    except OSError:
        return False


def _count(store: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(store))


def _keep_only(store: Path, names: set[str]) -> None:
    for directory, _, files in os.walk(store):
        for name in files:
            if name not in names:
                Path(directory, name).unlink(missing_ok=True)
