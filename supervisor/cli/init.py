"""The hand-over to the PID 1 program, before anything heavy is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SHIM = Path(__file__).resolve().parent.parent / "shim" / "__main__.py"


def become_init() -> None:
    """Replace this process, PID 1, by the program that does nothing but reap, forward, and start us again below,
    with the very words that started this one."""
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execv(sys.executable, [sys.executable, "-I", "-S", str(SHIM), "init", *command])
