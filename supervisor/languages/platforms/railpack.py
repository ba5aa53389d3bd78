"""railpack.json, of Railway's newer builder."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms.document import Table, first, scalar
from supervisor.languages.platforms.environment import Environment
from supervisor.languages.platforms.told import DETECTED, Told
from supervisor.languages.source import Source

FILE = "railpack.json"

_LANGUAGES = {"golang": "go", "staticfile": "static"}


def read(source: Source) -> Iterator[Told]:
    """Its provider, packages, steps and start. Raises PlanError if it cannot be read."""
    file = first(source, FILE)
    if file is None:
        return
    deploy, steps, packages = file.table("deploy"), file.table("steps"), file.table("packages")
    environment = Environment(file.shown)
    environment.set_all(deploy.table("variables").values.items())
    for name in steps.values:
        environment.set_all(steps.table(name).table("variables").values.items())
    secrets = file.values.get("secrets")
    for name in secrets if isinstance(secrets, list) else ():
        environment.ask(str(scalar(name)), f"{file.shown} asks for it")
    provider = file.text("provider")
    yield Told(
        file.shown,
        install=_commands(steps.table("install")),
        build=_commands(steps.table("build")),
        start=deploy.text("startCommand"),
        environment=tuple(environment.values.items()),
        unset=tuple(environment.unset.items()),
        versions=tuple((f"{name.upper()}_VERSION", str(scalar(packages.values[name]))) for name in packages.values),
        language=_LANGUAGES.get(provider, provider) if provider else None,
        port=environment.port,
        notes=(*environment.notes, *_remarks(file, deploy)),
    )


def _commands(step: Table) -> tuple[str, ...] | None:
    """The shell's commands of a step; what copies files or extends PATH is for images alone."""
    commands = step.values.get("commands")
    if not isinstance(commands, list):
        return None
    lines = []
    for command in commands:
        line = command.get("cmd") if isinstance(command, dict) else command
        if isinstance(line, str) and line.strip():
            lines.append(line.strip())
    return tuple(lines) if lines else None


def _remarks(file: Table, deploy: Table) -> tuple[str, ...]:
    found = [table.values.get(name) for table in (file, deploy) for name in ("buildAptPackages", "aptPackages")]
    names = [str(scalar(item)) for items in found if isinstance(items, list) for item in items if item != DETECTED]
    listed = ", ".join(dict.fromkeys(names[:12])) + ("…" if len(names) > 12 else "")
    return (f"{file.shown}: Orbit installs no system packages; if they are missing, install {listed}",) if names else ()
