"""`orbit releases`."""

from __future__ import annotations

import json
import os

import click

from supervisor.cli.tables import show
from supervisor.layout import Layout
from supervisor.model import Release
from supervisor.releases.store import ReleaseStore
from supervisor.variables import home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def releases(as_json: bool) -> None:
    """Show the releases on disk, newest first.

    \b
    Example:
      orbit releases --json
    """
    store = ReleaseStore(Layout(home(os.environ)), None)
    live = store.current()
    found = [(release, live is not None and release.id == live.id) for release in reversed(store.all())]
    if as_json:
        click.echo(json.dumps([_facts(release, is_live) for release, is_live in found], indent=2))
    elif not found:
        click.echo("There are no releases.")
    else:
        show(
            ("RELEASE", "COMMIT", "BUILT", "TOOK", "STATE", "SUBJECT"),
            [
                (
                    f"{release.number:03d}",
                    release.commit.short,
                    f"{release.built_at.astimezone():%Y-%m-%d %H:%M:%S}",
                    f"{release.build_duration_s:.1f} s",
                    "live" if is_live else "good" if release.good else "never healthy",
                    release.commit.subject,
                )
                for release, is_live in found
            ],
        )


def _facts(release: Release, is_live: bool) -> dict[str, object]:
    return {
        "id": release.id,
        "number": release.number,
        "commit": release.commit.sha,
        "commit_message": release.commit.subject,
        "author": release.commit.author,
        "deployed_at": release.built_at.isoformat(),
        "build_duration_seconds": round(release.build_duration_s, 3),
        "current": is_live,
        "good": release.good,
        "directory": str(release.directory),
    }
