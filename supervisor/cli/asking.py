"""Writing a request, and waiting for what becomes of it."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from supervisor.cli.following import statuses
from supervisor.control import requests, status
from supervisor.errors import NotRunning, OrbitError
from supervisor.layout import Layout
from supervisor.model import Action, Outcome, Request
from supervisor.redact import printable


class AskedInVain(OrbitError):
    """The request was dealt with, and not as was wished."""


def ask(layout: Layout, action: Action, target: str | None = None) -> Request:
    """Have the supervisor accept a request. Raises NotRunning, OrbitError."""
    pid = status.supervisor_pid(layout)
    request = requests.make(action, f"orbit {action}", target)
    try:
        requests.Spool(layout).accept(request)
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise OrbitError(f"cannot ask the supervisor: {error.strerror}; run this as the user who runs Orbit") from None
    except ProcessLookupError:
        raise NotRunning(f"the supervisor in {layout.home} has just ended; its next start takes the request") from None
    except OSError as error:
        raise OrbitError(f"cannot write the request: {error.strerror} ({error.filename})") from None
    return request


def follow(layout: Layout, request: Request) -> dict[str, Any]:
    """Show how it goes, until the request has been dealt with; its answer. Raises AskedInVain, NotRunning."""
    shown = None
    spool, gone = requests.Spool(layout), False
    for facts in statuses(layout):
        answer = next((answer for answer in facts.get("requests", ()) if answer["id"] == request.id), None)
        if answer:
            return _judge(answer, facts)
        if gone:  # it was dealt with before this status was read, and the answer should stand there
            raise AskedInVain(f"{request.action}: how it went could not be written down; see `orbit logs setup`")
        gone = not spool.holds(request)
        stage = facts.get("stage")
        if stage and stage != shown and facts.get("queue", {}).get("running") == request.id:
            shown = stage
            click.echo(f"[{facts['progress_percent']:3d}%] {stage}")
    raise AskedInVain("the status file is gone")


def _judge(answer: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    if answer["outcome"] == Outcome.SUCCEEDED:
        return answer
    words = str(answer["outcome"]).replace("_", " ")
    lines = [f"{answer['action']} {words}: {answer['reason']}"]
    failed = facts.get("last_failed_deployment") or {}
    if failed.get("deployment") == answer["deployment"] and failed.get("tail"):
        lines += ["last lines of its output:", *(f"    {printable(line)}" for line in failed["tail"])]
    if answer["deployment"]:
        lines.append("see `orbit why`")
    raise AskedInVain("\n".join(lines))
