"""Watching: a repository on this machine tells of a push by itself, through its refs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from loguru import logger
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from supervisor.errors import OrbitError

logging.getLogger("watchdog").addHandler(logging.NullHandler())  # else it writes lines of its own to the console
SETTLE_S = 0.005
"""Git writes a ref in several steps; a push of several refs is one push."""


class _Refs(FileSystemEventHandler):
    """Passes on that refs may have changed, from watchdog's thread to the loop's."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        names = (str(event.src_path), str(event.dest_path))
        if any("/refs/" in name or name.endswith("packed-refs") for name in names if not name.endswith(".lock")):
            self._changed()


async def watch(
    repository: Path,
    head: Callable[[], Awaitable[str]],
    handled: Callable[[], str | None],
    ask: Callable[[str], None],
) -> None:
    """For ever: when a push moves the head to a commit that was not `handled` last, `ask` for an update."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    observer = Observer()

    def pass_on() -> None:
        loop.call_soon_threadsafe(changed.set)

    handler = _Refs(pass_on)
    try:
        observer.schedule(handler, str(repository / "refs"), recursive=True)
        observer.schedule(handler, str(repository), recursive=False)
        observer.start()
    except OSError as error:
        logger.warning("cannot watch {}: {}; pushes are noticed by polling or SIGHUP alone", repository, error)
        return
    seen: str | None = None
    try:
        while True:
            await changed.wait()
            await asyncio.sleep(SETTLE_S)
            changed.clear()
            try:
                sha = await head()
            except OrbitError as error:
                logger.warning("watching: {}", error)
                continue
            if sha == seen:
                continue
            seen = sha
            if sha != handled():
                ask("watching")
    finally:
        observer.stop()
