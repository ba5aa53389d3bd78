"""How a Node project is started, or where the files lie that it consists of once it is built."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from supervisor.languages.language import NO_START
from supervisor.languages.node import compiled, sites
from supervisor.languages.node.engine import Engine
from supervisor.languages.node.frameworks import Framework, develops
from supervisor.languages.node.managers import PackageManager
from supervisor.languages.node.package import Package
from supervisor.languages.source import Source

ENTRIES = ("server", "index", "app", "main", "src/server", "src/index", "src/app", "src/main")

PREVIEW = (  # with vite's command line, it would answer to no name but localhost: 403
    'node -e \'import("vite").then((vite) => vite.preview({ preview: '
    '{ host: "0.0.0.0", port: +process.env.PORT, strictPort: true, allowedHosts: true } }))\''
)
_OF_SERVER = re.compile(r"(?:next start|nuxt start|react-router-serve|remix-serve|node (?:\./)?(?:build|\.output)\b).*")
_OTHERS = ("start:prod", "start:production", "serve:prod", "production", "prod", "server")
_SERVERS = {"sveltekit": "@sveltejs/adapter-node", "tanstack-start": "nitro"}  # instead of vite's preview


@dataclass(frozen=True, slots=True)
class Start:
    """A command, or the directory of a site (`output`), or neither with a note that says what was missed.

    `needs` are the versions of Node that the command works with, if not all do.
    """

    command: str | None = None
    output: str | None = None
    needs: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """What the start is found from. `builds` means that there will be a build, which may make `main`."""

    source: Source
    package: Package
    manager: PackageManager
    engine: Engine
    framework: Framework | None
    builds: bool


def find(project: Project) -> Start:
    """The start script, the framework's own way, a site's output, another script that serves, `main`, or a file with a
    usual name; in this order.
    """
    own = _framework_first(project) or _script(project)
    if own is not None:
        return Start(own)
    site = _site(project)
    if site is not None:
        return site
    command = _by_framework(project) or _other_script(project) or _by_file(project)
    if command is None and project.package.script("start") is not None:
        command = project.manager.run("start")
    if command is None and (typed := compiled.entry(project.source, ENTRIES)):
        return _typed(project, typed)
    if command is not None:
        return Start(command, notes=_remarks(project, command))
    looked_for = "scripts.start or main in package.json, server.js, index.js or app.js"
    return Start(notes=(f"{NO_START}there is no {looked_for}; add a start script",))


def serves(source: Source, package: Package, engine: Engine) -> bool:
    """Whether there is a command or a file to run: a start script that is no development server, or an entry file."""
    if package.script("start") is not None and not develops(package):
        return True
    return _main(source, package, engine, False) is not None or find_entry(source, engine) is not None


def _framework_first(project: Project) -> str | None:
    """The frameworks whose start script is for development, or only works elsewhere."""
    name = project.framework.name if project.framework else None
    if name == "nestjs" and project.package.script("start:prod"):
        return project.manager.run("start:prod")
    if name == "adonisjs" and (entry := project.source.first_file("bin/server.ts", "server.ts")):
        # the build is a project of its own below build/, and finds node_modules above it
        return _listening(_node(project, f"build/{entry.removesuffix('.ts')}.js"))
    return None


def _listening(command: str) -> str:
    """For frameworks that listen on localhost alone unless told otherwise."""
    return f"HOST=0.0.0.0 {command}"


def _node(project: Project, file: str) -> str:
    return project.manager.within(f"{project.engine.runs} {file}")


def _script(project: Project) -> str | None:
    """The start script, unless it is for development, or serves what the build does not make."""
    script = project.package.script("start")
    if script is None or develops(project.package):
        return None
    output = project.framework and sites.output_of(project.source, project.package, project.framework)
    return None if output and project.builds and _OF_SERVER.fullmatch(script) else project.manager.run("start")


def _site(project: Project) -> Start | None:
    if project.framework is None:
        return None
    output = sites.output_of(project.source, project.package, project.framework)
    if output is None:
        return None
    script = project.package.script("start")
    passed = (f'the start script "{script}" was passed over: it does not serve what the build makes',) if script else ()
    return Start(output=output, notes=passed)


def _by_framework(project: Project) -> str | None:
    """The command of a framework that brings its server, where no start script says it."""
    framework, packages, within = project.framework, project.package.everything, project.manager.within
    match framework.name if framework else None:
        case "nuxt" if sites.is_nuxt2(project.package):
            return _listening(within("nuxt start"))
        case "sveltekit" if "svelte-adapter-bun" in packages:
            return within("bun ./build/index.js")
        case "sveltekit" if "@sveltejs/adapter-node" in packages:
            return _node(project, "build")
        case "sveltekit":
            return within(PREVIEW)
        case "astro":
            return _listening(_node(project, "./dist/server/entry.mjs"))
        case "react-router" if "@react-router/serve" in packages:
            return within("react-router-serve ./build/server/index.js")
        case "remix" if "@remix-run/serve" in packages:
            return within("remix-serve ./build/server/index.js" if "vite" in packages else "remix-serve build")
        case "tanstack-start" if {"nitro", "nitropack"} & packages.keys():
            return _node(project, ".output/server/index.mjs")
        case "tanstack-start" | "qwik":
            return within(PREVIEW)
        case "angular":
            return project.manager.run(next(n for n in project.package.scripts if n.startswith("serve:ssr")))
    if framework is None or framework.start is None:
        return None
    program, _, rest = framework.start.partition(" ")
    return _node(project, rest) if program == "node" else within(framework.start)


def _remarks(project: Project, command: str) -> tuple[str, ...]:
    server = _SERVERS.get(project.framework.name) if project.framework and command.endswith(PREVIEW) else None
    return (f"vite's preview serves it, which is not meant for production; add {server}",) if server else ()


def _other_script(project: Project) -> str | None:
    """A script by whose name people tell their host how to start."""
    name = next((name for name in _OTHERS if project.package.script(name)), None)
    return project.manager.run(name) if name else None


def _by_file(project: Project) -> str | None:
    file = _main(project.source, project.package, project.engine, project.builds)
    file = file or find_entry(project.source, project.engine)
    return file and project.manager.within(project.engine.run(file))


def _typed(project: Project, file: str) -> Start:
    """The entry of a project in TypeScript that says nothing about its start."""
    made = compiled.built(project.source, project.package, file) if project.builds else None
    if made is not None:
        return Start(project.manager.within(project.engine.run(made)))
    runner = compiled.runner(project.package)
    command = project.manager.within(f"{runner} {shlex.quote(file)}")
    return Start(command, needs=compiled.RUNS_TYPESCRIPT if runner == "node" else None)


def _main(source: Source, package: Package, engine: Engine, builds: bool) -> str | None:
    """The file that `main` names, with what Node adds to it; one that is not there counts if a build can make it."""
    named = package.main or (package.module if engine.name == "bun" else None)  # `bun init` writes `module`
    if named is None or re.match(r"-|/|\.\./", named):
        return None
    main, endings = named.removeprefix("./").rstrip("/"), engine.endings
    found = source.first_file(main, *(main + end for end in endings), *(f"{main}/index{end}" for end in endings))
    if found is None and builds and "/" in main and main.endswith(endings):
        return main
    return found if found and found.endswith(endings) else None


def find_entry(source: Source, engine: Engine) -> str | None:
    """The first file with a usual name that the engine runs as it is."""
    return source.first_file(*(entry + end for entry in ENTRIES for end in engine.endings))
