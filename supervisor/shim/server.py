"""The fork server: a small, warm process that becomes a shim whenever the supervisor asks for one.

A shim started from scratch costs 15 ms and 6 MB, nearly all of it Python's own; forked from here, a millisecond and
what it writes to. It ends when the supervisor does; its shims do not.
"""

import gc
import json
import os
import signal
import socket
import sys

from . import kernel
from .monitor import Monitor
from .protocol import LENGTH, PID, SPAWNER_NAME

MOST_FILES = 16


def serve(fd: int, hold: int = -1) -> None:
    """Answer requests that come over the socket `fd` until it closes. `hold` is a locked descriptor: as long as we or a
    shim that is not kept have it open, the next supervisor sees that something of ours is left."""
    kernel.set_name(SPAWNER_NAME)
    kernel.hide()
    kernel.become_subreaper()  # should a shim be killed, what it watched over stays within reach
    for inherited in (fd, hold):
        if inherited >= 0:
            os.set_inheritable(inherited, False)
    requests = socket.socket(fileno=fd)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims report for themselves: let the kernel reap them
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # a signal to the process group is meant for the supervisor
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    gc.disable()
    gc.freeze()  # a collection would touch, and so copy, every page that shims share
    shims: set[int] = set()
    while True:
        request = _receive(requests)
        if request is None:
            _end_orphans(shims)
            return
        spec, files = request
        try:
            shim = os.fork()
            if shim == 0:
                _be_shim(spec, files, requests, hold)
            shims.add(shim)
        except OSError as error:  # no more processes, or no memory: this one does not start, others may
            _refuse(files[0], error)
        for file in files:
            os.close(file)


def _end_orphans(shims: set[int]) -> None:
    """The supervisor has gone. What has come to us because its shim was killed as well would be found by nobody."""
    found = kernel.processes()
    for pid, process in found.items():
        if process.parent == os.getpid() and pid not in shims:
            kernel.signal_all([pid, *kernel.below(pid, found)], signal.SIGKILL)


def _refuse(report: int, error: OSError) -> None:
    try:
        os.write(report, PID.pack(0) + json.dumps({"error": f"cannot fork: {error.strerror}"}).encode() + b"\n")
    except OSError:
        pass  # whoever asked is gone


def _receive(requests: socket.socket) -> tuple[dict[str, object], list[int]] | None:
    header, files, _, _ = socket.recv_fds(requests, LENGTH.size, MOST_FILES)
    if not header:
        return None
    length = LENGTH.unpack(header)[0]
    body = bytearray()
    while len(body) < length:
        part = requests.recv(length - len(body))
        if not part:
            return None
        body += part
    for file in files:
        os.set_inheritable(file, False)
    return json.loads(body), list(files)


def _be_shim(spec: dict[str, object], files: list[int], requests: socket.socket, hold: int) -> None:
    status = 1
    try:
        requests.close()
        report = socket.socket(fileno=files[0])
        report.setblocking(False)
        status = Monitor(spec, report, files[1:], 1, hold).run()
    except BaseException:  # noqa: BLE001 the process ends here, and says why
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
