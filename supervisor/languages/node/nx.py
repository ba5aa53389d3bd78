"""The applications of an Nx workspace, which have no package.json with scripts of their own.

Nx builds them by name, into `dist/apps/NAME` unless their project.json or their framework says otherwise.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from supervisor.languages.node import package, sites
from supervisor.languages.source import Source

MOST_APPS = 50

_NAME = re.compile(r"[@\w][\w./-]*")
_SERVES = re.compile(r"(?:npx\s+)?nx\s+(?:serve|start|dev|run)\b.*")


@dataclass(frozen=True, slots=True)
class App:
    """An application: its directory from the workspace's root, its name, and where its build goes."""

    directory: str
    name: str
    output: str
    framework: str | None

    @property
    def build(self) -> str:
        return f"nx build {shlex.quote(self.name)}"

    @property
    def start(self) -> str | None:
        """None for a site."""
        if self.framework == "next":
            if self.output.startswith(f"{self.directory}/"):
                return f"cd {shlex.quote(self.directory)} && next start"
            return f"next start {shlex.quote(self.output)}"
        return None if self.framework in ("vite", "angular") else f"node {shlex.quote(self.output)}/main.js"


def above(source: Source) -> tuple[Source, App] | None:
    """The workspace of an application that is no package itself, and the application."""
    if not source.is_file("project.json"):
        return None
    root = next((place for place in source.above() if place.is_file("nx.json")), None)
    if root is None:
        return None
    directory = source.directory.relative_to(root.directory)
    found = _read(root, str(directory), directory.name)
    return (root, found) if found else None


def app(root: Source) -> App | None:
    """The default project of the workspace, or its only application; None if there is neither, or a start script."""
    if not root.is_file("nx.json"):
        return None
    script = package.read(root).script("start")
    if script is not None and _SERVES.fullmatch(script) is None:
        return None
    apps = [found for name in root.directories("apps")[:MOST_APPS] if (found := _read(root, f"apps/{name}", name))]
    default = (root.json("nx.json") or {}).get("defaultProject")
    return next((found for found in apps if found.name == default), apps[0] if len(apps) == 1 else None)


def _read(root: Source, directory: str, plain: str) -> App | None:
    """The application in a directory of `apps`; None for what only tests another."""
    if plain.endswith("-e2e"):
        return None
    data = root.json(f"{directory}/project.json") or {}
    own = package.read(root.at(root.directory / directory))
    if not data and not own.there:
        return None
    told = data.get("name") or own.name
    name = told if isinstance(told, str) and _NAME.fullmatch(told) else plain
    framework = _framework(root, directory)
    usual = f"{directory}/.next" if framework == "next" and not data else f"dist/{directory}"
    build = sites.inner(data, "targets", "build", "options")
    output = build.get("outputPath")
    safe = isinstance(output, str) and not output.startswith(("/", "..")) and "{" not in output
    return App(directory, name, output if isinstance(output, str) and safe else usual, framework)


def _framework(root: Source, directory: str) -> str | None:
    """By the settings beside the application: its dependencies are the whole workspace's."""
    everything = package.read(root).everything
    if root.first_file(*(f"{directory}/next.config.{ending}" for ending in ("js", "mjs", "cjs", "ts"))):
        return "next"
    if root.is_file(f"{directory}/index.html"):
        return "vite"
    if root.is_file(f"{directory}/src/index.html"):
        return "angular"
    return next((name for name, of in (("nestjs", "@nestjs/core"), ("express", "express")) if of in everything), None)
