"""`orbit logs`."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import click

from supervisor.cli.following import changes
from supervisor.errors import OrbitError
from supervisor.layout import Layout
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore
from supervisor.variables import home

NAMES = ("app", "setup", "hooks", "build")


@click.command()
@click.argument("name", type=click.Choice(NAMES), default="app")
@click.argument("release", required=False)
@click.option("-n", "--lines", default=100, show_default=True, help="How many of the last lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes (Ctrl-C ends it).")
def logs(name: str, release: str | None, lines: int, follow: bool) -> None:
    """Show a log: the application's, the supervisor's (setup), the hooks', or a build's.

    RELEASE goes with `build`: a number, a release or a commit; without it, the newest build, failed or not.

    \b
    Examples:
      orbit logs -f
      orbit logs hooks -n 20
      orbit logs build 003
    """
    layout = Layout(home(os.environ))
    path = _path(layout, name, release)
    position = _tail(path, lines)
    if not follow:
        return
    for _ in changes(path, timeout_s=5.0):
        position = _rest(path, position)


def _path(layout: Layout, name: str, release: str | None) -> Path:
    if name == "build":
        path = _build_log(layout, release)
    else:
        if release:
            raise OrbitError(f"RELEASE goes with `orbit logs build`, not with {name}")
        path = {"app": layout.app_log, "setup": layout.setup_log, "hooks": layout.hooks_log}[name]
    if not path.exists():
        raise OrbitError(f"there is no log {path} yet")
    return path


def _build_log(layout: Layout, release: str | None) -> Path:
    logs = sorted(layout.build_logs.glob("*.log"), key=lambda path: path.stat().st_mtime)
    if release is None:
        if not logs:
            raise OrbitError("nothing has been built yet")
        return logs[-1]
    found = retention.find(ReleaseStore(layout, None).all(), release)
    names = {f"{found.id}.log"} if found else {f"{release.removesuffix('-FAILED')[:7]}-FAILED.log", f"{release}.log"}
    matching = [path for path in logs if path.name in names]
    if not matching:
        raise OrbitError(
            f"there is no build log of {release!r}; there are: {', '.join(path.stem for path in logs) or 'none'}"
        )
    return matching[-1]


def _tail(path: Path, lines: int) -> int:
    """Print the last lines; where the next one begins."""
    try:
        with path.open("rb") as file:
            for line in deque(file, maxlen=max(lines, 0)):
                click.echo(line, nl=False)
            return file.tell()
    except OSError as error:
        raise OrbitError(f"cannot read {path}: {error.strerror}") from None


def _rest(path: Path, position: int) -> int:
    """Print what has come since; after a rotation, the new file from its beginning."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size < position:
                position = 0
            file.seek(position)
            while chunk := file.read(65536):
                click.echo(chunk, nl=False)
            return file.tell()
    except FileNotFoundError:
        return 0
