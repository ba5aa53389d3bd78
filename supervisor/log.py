"""What Orbit itself says, on standard output and in `logs/setup.log`, without secrets.

Loguru's own files are not used: they put aside `setup.2026-11-23_12-00-00.log`, users look for `setup.log.1`.
It is the shim's `RotatedFile` instead, so that all logs of Orbit are bounded and named in the same way.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from supervisor.errors import OrbitError
from supervisor.redact import Redactor
from supervisor.shim.output import RotatedFile

if TYPE_CHECKING:
    from loguru import Message, Record

MARK = "SETUP"
PATIENCE_MS = 50
"""How long a line waits for a reader of standard output that is behind; a stuck one must not hold us up."""

_WARNING = 30
# A commit's subject may hold terminal escapes; every line of the log is text.
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_PIPE_BUF = 4096  # bytes; up to here a write to a pipe is all or nothing


class _Console:
    """Standard output. Closed, full or stuck, it costs lines, which setup.log has too; nobody waits."""

    def __init__(self, fd: int) -> None:
        self._shared = fd
        self._fd = _unblocking(fd)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)
        self._lost = 0

    def write(self, data: bytes) -> None:
        if self._lost:
            data = b"[%d messages were lost: they could not be written]\n" % self._lost + data
        for start in range(0, len(data), _PIPE_BUF):
            try:
                if not self._poll.poll(0 if self._lost else PATIENCE_MS):
                    raise BlockingIOError
                os.write(self._fd, data[start : start + _PIPE_BUF])
            except OSError:
                self._lost += 1
                return
        self._lost = 0

    def close(self) -> None:
        if self._fd != self._shared:
            os.close(self._fd)


class _Log:
    """Where messages go. Loguru calls `write` with one at a time, and `stop` when it is done with us."""

    def __init__(self, console: _Console | None, file: RotatedFile | None, secrets: Iterable[str]) -> None:
        self._console = console
        self._file = file
        self.redact = Redactor(secrets)

    def write(self, message: Message) -> None:
        data = self.redact(_text(message.record)).encode("utf-8", "backslashreplace")
        if self._console:
            self._console.write(data)
        if self._file:
            self._file.write(data)

    def stop(self) -> None:
        if self._console:
            self._console.close()
        if self._file:
            self._file.close()

    def reopen(self) -> None:
        if self._file:
            self._file.reopen()


_log: _Log | None = None  # as there is one logger in a process, there is one place where it writes


def hide(secrets: Iterable[str]) -> None:
    """Keep these out of what is logged from now on, too."""
    if _log:
        _log.redact.add(secrets)


def configure(level: str, setup_log: Path | None, max_bytes: int, backups: int, secrets: Iterable[str] = ()) -> None:
    """Send what is logged from now on, from `level` up, to standard output and to `setup_log`.

    The file is put aside at `max_bytes`, as setup.log.1 and so on up to `backups`. Raises OrbitError if its
    directory cannot be had; a file that cannot be written later loses lines and says so when it can be again.
    """
    global _log
    file = None
    if setup_log:
        try:
            setup_log.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"cannot create {setup_log.parent}: {error.strerror}; check ORBIT_HOME"
            raise OrbitError(reason) from error
        file = RotatedFile(str(setup_log), max_bytes, backups)
    logger.remove()
    _log = _Log(_console(), file, secrets)
    # `_text` formats, once for both places; variables in tracebacks would be secrets in the log
    logger.add(_log, level=level.upper(), format=lambda _: "", colorize=False, backtrace=False, diagnose=False)


def reopen() -> None:
    """Open setup.log by its name again, after another program has renamed it."""
    if _log:
        _log.reopen()


def _console() -> _Console | None:
    try:
        return _Console(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):  # started with it closed
        return None


def _unblocking(fd: int) -> int:
    """The same pipe or terminal, opened once more so as not to block: the flag on the shared one would hit
    every program that writes there. A regular file never blocks, and has an offset to share."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        with contextlib.suppress(OSError):
            return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return fd


def _text(record: Record) -> str:
    """The message, each line with `2026-11-23 12:00:00 [SETUP] WARNING: ` before it, in local time.

    The level is left out below WARNING; `logger.bind(mark="…")` changes the mark.
    """
    level = record["level"]
    head = f"{record['time']:%Y-%m-%d %H:%M:%S} [{record['extra'].get('mark', MARK)}] "
    if level.no >= _WARNING:
        head += f"{level.name}: "
    text = record["message"]
    if record["exception"]:
        caught = record["exception"]
        trace = traceback.format_exception(caught.type, caught.value, caught.traceback)
        text = f"{text}\n{''.join(trace)}"
    lines = text.translate(_ESCAPES).rstrip("\n").split("\n")
    return "".join(f"{head}{line}\n" for line in lines)
