"""`orbit run`: the supervisor itself."""

from __future__ import annotations

import click

from supervisor.cli import SUPERVISE, load


@click.command()
def run() -> None:
    """Deploy the repository, keep its application running, and update it.

    Everything is set by environment variables; `orbit check` shows them. SIGHUP asks for an update, SIGTERM stops
    the application and Orbit.

    \b
    Example:
      GIT_REPO_URL=https://github.com/user/app APP_PORT=3000 ORBIT_HOME=~/orbit orbit run
    """
    load(SUPERVISE)()
