"""What is left of a tree whose shim was killed: how it is found, and how it is ended.

Every command is started with a variable that says which tree it belongs to, and of which ORBIT_HOME. Its children
have it too, wherever they went, unless they were started without an environment; those are found by their session,
or because they came to the fork server when the shim above them died.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from supervisor.shim import kernel

TAG = "ORBIT_TREE"
MOST_ENVIRONMENT_BYTES = 4 * 1024 * 1024
ROUND_S = 0.05

Find = Callable[[], set[int]]


def owner_of(home: Path) -> str:
    """What an ORBIT_HOME is known by: not its path, which is the same in every container. Raises OSError."""
    facts = home.stat()
    return f"{facts.st_dev:x}:{facts.st_ino:x}"


def new_tag(owner: str) -> str:
    """A tag that no other tree has."""
    return f"{os.urandom(8).hex()} {owner}"


def tagged(tag: str) -> set[int]:
    """The processes of the tree with this tag."""
    found = kernel.processes()
    return _with_all_below({pid for pid in found if _tag(pid) == tag}, found)


def owned(owner: str, but: str | None) -> set[int]:
    """The processes of all trees of an ORBIT_HOME, but for the one with the tag `but`."""
    found = kernel.processes()
    tags = {pid: _tag(pid) for pid in found}
    return _with_all_below({pid for pid, tag in tags.items() if tag and tag != but and tag[17:] == owner}, found)


def session(leader: int) -> set[int]:
    """The session that a command led, and what is below it."""
    found = kernel.processes()
    return _with_all_below({pid for pid, process in found.items() if leader and process.session == leader}, found)


def standing_in(directory: Path, name: str) -> set[int]:
    """The processes with this name whose working directory that is: the web server writes its title over the tag."""
    found, place = kernel.processes(), os.path.realpath(directory)  # a link may lead to ORBIT_HOME
    return {pid for pid in found if kernel.name(pid) == name and _place(pid) == place}


def orphans(server: int, shims: set[int], asked: bool) -> set[int]:
    """What has come to the fork server because its shim was killed. `shims` are those that live; while one is `asked`
    for, a copy of the fork server itself may be one that has just begun."""
    found = kernel.processes()
    ours = _command_line(server)
    children = {pid for pid, process in found.items() if process.parent == server and pid not in shims}
    return _with_all_below({pid for pid in children if not (asked and _command_line(pid) == ours)}, found)


async def end(find: Find, grace_s: float, timeout_s: float) -> bool:
    """TERM what `find` finds; after `grace_s` seconds KILL, until it finds nothing; whether that came to be within
    `timeout_s` seconds more. All of /proc is looked through beside the loop, which goes on."""
    since = time.monotonic()
    told: set[int] = set()
    while left := await asyncio.to_thread(find):
        age = time.monotonic() - since
        if age > grace_s + timeout_s:
            return False
        if age >= grace_s:
            kernel.signal_all(list(left), signal.SIGKILL)
        else:
            kernel.signal_all(list(left - told), signal.SIGTERM)
            told |= left
        await asyncio.sleep(ROUND_S)
    return True


def _with_all_below(roots: set[int], found: dict[int, kernel.Process]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, process in found.items():
        children.setdefault(process.parent, []).append(pid)
    reached, layer = set(roots), list(roots)
    while layer:
        layer = [child for pid in layer for child in children.get(pid, ()) if child not in reached]
        reached.update(layer)
    return reached


def _tag(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = b"\0" + file.read(MOST_ENVIRONMENT_BYTES)
    except OSError:
        return None  # it has ended, or is not ours to look at
    _, found, rest = environment.partition(b"\0" + TAG.encode() + b"=")
    return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape") if found else None


def _place(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return None


def _command_line(pid: int) -> bytes | None:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
