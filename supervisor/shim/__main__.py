"""`python -I -S …/shim/__main__.py serve FD [HOLD]` (the fork server) or `… init COMMAND…` (PID 1)."""

import os
import sys

# -I and -S keep the start at a few milliseconds; so the package has to be found by hand.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        from supervisor.shim.server import serve

        serve(*map(int, sys.argv[2:4]))
    elif sys.argv[1] == "init":
        from supervisor.shim.init import run

        sys.exit(run(sys.argv[2:]))
