"""The package managers of Node that do not come with it: pnpm, yarn and bun, which is a runtime, too.

One on PATH is taken if it is the version that the project wants. Otherwise npm installs it into a directory
of the cache that goes on PATH, so that scripts and hooks find it, too. npm is there with every Node and obeys
the user's registry settings; corepack is neither everywhere nor always able to check the signatures of what
it downloads.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.model import Runner, User
from supervisor.runtimes.probe import Probe
from supervisor.runtimes.requirement import numbers

PACKAGES = ("pnpm", "yarn", "bun")
COMES_WITH_NODE = "npm"
"""Its own version will do, unless the project names one of another major: those differ in how they read lockfiles."""
BERRY = "@yarnpkg/cli-dist"  # yarn since its second version


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that a project needs beside its runtime.

    `bin_dir` goes on PATH, None if the program is there already. `install_argv` has to run first; it is empty
    if there is nothing to do. `version` is what was asked for, or what was found.
    """

    name: str
    version: str | None
    bin_dir: Path | None = None
    install_argv: tuple[str, ...] = ()


class Tools:
    """Provides package managers for whoever the application runs as; `cache` is a directory that belongs to it."""

    def __init__(self, runner: Runner, cache: Path, user: User | None = None) -> None:
        self._probe = Probe(runner, user)
        self._cache = cache

    async def provide(self, name: str | None, wanted: str | None, environment: Mapping[str, str]) -> Tool | None:
        """The package manager `name` in a version, of a major, or of a range; None if it comes with the
        runtime.

        `environment` is the one that installs will run in, with the runtime's Node on its PATH.
        """
        if name == COMES_WITH_NODE and wanted and re.fullmatch(r"\d+(?:\.\d+)*", wanted):
            there = await self._on_path(name, wanted.split(".")[0], environment)
            if there is not None or not shutil.which(name, path=environment.get("PATH", "")):
                return None
        elif name not in PACKAGES:
            return None
        there = await self._on_path(name, wanted, environment)
        if there is not None:
            return Tool(name, there)
        version = wanted or "latest"
        directory = self._cache / "tools" / re.sub(r"[^\w.@^~-]+", "_", f"{name}@{version}")
        bin_dir = directory / "node_modules" / ".bin"
        if os.access(bin_dir / name, os.X_OK):
            return Tool(name, version, bin_dir)
        return Tool(name, version, bin_dir, _install(directory, f"{_package(name, version)}@{version}"))

    async def _on_path(self, name: str, wanted: str | None, environment: Mapping[str, str]) -> str | None:
        """The version of the program that PATH finds, if it will do."""
        found = shutil.which(name, path=environment.get("PATH", ""))
        output = await self._probe.output(Path(found), environment) if found else None
        output = output.partition("\n")[0].strip() if output else None
        if output is None or not numbers(output):
            return None
        if wanted is None:
            return output
        import nodesemver  # see runtimes/node.py

        return output if nodesemver.satisfies(output, wanted, True) else None


def _package(name: str, version: str) -> str:
    major = numbers(version.lstrip("v^~>=< "))
    return BERRY if name == "yarn" and major and major[0] >= 2 else name


def _install(directory: Path, package: str) -> tuple[str, ...]:
    """npm, told to leave what it finds in the working directory alone; bun's package needs its install script."""
    options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts=false", "--loglevel=error")
    return ("npm", "install", "--prefix", str(directory), *options, package)
