"""What becomes of a command's output: secrets out, then to a rotated file, to the console, and a tail kept."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import stat
import time

from . import kernel

TAIL_BYTES = 8192
HELD_LINE_BYTES = 65536
HIDDEN = b"***"
LAST_LINES_S = 1.0
LOST_NOTE_BYTES = 100
MUCH_BYTES = 4194304
PAUSE_S = 0.02

_memmem = ctypes.CDLL(None).memmem
_memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
_memmem.restype = ctypes.c_void_p


class Redactor:
    """Replaces secret values by ***, also where one is cut across two reads."""

    def __init__(self, secrets: list[bytes]) -> None:
        self.secrets = [secret for secret in secrets if secret]
        self.held = b""

    def feed(self, data: bytes) -> bytes:
        """What of `data` can be shown now; the beginning of a possible secret is held back."""
        if not self.secrets or not data:
            return data
        if self.held:
            data, self.held = self.held + data, b""
        # the C library's search: bytes' own one takes several times as long, and secrets are many
        found = [secret for secret in self.secrets if _memmem(data, len(data), secret, len(secret))]
        overlap = max(_overlap(data, secret) for secret in self.secrets)
        if not found and not overlap:
            return data  # as nearly always, and then without a copy
        spans, cut = _spans(data, found), len(data) - overlap
        # A secret across the cut waits with what may be the beginning of another.
        cut = next((start for start, end in spans if start < cut < end), cut)
        self.held = data[cut:]
        return _masked(data[:cut], [span for span in spans if span[1] <= cut])

    def rest(self) -> bytes:
        """What was held back, at the end of the output."""
        held, self.held = self.held, b""
        return _masked(held, _spans(held, self.secrets))


def _spans(data: bytes, secrets: list[bytes]) -> list[tuple[int, int]]:
    """Where secrets stand, in order; those that overlap are one, or the rest of one would be left to be read."""
    places = []
    for secret in secrets:
        start = data.find(secret)
        while start >= 0:
            places.append((start, start + len(secret)))
            start = data.find(secret, start + 1)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(data: bytes, spans: list[tuple[int, int]]) -> bytes:
    parts, place = [], 0
    for start, end in spans:
        parts += [data[place:start], HIDDEN]
        place = end
    return b"".join((*parts, data[place:]))


def _overlap(data: bytes, secret: bytes) -> int:
    """Length of the longest end of `data` that is a beginning of `secret`."""
    last = data[-1:]
    length = secret.rfind(last, 0, min(len(secret) - 1, len(data))) + 1
    while length > 0 and not data.endswith(secret[:length]):
        length = secret.rfind(last, 0, length - 1) + 1  # only where the last byte fits: a log is mostly whole lines
    return length


class RotatedFile:
    """A log that never grows beyond its size: FILE, FILE.1 … FILE.<backups>, cut between lines.

    A full disk loses lines, counted and told of once there is room again; it never stops the application.
    """

    def __init__(self, path: str, max_bytes: int, backups: int) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.backups = backups
        self.lost = 0
        self.fd = -1
        self.size = 0
        self.reopen()

    def reopen(self) -> None:
        """Open the file by its name again: after a rotation, ours or another program's."""
        self.close()
        try:
            self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            self.size = os.fstat(self.fd).st_size
        except OSError:
            self.size = 0

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def write(self, data: bytes) -> None:
        while data:
            room = self.max_bytes - self.size - (LOST_NOTE_BYTES if self.lost else 0)
            if len(data) <= room:
                self._append(data)
                return
            cut = data.rfind(b"\n", 0, max(room, 0)) + 1
            if cut == 0 and self.size == 0:
                cut = room  # one line longer than a whole file
            if cut:
                self._append(data[:cut])
                data = data[cut:]
            self._rotate()

    def _append(self, data: bytes) -> None:
        if self.fd < 0:
            self.reopen()
        if self.lost and self.size + LOST_NOTE_BYTES <= self.max_bytes:
            note = b"[%d bytes of output were lost: the log could not be written]\n" % self.lost
            if self._write_all(note):
                self.lost = 0
        if not self._write_all(data):
            self.lost += len(data)

    def _write_all(self, data: bytes) -> bool:
        if self.fd < 0:
            return False
        view = memoryview(data)
        while view:
            try:
                written = os.write(self.fd, view)
            except OSError:
                return False
            self.size += written
            view = view[written:]
        return True

    def _rotate(self) -> None:
        names = [self.path] + [f"{self.path}.{number}" for number in range(1, self.backups + 1)]
        try:
            if self.backups == 0:
                os.truncate(self.path, 0)
            for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
                if os.path.lexists(newer):
                    os.rename(newer, older)
        except OSError:
            # Better one large write less than a log without a bound.
            try:
                os.ftruncate(self.fd, 0)
            except OSError:
                pass
        self.reopen()
        if self.size >= self.max_bytes:
            self.size = 0


