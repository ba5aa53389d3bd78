"""What a plan runs with: its runtimes, its virtual environment, its package managers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from supervisor.deploy.context import Context
from supervisor.deploy.php import Php, provide_interpreter
from supervisor.model import Plan, Release
from supervisor.runtimes import (
    PACKAGES,
    Console,
    Mise,
    NodeRegistry,
    Provider,
    Runtime,
    Shelf,
    Supply,
    System,
    Tool,
    Tools,
    homes,
    venv,
)
from supervisor.runtimes.debian import Debian

USING = "using"
"""How the note of what is used begins."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the preparation, run in the project's directory; `title` names it in messages. `makes` is the
    directory that it makes, which need not be made where it is restored."""

    title: str
    argv: tuple[str, ...]
    makes: str | None = None


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Directories for PATH, variables, commands that have to run first, and remarks for the user."""

    search_path: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    runtimes: tuple[Runtime, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """All that tells it from another one."""
        runtimes = (f"{runtime.name} {runtime.version} {runtime.executable}" for runtime in self.runtimes)
        return (*runtimes, *self.search_path, *(note for note in self.notes if note.startswith(USING)))


class Toolchains:
    """Provides toolchains; remembers what programs said of their versions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        runner, user, cache = context.runner, context.user, context.layout.cache
        self.shelf = Shelf(context.layout.runtimes)
        supply = Supply(runner, self.shelf, cache, user, context.settings.mise_releases_url)
        mise, registry = Mise(runner, supply.program, cache, user), NodeRegistry(runner, cache, user)
        self._provider = Provider(runner, System(runner, user), self.shelf, mise, registry, user)
        self._tools = Tools(runner, cache, user)

    async def prepare(self, draft: Release, console: Console) -> Toolchain:
        """What `draft` needs. `console` is for installations. Raises RuntimeMissing, OSError."""
        self.shelf.begin_deployment()
        plan, made = draft.plan, Toolchain()
        made = await self._add(made, plan, console)
        if plan.runtime == "php" and made.runtimes:
            made = await self._with_php(made, draft, console)
        for need in plan.helpers:
            wanted = replace(
                plan,
                runtime=need.runtime,
                runtime_version=need.version,
                runtime_floor=False,
                package_manager=need.package_manager,
                package_manager_version=need.package_manager_version,
            )
            made = await self._add(made, wanted, console)
        if plan.runtime == "python":
            uv = str(venv.provide_uv(self._context.layout.tools))
            argv = venv.command(made.runtimes[0], with_pip=bool(plan.install or plan.build or plan.release))
            step = Step("making the virtual environment", argv, venv.DIRECTORY)
            made = replace(made, search_path=(*made.search_path, uv), steps=(*made.steps, step))
        return made

    async def _add(self, made: Toolchain, plan: Plan, console: Console) -> Toolchain:
        """The same, with a plan's runtime and package manager."""
        environment = self._environment(made.search_path)
        runtime = await self._provider.there(plan, environment)
        if runtime is None and plan.runtime in PACKAGES and shutil.which("npm", path=environment["PATH"]):
            tool = await self._tools.provide(plan.runtime, plan.runtime_version, environment)
            return _with_tool(made, tool, f"{USING} {tool.name} {tool.version}") if tool else made
        if runtime is None and plan.runtime == "php":
            await provide_interpreter(plan, self._debian(), console)
        runtime = runtime or await self._provider.provide(plan, environment, console)
        if runtime is None:
            return made
        made = Toolchain(
            (*made.search_path, *_directories(runtime, made, environment)),
            (*made.environment, *homes.of(runtime)),
            made.steps,
            (*made.notes, *runtime.notes),
            (*made.runtimes, runtime),
        )
        manager = None if plan.package_manager == plan.runtime else plan.package_manager
        version, environment = plan.package_manager_version, self._environment(made.search_path)
        tool = await self._tools.provide(manager, version, environment)
        return _with_tool(made, tool, _found(runtime, tool))

    async def _with_php(self, made: Toolchain, draft: Release, console: Console) -> Toolchain:
        """The same, with what a PHP project needs besides the interpreter."""
        context = self._context
        environment = self._environment(made.search_path)
        php = Php(context.runner, context.user, context.layout.cache, environment, self._debian())
        parts = await php.complete(draft, made.runtimes[0], console)
        steps = (*made.steps, *(Step(part.title, part.argv) for part in parts.steps))
        return replace(made, search_path=(*parts.search_path, *made.search_path), steps=steps)

    def _debian(self) -> Debian:
        """With the PATH that Orbit was started with: a runtime may lie where the application can write, and what is
        found there is not for root to run."""
        return Debian(self._context.runner, self._context.base_env)

    def _environment(self, search_path: tuple[str, ...]) -> Mapping[str, str]:
        base = self._context.base_env
        return {**base, "PATH": os.pathsep.join([*search_path, base["PATH"]])}


def _with_tool(made: Toolchain, tool: Tool | None, note: str) -> Toolchain:
    """The same, with a program that npm provides."""
    path, steps = made.search_path, made.steps
    if tool and tool.bin_dir:
        path = (*path, str(tool.bin_dir))
    if tool and tool.install_argv:
        steps = (*steps, Step(f"installing {tool.name}", tool.install_argv))
    return replace(made, search_path=path, steps=steps, notes=(*made.notes, note))


def _directories(runtime: Runtime, made: Toolchain, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where its programs are, unless PATH leads there, or a virtual environment has them."""
    if runtime.bin_dir:
        return (str(runtime.bin_dir),)
    is_helper = bool(made.runtimes)
    found = shutil.which(runtime.executable.name, path=environment["PATH"])
    if not is_helper or (found and runtime.executable.samefile(found)):
        return ()
    return (str(runtime.executable.parent),)


def _found(runtime: Runtime, tool: Tool | None) -> str:
    beside = f", with {tool.name} {tool.version or ''}".rstrip() if tool else ""
    return f"{USING} {runtime.name} {runtime.version} ({runtime.executable}){beside}"
