"""`orbit restart`."""

from __future__ import annotations

import os

import click

from supervisor.cli.asking import ask, follow
from supervisor.layout import Layout
from supervisor.model import Action
from supervisor.variables import home


@click.command()
@click.option("--wait", is_flag=True, help="Return when it is done; exit 1 if it failed.")
def restart(wait: bool) -> None:
    """Stop the application and start the same release again.

    \b
    Example:
      orbit restart --wait
    """
    layout = Layout(home(os.environ))
    request = ask(layout, Action.RESTART)
    if wait:
        follow(layout, request)
    click.echo("restarted" if wait else "restart requested")
