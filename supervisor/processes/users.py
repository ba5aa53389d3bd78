"""Which directories processes still use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

MOST_COMMAND_BYTES = 1024 * 1024
_BETWEEN = {b"", *(bytes((byte,)) for byte in b"\0\t\n \"'(),:;=")}
"""What may stand before and after a path in a command line or a map."""


def users_of(directories: Collection[Path]) -> dict[Path, int]:
    """Those of `directories` that a process stands in, runs a program of, has a file of open or mapped, or names in
    its command line; with the number of one such process. What may not be seen (of another user, where Orbit is not
    root) is passed over. One look at every process: some tenths of a second where there are many."""
    wanted = {}
    for directory in directories:
        for name in {os.fsencode(directory), os.path.realpath(os.fsencode(directory))}:
            wanted[name] = directory
    found: dict[Path, int] = {}
    for entry in os.scandir("/proc") if wanted else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            for text in _places(f"/proc/{entry.name}"):
                for name, directory in wanted.items():
                    if directory not in found and _names(text, name):
                        found[directory] = int(entry.name)
    return found


def _places(process: str) -> Iterator[bytes]:
    """Every text of a process in which a path may stand."""
    for link in ("cwd", "exe", "root"):
        with contextlib.suppress(OSError):
            yield os.readlink(os.fsencode(f"{process}/{link}"))  # noqa: PTH115 as bytes: names are not always text
    with contextlib.suppress(OSError), os.scandir(os.fsencode(f"{process}/fd")) as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                yield os.readlink(descriptor.path)  # noqa: PTH115
    for name in ("maps", "cmdline"):
        with contextlib.suppress(OSError), open(f"{process}/{name}", "rb") as file:
            yield file.read(MOST_COMMAND_BYTES) if name == "cmdline" else file.read()


def _names(text: bytes, path: bytes) -> bool:
    """Whether `path`, or something in it, stands in `text`; not if it is only a part of another path."""
    at = text.find(path)
    while at >= 0:
        before, after = text[max(at - 1, 0) : at], text[at + len(path) : at + len(path) + 1]
        if before in _BETWEEN and (after in _BETWEEN or after == b"/"):
            return True
        at = text.find(path, at + 1)
    return False
