"""`orbit update`."""

from __future__ import annotations

import os

import click

from supervisor.cli.asking import ask, follow
from supervisor.layout import Layout
from supervisor.model import Action
from supervisor.variables import home


@click.command()
@click.argument("ref", required=False)
@click.option("--wait", is_flag=True, help="Return when it is done; exit 1 if it failed.")
def update(ref: str | None, wait: bool) -> None:
    """Deploy the branch's newest commit, or REF (a branch, a tag, a commit's 40 digits).

    Returns as soon as the running supervisor has accepted the request.

    \b
    Examples:
      orbit update
      orbit update --wait
      orbit update --wait v1.4.2
    """
    layout = Layout(home(os.environ))
    request = ask(layout, Action.UPDATE, ref)
    if not wait:
        click.echo("update requested; `orbit status --watch` shows how it goes")
        return
    follow(layout, request)
    click.echo("update succeeded")
