"""`orbit logs`."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import BinaryIO

import click

from supervisor.cli.following import changes
from supervisor.errors import OrbitError
from supervisor.layout import Layout
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore
from supervisor.variables import home

NAMES = ("app", "setup", "hooks", "build")
MOST_BACKUPS = 100


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
    try:
        log = _Log(path)
        log.show_last(lines)
        if follow:
            for _ in changes(path, timeout_s=5.0):
                log.show_new()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise OrbitError(f"cannot read {path}: {error.strerror}") from None


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


class _Log:
    """A log that is read on, also when it is put aside (FILE.1, FILE.2 …) and begun anew. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("rb")

    def show_last(self, lines: int) -> None:
        for line in deque(self._file, maxlen=max(lines, 0)):
            click.echo(line, nl=False)

    def show_new(self) -> None:
        newer = self._newer()  # before ours is read to its end: that there is a newer one means that ours is whole
        self._show_rest()
        for file in newer:
            self._file.close()
            self._file = file
            self._show_rest()

    def _newer(self) -> list[BinaryIO]:
        """The files that were begun after ours, the oldest first; opened, since their names move on meanwhile."""
        ours = os.fstat(self._file.fileno()).st_ino
        found: dict[int, BinaryIO] = {}
        for path in (self._path, *(Path(f"{self._path}.{number}") for number in range(1, MOST_BACKUPS + 1))):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                break
            inode = os.fstat(file.fileno()).st_ino
            if inode == ours or inode in found:
                file.close()
            if inode == ours:
                break
            found.setdefault(inode, file)
        return list(found.values())[::-1]

    def _show_rest(self) -> None:
        if os.fstat(self._file.fileno()).st_size < self._file.tell():  # emptied in place
            self._file.seek(0)
        while chunk := self._file.read(65536):
            click.echo(chunk, nl=False)
