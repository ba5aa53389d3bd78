"""Orbit beside its peers, doing the same work in the same run; a table for each kind of work."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
from collections.abc import Callable

import dependencies
import detect
import idle
import output
import pushes
import restart
import stop

SECTIONS: dict[str, Callable[[int], None]] = {
    "push": pushes.run,
    "restart": restart.run,
    "output": output.run,
    "idle": idle.run,
    "stop": stop.run_survivors,
    "tree": stop.run_tree,
    "detect": detect.run,
    "dependencies": dependencies.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="how often the short ones are measured (default 7)")
    parser.add_argument("--only", default=",".join(SECTIONS), help="some of: %(default)s")
    options = parser.parse_args()
    names = options.only.split(",")
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
    )  # a pidfd for each of many
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended all the same
    for name in names:
        SECTIONS[name](options.runs)


if __name__ == "__main__":
    main()
