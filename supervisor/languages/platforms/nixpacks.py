"""nixpacks.toml or nixpacks.json: the phases of a build, in which `...` stands for what was detected."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms.document import Table, first, scalar
from supervisor.languages.platforms.environment import Environment
from supervisor.languages.platforms.told import DETECTED, Told
from supervisor.languages.source import Source

FILES = ("nixpacks.toml", "nixpacks.json")

_LANGUAGES = {"golang": "go", "staticfile": "static", "csharp": "dotnet", "fsharp": "dotnet"}
_PREFIX = "NIXPACKS_"
_USUAL = ("setup", "install", "build")


def read(source: Source) -> Iterator[Told]:
    """Its variables, phases and start. Raises PlanError if it cannot be read."""
    file = first(source, *FILES)
    if file is not None:
        yield from told(file)


def told(plan: Table) -> Iterator[Told]:
    """A plan of Nixpacks, in a file of its own or in Railway's."""
    environment = Environment(plan.shown)
    environment.set_all(plan.table("variables").values.items())
    phases = plan.table("phases")
    install, build = _phases(phases)
    found = Told(
        plan.shown,
        install=install,
        build=build,
        start=plan.table("start").text("cmd"),
        environment=tuple(environment.values.items()),
        versions=_versions(environment.values),
        language=_language(plan),
        port=environment.port,
        notes=(*environment.notes, *_remarks(plan, phases)),
    )
    if found != Told(plan.shown):
        yield found


def _phases(phases: Table) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Lines of the install and of the build. A phase of one's own comes before what asks for it, or last."""
    setup, install, build = (_lines(phases.table(name)) for name in _USUAL)
    if setup and setup != (DETECTED,):
        install = (*(line for line in setup if line != DETECTED), *((DETECTED,) if install is None else install))
    for name in phases.values:
        lines = () if name in _USUAL else _lines(phases.table(name)) or ()
        if lines and name in (phases.table("install").lines("dependsOn") or ()):
            install = (*lines, *((DETECTED,) if install is None else install))
        elif lines and name in (phases.table("build").lines("dependsOn") or ()):
            build = (*lines, *((DETECTED,) if build is None else build))
        elif lines:
            build = (*((DETECTED,) if build is None else build), *lines)
    return install, build


def _lines(phase: Table) -> tuple[str, ...] | None:
    return phase.lines("cmds", "cmd")


def _versions(variables: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """NIXPACKS_NODE_VERSION is a version of Node."""
    names = {name.removeprefix(_PREFIX): value for name, value in variables.items() if name.startswith(_PREFIX)}
    return tuple((name.replace("JDK", "JAVA"), value) for name, value in names.items() if name.endswith("_VERSION"))


def _language(plan: Table) -> str | None:
    """Of several providers, the first."""
    providers = plan.values.get("providers")
    names = [str(scalar(item)).lower() for item in providers] if isinstance(providers, list) else []
    named = [name for name in names if name != DETECTED]
    return _LANGUAGES.get(named[0], named[0]) if named and DETECTED not in names else None


def _remarks(plan: Table, phases: Table) -> tuple[str, ...]:
    found = [phases.table(name).values.get(kind) for name in phases.values for kind in ("aptPkgs", "nixPkgs")]
    names = [str(scalar(item)) for items in found if isinstance(items, list) for item in items if item != DETECTED]
    listed = ", ".join(names[:12]) + ("…" if len(names) > 12 else "")
    return (f"{plan.shown}: Orbit installs no system packages; if they are missing, install {listed}",) if names else ()
