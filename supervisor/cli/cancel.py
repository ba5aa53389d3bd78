"""`orbit cancel`."""

from __future__ import annotations

import os

import click

from supervisor.cli.asking import ask, follow
from supervisor.layout import Layout
from supervisor.model import Action
from supervisor.variables import home


@click.command()
@click.option("--wait", is_flag=True, help="Return when the deployment has ended; exit 1 if there was none.")
def cancel(wait: bool) -> None:
    """End the deployment that runs, and the one that waits. What is live stays live.

    \b
    Example:
      orbit cancel --wait
    """
    layout = Layout(home(os.environ))
    request = ask(layout, Action.CANCEL)
    if wait:
        follow(layout, request)
    click.echo("cancelled" if wait else "cancellation requested")
