"""`orbit check`: whether a deployment could begin, without beginning one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from supervisor.errors import OrbitError, SettingsError
from supervisor.settings import Row, Settings, load, unknown
from supervisor.variables import VARIABLES

if TYPE_CHECKING:
    from supervisor.cli.reaching import Reached

FAILED = 1


class Finding(NamedTuple):
    """Something that a deployment needs, whether it is there, and what was found or what is wrong."""

    name: str
    ok: bool
    detail: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(as_json: bool) -> int:
    """Show the settings in effect, and whether the repository, the branch and the path can be reached.

    Secrets are masked. Exits 2 if a setting is wrong, 1 if something cannot be reached.

    \b
    Example:
      orbit check --json
    """
    try:
        settings = load(os.environ)
    except SettingsError as error:
        if as_json:
            _print_json(problems=error.problems)
            return error.exit_code
        raise
    warnings, findings = unknown(os.environ), _reach(settings)
    if as_json:
        _print_json(settings.shown(), settings.health_window_s, warnings, findings)
    else:
        _print(settings.shown(), settings.health_window_s, warnings, findings)
    return 0 if all(finding.ok for finding in findings) else FAILED


def _reach(settings: Settings) -> tuple[Finding, ...]:
    """Whether the repository, the branch and the path are there; nothing is looked for behind a failure."""
    import asyncio  # only now: `--help` and wrong settings need none of it

    from supervisor.cli.reaching import Reached, reach

    reached = Reached()
    try:
        asyncio.run(reach(settings, os.environ, reached))
    except OrbitError as error:
        return (*_found(reached), Finding(reached.looking_for, False, str(error)))
    return tuple(_found(reached))


def _found(reached: Reached) -> Iterator[Finding]:
    return (Finding(name, True, detail) for name, detail in reached.findings)


def _print(rows: tuple[Row, ...], window_s: float, warnings: tuple[str, ...], findings: tuple[Finding, ...]) -> None:
    """For people and for logs: a heading for each group of variables, a line for each of them."""
    width = max(len(row.name) for row in rows)
    group = None
    for variable, row in zip(VARIABLES, rows, strict=True):
        if variable.group != group:
            group = variable.group
            click.echo(f"{group}:")
        click.echo(f"  {row.name:<{width}}  {row.origin:<7}  {row.value}")
    click.echo(f"The application has {window_s:g} s to answer well after a start.")
    for warning in warnings:
        click.echo(f"WARNING: {warning}")
    for finding in findings:
        click.echo(f"{'ok' if finding.ok else 'FAILED':<6}  {finding.name}: {finding.detail}")


def _print_json(
    rows: tuple[Row, ...] = (),
    window_s: float | None = None,
    warnings: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    problems: tuple[str, ...] = (),
) -> None:
    facts = {
        "settings": [row._asdict() for row in rows],
        "health_window_seconds": window_s,
        "warnings": warnings,
        "problems": problems,
        "reachable": [finding._asdict() for finding in findings],
    }
    click.echo(json.dumps(facts, indent=2))
