"""The web server's program: where it is, what it can, how it is had where it is missing, and its processes."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
MOST_WORKERS = 4
MOST_CONNECTIONS = 4096
SAYS_WHERE = (1, 19, 5)
"""Since this version it can be told where errors go before it has read its configuration."""
WAITS_IDLE = (1, 27, 4)
"""Since this version idle connections need not be cut at the moment of a new configuration."""
BROTLI = ("ngx_http_brotli_filter_module.so", "ngx_http_brotli_static_module.so")
WORKER = "nginx: worker process"


@dataclass(frozen=True, slots=True)
class Program:
    """An nginx that was found, and what `nginx -V` says of it."""

    path: str
    version: tuple[int, ...]
    can: frozenset[str]
    modules: tuple[str, ...]

    def argv(self, configuration: Path, *more: str) -> tuple[str, ...]:
        """The command that serves by a configuration."""
        where = ("-e", "stderr") if self.version >= SAYS_WHERE else ()
        return (self.path, *where, *more, "-c", str(configuration))


def find(path: str) -> str | None:
    """The program on PATH, or where systems put it."""
    return shutil.which("nginx", path=os.pathsep.join((path, SYSTEM_PATH)))


def described(path: str, said: str) -> Program:
    """What `nginx -V` has said."""
    found = re.search(r"nginx/([0-9.]+)", said)
    version = tuple(int(part) for part in found[1].split(".") if part) if found else ()
    can = {"waits_idle"} if version >= WAITS_IDLE else set()
    can |= {"gzip_static"} if "--with-http_gzip_static_module" in said else set()
    place = re.search(r"--modules-path=(\S+)", said)
    modules = tuple(str(Path(place[1]) / name) for name in BROTLI) if place else ()
    has_brotli = bool(modules) and all(Path(module).is_file() for module in modules)
    return Program(path, version, frozenset(can | ({"brotli"} if has_brotli else set())), modules if has_brotli else ())


def installation(is_root: bool) -> tuple[tuple[str, ...], ...]:
    """The commands that install it; none where that is not ours to do: without root, or on a machine whose init would
    start a server of its own with it."""
    if not is_root or Path("/run/systemd/system").exists():
        return ()
    if shutil.which("apt-get"):
        wanted = ("install", "-y", "--no-install-recommends", "nginx")
        return ("apt-get", "-qq", "update"), ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *wanted)
    if shutil.which("apk"):
        return (("apk", "add", "--no-cache", "nginx"),)
    return ()


def workers() -> int:
    """How many processes serve."""
    return max(1, min(len(os.sched_getaffinity(0)), MOST_WORKERS))


def connections() -> int:
    """How many connections one of them may have: each takes a descriptor, and another for its file."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft < 0 else max(64, min(MOST_CONNECTIONS, soft // 2 - 32))


def has_ipv6() -> bool:
    """Whether there are addresses of version 6 to listen on."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def accepting(master: int) -> frozenset[int]:
    """The workers below `master` that take connections: those of an older configuration finish what they have, and say
    so in their names."""
    found = set()
    try:
        children = psutil.Process(master).children()
    except psutil.Error:
        return frozenset()
    for child in children:
        try:
            if " ".join(child.cmdline()).strip() == WORKER:
                found.add(child.pid)
        except psutil.Error:
            continue
    return frozenset(found)
