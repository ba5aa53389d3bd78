"""Files of other platforms put over what was detected, field by field: of two that speak of one, the first counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import PurePosixPath

from supervisor.languages.language import NO_START
from supervisor.languages.overrides import Overrides
from supervisor.languages.platforms.told import DETECTED, Told
from supervisor.model import Plan

_DEVELOPMENT = (  # NODE_ENV=production keeps away what builds need, where a file's own command installs it
    ("npm", "npm_config_include", "dev"),
    ("yarn", "YARN_PRODUCTION", "false"),
    ("pnpm", "npm_config_production", "false"),
    ("pnpm", "pnpm_config_production", "false"),
)
_INSTALLS = frozenset(("ci", "i", "install"))


@dataclass(slots=True)
class _Fields:
    """What becomes of a plan's fields, and where each comes from."""

    told: Sequence[Told]
    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, of: Callable[[Told], object | None]) -> object | None:
        """The first word on a field of the plan."""
        for told in self.told:
            value = of(told)
            if value is not None:
                self.values[name], self.origins[name] = value, told.origin
                return value
        return None


def completed(options: Overrides, told: Sequence[Told]) -> tuple[Overrides, tuple[tuple[str, str], ...]]:
    """The user's variables, with the versions and the kind of project that files set where these are silent; and where
    those stand: ("NODE_VERSION", "NODE_VERSION in render.yaml")."""
    names = {item.name for item in fields(Overrides) if item.name.endswith(("_version", "_extensions", "_type"))}
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for file in told:
        for name, value in (*file.versions, *file.environment):
            option = name.lower()
            silent = option in names and getattr(options, option) in (None, "auto") and option not in values
            if silent and value.strip():
                values[option], origins[name] = value.strip(), f"{name} in {file.origin}"
    return replace(options, **values), tuple(origins.items())


def merged(plan: Plan, told: Sequence[Told]) -> Plan:
    """The plan with what the files say."""
    is_site = plan.serve == "static" or plan.start is None
    told = [file for file in told if is_site or not file.for_sites]
    if not told:
        return plan
    found = _Fields(told)
    found.take("install", lambda file: _line(file.install, plan.install))
    found.take("build", lambda file: _line(file.build, plan.build))
    found.take("release", lambda file: file.release)
    found.take("health_path", lambda file: file.health_path)
    found.take("health_timeout_s", lambda file: file.health_timeout_s)
    found.take("port", lambda file: file.port)
    notes = (*plan.notes, *(note for file in told for note in file.notes))
    plan = _served(replace(plan, notes=notes), found)
    environment = _environment(plan, found)
    origins = {**dict(plan.origins), **found.origins}
    texts = {name: value or None for name, value in found.values.items()}
    return replace(plan, **environment, **texts, origins=tuple(origins.items()))  # type: ignore[arg-type]


def started_by(plan: Plan, command: str, origin: str) -> Plan:
    """A command that serves: what a language would have served as files is its own business now."""
    notes = tuple(note for note in plan.notes if not note.startswith(NO_START))
    origins = {name: where for name, where in plan.origins if name != "output_dir"} | {"start": origin}
    return replace(
        plan,
        start=command,
        serve="app",
        output_dir=None,
        single_page=False,
        notes=notes,
        origins=tuple(origins.items()),
    )


def _served(plan: Plan, found: _Fields) -> Plan:
    """How it is served: by the command, or as the files, of which the first file speaks."""
    for file in found.told:
        if file.start is not None:
            return started_by(plan, file.start, file.origin)
        if file.static:
            plan = replace(plan, start=None, serve="static", output_dir=plan.output_dir or ".")
            break
    if plan.serve == "static" or plan.start is None:
        publishes = found.take("output_dir", lambda file: file.publishes and _inside(file.publishes))
        says_so = next((file.origin for file in found.told if file.single_page), None)
        if says_so:
            found.origins["single_page"] = says_so
        if publishes or plan.serve == "static":
            return replace(plan, serve="static", single_page=plan.single_page or says_so is not None)
    return plan


def _environment(plan: Plan, found: _Fields) -> dict[str, tuple[object, ...]]:
    """Variables: of two files that set one, the first counts."""
    values: dict[str, str] = {}
    generated: dict[str, None] = {}
    unset: dict[str, str] = {}
    for file in found.told:
        for name, value in file.environment:
            if name not in generated and name not in values:
                values[name] = value
                found.origins[name] = file.origin
        generated |= dict.fromkeys(name for name in file.generated if name not in values)
        for name, why in file.unset:
            unset.setdefault(name, why)
    commands = " ".join(str(found.values.get(name) or "") for name in ("install", "build")).split()
    installs = found.values.get("install") or not _INSTALLS.isdisjoint(commands)
    development = {name: value for tool, name, value in _DEVELOPMENT if tool in commands and installs}
    return {
        "environment": tuple(({**dict(plan.environment), **development, **values}).items()),
        "generated": (*generated, *(name for name in plan.generated if name not in {**values, **generated})),
        "unset": tuple((name, why) for name, why in unset.items() if name not in values and name not in generated),
    }


def _line(lines: tuple[str, ...] | None, detected: str | None) -> str | None:
    """One command line; "" is the wish that there is none."""
    if lines is None:
        return None
    told = [detected if line == DETECTED else line for line in lines]
    return " && ".join(line for line in told if line)


def _inside(directory: str) -> str | None:
    """A directory of the project as Orbit writes it; None if it leads out of it."""
    path = PurePosixPath(directory)
    return str(path) if not path.is_absolute() and ".." not in path.parts and "\0" not in directory else None
