"""`orbit why`."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from supervisor.control import status as control
from supervisor.deploy.records import Record, Records
from supervisor.errors import NotRunning, OrbitError
from supervisor.layout import Layout
from supervisor.redact import printable
from supervisor.variables import home

MOST_BODY_LINES = 10


@click.command()
@click.argument("deployment", type=click.IntRange(1), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def why(deployment: int | None, as_json: bool) -> None:
    """Say what went wrong last, in a deployment and with the application, and what to try next.

    DEPLOYMENT is the number of one; without it, the last one that failed.

    \b
    Examples:
      orbit why
      orbit why 12 --json
    """
    layout = Layout(home(os.environ))
    if deployment is not None:
        record = _record(layout, deployment)
        click.echo(json.dumps(record, indent=2) if as_json else "\n".join(_of_record(record)))
        return
    facts = control.read(layout)
    if facts is None:
        raise NotRunning("there is no status yet; start Orbit with `orbit run`")
    if as_json:
        click.echo(json.dumps(_facts(facts), indent=2))
    else:
        click.echo("\n".join(_of_status(facts) or ["Nothing has gone wrong."]))


def _record(layout: Layout, number: int) -> Record:
    records = Records(layout)
    record = records.read(number)
    if record is None:
        newest = next((f"the newest is {found['number']}" for found in records.latest(1)), "there are none yet")
        raise OrbitError(f"there is no record of deployment {number}; {newest}")
    return record


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    app = facts["app"]
    return {
        "last_failed_deployment": facts.get("last_failed_deployment"),
        "deployed_well_since": _deployed_since(facts),
        "last_deployment": facts.get("last_deployment"),
        "trouble": app.get("trouble"),
        "last_exit": app.get("last_exit"),
    }


def _deployed_since(facts: dict[str, Any]) -> bool:
    """Whether the failure is older than the last success."""
    failed, deployed = facts.get("last_failed_deployment"), facts.get("last_deployment")
    return bool(failed and deployed and deployed["deployment"] > failed["deployment"])


def _of_status(facts: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    failed, deployed, app = facts.get("last_failed_deployment"), facts.get("last_deployment"), facts["app"]
    if failed:
        words = f"{failed['outcome'].replace('_', ' ')} in {failed['stage']}, {_when(failed['failed_at'])}"
        lines += [f"Deployment {failed['deployment']} of {failed['commit'] or 'no commit'} {words}:", *_failure(failed)]
        if deployed and _deployed_since(facts):
            done = "rolled back" if deployed["action"] == "rollback" else "deployed"
            when = _when(deployed["updated_at"])
            lines.append(
                f"  Since then {deployed['commit']} has been {done} well (deployment {deployed['deployment']}, {when})."
            )
    if deployed and (deployed["warnings"] or deployed.get("post_deploy")):
        lines.append(f"Deployment {deployed['deployment']} of {deployed['commit']} succeeded, with a warning:")
        lines += _warned(deployed["warnings"], deployed.get("post_deploy"))
    trouble, ended = app.get("trouble"), app.get("last_exit")
    if trouble and trouble["remedy"] != "rollback":  # else the record of its deployment says it
        done = "restarted for it" if trouble["remedy"] else "kept up: there is no release to go back to"
        lines += [f"The application of {trouble['release'][:11]} was not well, {_when(trouble['at'])}; {done}:"]
        lines += _failure(trouble)
    if ended and not any(_same_end(ended, told) for told in (failed, trouble) if told):
        lines += [f"The application last ended by itself, {_when(ended['at'])}:", *_failure(ended)]
        if app["state"] == "RUNNING" and (app["started_at"] or "") > ended["at"]:
            lines.append(f"  Since then {app['release'][:11]} has been started, {_when(app['started_at'])}.")
    return lines


def _same_end(ended: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether the application's end is the one that a failure tells of already."""
    how = (told["exit_status"], told["signal"])
    return how != (None, None) and (ended["status"], ended["signal"], ended["tail"]) == (*how, told["tail"])


def _of_record(record: Record) -> list[str]:
    what = f"Deployment {record['number']} ({record['action']}, {record['cause']}) of {record['commit'] or 'no commit'}"
    if record["outcome"] is None:
        return [f"{what} is in {record['stage']}, or was when Orbit ended."]
    when = _when(record["ended_at"] or record["started_at"])
    failure = record["failure"]
    if failure:
        words = f"{record['outcome'].replace('_', ' ')} in {failure['stage']}"
        return [f"{what} {words}, {when}:", *_failure(dict(failure)), *_warned(record["warnings"], None)]
    words = f"{record['outcome'].replace('_', ' ')} in {record['duration_seconds']:.1f} s, {when}"
    reason = [f"  {record['reason']}"] if record["reason"] else []
    return [f"{what} {words}.", *reason, *_warned(record["warnings"], record.get("post_deploy"))]


def _warned(warnings: list[str], post_deploy: Any) -> list[str]:
    lines = [f"  warning: {printable(warning)}" for warning in warnings]
    return [*lines, *(_failure(post_deploy, reason=False) if post_deploy else ())]


def _failure(failed: dict[str, Any], reason: bool = True) -> list[str]:
    """The facts of a failure, as they stand in the status and in a record; older records have fewer."""
    lines = [f"  {printable(failed.get('reason') or _how(failed))}"] if reason else []
    if failed.get("command"):
        lines.append(f"  command: {printable(failed['command'])}")
    if failed.get("timeout"):
        lines.append(f"  time: {failed['timeout']['seconds']:g} s ({failed['timeout']['variable']})")
    health = failed.get("health")
    if health and health["text"] and health["status"] is not None:
        lines.append(f"  {health['target']} answered with status {health['status']}:")
        lines += _indented(health["text"].splitlines()[:MOST_BODY_LINES])
    if failed["tail"]:
        lines += ["  its last lines:", *_indented(failed["tail"])]
    if failed.get("next"):
        lines.append(f"  next: {printable(failed['next'])}")
    log = failed.get("log")
    return [*lines, f"  more: `orbit logs {log}`"] if log else lines


def _how(ended: dict[str, Any]) -> str:
    if ended["error"]:
        return str(ended["error"])
    if ended["signal"] is None:
        return f"exit status {ended['status']}"
    how = " ".join(
        (f"signal {ended['signal']}", f"({ended['signal_name']})" if ended.get("signal_name") else "")
    ).strip()
    return f"{how}: out of memory" if ended["out_of_memory"] else how


def _when(time: str) -> str:
    return f"{time[:19].replace('T', ' ')} UTC"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {printable(line)}" for line in lines]
