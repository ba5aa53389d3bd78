"""Node projects: a package.json, and what it and its neighbours say.

A repository of another language often has a package.json, too, for its style sheets or its linters. The rule:
it is a Node project for CERTAIN if package.json has a start script that is no development server, or a server
framework with something to run; LIKELY if it has any framework, a `main` or an entry file; otherwise a
HELPER, which gives way to every other language. So Django with a package.json for Tailwind is Python, and an
Express server with a requirements.txt for its scripts is Node.
"""

from __future__ import annotations

import shlex

from supervisor.languages.language import Fit
from supervisor.languages.node import frameworks, managers, package
from supervisor.languages.node.frameworks import Framework, Role
from supervisor.languages.node.managers import PackageManager
from supervisor.languages.node.package import Package
from supervisor.languages.node.start import Project, find, serves
from supervisor.languages.node.workspace import patterns, root_of
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, tool_versions, wanted
from supervisor.model import Plan

name = "node"
markers = (package.FILE,)


def fit(source: Source) -> Fit:
    """How surely this is a Node project; see the module's docstring. Raises PlanError about a broken package.json."""
    own = package.read(source)
    if not own.there:
        return Fit.NO
    script = own.script("start")
    if script is not None and not frameworks.is_development(script):
        return Fit.CERTAIN
    runs = serves(source, own)
    framework = frameworks.of(own, runs)
    if framework is not None and framework.role is Role.SERVER and (runs or framework.build):
        return Fit.CERTAIN
    return Fit.LIKELY if framework is not None or runs else Fit.HELPER


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    own = package.read(source)
    manager = managers.choose(source, own)
    framework = frameworks.of(own, serves(source, own))
    version = wanted(source, "NODE_VERSION", source.options.node_version, _VERSIONS)
    build, build_notes = _build(source, own, manager, framework)
    start = find(Project(source, own, manager, framework, build is not None))
    return Plan(
        type=name,
        framework=framework.name if framework else None,
        runtime="node",
        runtime_version=version.constraint if version else None,
        package_manager=manager.name,
        package_manager_version=manager.version,
        install=manager.install if _needs_install(source, own, manager) else None,
        build=build,
        start=start.command,
        serve="static" if start.output else "app",
        output_dir=start.output,
        bin_dirs=manager.bin_dirs,
        environment=(("NODE_ENV", "production"),),
        notes=((version.note("node"),) if version else ()) + manager.notes + build_notes + start.notes,
    )


def _needs_install(source: Source, own: Package, manager: PackageManager) -> bool:
    return bool(manager.lockfile or own.everything or manager.up != "." or patterns(source))


def _build(
    source: Source, own: Package, manager: PackageManager, framework: Framework | None
) -> tuple[str | None, tuple[str, ...]]:
    """The build script, or the framework's build; in a monorepo preceded by those of the packages it depends on."""
    script = own.script("build")
    if script is None:
        command = framework.build if framework else None
        return (manager.within(command) if command else None), ()
    if manager.up == "." or own.name is None:
        return manager.run("build"), ()
    root, member = root_of(source), shlex.quote(own.name)
    if root.is_file("turbo.json") and "turbo" in package.read(root).everything:
        return manager.within(f"turbo run build --filter={member}"), ()
    if not any(spec.startswith("workspace:") for spec in own.everything.values()):
        return manager.run("build"), ()
    if manager.name == "pnpm":
        return f"pnpm --filter {member}... run build", ()
    if manager.berry and manager.major() >= 4:
        return "yarn workspaces foreach -Rpt run build", ()
    return manager.run("build"), ("packages of this repository that it needs are not built: see BUILD_COMMAND",)


def _engines(source: Source) -> Wanted | None:
    constraint = package.read(source).engines.get("node", "").strip()
    return Wanted(constraint, f"engines.node in {source.shown(package.FILE)}") if constraint else None


def _volta(source: Source) -> Wanted | None:
    constraint = package.read(source).volta.get("node", "").strip()
    return Wanted(constraint, f"volta.node in {source.shown(package.FILE)}") if constraint else None


_VERSIONS: tuple[Reader, ...] = (
    first_line(".nvmrc"),
    first_line(".node-version"),
    _engines,
    _volta,
    tool_versions("nodejs", "node"),
)
