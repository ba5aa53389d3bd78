"""The plan of a project with a package.json, whichever engine runs it."""

from __future__ import annotations

import shlex
from dataclasses import replace

from supervisor.languages.language import NO_START
from supervisor.languages.node import apps, frameworks, keeping, managers, nx, package, sites
from supervisor.languages.node.engine import Engine
from supervisor.languages.node.frameworks import Framework
from supervisor.languages.node.keeping import Kept
from supervisor.languages.node.managers import PackageManager
from supervisor.languages.node.package import Package
from supervisor.languages.node.start import Project, Start, find, serves
from supervisor.languages.node.workspace import patterns, root_of, way_up
from supervisor.languages.source import Source
from supervisor.languages.versions import Wanted, wanted
from supervisor.model import Plan

_BUILDS = ("build", "heroku-postbuild", "gcp-build", "build:prod", "build:production", "docs:build", "build-storybook")
"""Scripts by whose names people tell their host how to build, the usual one first."""

MOST_NAMED = 5
_LISTENING = {
    "astro": "HOST",
    "nuxt": "HOST",
    "adonisjs": "HOST",
    "loopback": "HOST",
    "fastify": "FASTIFY_ADDRESS",  # of its command line; who calls listen says it there
}


def plan(source: Source, engine: Engine, version: str | None) -> Plan:
    """What the project needs; `version` is the user's. Raises PlanError about a broken manifest or lockfile."""
    own = package.read(source)
    inside = nx.above(source) if not own.there else None
    if inside is not None:
        root, app = inside
        found = _plan(root, package.read(root), engine, version, app)
        up = way_up(source, root)
        return apps.moved(found, up, found.install and f"cd {up} && {found.install}")
    return _plan(source, own, engine, version, nx.app(source) if source.start is None else None)


def _plan(source: Source, own: Package, engine: Engine, version: str | None, of_nx: nx.App | None) -> Plan:
    """The plan of a package, or of an application of the Nx workspace that it is."""
    manager = managers.choose(source, own, engine.manager)
    framework = frameworks.of(own, serves(source, own, engine))
    constraint = wanted(source, engine.variable, version, engine.versions)
    build, build_notes = _build(source, own, manager, framework)
    start = find(Project(source, own, manager, engine, framework, build is not None))
    install = manager.install if _needs_install(source, own, manager) else None
    if of_nx is not None:
        framework = next((f for f in frameworks.ALL if f.name == of_nx.framework), None)
        build = manager.within(of_nx.build)
        start = Start(of_nx.start, of_nx.output if of_nx.start is None else None)
    elif _is_bare_root(source, own, framework, start):
        members = apps.startable(source, engine)
        if len(members) == 1:
            member = plan(source.at(source.directory / members[0]), engine, version)
            note = f"{members[0]} is the only member of the monorepo that can be started"
            return replace(apps.moved(member, members[0], install), notes=(*member.notes, note))
        framework = None  # a tool that the members share
        start = Start(notes=(f"{NO_START}it is the root of a monorepo; set PROJECT_PATH to {_one_of(members)}",))
    if constraint is None and start.needs:
        constraint = Wanted(start.needs, "the start command, which is TypeScript")
    kept = keeping.dependencies(source, own, manager) if install else Kept()
    return Plan(
        type=engine.name,
        framework=framework.name if framework else None,
        runtime=engine.name,
        runtime_version=constraint.constraint if constraint else None,
        package_manager=manager.name,
        package_manager_version=manager.version,
        install=install,
        build=build,
        start=start.command,
        serve="static" if start.output else "app",
        output_dir=start.output,
        single_page=bool(start.output and framework and sites.is_single_page(source, framework)),
        bin_dirs=manager.bin_dirs,
        environment=(("NODE_ENV", "production"), *_address(framework, start), *manager.environment),
        inputs=kept.inputs,
        dependencies=kept.dependencies,
        caches=keeping.caches(source, manager, framework) if build else (),
        after_restore=kept.after_restore,
        notes=((constraint.note(engine.name),) if constraint else ()) + manager.notes + build_notes + start.notes,
    )


def _address(framework: Framework | None, start: Start) -> tuple[tuple[str, str], ...]:
    """The variable by which a framework listens for others; without, it does for whoever is on the machine."""
    name = _LISTENING.get(framework.name) if framework else None
    return ((name, "0.0.0.0"),) if name and start.command and not start.command.startswith("HOST=") else ()


def _is_bare_root(source: Source, own: Package, framework: Framework | None, start: Start) -> bool:
    """Whether this is a monorepo's root without an application of its own: at most the tools of its members."""
    if source.start is not None or own.script("start") is not None or not patterns(source):
        return False
    is_tool = framework in frameworks.BUNDLERS and start.output is not None and not source.is_file("index.html")
    return start.command is None and (start.output is None or is_tool)


def _one_of(members: tuple[str, ...]) -> str:
    shown = ", ".join(members[:MOST_NAMED])
    return f"one of {shown}" if shown else "one of its projects"


def _needs_install(source: Source, own: Package, manager: PackageManager) -> bool:
    return bool(manager.lockfile or own.everything or manager.up != "." or patterns(source))


def _build(
    source: Source, own: Package, manager: PackageManager, framework: Framework | None
) -> tuple[str | None, tuple[str, ...]]:
    """The build script, or the framework's build; in a monorepo preceded by those of the packages it depends on."""
    script = next((name for name in _BUILDS if own.script(name)), None)
    if script is None:
        command = framework.build if framework else None
        if command and framework and framework.name in ("vitepress", "vuepress"):
            command = f"{command} {shlex.quote(sites.documents(source, own, framework.name))}"
        return (manager.within(command) if command else None), ()
    if manager.up == "." or own.name is None or script != "build":
        return manager.run(script), ()
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
