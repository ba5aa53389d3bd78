"""`orbit detect`: what a deployment would make of a directory, without running any of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import click

from supervisor.errors import SettingsError
from supervisor.languages import NoStart, Overrides
from supervisor.languages import detect as plan_of

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
@click.option("--full", is_flag=True, help="With --json: everything that is known, and where it comes from.")
def detect(directory: Path, as_json: bool, full: bool) -> None:
    """Show what the source in DIR is, and how it would be installed, built and started.

    Nothing is executed. The variables PROJECT_PATH, PROJECT_TYPE, INSTALL_COMMAND, BUILD_COMMAND,
    RUN_COMMAND, OUTPUT_DIR and those of versions (NODE_VERSION …) count as they do in a deployment. Exits 1 if
    it cannot be told what it is.

    \b
    Examples:
      orbit detect ~/src/shop
      PROJECT_PATH=apps/web orbit detect --json ~/src/monorepo
    """
    project, options = project_in(directory, os.environ), overrides_of(os.environ)
    try:
        plan = plan_of(project, options, directory)
    except NoStart as error:
        plan = error.plan
        click.echo(f"a deployment would fail: {error}", err=True)
    if not as_json:
        from supervisor.cli.account import Account  # not for --json, which programs wait for

        Account(plan, project, directory, options, os.environ).print()
        return
    facts = {name: getattr(plan, name) for name in SHOWN}
    if full:
        facts |= {name: value for name, value in asdict(plan).items() if name not in SHOWN}
        facts |= {name: dict(getattr(plan, name)) for name in ("environment", "origins", "unset")}
    click.echo(json.dumps(facts, indent=2))


def overrides_of(environ: Mapping[str, str]) -> Overrides:
    """The variables of detection: each is named like its field."""
    found = {field.name: environ.get(field.name.upper()) for field in fields(Overrides)}
    return Overrides(**{name: value for name, value in found.items() if value is not None})


def project_in(directory: Path, environ: Mapping[str, str]) -> Path:
    """The project's directory in a repository. Raises SettingsError if PROJECT_PATH is none inside it."""
    path = environ.get("PROJECT_PATH", "").strip()
    project = directory / path
    if ".." in Path(path).parts or path.startswith("/"):
        raise SettingsError((f"cannot use PROJECT_PATH={path}: it leaves the repository; give a path below its root",))
    if not project.is_dir():
        raise SettingsError((f"cannot use PROJECT_PATH={path}: there is no such directory; check its spelling",))
    return project
