"""What bounds the use of disk: old releases, logs, records and caches go after each deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from loguru import logger

from supervisor import disk
from supervisor.deploy import logs
from supervisor.deploy.build import Builder
from supervisor.deploy.caches import Caches
from supervisor.deploy.context import Context
from supervisor.deploy.records import Records
from supervisor.errors import OrbitError
from supervisor.processes.users import users_of
from supervisor.releases import retention
from supervisor.releases.snapshots import Snapshots
from supervisor.releases.store import ReleaseStore
from supervisor.runtimes.shelf import superfluous


class Housekeeping:
    """The one that removes what was kept. `building` is the release of the deployment that runs, `is_busy` whether
    there is one."""

    def __init__(
        self,
        context: Context,
        store: ReleaseStore,
        records: Records,
        builder: Builder,
        is_busy: Callable[[], bool],
        building: Callable[[], str | None],
    ) -> None:
        self._context = context
        self._store = store
        self._records = records
        self._builder = builder
        self._is_busy = is_busy
        self._building = building
        self.caches = Caches(context.layout.cache, Snapshots(context.layout.snapshots))
        self.alone = asyncio.Lock()
        """Whoever removes something holds it: two would be in each other's way."""

    async def tidy(self) -> None:
        """Remove what is beyond its bound. What cannot be removed is told of, and tried again the next time."""
        settings = self._context.settings
        try:
            async with self.alone:
                await self._prune_releases()
                await self.prune_runtimes()
                self._records.prune()
                await asyncio.to_thread(logs.trim, self._context.layout, settings.log_policy)
                await self.prune_build_logs()
                if settings.cache_budget_bytes and not self._is_busy():
                    await self.trim_caches(settings.cache_budget_bytes)
            await self._builder.tidy()
        except (OSError, OrbitError) as error:
            logger.warning("cannot tidy up: {}", error)

    async def _prune_releases(self) -> None:
        settings, live = self._context.settings, self._store.current()
        releases = self._store.all()
        going = retention.superfluous(releases, live.id if live else None, settings.keep_releases)
        if settings.release_budget_bytes:
            kept = [release for release in releases if release not in going]
            sizes = {release.id: (await measure(release.directory)).bytes for release in kept}
            going += retention.beyond(kept, live, sizes, settings.release_budget_bytes)
        for directory in await self.removable([*(release.directory for release in going), *self._store.unfinished()]):
            await self.remove(directory)

    async def removable(self, directories: Iterable[Path]) -> list[Path]:
        """Those of `directories` of releases that no process uses."""
        wanted = [directory for directory in directories if not self._is_needed(directory)]
        users = await asyncio.to_thread(users_of, wanted)
        for directory, pid in users.items():
            logger.info("{} is kept: process {} still uses it", directory, pid)
        return [directory for directory in wanted if directory not in users]

    async def remove(self, directory: Path) -> bool:
        """Remove a directory that is no release, or not any more; whether that was possible."""
        try:
            if self._is_needed(directory):  # asked each time: the next deployment may have begun meanwhile
                return False
            self._store.forget(directory)
            await self._builder.remove(directory)
        except (OSError, OrbitError) as error:
            logger.warning("cannot remove {}: {}; it is tried again after the next deployment", directory, error)
            return False
        return True

    async def prune_runtimes(self, all_unused: bool = False) -> bool:
        """Remove the runtimes that no release needs any more, or all that none needs now; whether there were any.
        Raises OSError."""
        shelf, live = self._builder.toolchains.shelf, self._store.current()
        if self._store.unreadable():  # it may need any of them
            return False
        unused = shelf.unused(self._search_paths())
        if not all_unused:
            since = live.built_at.timestamp() if live else 0.0
            unused = superfluous(unused, since, self._context.settings.cache_budget_bytes)
        going = [*shelf.leftovers(), *(one.directory for one in unused)]
        users = await asyncio.to_thread(users_of, going)
        leaving = [shelf.withdraw(directory) for directory in going if directory not in users]
        for directory in filter(None, leaving):
            await asyncio.to_thread(shelf.remove, directory)
        return any(leaving)

    async def trim_caches(self, budget_bytes: int) -> int:
        """Bring downloads and snapshots within a budget; the bytes that were gained. Raises OSError."""
        if self._store.unreadable():  # it may need any of the tools
            return 0
        return await self.caches.trim(budget_bytes, self._search_paths())

    def _search_paths(self) -> set[str]:
        """The directories that any release has on its PATH."""
        return {place for release in self._store.all() for place in release.search_path}

    async def prune_build_logs(self) -> int:
        """Bring the logs of earlier builds within their share; the bytes that were gained. Raises OSError."""
        share_bytes = self._context.settings.log_share_bytes
        return await asyncio.to_thread(
            logs.prune_builds, self._context.layout.build_logs, share_bytes, self._building()
        )

    def _is_needed(self, directory: Path) -> bool:
        """Whether it is live by now, or what the deployment that runs builds or goes back to. Raises OSError."""
        return directory.name in (self._store.linked(), self._building())


async def measure(directory: Path) -> disk.Space:
    """What a directory takes; nobody waits for it in vain."""
    cancelled = False
    try:
        return await asyncio.to_thread(disk.occupied, directory, lambda: cancelled)
    except asyncio.CancelledError:
        cancelled = True
        raise
