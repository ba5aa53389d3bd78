"""What a plan runs with: its runtime, its virtual environment, its package manager."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from supervisor.deploy.context import Context
from supervisor.errors import RuntimeMissing
from supervisor.model import Release
from supervisor.runtimes import PACKAGES, Runtime, System, Tool, Tools, homes, venv


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the preparation, run in the project's directory; `title` names it in messages."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Directories for PATH, commands that have to run first, remarks for the user, and variables that are set."""

    search_path: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


class Toolchains:
    """Finds toolchains; remembers what programs said of their versions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._system = System(context.runner, context.user)
        self._tools = Tools(context.runner, context.layout.cache, context.user)

    async def prepare(self, draft: Release) -> Toolchain:
        """What `draft` needs. Raises RuntimeMissing, OSError."""
        plan, base = draft.plan, self._context.base_env
        try:
            runtime = await self._system.find(plan, base)
        except RuntimeMissing:
            if plan.runtime not in PACKAGES or shutil.which("npm", path=base["PATH"]) is None:
                raise
            return _of_tool(await self._tools.provide(plan.runtime, plan.runtime_version, base))
        if runtime is None:
            return Toolchain()
        path = [str(runtime.bin_dir)] if runtime.bin_dir else []
        environment = {**base, "PATH": os.pathsep.join([*path, base["PATH"]])}
        manager = None if plan.package_manager == plan.runtime else plan.package_manager
        tool = await self._tools.provide(manager, plan.package_manager_version, environment)
        of_tool = _of_tool(tool)
        path += of_tool.search_path
        steps = list(of_tool.steps)
        if plan.runtime == "python":
            path.append(str(venv.provide_uv(self._context.layout.cache)))
            steps.append(Step("making the virtual environment", venv.command(runtime)))
        return Toolchain(tuple(path), tuple(steps), (_found(runtime, tool), *runtime.notes), homes.of(runtime))


def _of_tool(tool: Tool | None) -> Toolchain:
    """The part of a program that npm provides; a runtime may be one: Bun."""
    if tool is None:
        return Toolchain()
    steps = (Step(f"installing {tool.name}", tool.install_argv),) if tool.install_argv else ()
    return Toolchain((str(tool.bin_dir),) if tool.bin_dir else (), steps, (f"using {tool.name} {tool.version}",))


def _found(runtime: Runtime, tool: Tool | None) -> str:
    beside = f", with {tool.name} {tool.version or ''}".rstrip() if tool else ""
    return f"using {runtime.name} {runtime.version} ({runtime.executable}){beside}"
