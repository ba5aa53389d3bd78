"""flux.yaml or flux.json: Orbit's own. Its words are those of the variables, written as `buildCommand`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from supervisor.languages.platforms.document import Table, first, scalar
from supervisor.languages.platforms.environment import Environment, port_of
from supervisor.languages.platforms.health import path_of, seconds_of
from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source
from supervisor.variables import BY_NAME

FILES = ("flux.yaml", "flux.yml", "flux.json")
VERSIONS = (
    "nodeVersion", "pythonVersion", "rubyVersion", "goVersion", "bunVersion", "rustVersion", "javaVersion",
    "dotnetVersion", "phpVersion", "phpExtensions",
)  # fmt: skip
WORDS = (
    "appPort", "envVars", "projectType", "installCommand", "buildCommand", "preDeployCommand", "runCommand",
    "startCommand", "outputDir", "healthCheckPath", "healthCheckTimeout", *VERSIONS,
)  # fmt: skip
"""What may stand in it; docs/projects.md has the same list."""


def read(source: Source) -> Iterator[Told]:
    """What it says. A flux.yaml of Kubernetes is none. Raises PlanError if it cannot be read."""
    if _is_of_kubernetes(source):
        return
    file = first(source, *FILES)
    if file is None:
        return
    environment = Environment(file.shown)
    _read_variables(environment, file)
    port = file.text("appPort")
    if port is not None and port_of(port) is None:
        raise file.broken(f"appPort is {port!r}, not a port from 1 to 65535")
    kind = file.text("projectType")
    if kind is not None and kind.lower() not in BY_NAME["PROJECT_TYPE"].choices:
        raise file.broken(f"projectType is {kind!r}; use one of {BY_NAME['PROJECT_TYPE'].allowed}")
    health_path, remark = path_of(file, "healthCheckPath")
    output = file.text("outputDir")
    yield Told(
        file.shown,
        install=file.lines("installCommand"),
        build=file.lines("buildCommand"),
        start=file.command("runCommand", "startCommand"),
        release=file.command("preDeployCommand"),
        environment=tuple(environment.values.items()),
        generated=tuple(environment.generated),
        unset=tuple(environment.unset.items()),
        versions=tuple((_variable(word), text) for word in ("projectType", *VERSIONS) if (text := file.text(word))),
        static=output is not None and not file.has("runCommand", "startCommand"),
        publishes=output,
        health_path=health_path,
        health_timeout_s=seconds_of(file, "healthCheckTimeout"),
        port=port_of(port) or environment.port,
        notes=(*environment.notes, *remark, *_unknown(file)),
    )


def _read_variables(environment: Environment, file: Table) -> None:
    """An object, or a list of `{name: …, value: …}` or `NAME=value`."""
    values = file.values.get("envVars")
    if not isinstance(values, list):
        environment.set_all(file.table("envVars").values.items())
        return
    for place, item in enumerate(values):
        if isinstance(item, str) and "=" in item:
            environment.set(item.partition("=")[0].strip(), item.partition("=")[2])
            continue
        name = scalar(item.get("name", item.get("key"))) if isinstance(item, dict) else None
        if name is None:
            raise file.broken(f"envVars[{place}] is neither NAME=value nor an object with a name and a value")
        if str(item.get("generateValue")).lower() == "true":
            environment.generate(name)
        elif scalar(item.get("value")) is None:
            environment.ask(name, f"{file.shown} has no value for it")
        else:
            environment.set(name, item["value"])


def _variable(word: str) -> str:
    return "".join(f"_{char}" if char.isupper() else char.upper() for char in word)


def _unknown(file: Table) -> Iterator[str]:
    for name in list(file.values)[:50]:
        if name not in WORDS:
            near = difflib.get_close_matches(str(name), WORDS, n=1)
            yield f"{file.shown}: {name} is not known" + (f"; did you mean {near[0]}?" if near else "")


def _is_of_kubernetes(source: Source) -> bool:
    """Whether it belongs to the Flux that brings Kubernetes up to date."""
    file = source.first_file(*FILES)
    lines = (source.peek(file) or "").splitlines() if file and not file.endswith(".json") else ()
    return any(line.startswith("apiVersion:") for line in lines)
