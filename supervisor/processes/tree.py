"""Looking at process trees from the supervisor, and ending one from outside."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

import psutil

from supervisor.shim import kernel

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
    """KILL everything below `root`, again until nothing lives; whether it is so within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while left := await asyncio.to_thread(kernel.descendants, root):  # zombies are left out: their parent may be stuck
        if time.monotonic() > deadline:
            return False
        kernel.signal_all(left, signal.SIGKILL)
        await asyncio.sleep(ROUND_S)
    return True
