"""Where a plan's runtime comes from: the system, what was installed before, or mise.

Node comes from npm's registry where mise cannot have it. The network is asked only if neither the system nor what was
installed before has one that fits. Where it cannot be reached, a neighbour of the
exact version that was asked for will do, with a note.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from loguru import logger

from supervisor.errors import RuntimeMissing
from supervisor.model import Command, Plan, Runner, User
from supervisor.runtimes import choice, node
from supervisor.runtimes.mise import Console, Job, MiseFailed, Source, said
from supervisor.runtimes.recipes import RECIPES, Recipe
from supervisor.runtimes.requirement import Requirement, Test, numbers
from supervisor.runtimes.runtime import Kind, Runtime
from supervisor.runtimes.shelf import Installed, Shelf
from supervisor.runtimes.system import System, asked, named

FINISH_TIMEOUT_S = 300.0


class Provider:
    """Provides runtimes for whoever the application runs as."""

    def __init__(
        self, runner: Runner, system: System, shelf: Shelf, mise: Source, registry: Source, user: User | None
    ) -> None:
        self._runner = runner
        self._system = system
        self._shelf = shelf
        self._mise = mise
        self._registry = registry
        self._user = user

    async def provide(self, plan: Plan, environment: Mapping[str, str], console: Console) -> Runtime | None:
        """The runtime of a plan, None if it names none. `environment` is the application's.

        Raises RuntimeMissing, OSError.
        """
        if plan.runtime is None:
            return None
        there = await self.there(plan, environment)
        if there:
            return there
        kind, wanted = asked(plan)
        recipe = RECIPES.get(kind.name)
        if recipe is None:
            return await self._system.find(plan, environment)
        problems: list[str] = []
        for source in (self._mise, *([self._registry] if kind.name == node.name else [])):
            try:
                job = Job(await source.program(environment, console), recipe, Path(), environment, console)
                runtime = await self._installed(plan, kind, wanted, source, job)
                instead = (f"{kind.name} {runtime.version} is npm's: mise cannot install it",) if problems else ()
                return replace(runtime, notes=(*runtime.notes, *instead))
            except MiseFailed as error:
                logger.warning("cannot install {}: {}", named(plan), error)
                problems.append(str(error))
        return await self._instead(plan, kind, wanted, environment, problems[0])

    async def there(self, plan: Plan, environment: Mapping[str, str]) -> Runtime | None:
        """One that fits, without the network: the system's, unless the newest is meant and was installed before.
        Raises RuntimeMissing about a constraint that cannot be understood, OSError."""
        if plan.runtime is None:
            return None
        kind, wanted = asked(plan)
        of_system = await self._system.exactly(kind, wanted, environment)
        if of_system and not _is_whole(of_system, plan, environment):
            of_system = None
        if of_system and not wanted.newest:
            return of_system
        earlier = await self._earlier(kind, wanted.fits, environment)
        if of_system and earlier:
            return max(earlier, of_system, key=lambda runtime: numbers(runtime.version))
        return earlier or of_system

    async def _earlier(self, kind: Kind, fits: Test, environment: Mapping[str, str]) -> Runtime | None:
        """The newest that fits of those that were installed before, and still work."""
        fitting = [one for one in self._shelf.all(kind.name) if fits(one.version)]
        for one in sorted(fitting, key=lambda one: numbers(one.version), reverse=True):
            works = await self._system.version(kind, _program(kind, one.bin_dir), environment)
            if works and self._shelf.take(one):
                return _runtime(kind, one)
        return None

    async def _installed(self, plan: Plan, kind: Kind, wanted: Requirement, source: Source, job: Job) -> Runtime:
        """Raises MiseFailed, RuntimeMissing, OSError."""
        version, listed, notes = await self._version(plan, kind, wanted, source, job)
        earlier = await self._earlier(kind, lambda found: found == version, job.environment)
        if earlier:
            return replace(earlier, notes=notes)
        async with self._shelf.begun(kind.name, version, self._user) as directory:
            logger.info("installing {} {}", kind.name, version)
            job = replace(job, directory=directory)
            bin_dir = await source.install(job, listed)
            return replace(await self._complete(kind, wanted, version, bin_dir, job), notes=notes)

    async def _version(
        self, plan: Plan, kind: Kind, wanted: Requirement, source: Source, job: Job
    ) -> tuple[str, str, tuple[str, ...]]:
        """The version to install, as it compares and as the source calls it, and what the user should know. Raises
        RuntimeMissing, MiseFailed, OSError."""
        text = (plan.runtime_version or "").strip().lower()
        if job.recipe.channels and re.fullmatch(job.recipe.channels, text):
            return text, text, ()
        async with self._shelf.begun(kind.name, "versions", self._user) as directory:
            listed = choice.finished(await source.versions(replace(job, directory=directory)))
            await self._shelf.drop(directory)
        version, notes = self._chosen(plan, kind, wanted, job.recipe, list(listed))
        return version, listed[version], notes

    def _chosen(
        self, plan: Plan, kind: Kind, wanted: Requirement, recipe: Recipe, listed: list[str]
    ) -> tuple[str, tuple[str, ...]]:
        """The version to install, and what the user should know of it. Raises RuntimeMissing, MiseFailed."""
        if not listed:
            raise MiseFailed("the list of versions is empty")
        usual = kind.requirement(recipe.usual) if recipe.usual and not wanted.newest else None
        version = choice.newest(listed, wanted.fits, usual.fits if usual else None)
        if version:
            return version, ()
        text = plan.runtime_version or ""
        version = choice.later(listed, wanted, text) if recipe.partial else None
        if version:
            return version, (f"{named(plan)} cannot be installed: {version} is used",)
        *most, last = choice.nearest(listed, text)
        near = f"{', '.join(most)} and {last}" if most else last
        raise RuntimeMissing(
            f"cannot provide {named(plan)}: there is no such version; the nearest: {near}; set {kind.variable} "
            "to one that there is"
        )

    async def _complete(self, kind: Kind, wanted: Requirement, version: str, bin_dir: Path, job: Job) -> Runtime:
        """Look whether what was installed works, and close it to changes. Raises MiseFailed, OSError."""
        recipe, directory = job.recipe, job.directory
        program = _program(kind, bin_dir)
        path = os.pathsep.join((str(bin_dir), job.environment.get("PATH", "")))
        env = {"PATH": path, "HOME": str(directory), "LANG": "C.UTF-8"}
        found = await self._system.version(kind, program, env)
        if found is None:
            raise MiseFailed(f"{program} does not work")
        for argv in (
            *([recipe.finish] if recipe.finish else []),
            ("rm", "-rf", *(str(directory / name) for name in ("downloads", "shims", "migrations", "home"))),
            ("chmod", "-R", "a-w", str(directory)),  # a release that is live must not change with what another installs
        ):
            ended = await self._runner.run(Command(argv, bin_dir.parent, env, FINISH_TIMEOUT_S, user=self._user))
            if not ended.ok and argv != recipe.finish:
                raise MiseFailed(f"{argv[0]}: {said(ended)}")
        known_as = found if wanted.fits(found) else version
        return _runtime(kind, await asyncio.to_thread(self._shelf.complete, kind.name, known_as, directory, bin_dir))

    async def _instead(
        self, plan: Plan, kind: Kind, wanted: Requirement, environment: Mapping[str, str], error: str
    ) -> Runtime:
        """What will do where nothing can be installed. Raises RuntimeMissing."""
        partly = await self._system.exactly(kind, wanted, environment)
        if partly:
            return replace(partly, notes=(f"{partly.executable} has no npm beside it, and none can be had: {error}",))
        near = await self._earlier(kind, wanted.nearly, environment) if wanted.nearly else None
        near = near or await self._system.nearly(plan, kind, wanted, environment)
        if near:
            note = f"{named(plan)} cannot be installed ({error}): {near.version} is used ({near.executable})"
            return replace(near, notes=(note,))
        shown = await self._system.shown(kind, environment)
        raise RuntimeMissing(
            f"cannot provide {named(plan)}: this system has {shown}, and mise cannot install it: {error}; check the "
            f"network (HTTPS_PROXY and MISE_* variables are heeded) and update again, or set {kind.variable} to what "
            "is there"
        )


def _is_whole(runtime: Runtime, plan: Plan, environment: Mapping[str, str]) -> bool:
    """Whether what usually comes with it, and is needed, is there: distributions have npm in a package of its own."""
    if runtime.name != node.name or plan.package_manager not in ("npm", "pnpm", "yarn"):
        return True
    path = os.pathsep.join((str(runtime.executable.parent), environment.get("PATH", "")))
    return shutil.which("npm", path=path) is not None


def _program(kind: Kind, bin_dir: Path) -> Path:
    return bin_dir / kind.plain[0]


def _runtime(kind: Kind, one: Installed) -> Runtime:
    return Runtime(kind.name, one.version, _program(kind, one.bin_dir), one.bin_dir)
