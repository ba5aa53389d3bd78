"""What a PHP project needs besides the interpreter: extensions, composer, a router for PHP's own server.

Where Orbit is root on Debian, what is missing comes from its packages. Elsewhere it has to be there.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from supervisor.errors import RuntimeMissing
from supervisor.model import Command, Plan, Release, Runner, User
from supervisor.runtimes import Runtime, composer, php, php_extensions
from supervisor.runtimes.debian import Debian
from supervisor.runtimes.mise import Console
from supervisor.runtimes.requirement import numbers

ROUTER = ".orbit/router.php"
PROGRAMS = ".orbit/bin"
"""The interpreter under its plain name, where the system has it under another: php8.1."""

_WRITE = "is_dir(dirname($argv[1])) || mkdir(dirname($argv[1]), 0755, true); file_put_contents($argv[1], $argv[2]);"
_LINK = 'mkdir -p "$(dirname "$1")" && ln -sfn "$0" "$1"'


@dataclass(frozen=True, slots=True)
class Part:
    """What a step does, and the step: its title, its command."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Directories for PATH, and what has to run first."""

    search_path: tuple[str, ...] = ()
    steps: tuple[Part, ...] = ()


async def provide_interpreter(plan: Plan, debian: Debian, console: Console) -> bool:
    """Install the interpreter that a plan wants from Debian's packages; whether there was one."""
    wanted = php.requirement(plan.runtime_version) if plan.runtime_version else php.requirement("*")
    if wanted is None or not debian.can_install:
        return False
    names = await debian.names("php") or await _after_update(debian, console)
    lines = {name.removeprefix("php").removesuffix("-cli") for name in names if name.endswith("-cli")}
    versions = sorted((line for line in lines if numbers(line)), key=numbers, reverse=True)
    for line in versions:  # a distribution has the newest patch of a line
        if wanted.fits(f"{line}.99") or (wanted.nearly and wanted.nearly(f"{line}.99")):
            usual = (f"php{line}-{name}" for name in php_extensions.USUAL)
            return await debian.install((f"php{line}-cli", *(name for name in usual if name in names)), console)
    return False


async def _after_update(debian: Debian, console: Console) -> tuple[str, ...]:
    await debian.update(console)
    return await debian.names("php")


class Php:
    """Completes a PHP runtime for a release. `environment` has the runtime on PATH."""

    def __init__(
        self, runner: Runner, user: User | None, cache: Path, environment: Mapping[str, str], debian: Debian
    ) -> None:
        self._runner = runner
        self._user = user
        self._cache = cache
        self._env = environment
        self._debian = debian

    async def complete(self, draft: Release, runtime: Runtime, console: Console) -> Parts:
        """Raises RuntimeMissing if an extension cannot be had."""
        await self._extensions(draft.plan, runtime, console)
        parts = Parts()
        if runtime.executable.name != "php":
            link = str(draft.project / PROGRAMS / "php")
            step = Part("naming the interpreter", ("sh", "-c", _LINK, str(runtime.executable), link))
            parts = Parts((str(draft.project / PROGRAMS),), (step,))
        if "composer" in (draft.plan.install or "").split() or "composer " in (draft.plan.build or ""):
            parts = await self._composer(parts, runtime, console)
        if ROUTER in (draft.plan.start or ""):
            step = Part("adding the router", (str(runtime.executable), "-r", _WRITE, "--", ROUTER, php.router()))
            parts = replace(parts, steps=(*parts.steps, step))
        return parts

    async def _extensions(self, plan: Plan, runtime: Runtime, console: Console) -> None:
        wanted = (*plan.extensions, *php_extensions.of_database(self._env, plan.build or ""))
        lacking = php_extensions.missing(wanted, await self._loaded(runtime))
        if not lacking:
            return
        packages = php_extensions.packages(lacking, runtime.version)
        if self._debian.can_install and runtime.executable.resolve().parent == Path("/usr/bin"):
            if not await self._debian.install(packages, console):
                for package in packages if len(packages) > 1 else ():  # one that there is not keeps no others away
                    await self._debian.install((package,), console)
            lacking = php_extensions.missing(lacking, await self._loaded(runtime))
        lacking = php_extensions.missing(plan.extensions, frozenset(plan.extensions) - set(lacking))
        if lacking and "--ignore-platform-req" not in (plan.install or ""):
            raise RuntimeMissing(
                f"cannot provide {_named(lacking)} for PHP {runtime.version} ({runtime.executable}): neither there, "
                f"nor among the packages that can be installed here; add {' '.join(packages)} to the image"
            )

    async def _composer(self, parts: Parts, runtime: Runtime, console: Console) -> Parts:
        """The one on PATH, Debian's, or the newest, checked against the checksum that is published with it."""
        path = self._env.get("PATH", "")
        if shutil.which("composer", path=path) or (
            self._debian.can_install and await self._debian.install(("composer",), console)
        ):
            return parts
        bin_dir, argv = composer.provide(self._cache, runtime)
        steps = (Part("installing composer", argv),) if argv else ()
        return Parts((*parts.search_path, str(bin_dir)), (*parts.steps, *steps))

    async def _loaded(self, runtime: Runtime) -> frozenset[str]:
        argv, env = (str(runtime.executable), "-m"), {"PATH": self._env.get("PATH", "")}
        ended = await self._runner.run(Command(argv, Path("/"), env, 30.0, user=self._user, capture=True))
        return php_extensions.loaded(ended.output.decode(errors="replace"))


def _named(extensions: tuple[str, ...]) -> str:
    return f"the extension {extensions[0]}" if len(extensions) == 1 else f"the extensions {', '.join(extensions)}"
