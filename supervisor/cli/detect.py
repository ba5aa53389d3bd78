"""`orbit detect`: what a deployment would make of a directory, without running any of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import click

from supervisor.errors import SettingsError
from supervisor.languages import Overrides
from supervisor.languages import detect as plan_of
from supervisor.model import Plan

SHOWN = (
    "type",
    "framework",
    "runtime_version",
    "package_manager",
    "install",
    "build",
    "start",
    "serve",
    "output_dir",
)


@click.command()
@click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def detect(directory: Path, as_json: bool) -> None:
    """Show what the source in DIR is, and how it would be installed, built and started.

    Nothing is executed. The variables PROJECT_PATH, PROJECT_TYPE, INSTALL_COMMAND, BUILD_COMMAND,
    RUN_COMMAND, OUTPUT_DIR and those of versions (NODE_VERSION …) count as they do in a deployment. Exits 1 if
    it cannot be told.

    \b
    Examples:
      orbit detect ~/src/shop
      PROJECT_PATH=apps/web orbit detect --json ~/src/monorepo
    """
    plan = plan_of(_project(directory, os.environ), _overrides(os.environ), directory)
    if as_json:
        click.echo(json.dumps({name: getattr(plan, name) for name in SHOWN}, indent=2))
        return
    rows = list(_rows(plan))
    width = max(len(title) for title, _ in rows)
    for title, text in rows:
        click.echo(f"{title:<{width}}  {_printable(text)}")


def _overrides(environ: Mapping[str, str]) -> Overrides:
    """The variables of detection: each is named like its field."""
    found = {field.name: environ.get(field.name.upper()) for field in fields(Overrides)}
    return Overrides(**{name: value for name, value in found.items() if value is not None})


def _project(directory: Path, environ: Mapping[str, str]) -> Path:
    """The project's directory in a repository. Raises SettingsError if PROJECT_PATH is none inside it."""
    path = environ.get("PROJECT_PATH", "").strip()
    project = directory / path
    if ".." in Path(path).parts or path.startswith("/"):
        raise SettingsError((f"cannot use PROJECT_PATH={path}: it leaves the repository; give a path below its root",))
    if not project.is_dir():
        raise SettingsError((f"cannot use PROJECT_PATH={path}: there is no such directory; check its spelling",))
    return project


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    """The account for people: what was found, what would run, and remarks."""
    yield "type", plan.type + (f" ({plan.framework})" if plan.framework else "")
    if plan.runtime:
        yield "runtime", f"{plan.runtime} {plan.runtime_version or '(any version)'}"
    if plan.package_manager:
        yield "package manager", plan.package_manager
    yield "install", plan.install or "nothing"
    if plan.release:
        yield "release", plan.release
    yield "build", plan.build or "nothing"
    if plan.serve == "static":
        yield "serve", f"the files in {plan.output_dir}"
    if plan.start:
        yield "start", plan.start
    for name, value in plan.environment:
        yield "environment", f"{name}={value}"
    for note in plan.notes:
        yield "note", note


def _printable(text: str) -> str:
    """What a terminal may show: a manifest can hold anything."""
    return "".join(char if char.isprintable() else "?" for char in text)
