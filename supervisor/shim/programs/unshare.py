"""Hard links from a package manager's cache become files of the release's own: who changes one there changes it
everywhere, in the live release, too. Bun makes them, and nothing but its command line keeps it from that."""

from __future__ import annotations

import os
import stat

from . import walk
from .copy import fill

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from typing import Any


def unshare(told: dict[str, Any]) -> dict[str, Any]:
    """Give every file below `paths` of the working directory bytes of its own. Raises OSError."""
    found = walk.Found()
    for path in told["paths"]:
        if os.path.isdir(path) and not os.path.islink(path):
            walk.below(path, found, lenient=True)
    return {"files": of(found)}


def of(found: walk.Found) -> int:
    """Do that to what was found; how many files it were. Raises OSError."""
    for path in found.shared:
        copied = f"{path}.{os.getpid()}.own"
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            facts = os.fstat(source)
            target = os.open(copied, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fill(source, target)
                os.fchmod(target, stat.S_IMODE(facts.st_mode))
                os.utime(target, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
                os.rename(copied, path)
            except OSError:
                os.unlink(copied)
                raise
            finally:
                os.close(target)
        finally:
            os.close(source)
    return len(found.shared)
