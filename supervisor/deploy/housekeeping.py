"""What bounds the use of disk: old releases, build logs and records go after each deployment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loguru import logger

from supervisor.deploy.build import Builder
from supervisor.deploy.context import Context
from supervisor.deploy.records import Records
from supervisor.errors import OrbitError
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore

MOST_BUILD_LOGS = 50


async def tidy(
    context: Context,
    store: ReleaseStore,
    records: Records,
    builder: Builder,
    is_in_use: Callable[[Path], bool],
) -> None:
    """Remove what is beyond its bound. What cannot be removed is told of, and tried again the next time."""
    live = store.current()
    for release in retention.superfluous(store.all(), live.id if live else None, context.settings.keep_releases):
        if not is_in_use(release.directory):
            await remove(builder, release.directory, store.forget)
    for directory in store.unfinished():
        if not is_in_use(directory):  # asked each time: the next deployment may have begun meanwhile
            await remove(builder, directory, store.forget)
    try:
        records.prune()
        _prune_build_logs(context.layout.build_logs)
        await builder.tidy()
    except (OSError, OrbitError) as error:
        logger.warning("cannot tidy up: {}", error)


async def remove(builder: Builder, directory: Path, forget: Callable[[Path], None]) -> None:
    """Remove a directory that is no release, or not any more."""
    try:
        forget(directory)
        await builder.remove(directory)
    except (OSError, OrbitError) as error:
        logger.warning("cannot remove {}: {}; it is tried again after the next deployment", directory, error)


def _prune_build_logs(directory: Path) -> None:
    logs = sorted(directory.glob("*.log*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in logs[MOST_BUILD_LOGS:]:
        path.unlink(missing_ok=True)
