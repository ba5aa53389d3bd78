"""`orbit status`."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from supervisor.cli.following import statuses
from supervisor.cli.tables import show_pairs
from supervisor.control import status as control
from supervisor.errors import NotRunning
from supervisor.layout import Layout
from supervisor.variables import home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status file as it is.")
@click.option("--watch", is_flag=True, help="Go on, with a line for each change (Ctrl-C ends it).")
def status(as_json: bool, watch: bool) -> None:
    """Show what the supervisor does, what is live, and what failed last.

    \b
    Examples:
      orbit status
      orbit status --json | jq .app.state
      orbit status --watch
    """
    layout = Layout(home(os.environ))
    if watch:
        _watch(layout, as_json)
        return
    facts = control.read(layout)
    if facts is None:
        control.supervisor_pid(layout)
        raise NotRunning(f"there is no status yet in {layout.run}")
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        show_pairs(_rows(facts))
    control.supervisor_pid(layout)  # what was shown is old if there is none: exit 3, and say so


def _watch(layout: Layout, as_json: bool) -> None:
    shown = None
    for facts in statuses(layout):
        line = json.dumps(facts) if as_json else _line(facts)
        if line != shown:
            shown = line
            when = "" if as_json else facts["updated_at"][:19].replace("T", " ") + "  "
            click.echo(when + line)


def _line(facts: dict[str, Any]) -> str:
    app = facts.get("app", {})
    parts = [facts["status"]]
    if facts.get("stage"):
        parts.append(f"{facts['stage']} ({facts['progress_percent']}%) {facts.get('commit') or ''}".strip())
    parts.append(f"app {app.get('state')}" + (f" pid {app['pid']}" if app.get("pid") else ""))
    parts.append(f"release {(facts.get('current_release') or 'none')[:11]}")
    failed, deployed = facts.get("last_failed_deployment"), facts.get("last_deployment")
    if failed and not facts.get("stage") and failed["deployment"] > (deployed or {"deployment": 0})["deployment"]:
        parts.append(f"deployment {failed['deployment']} {failed['outcome'].replace('_', ' ')} in {failed['stage']}")
    return "  ".join(parts)


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    app = facts.get("app", {})
    rows = [("status", str(facts["status"]))]
    if facts.get("stage"):
        rows.append(("stage", f"{facts['stage']} ({facts['progress_percent']} %, {facts['duration_seconds']:g} s)"))
        rows.append(("deploying", str(facts.get("commit") or "…")))
    rows.append(("release", str(facts.get("current_release") or "none")))
    up = f", pid {app['pid']} since {app['started_at'][:19]}" if app.get("pid") else ""
    restarts = f", {app['restarts']} restarts" if app.get("restarts") else ""
    rows.append(("app", f"{app.get('state')}{up}{restarts}, port {app.get('port')}"))
    if app.get("last_exit"):
        rows.append(("last exit", _exit(app["last_exit"])))
    if deployed := facts.get("last_deployment"):
        rows.append(("deployed", f"{deployed['commit']} {deployed['commit_message']}"))
        took = f"{deployed['updated_at'][:19]}, {deployed['build_duration_seconds']:.1f} s ({deployed['cause']})"
        rows.append(("", took))
        rows += [("warning", warning) for warning in deployed["warnings"]]
    if failed := facts.get("last_failed_deployment"):
        rows.append(
            (
                "last failure",
                f"{failed['commit'] or '?'} {failed['outcome']} in {failed['stage']}, {failed['failed_at'][:19]}",
            )
        )
        rows.append(("", failed["reason"]))
        rows += [("", f"    {line}") for line in failed["tail"]]
    if waiting := facts.get("queue", {}).get("waiting"):
        rows.append(("waiting", f"{waiting['action']} ({waiting['cause']})"))
    return rows


def _exit(last: dict[str, Any]) -> str:
    how = f"signal {last['signal']}" if last["signal"] is not None else f"status {last['status']}"
    return f"{last['at'][:19]} with {last['error'] or how}"
