"""What is left of a tree whose shim was killed: how it is found, and how it is ended.

Every command is started with a variable that says which tree it belongs to, and of which ORBIT_HOME. Its children
have it too, wherever they went, unless they were started without an environment; those are found by their session,
or because they came to the fork server when the shim above them died.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable

import psutil

TAG = "ORBIT_TREE"
MOST_ENVIRONMENT_BYTES = 4 * 1024 * 1024
ROUND_S = 0.05

Find = Callable[[], list[psutil.Process]]


def new_tag(owner: str) -> str:
    """A tag that no other tree has; `owner` is the supervisor's ORBIT_HOME."""
    return f"{os.urandom(8).hex()} {owner}"


def tagged(tag: str) -> list[psutil.Process]:
    """The processes of the tree with this tag."""
    return _below_all(pid for pid in psutil.pids() if _tag(pid) == tag)


def owned(owner: str, but: str | None) -> list[psutil.Process]:
    """The processes of all trees of an ORBIT_HOME, but for the one with the tag `but`."""
    return _below_all(pid for pid in psutil.pids() if (tag := _tag(pid)) and tag != but and tag[17:] == owner)


def session(leader: int) -> list[psutil.Process]:
    """The session that a command led, and what is below it."""
    return _below_all(pid for pid in psutil.pids() if leader and _session(pid) == leader)


def orphans(server: int, shims: set[int], asked: bool) -> list[psutil.Process]:
    """What has come to the fork server because its shim was killed. `shims` are those that live; while one is `asked`
    for, a copy of the fork server itself may be one that has just begun."""
    found = []
    with contextlib.suppress(psutil.Error):
        own = psutil.Process(server).cmdline()
        for child in psutil.Process(server).children():
            with contextlib.suppress(psutil.Error):
                if child.pid not in shims and not (asked and child.cmdline() == own):
                    found.append(child.pid)
    return _below_all(found)


async def end(find: Find, grace_s: float, timeout_s: float) -> bool:
    """TERM what `find` finds; after `grace_s` seconds KILL, until it finds nothing; whether that came to be within
    `timeout_s` seconds more."""
    since = time.monotonic()
    told: set[int] = set()
    while left := find():
        age = time.monotonic() - since
        if age > grace_s + timeout_s:
            return False
        for process in left:
            with contextlib.suppress(psutil.Error):
                if age >= grace_s:
                    process.kill()
                elif process.pid not in told:
                    told.add(process.pid)
                    process.terminate()
        await asyncio.sleep(ROUND_S)
    return True


def _below_all(pids: Iterable[int]) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            if root.status() != psutil.STATUS_ZOMBIE:
                found |= {process.pid: process for process in (root, *root.children(recursive=True))}
    return list(found.values())


def _tag(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = b"\0" + file.read(MOST_ENVIRONMENT_BYTES)
    except OSError:
        return None  # it has ended, or is not ours to look at
    _, found, rest = environment.partition(b"\0" + TAG.encode() + b"=")
    return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape") if found else None


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0
