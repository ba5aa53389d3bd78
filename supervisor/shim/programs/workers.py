"""Work on many files, shared between a few processes: most of its time passes in the kernel, for each file anew."""

from __future__ import annotations

import json
import os

from .. import kernel

TYPE_CHECKING = False  # as everywhere in `shim`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST_WORKERS = 4
FILE_COST = 24 * 1024
"""What making one file costs, as bytes that could be written meanwhile."""


def shares(costs: list[int]) -> list[range]:
    """The numbers of the pieces of work for each worker: neighbours stay together, and none has much more than its
    part."""
    workers = min(len(os.sched_getaffinity(0)), MOST_WORKERS, len(costs)) or 1
    found: list[range] = []
    whole, since, passed = sum(costs), 0, 0
    for number, cost in enumerate(costs):
        passed += cost
        if passed * workers >= whole * (len(found) + 1):
            found.append(range(since, number + 1))
            since = number + 1
    return found


def share_out(costs: list[int], work: Callable[[range], Any]) -> list[Any]:
    """What `work` returns for each share, in order. Raises OSError if one of them fails; what it says is in it."""
    parts = shares(costs)
    if len(parts) < 2:
        return [work(part) for part in parts]
    started = [_start(part, work) for part in parts]
    answers, problem = [], ""
    for pid, answer in started:
        with open(answer, "rb") as file:
            data = file.read()
        _, status = os.waitpid(pid, 0)
        if status != 0:
            problem = problem or data.decode(errors="replace") or "a worker was ended"
        elif not problem:
            answers.append(json.loads(data))
    if problem:
        raise OSError(0, problem)
    return answers


def _start(part: range, work: Callable[[range], Any]) -> tuple[int, int]:
    above = os.getpid()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        kernel.end_with_parent(above)
        os.close(reading)
        try:
            data, status = json.dumps(work(part)).encode(), 0
        except OSError as error:
            data = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}".encode(
                errors="replace"
            )
        except (ValueError, IndexError, MemoryError) as error:
            data = f"{error}".encode(errors="replace")
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(status)
