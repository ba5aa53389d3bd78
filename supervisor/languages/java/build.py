"""What a build tool says of a project: how it is built, and what is started then."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from supervisor.languages.java.frameworks import Framework
from supervisor.languages.source import Source
from supervisor.languages.versions import Wanted

BESIDE = r"-(plain|sources|javadoc|tests)\.jar$|/original-"
"""Jars that lie beside the one to run."""


@dataclass(frozen=True, slots=True)
class Build:
    """A build with Maven or Gradle. `start` is None if nothing runnable is made; `notes` then say why.

    `level` is the version that the manifest compiles for. `module` is the part of the project that runs, as a
    path from it; `top` leads from the project to the directory where the build begins.
    """

    tool: str
    command: str
    start: str | None
    framework: Framework | None = None
    level: Wanted | None = None
    has_wrapper: bool = False
    module: str = "."
    inputs: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def below(directory: str, path: str) -> str:
    return path if directory == "." else f"{directory}/{path}"


def picked(directory: str) -> str:
    """The jar to run of those in a directory, as the shell finds it at the start: its name has the version in it."""
    return f"$(ls {shlex.quote(directory)}/*.jar | grep -vE -e '{BESIDE}' | head -n 1)"


def running(source: Source, framework: Framework | None, what: str) -> str:
    """The line that runs `what`: "-jar x.jar", or "-cp … Main", told to listen on $PORT."""
    options, arguments = _dropwizard(source) if framework and framework.name == "dropwizard" else ("", "")
    if framework and framework.name == "ktor" and _is_configured(source):
        arguments = "-port=$PORT"
    parts = ["java $JAVA_OPTS", options or (framework.options if framework else ""), what, arguments]
    return " ".join(part for part in parts if part)


def _is_configured(source: Source) -> bool:
    """Whether ktor is started from a file, by EngineMain, which reads its arguments."""
    return source.first_file(*(f"src/main/resources/application.{ending}" for ending in ("conf", "yaml"))) is not None


def _dropwizard(source: Source) -> tuple[str, str]:
    """Dropwizard reads a file in which the ports are; its values can be set from outside if they are there."""
    name = source.first_file("config.yml", "config.yaml", "configuration.yml", "config/config.yml", "example.yml")
    if name is None:
        name = next((n for n in source.files(".", (".yml", ".yaml")) if "server:" in (source.peek(n) or "")), None)
    text = source.peek(name) or "" if name else ""
    option = ""
    if "applicationConnectors" in text and "PORT" not in text:
        option = '"-Ddw.server.applicationConnectors[0].port=$PORT"'
    elif "connector:" in text and "PORT" not in text:
        option = "-Ddw.server.connector.port=$PORT"
    return option, f"server {name}" if name else "server"
