"""`orbit rollback`."""

from __future__ import annotations

import os
import sys

import click

from supervisor.cli.asking import ask, follow
from supervisor.errors import OrbitError
from supervisor.layout import Layout
from supervisor.model import Action, Release
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore
from supervisor.variables import home


@click.command()
@click.argument("release", required=False)
@click.option("--list", "listing", is_flag=True, help="Show the releases that can be gone back to.")
@click.option("--force", is_flag=True, help="Do not ask, even on a terminal.")
@click.option("--wait", is_flag=True, help="Return when it is done; exit 1 if it failed.")
def rollback(release: str | None, listing: bool, force: bool, wait: bool) -> None:
    """Make an older release live again: RELEASE (003, 003-<commit> or a commit), or the last good one.

    No hooks run; the release's health is checked, and if it is not well the present one comes back.

    \b
    Examples:
      orbit rollback --list
      orbit rollback
      orbit rollback --force --wait 003
    """
    layout = Layout(home(os.environ))
    store = ReleaseStore(layout, None)
    releases, live = store.all(), store.current()
    if listing:
        _list(releases, live)
        return
    target = _target(releases, live, release)
    if not force and sys.stdin.isatty():
        click.echo(f"current release: {_name(live) if live else 'none'}")
        click.confirm(f"go back to {_name(target)} ({target.commit.subject})?", abort=True)
    request = ask(layout, Action.ROLLBACK, target.id)
    if wait:
        follow(layout, request)
    click.echo(f"rolled back to {_name(target)}" if wait else f"rollback to {_name(target)} requested")


def _target(releases: list[Release], live: Release | None, name: str | None) -> Release:
    if name is None:
        found = retention.last_good(releases, live)
        if found is None:
            raise OrbitError("there is no earlier release to go back to; `orbit releases` shows what is there")
    else:
        found = retention.find(releases, name)
        if found is None:
            raise OrbitError(f"there is no release {name!r}; `orbit rollback --list` shows what is there")
    return found


def _name(release: Release) -> str:
    return f"{release.number:03d}-{release.commit.short}"


def _list(releases: list[Release], live: Release | None) -> None:
    previous = retention.last_good(releases, live)
    click.echo("Available releases:" if releases else "There are no releases.")
    for release in reversed(releases):
        mark = " (current)" if live and release.id == live.id else ""
        mark = mark or (" ← previous" if previous and release.id == previous.id else "")
        click.echo(f"  {_name(release)}{mark}")
