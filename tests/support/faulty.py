"""`orbit`, with faults put into its steps: python -m tests.support.faulty run

A step is a system call of `supervisor/files.py`, the entry into a stage, or a taking of the application. Each is named
after who does what to what, and written to FAULT_TRACE. FAULT_ARMED, once it is there, says at which step what comes:
`before` and `after` are a SIGKILL, `half` is one when half is written or removed, and the rest are names of errors.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import files
from supervisor.cli import main
from supervisor.deploy.attempt import Attempt
from supervisor.processes.app import App
from supervisor.processes.child import Child

READING = {"open-r", "read", "pread", "stat", "listdir", "readlink"}
GROWING = {"open-w", "write", "pwrite", "fsync", "rename", "mkdir", "makedirs", "symlink"}
CHANGING = GROWING | {"unlink", "chown", "rmtree"}
LASTING = {"rename", "unlink", "mkdir", "symlink", "rmtree"}
"""What is there after the others, the next step finds as well."""
OURS = {"enter", "adopt", "keep"}


def kinds_of(step: str) -> tuple[str, ...]:
    """What may happen at a step."""
    call = step.split()[1]
    kinds = ["before"] if call in CHANGING | OURS else []
    kinds += ["after"] if call in LASTING | OURS else []
    kinds += ["half"] if call in ("write", "rmtree") else []
    kinds += ["ENOSPC"] if call in GROWING else []
    kinds += ["EIO"] if call in CHANGING | READING else []
    kinds += ["EMFILE"] if call in ("open-r", "listdir") else []
    return tuple(kinds)


class Faults:
    """Names the steps; acts at the one that is armed."""

    def __init__(self, home: str, trace: Path, armed: Path) -> None:
        self._home = home
        self._trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
        self._armed = armed
        self._paths: dict[int, str] = {}

    def step(self, call: str, what: object, do: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        name = f"{_caller()} {call} {self._shape(what)}"
        kind = self._due(name)
        os.write(self._trace, f"{name}{' !' if kind else ''}\n".encode())
        if not kind:
            return do()
        if kind == "after":
            do()
        elif kind == "half" and half:
            half()
        if kind in ("before", "after", "half"):
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, kind)
        raise OSError(number, os.strerror(number), str(what))

    def _due(self, name: str) -> str | None:
        try:
            armed = json.loads(self._armed.read_text())
        except FileNotFoundError:
            return None
        if armed["step"] != name:
            return None
        armed["nth"] -= 1
        if armed["nth"]:
            self._armed.write_text(json.dumps(armed))
            return None
        self._armed.unlink()
        return str(armed["kind"])

    def _shape(self, what: object) -> str:
        path = self._paths.get(what, "?") if isinstance(what, int) else str(what)
        return re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", path.removeprefix(self._home)) or "/"

    def of_os(self, name: str) -> Any:
        """What stands in for `os.name`."""
        real = getattr(os, name)
        if name == "open":
            return self._open
        return functools.partial(self._call, name, real) if name in CHANGING | READING else real

    def _open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        call = "open-w" if flags & (os.O_WRONLY | os.O_RDWR) else "open-r"
        fd: int = self.step(call, path, lambda: os.open(path, flags, mode))
        self._paths[fd] = str(path)
        return fd

    def _call(self, name: str, real: Callable[..., Any], what: Any, *words: Any, **more: Any) -> Any:
        def half() -> None:
            data = words[0]
            os.write(what, data[: len(data) // 2])

        return self.step(name, what, lambda: real(what, *words, **more), half)

    def rmtree(self, path: Any) -> None:
        def half() -> None:
            for name in sorted(os.listdir(path))[::2]:
                below = Path(path, name)
                shutil.rmtree(below) if below.is_dir() else below.unlink()

        self.step("rmtree", path, lambda: shutil.rmtree(path), half)

    def around(self, owner: type, method: str) -> None:
        """A step of its own."""
        real = getattr(owner, method)
        faults = self

        @functools.wraps(real)
        def call(self: Any, *words: Any) -> Any:
            return faults.step(method, words[0] if method == "enter" else "", lambda: real(self, *words))

        setattr(owner, method, call)


def _caller() -> str:
    frame = sys._getframe(2)
    while frame.f_code.co_filename in (__file__, files.__file__) and frame.f_back:
        frame = frame.f_back
    return frame.f_code.co_name


class _Os:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return self._faults.of_os(name)


class _Shutil:
    def __init__(self, faults: Faults) -> None:
        self.rmtree = faults.rmtree


if __name__ == "__main__":
    faults = Faults(os.environ["ORBIT_HOME"], Path(os.environ["FAULT_TRACE"]), Path(os.environ["FAULT_ARMED"]))
    files.os = _Os(faults)  # type: ignore[assignment]
    files.shutil = _Shutil(faults)  # type: ignore[assignment]
    faults.around(Attempt, "enter")
    faults.around(App, "adopt")
    faults.around(Child, "keep")
    main()
