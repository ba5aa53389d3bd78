"""Processes that are hard to get rid of."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.support.waiting import wait_until

MEMBERS = 3


def stubborn(pids: Path) -> str:
    """A bash script that never ends: it and its children are deaf to TERM, the children have sessions of their own,
    one of them an empty environment. Their numbers go to `pids`."""
    return (
        "#!/bin/bash\ntrap '' TERM HUP INT\n"
        f"(setsid env -i bash -c 'trap \"\" TERM; echo $$ >> {pids}; exec sleep 1000') &\n"
        f"(setsid bash -c '(setsid bash -c \"echo \\$\\$ >> {pids}; exec sleep 1000\") &') &\n"
        f"echo $$ >> {pids}\n"
        "while true; do sleep 1000; done\n"
    )


def wait_for_all(pids: Path) -> None:
    """Until the whole tree of `stubborn` is there."""
    wait_until(lambda: pids.exists() and pids.read_text().count("\n") == MEMBERS, 15, f"{MEMBERS} numbers in {pids}")


def alive(pids: Path) -> list[int]:
    """Those of the tree that still live."""
    return [pid for pid in map(int, pids.read_text().split()) if psutil.pid_exists(pid)]
