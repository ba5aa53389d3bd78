"""Reading the status file as it changes."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchdog.events import (
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from supervisor.control import status
from supervisor.layout import Layout

logging.getLogger("watchdog").addHandler(logging.NullHandler())  # else it complains on the terminal when it is stopped
ALIVE_S = 2.0
"""How often, while nothing changes, it is looked whether the supervisor still lives."""

UNWATCHED_S = 0.25
"""How often a file is looked at that cannot be watched."""

_WRITING = (FileCreatedEvent, FileModifiedEvent, FileMovedEvent)


class _Changed(FileSystemEventHandler):
    def __init__(self, path: Path) -> None:
        self._name = path.name
        self.event = threading.Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if self._name in (Path(os.fsdecode(place)).name for place in (event.src_path, event.dest_path)):
            self.event.set()


def changes(path: Path, timeout_s: float) -> Iterator[None]:
    """Yields at once, then whenever the file may have changed, and at least every `timeout_s` seconds."""
    changed = _Changed(path)
    observer = Observer()
    try:
        # Not the openings and closings: our own reading would wake us, for ever.
        observer.schedule(changed, str(path.parent), event_filter=list(_WRITING))
        observer.start()
    except OSError:  # there are more watches in the system than are allowed
        timeout_s = min(timeout_s, UNWATCHED_S)
    try:
        while True:
            changed.event.clear()
            yield
            changed.event.wait(timeout_s)
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join()


def statuses(layout: Layout) -> Iterator[dict[str, Any]]:
    """The status now, then each new one, and at least every `ALIVE_S` seconds the same one. Raises NotRunning when
    there is no supervisor (any more)."""
    status.supervisor_pid(layout)
    for _ in changes(layout.status, ALIVE_S):
        facts = status.read(layout)
        if facts:
            yield facts
        status.supervisor_pid(layout)
