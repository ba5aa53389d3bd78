"""Giving memory back to the system: what a deployment needed for a moment must not be held for months."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Return what was freed. Only the GNU C library has to be told; it keeps it otherwise, beneath what came later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
