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


async def prepare(context: Context, draft: Release) -> Toolchain:
    """What `draft` needs. Raises RuntimeMissing."""
    plan = draft.plan
    runtime = await System(context.runner, context.user).find(plan, context.base_env)
    if runtime is None:
        return Toolchain()
    path = [str(runtime.bin_dir)] if runtime.bin_dir else []
    environment = {**context.base_env, "PATH": os.pathsep.join([*path, context.base_env["PATH"]])}
    tools = Tools(context.runner, context.layout.cache, context.user)
    tool = await tools.provide(plan.package_manager, plan.package_manager_version, environment)
    steps = []
    wanted = [tool] if tool else []
    if plan.runtime == "python":
        wanted.append(venv.uv_tool(context.layout.cache))
        steps.append(Step("making the virtual environment", venv.command(runtime)))
    path += [str(tool.bin_dir) for tool in wanted if tool.bin_dir]
    steps += [Step(f"installing {tool.name}", tool.install_argv) for tool in wanted if tool.install_argv]
    return Toolchain(tuple(path), tuple(steps), (_found(runtime, tool), *runtime.notes))


def _found(runtime: Runtime, tool: Tool | None) -> str:
    beside = f", with {tool.name} {tool.version or ''}".rstrip() if tool else ""
    return f"using {runtime.name} {runtime.version} ({runtime.executable}){beside}"