class Console:
    """Whole lines, each with the mark of where it comes from, on the supervisor's standard output.

    Never blocks: while the reader does not keep up `pending` is not empty, and whoever feeds us waits.
    """

    def __init__(self, fd: int, mark: str) -> None:
        self.mark = f"[{mark}] ".encode()
        self.fd = _unblocking(fd)
        self.partial = b""
        self.pending = b""

    def write(self, data: bytes) -> None:
        if self.fd < 0:
            return
        if self.partial:
            data = self.partial + data
        cut = data.rfind(b"\n") + 1
        if cut == 0 and len(data) > HELD_LINE_BYTES:
            data, cut = data + b"\n", len(data) + 1
        self.partial = data[cut:]
        if cut:
            marked = b"".join((self.mark, data[: cut - 1].replace(b"\n", b"\n" + self.mark), b"\n"))
            self.pending = self.pending + marked if self.pending else marked
            self.flush()

    def flush(self) -> None:
        """Write as much as the reader takes."""
        view = memoryview(self.pending)
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EINTR):
                    self.fd = -1  # nobody reads any more
                    view = view[:0]
                break
        self.pending = bytes(view) if view else b""

    def finish(self) -> None:
        """The last line may have no end. A reader that is behind gets a moment more, not for ever."""
        if self.partial:
            self.write(b"\n")
        deadline = time.monotonic() + LAST_LINES_S
        waiting = select.poll()
        while self.pending and self.fd >= 0 and time.monotonic() < deadline:
            waiting.register(self.fd, select.POLLOUT)
            waiting.poll(LAST_LINES_S * 1000)
            self.flush()


def _unblocking(fd: int) -> int:
    """A descriptor for the same pipe or terminal that does not block, without changing it for the other programs
    that write there. A regular file never blocks, and has to keep its shared offset."""
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISCHR(mode) and os.path.samestat(os.fstat(fd), os.stat(os.devnull)):
            return -1  # nobody reads there: no need to mark a single line
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        pass
    return fd


class Output:
    """One command's way out: redaction, file, console, tail."""

    def __init__(self, secrets: list[bytes], file: RotatedFile | None, console: Console | None) -> None:
        self.redactor = Redactor(secrets)
        self.file = file
        self.console = console
        self.tail = b""
        self.taken_in = 0

    @property
    def pause_s(self) -> float | None:
        """After much output, how long a pause has to be for `give_back`; None if there is no need of it."""
        return PAUSE_S if self.taken_in >= MUCH_BYTES else None

    def give_back(self) -> None:
        """Return the memory that much output took: an application that was noisy once must not cost it for ever."""
        if self.taken_in >= MUCH_BYTES:
            kernel.give_back_memory()
            self.taken_in = 0

    @property
    def congested(self) -> bool:
        return self.console is not None and bool(self.console.pending)

    def feed(self, data: bytes) -> None:
        self.taken_in += len(data)
        self._put(self.redactor.feed(data))

    def finish(self) -> None:
        self._put(self.redactor.rest())
        if self.console:
            self.console.finish()

    def _put(self, data: bytes) -> None:
        if not data:
            return
        self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        if self.file:
            self.file.write(data)
        if self.console:
            self.console.write(data)
