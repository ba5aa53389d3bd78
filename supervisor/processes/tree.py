"""Looking at process trees from the supervisor, and ending what a killed shim left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

import psutil

OUR_NAMES = ("orbit-shim", "orbit-spawner")
ROUND_S = 0.05


def is_alive(pid: int, created: float) -> bool:
    """Whether the process that had this number at that time (seconds since the epoch) still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def created_at(pid: int) -> float:
    """When the process started, in seconds since the epoch; 0.0 if it has ended."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


async def ended(pidfd: int) -> None:
    """Wait for the end of the process that the descriptor stands for; it need not be our child."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(pidfd, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(pidfd)


def members(root: int) -> list[psutil.Process]:
    """Every process below `root`."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.Error:
        return []


def listening_ports(root: int) -> tuple[int, ...]:
    """The TCP ports that the tree below `root` listens on, in order."""
    ports: set[int] = set()
    for process in members(root):
        with contextlib.suppress(psutil.Error):
            ports.update(
                link.laddr.port for link in process.net_connections("tcp") if link.status == psutil.CONN_LISTEN
            )
    return tuple(sorted(ports))


def listener(port: int) -> tuple[int, str] | None:
    """Number and name of a process that listens on a TCP port; None if it cannot be seen."""
    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and link.laddr and link.laddr.port == port and link.pid:
                return link.pid, psutil.Process(link.pid).name()
    except psutil.Error:
        pass
    return None


async def kill_below(root: int, timeout_s: float) -> bool:
    """KILL everything below `root`, again until nothing is left; whether it is empty within `timeout_s`."""
    return await _kill_until_none(lambda: members(root), timeout_s)


async def kill_strays(spawner: int, timeout_s: float) -> bool:
    """KILL what came to the fork server because its own shim was killed; whether all is gone within `timeout_s`."""
    return await _kill_until_none(lambda: _strays(spawner), timeout_s)


async def kill_session(leader: int, timeout_s: float) -> bool:
    """KILL the session that a command led, and what is below it: its shim was killed after a take-over, so that the
    tree has come to another parent; whether all is gone within `timeout_s`."""
    return await _kill_until_none(lambda: _session(leader), timeout_s)


def _session(leader: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found += [process, *process.children(recursive=True)]
    return found


def _strays(spawner: int) -> list[psutil.Process]:
    try:
        children = psutil.Process(spawner).children()
    except psutil.Error:
        return []
    strays = []
    for child in children:
        with contextlib.suppress(psutil.Error):
            if child.name() not in OUR_NAMES:
                strays += [child, *child.children(recursive=True)]
    return strays


async def _kill_until_none(find: Callable[[], list[psutil.Process]], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while processes := find():
        if time.monotonic() > deadline:
            return False
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        await asyncio.sleep(ROUND_S)
    return True
