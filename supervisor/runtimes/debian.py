"""Debian's packages: what a runtime is made of where Orbit is root on such a system."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from supervisor.model import Command, Exit, Runner
from supervisor.runtimes.mise import Console

_KEPT = ("PATH", "LANG", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_INSTALL = ("install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120")


class Debian:
    """Installs packages as whoever runs Orbit."""

    def __init__(self, runner: Runner, environment: Mapping[str, str]) -> None:
        self._runner = runner
        self._env = {name: environment[name] for name in _KEPT if name in environment}
        self._is_new = False
        self._env["DEBIAN_FRONTEND"] = "noninteractive"

    @property
    def can_install(self) -> bool:
        return os.geteuid() == 0 and self._program("apt-get") is not None

    async def names(self, prefix: str) -> tuple[str, ...]:
        """The packages that there are with such a name."""
        program = self._program("apt-cache")
        if program is None:
            return ()
        ended = await self._runner.run(Command((program, "pkgnames", prefix), Path("/"), self._env, 60.0, capture=True))
        return tuple(sorted(ended.output.decode(errors="replace").split())) if ended.ok else ()

    async def install(self, packages: Iterable[str], console: Console) -> bool:
        """Whether all of them are there afterwards; with new lists where the old ones do not do."""
        packages = tuple(packages)
        if not self.can_install or not packages:
            return not packages
        if (await self._run((*_INSTALL, *packages), console)).ok:
            return True
        return await self.update(console) and (await self._run((*_INSTALL, *packages), console)).ok

    async def update(self, console: Console) -> bool:
        """Fetch the lists of packages, once; whether they are new now."""
        if self._is_new:
            return False
        self._is_new = True
        return (await self._run(("update", "-q"), console)).ok

    async def _run(self, words: tuple[str, ...], console: Console) -> Exit:
        argv = (self._program("apt-get") or "apt-get", *words)
        return await self._runner.run(
            Command(argv, Path("/"), self._env, console.timeout_s, log=console.log, mark=console.mark)
        )

    def _program(self, name: str) -> str | None:
        return shutil.which(name, path=self._env.get("PATH", ""))
