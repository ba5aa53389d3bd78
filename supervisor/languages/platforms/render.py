"""Render's render.yaml: the web service or the site whose `rootDir` is the project."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms import commands
from supervisor.languages.platforms.document import Table, first, scalar
from supervisor.languages.platforms.environment import Environment
from supervisor.languages.platforms.health import path_of
from supervisor.languages.platforms.sites import passed_over
from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source

FILES = ("render.yaml", "render.yml")

_LANGUAGES = {
    "node": "node", "bun": "bun", "python": "python", "ruby": "ruby", "go": "go", "rust": "rust", "static": "static",
}  # fmt: skip
_SITES = ("static", "static_site")
_OTHERS = ("fromDatabase", "fromService")


def read(source: Source) -> Iterator[Told]:
    """What it says of the project. It lies at the repository's root. Raises PlanError if it cannot be read."""
    file = first(source.at(source.root), *FILES)
    if file is None:
        return
    services = [service for service in _services(file) if _serves(service)]
    place = str(source.directory.relative_to(source.root))
    fitting = [service for service in services if _root(service) == place]
    if fitting:
        yield _told(file, fitting[0])
    elif services:
        roots = sorted({_root(service) for service in services if _root(service) != "."})
        choice = f"={roots[0]}" if len(roots) == 1 else " to one of them"
        remedy = f"; set PROJECT_PATH{choice}" if place == "." and roots else ""
        where = ", ".join(roots) or "the repository's root"
        yield Told(file.shown, notes=(f"{file.shown} is for {where} and was passed over{remedy}",))


def _services(file: Table) -> Iterator[Table]:
    """Every service, also those of projects and their environments."""
    yield from file.tables("services")
    yield from file.table("ungrouped").tables("services")
    for project in file.tables("projects"):
        for environment in project.tables("environments"):
            yield from environment.tables("services")


def _serves(service: Table) -> bool:
    """It answers to HTTP, and comes from a repository, not from an image."""
    return service.text("type") in ("web", "pserv", *_SITES) and _runtime(service) != "image"


def _runtime(service: Table) -> str | None:
    return service.text("runtime", "env")


def _root(service: Table) -> str:
    root = (service.text("rootDir") or "").removeprefix("./").strip("/")
    return root or "."


def _told(file: Table, service: Table) -> Told:
    environment = Environment(file.shown)
    _read_variables(environment, file, service)
    runtime = _runtime(service)
    static = runtime == "static" or service.text("type") in _SITES
    health_path, remark = path_of(service, "healthCheckPath")
    notes = [*environment.notes, *remark]
    if runtime == "docker":
        notes.append(f"{file.shown} builds with a Dockerfile, which Orbit does not: the project is built as detected")
    if static:
        notes += passed_over(service, "routes", "_redirects", _falls_back)
        notes += passed_over(service, "headers", "_headers")
    install, build = commands.split(service.text("buildCommand"))
    if service.values.get("buildCommand") == "" and static:
        install, build = (), ()
    return Told(
        file.shown,
        install=install,
        build=build,
        start=None if static else service.text("startCommand", "dockerCommand"),
        release=service.text("preDeployCommand"),
        environment=tuple(environment.values.items()),
        generated=tuple(environment.generated),
        unset=tuple(environment.unset.items()),
        language=_LANGUAGES.get(runtime or "") if not static else None,
        static=static,
        publishes=service.text("staticPublishPath") if static else None,
        single_page=any(map(_falls_back, service.rules("routes"))),
        health_path=health_path,
        port=environment.port,
        notes=tuple(notes),
    )


def _falls_back(rule: Table) -> bool:
    return (rule.word("type"), rule.word("source"), rule.word("destination")) == ("rewrite", "/*", "/index.html")


def _read_variables(environment: Environment, file: Table, service: Table) -> None:
    groups = {group.text("name"): group for group in file.tables("envVarGroups")}
    for variable in service.tables("envVars"):
        group = variable.text("fromGroup")
        if group in groups:
            for member in groups[group].tables("envVars"):
                _read_variable(environment, member)
        elif group:
            environment.notes.append(f"{file.shown} takes variables from the group {group}, which is not in it")
        else:
            _read_variable(environment, variable)


def _read_variable(environment: Environment, variable: Table) -> None:
    name = variable.text("key")
    other = next((place for place in _OTHERS if variable.has(place)), None)
    if name is None:
        environment.notes.append(f"{environment.origin}: {variable.path} has no key and was passed over")
    elif variable.truth("generateValue"):
        environment.generate(name)
    elif other:
        named = variable.table(other).text("name")
        what = "database" if other == "fromDatabase" else "service"
        environment.ask(name, f"{environment.origin} takes it from the {what} {named}")
    elif scalar(variable.values.get("value")) is not None:
        environment.set(name, variable.values["value"])
    else:
        environment.ask(name, f"{environment.origin} leaves it to be set")
