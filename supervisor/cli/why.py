"""`orbit why`."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from supervisor.control import status as control
from supervisor.errors import NotRunning
from supervisor.layout import Layout
from supervisor.variables import home

_NEXT = {
    "git_pull": "run `orbit check`: it asks the repository, the branch and the path one by one",
    "detecting": "run `orbit detect` in a clone; PROJECT_TYPE, PROJECT_PATH and RUN_COMMAND overrule what is found",
    "installing_runtime": "install a version that fits, or change what the project asks for",
    "installing_dependencies": "see `orbit logs build`; INSTALL_COMMAND overrules how dependencies are installed",
    "pre_deploy": "see `orbit logs hooks`; mend the hook and push, or set SKIP_HOOKS=true for once",
    "building": "see `orbit logs build`; BUILD_COMMAND overrules how it is built",
    "starting_app": "see `orbit logs app`; RUN_COMMAND overrules how it is started",
    "health_check": "see `orbit logs app`; HEALTH_CHECK_PATH and HEALTH_CHECK_TIMEOUT say what is asked, and how long",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def why(as_json: bool) -> None:
    """Say what went wrong last: in a deployment, and with the application.

    \b
    Example:
      orbit why
    """
    facts = control.read(Layout(home(os.environ)))
    if facts is None:
        raise NotRunning("there is no status yet; start Orbit with `orbit run`")
    failed, ended = facts.get("last_failed_deployment"), facts["app"].get("last_exit")
    if as_json:
        click.echo(json.dumps({"last_failed_deployment": failed, "last_exit": ended}, indent=2))
        return
    lines = [*(_failure(failed) if failed else ()), *(_exit(ended) if ended else ())]
    click.echo("\n".join(lines or ["Nothing has gone wrong."]))


def _failure(failed: dict[str, Any]) -> list[str]:
    words = failed["outcome"].replace("_", " ")
    lines = [
        f"Deployment {failed['deployment']} of {failed['commit'] or 'no commit'} {words} in {failed['stage']}, "
        f"{failed['failed_at'][:19].replace('T', ' ')} UTC:",
        f"  {failed['reason']}",
    ]
    health = failed["health"]
    if health and health["text"] and health["status"] is not None:
        lines += [f"  {health['target']} answered:", *_indented(health["text"].splitlines()[:10])]
    if failed["tail"]:
        lines += ["  its last lines:", *_indented(failed["tail"])]
    if failed.get("out_of_memory"):
        lines.append("  next: give it more memory, or have it use less")
    elif failed["stage"] in _NEXT:
        lines.append(f"  next: {_NEXT[failed['stage']]}")
    return lines


def _exit(ended: dict[str, Any]) -> list[str]:
    how = f"signal {ended['signal']}" if ended["signal"] is not None else f"exit status {ended['status']}"
    if ended.get("out_of_memory"):
        how = f"{how}: out of memory"
    lines = [f"The application last ended by itself at {ended['at'][:19].replace('T', ' ')} UTC:"]
    lines.append(f"  {ended['error'] or how}")
    if ended["tail"]:
        lines += ["  its last lines:", *_indented(ended["tail"])]
    return [*lines, "  next: see `orbit logs app`"]


def _indented(lines: list[str]) -> list[str]:
    printable = ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return [f"    {line}" for line in printable]
