"""Room for a release: looked for before it is built, made where there is none, and refused only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from supervisor import disk
from supervisor.deploy.attempt import Attempt, StageFailed
from supervisor.deploy.context import Context
from supervisor.deploy.housekeeping import Housekeeping, measure
from supervisor.disk import Space
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore

RESERVED_INODES = 1000
PLENTY = Space(8 << 30, 1_000_000)
"""No release takes as much; who has it need not be asked more."""
TO_FETCH = Space(16 << 20, 100)


class Room:
    """What stands between a deployment and a full disk."""

    def __init__(self, context: Context, store: ReleaseStore, housekeeping: Housekeeping) -> None:
        self._context = context
        self._store = store
        self._housekeeping = housekeeping
        self._home = context.layout.home
        self._reserve = Space(context.settings.disk_reserve_bytes, RESERVED_INODES)

    async def to_fetch(self, attempt: Attempt) -> None:
        """Make some if there is next to none; whether it is enough, the fetch will show. Raises OSError."""
        await self._housekeeping.caches.pause()
        wanted = Space(min(self._reserve.bytes, TO_FETCH.bytes), TO_FETCH.inodes)
        if self._reserve.bytes and not self._has(wanted):
            await self._reclaim(wanted, attempt, with_last=False)

    async def to_build(self, attempt: Attempt) -> None:
        """See to it that a release like the live one fits in beside the reserve. Raises StageFailed, OSError."""
        await self._housekeeping.prune_build_logs()
        if not self._reserve.bytes or is_plenty(disk.of(self._home), self._reserve):
            return
        live = self._store.current()
        needed = self._reserve + (await measure(live.directory) if live else Space())
        if self._has(needed):
            return
        removed = await self._reclaim(needed, attempt, with_last=True)
        free = disk.of(self._home).free
        if not free.covers(needed):
            raise StageFailed(refusal(self._home, free, needed, removed))

    def _has(self, needed: Space) -> bool:
        return disk.of(self._home).free.covers(needed)

    async def _reclaim(self, needed: Space, attempt: Attempt, with_last: bool) -> str:
        """Remove one thing after another until there is enough; what it was, in words."""
        before, removed = disk.of(self._home).free, []
        async with self._housekeeping.alone:
            for name, step in self._steps(needed, with_last):
                if self._has(needed):
                    break
                if await step():
                    removed.append(name)
        if not removed:
            return ""
        gained = disk.of(self._home).free.bytes - before.bytes
        told = f"{' and '.join(removed)} ({in_words(max(gained, 0))})"
        attempt.warn(f"the disk of {self._home} is nearly full: removed {told}")
        return told

    def _steps(self, needed: Space, with_last: bool) -> Iterable[tuple[str, Callable[[], Awaitable[object]]]]:
        store, keeper = self._store, self._housekeeping
        parts = retention.expendable(store.all(), store.current(), self._context.settings.keep_releases)
        useless = [*store.unfinished(), *(release.directory for release in parts.superfluous)]
        older = [release.directory for release in parts.older]
        yield "what was left of releases", lambda: self._remove(useless, needed)
        yield "logs of builds", keeper.prune_build_logs
        yield "runtimes that no release uses", lambda: keeper.prune_runtimes(all_unused=True)
        yield "older releases", lambda: self._remove(older, needed)
        yield "downloads of package managers and snapshots", lambda: self._trim_caches(needed)
        if with_last and parts.last:
            last = parts.last.directory
            yield f"release {last.name}", lambda: self._remove_last(last, needed)

    async def _remove(self, directories: Iterable[Path], needed: Space) -> bool:
        removed = False
        for directory in await self._housekeeping.removable(directories):
            if self._has(needed):
                break
            removed = await self._housekeeping.remove(directory) or removed
        return removed

    async def _trim_caches(self, needed: Space) -> int:
        free = disk.of(self._home).free
        layout = self._context.layout
        kept = await measure(layout.cache) + await measure(layout.snapshots)
        budget = 0 if free.inodes < needed.inodes else kept.bytes - (needed.bytes - free.bytes)
        return await self._housekeeping.trim_caches(max(budget, 0))

    async def _remove_last(self, directory: Path, needed: Space) -> bool:
        """Only where that helps: without it there is nothing to go back to."""
        if not (disk.of(self._home).free + await measure(directory)).covers(needed):
            return False
        return await self._remove([directory], needed)


def is_plenty(on: disk.Disk, reserve: Space) -> bool:
    """Whether a release like the live one fits in, whatever it takes: that is no more than all that is in use."""
    most = Space(min(on.used.bytes, PLENTY.bytes), min(on.used.inodes, PLENTY.inodes))
    return on.free.covers(reserve + most)


def refusal(home: Path, free: Space, needed: Space, removed: str) -> str:
    """Why there is no deployment, in one line."""
    lacks = []
    if free.bytes < needed.bytes:
        lacks.append(f"{in_words(free.bytes)} are free and {in_words(needed.bytes)} needed")
    if free.inodes < needed.inodes:
        lacks.append(f"{free.inodes} inodes (files) are free and {needed.inodes} needed")
    already = f"; already removed: {removed}" if removed else ""
    return (
        f"too little room on the disk of {home}: {' and '.join(lacks)}, for a release like the live one and "
        f"DISK_RESERVE{already}. Remove something there or make the disk larger, then update again; or set "
        "DISK_RESERVE lower"
    )


def in_words(size: int) -> str:
    """Bytes as they are read best."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size // unit} {name}"
    return f"{size} bytes"
