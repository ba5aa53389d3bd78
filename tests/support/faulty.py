"""`orbit`, killed at its Nth write of a file, move of a link or removal of a tree: python -m tests.support.faulty run

FAULT_AT is N; FAULT_KIND is `before` or `after` the operation, or the name of the error (ENOSPC, EIO) that it fails
with.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

from supervisor import files
from supervisor.cli import main

OPERATIONS = ("write_text", "move_link", "remove_tree", "sync_directory")


class Fault:
    """Counts operations; acts at the one that it waits for, and writes its name to FAULT_LOG."""

    def __init__(self, at: int, kind: str, log: str) -> None:
        self.left = at
        self.kind = kind
        self.log = log

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left:
                return function(*words, **more)
            with open(self.log, "a") as log:
                log.write(f"{name} {words[0]}\n")
            if self.kind == "after":
                function(*words, **more)
            if self.kind in ("before", "after"):
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, self.kind)
            raise OSError(number, os.strerror(number), str(words[0]))

        return call


if __name__ == "__main__":
    fault = Fault(int(os.environ["FAULT_AT"]), os.environ["FAULT_KIND"], os.environ["FAULT_LOG"])
    for name in OPERATIONS:
        setattr(files, name, fault.around(name, getattr(files, name)))
    main()
