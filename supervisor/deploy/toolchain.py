"""What a plan runs with: its runtime, its virtual environment, its package manager."""

from __future__ import annotations

import os
from dataclasses import dataclass

from supervisor.deploy.context import Context
from supervisor.model import Release
from supervisor.runtimes import Runtime, System, Tool, Tools, venv


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the preparation, run in the project's directory; `title` names it in messages."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Directories for PATH, commands that have to run first, and remarks for the user."""

    search_path: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


class Toolchains:
    """Finds toolchains; remembers what programs said of their versions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._system = System(context.runner, context.user)
        self._tools = Tools(context.runner, context.layout.cache, context.user)

    async def prepare(self, draft: Release) -> Toolchain:
        """What `draft` needs. Raises RuntimeMissing, OSError."""
        plan, base = draft.plan, self._context.base_env
        runtime = await self._system.find(plan, base)
        if runtime is None:
            return Toolchain()
        path = [str(runtime.bin_dir)] if runtime.bin_dir else []
        environment = {**base, "PATH": os.pathsep.join([*path, base["PATH"]])}
        tool = await self._tools.provide(plan.package_manager, plan.package_manager_version, environment)
        steps = []
        if tool and tool.bin_dir:
            path.append(str(tool.bin_dir))
        if tool and tool.install_argv:
            steps.append(Step(f"installing {tool.name}", tool.install_argv))
        if plan.runtime == "python":
            path.append(str(venv.provide_uv(self._context.layout.cache)))
            steps.append(Step("making the virtual environment", venv.command(runtime)))
        return Toolchain(tuple(path), tuple(steps), (_found(runtime, tool), *runtime.notes))


def _found(runtime: Runtime, tool: Tool | None) -> str:
    beside = f", with {tool.name} {tool.version or ''}".rstrip() if tool else ""
    return f"using {runtime.name} {runtime.version} ({runtime.executable}){beside}"
