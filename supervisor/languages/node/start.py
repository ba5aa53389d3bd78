"""How a Node project is started, or where the files lie that it consists of once it is built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from supervisor.languages.language import NO_START
from supervisor.languages.node import sites
from supervisor.languages.node.engine import Engine
from supervisor.languages.node.frameworks import Framework, is_development
from supervisor.languages.node.managers import PackageManager
from supervisor.languages.node.package import Package
from supervisor.languages.node.workspace import patterns
from supervisor.languages.source import Source

ENTRIES = ("server", "index", "app", "main", "src/server", "src/index", "src/app", "src/main")

PREVIEW = (  # with vite's command line, it would answer to no name but localhost: 403
    'node -e \'import("vite").then((vite) => vite.preview({ preview: '
    '{ host: "0.0.0.0", port: +process.env.PORT, strictPort: true, allowedHosts: true } }))\''
)
_SERVERS = {"sveltekit": "@sveltejs/adapter-node", "tanstack-start": "nitro"}  # instead of vite's preview


@dataclass(frozen=True, slots=True)
class Start:
    """A command, or the directory of a site (`output`), or neither with a note that says what was missed."""

    command: str | None = None
    output: str | None = None
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
    """The start script, the framework's own way, a site's output, `main`, or a file with a usual name; in
    this order.
    """
    own = _framework_first(project) or _script(project)
    if own is not None:
        return Start(own)
    site = _site(project)
    if site is not None:
        return site
    command = _by_framework(project) or _by_file(project)
    if command is not None:
        return Start(command, notes=_remarks(project, command))
    if patterns(project.source):
        return Start(notes=(f"{NO_START}it is the root of a monorepo; set PROJECT_PATH to one of its projects",))
    looked_for = "scripts.start or main in package.json, server.js, index.js or app.js"
    return Start(notes=(f"{NO_START}there is no {looked_for}; add a start script",))


def serves(source: Source, package: Package, engine: Engine) -> bool:
    """Whether there is a command or a file to run: a start script that is no development server, or an entry file."""
    script = package.script("start")
    if script is not None and not is_development(script):
        return True
    return _main(source, package, engine, False) is not None or _entry(source, engine) is not None


def _framework_first(project: Project) -> str | None:
    """The frameworks whose start script is for development, or only works elsewhere."""
    name = project.framework.name if project.framework else None
    if name == "nestjs" and project.package.script("start:prod"):
        return project.manager.run("start:prod")
    if name == "adonisjs" and (entry := project.source.first_file("bin/server.ts", "server.ts")):
        # the build is a project of its own below build/, and finds node_modules above it
        return _listening(project.manager.within(f"node build/{entry.removesuffix('.ts')}.js"))
    return None


def _listening(command: str) -> str:
    """For frameworks that listen on localhost alone unless told otherwise."""
    return f"HOST=0.0.0.0 {command}"


def _script(project: Project) -> str | None:
    script = project.package.script("start")
    if script is None:
        return None
    site = project.framework and sites.output_of(project.source, project.package, project.framework)
    if site and project.builds and (is_development(script) or script.strip() == "next start"):
        return None
    return project.manager.run("start")


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
        case "sveltekit" if "@sveltejs/adapter-node" in packages:
            return within("node build")
        case "sveltekit":
            return within(PREVIEW)
        case "astro":
            return _listening(within("node ./dist/server/entry.mjs"))
        case "react-router" if "@react-router/serve" in packages:
            return within("react-router-serve ./build/server/index.js")
        case "remix" if "@remix-run/serve" in packages:
            return within("remix-serve ./build/server/index.js" if "vite" in packages else "remix-serve build")
        case "tanstack-start" if {"nitro", "nitropack"} & packages.keys():
            return within("node .output/server/index.mjs")
        case "tanstack-start":
            return within(PREVIEW)
        case "angular":
            return project.manager.run(next(n for n in project.package.scripts if n.startswith("serve:ssr")))
    return within(framework.start) if framework and framework.start else None


def _remarks(project: Project, command: str) -> tuple[str, ...]:
    server = _SERVERS.get(project.framework.name) if project.framework and command.endswith(PREVIEW) else None
    return (f"vite's preview serves it, which is not meant for production; add {server}",) if server else ()


def _by_file(project: Project) -> str | None:
    file = _main(project.source, project.package, project.engine, project.builds)
    file = file or _entry(project.source, project.engine)
    return file and project.manager.within(project.engine.run(file))


def _main(source: Source, package: Package, engine: Engine, builds: bool) -> str | None:
    """The file that `main` names, with what Node adds to it; one that is not there counts if a build can make it."""
    named = package.main or (package.module if engine.name == "bun" else None)  # `bun init` writes `module`
    if named is None or re.match(r"-|/|\.\./", named):
        return None
    main, endings = named.removeprefix("./").rstrip("/"), engine.endings
    found = source.first_file(main, *(main + end for end in endings), *(f"{main}/index{end}" for end in endings))
    if found is None and builds and main.endswith(endings):
        return main
    return found if found and found.endswith(endings) else None


def _entry(source: Source, engine: Engine) -> str | None:
    return source.first_file(*(entry + end for entry in ENTRIES for end in engine.endings))
