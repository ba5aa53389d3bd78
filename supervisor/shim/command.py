"""The forked child of a shim on its way to being the command."""

from __future__ import annotations

import errno
import fcntl
import os
import signal

from . import kernel, programs
from .limits import Limits
from .protocol import EXEC_FAILED

TYPE_CHECKING = False  # typing's own one would cost every shim its import
if TYPE_CHECKING:
    from typing import Any

ABOVE_FILES = 64
"""Descriptors that a command is given have numbers below this."""


def become(spec: dict[str, Any], streams: tuple[int, int, int], files: list[int], limits: Limits, shim: int) -> None:
    """In the forked child: become the command, or write why not to the last of `streams` and end. The others are its
    standard output and error; `shim` is our parent."""
    out, error, failed = streams
    failed = fcntl.fcntl(failed, fcntl.F_DUPFD_CLOEXEC, ABOVE_FILES)
    try:
        step = "start a session"
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            try:
                signal.signal(number, signal.SIG_DFL)
            except OSError:
                continue  # reserved by the C library
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        _place_files(spec["files"], files, out, error)
        limits.apply()
        own = programs.load(spec["argv"][0]) if spec["own"] else None
        if spec["user"]:
            step = f"become {spec['user']['name']}"
            os.setgroups(spec["user"]["groups"])
            os.setgid(spec["user"]["gid"])
            os.setuid(spec["user"]["uid"])
        kernel.end_with_parent(shim)  # a shim that is killed must not leave a command behind that nobody watches
        os.umask(0o022)
        step = f"enter {spec['cwd']}"
        os.chdir(spec["cwd"])
        step = f"run {spec['argv'][0]}"
        if own:
            kernel.hide()
            _close_all_but(spec["files"])
            os._exit(programs.run(own, spec["argv"][1]))
        _execute(spec["argv"], spec["env"])
    except BaseException as problem:  # noqa: BLE001 nothing may fall back into the shim's code here
        reason = os.strerror(problem.errno) if isinstance(problem, OSError) and problem.errno else str(problem)
        os.write(failed, f"cannot {step}: {reason}".encode("utf-8", "surrogateescape"))
    os._exit(EXEC_FAILED)


def _execute(argv: list[str], env: dict[str, str]) -> None:
    """What os.execvpe does, but without an import on the way: the modules of our Python may not be the user's to
    read. Raises OSError."""
    if "/" in argv[0]:
        os.execve(argv[0], argv, env)
    problem: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for directory in env.get("PATH", os.defpath).split(os.pathsep):
        try:
            os.execve(os.path.join(directory, argv[0]), argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problem = error
    raise problem


def _place_files(numbers: list[int], files: list[int], out: int, error: int) -> None:
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(error, 2)
    # Out of the way first: a source may stand where another one has to go.
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ABOVE_FILES) for fd in files]
    for number, fd in zip(numbers, moved, strict=True):
        os.dup2(fd, number)


def _close_all_but(numbers: list[int]) -> None:
    """What an exec would have closed."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in numbers:
            try:
                os.close(int(name))
            except OSError:
                continue  # it was listed because the list was read by it
