"""How much memory the container has that Orbit runs in: the limit of its control group, in both versions."""

from __future__ import annotations

from pathlib import Path

from supervisor.shim import cgroup

LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")
"""Version 2 says `max` where there is no limit, version 1 a number that no machine has."""


def memory_bytes(process: str = "/proc/self", machine: str = "/proc/meminfo") -> int | None:
    """The smallest limit of our own group and of those above it; None if there is none below what the machine has."""
    places = cgroup.places(process)
    own = places.get("memory") or places.get("")
    limits = []
    place = Path(own) if own else None
    while place and (place / "cgroup.procs").exists():
        limits += [limit for name in LIMIT_FILES if (limit := _number(place / name)) is not None]
        place = place.parent
    least = min(limits, default=None)
    whole = _machine_bytes(Path(machine))
    return None if least is None or (whole is not None and least >= whole) else least


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _machine_bytes(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    words = next((line.split() for line in lines if line.startswith("MemTotal:")), [])
    return int(words[1]) * 1024 if len(words) > 1 and words[1].isdigit() else None
