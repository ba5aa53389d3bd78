"""The runtimes that are installed on the system.

It is the one that PATH finds first, if that satisfies the constraint, and otherwise the newest that does,
wherever it lies; always the newest if that is what was asked for ("lts/*", "3"). An exact patch that is not
there is replaced by its neighbour, with a note, be it from a file or a variable: an update of the system must
not keep an application from starting.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.errors import RuntimeMissing
from supervisor.model import Plan, Runner, User
from supervisor.runtimes import bun, dotnet, go, java, node, php, python, ruby, rust
from supervisor.runtimes.probe import Probe
from supervisor.runtimes.program import GRADLE, HUGO, MAVEN, MDBOOK, ZOLA
from supervisor.runtimes.recipes import RECIPES
from supervisor.runtimes.requirement import Requirement, Test, anything, numbers
from supervisor.runtimes.runtime import Kind, Runtime

KINDS: tuple[Kind, ...] = (node, python, bun, go, rust, ruby, java, php, dotnet, MAVEN, GRADLE, HUGO, ZOLA, MDBOOK)
MOST_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program and the version that it says it is."""

    path: Path
    version: str


class System:
    """Finds runtimes for whoever the application runs as."""

    def __init__(self, runner: Runner, user: User | None = None) -> None:
        self._probe = Probe(runner, user)

    async def find(self, plan: Plan, environment: Mapping[str, str]) -> Runtime | None:
        """The runtime of a plan, None if it names none. `environment` is the application's.

        Raises RuntimeMissing if there is none that fits, and if the constraint cannot be understood.
        """
        if plan.runtime is None:
            return None
        kind, wanted = asked(plan)
        found = await self.exactly(kind, wanted, environment) or await self.nearly(plan, kind, wanted, environment)
        if found is None:
            shown = await self.shown(kind, environment)
            raise RuntimeMissing(
                f"cannot provide {named(plan)}: this system has {shown}; set {kind.variable}, or install one that fits"
            )
        return found

    async def exactly(self, kind: Kind, wanted: Requirement, environment: Mapping[str, str]) -> Runtime | None:
        """One that is what was asked for."""
        found = await self._best(kind, wanted.fits, wanted.newest, environment)
        return _runtime(kind, found, environment) if found else None

    async def nearly(
        self, plan: Plan, kind: Kind, wanted: Requirement, environment: Mapping[str, str]
    ) -> Runtime | None:
        """One that will do where nothing better can be had."""
        found = await self._best(kind, wanted.nearly, True, environment) if wanted.nearly else None
        if found is None:
            return None
        note = f"{named(plan)} is not on this system: {found.version} is used ({found.path})"
        return _runtime(kind, found, environment, (note,))

    async def version(self, kind: Kind, path: Path, environment: Mapping[str, str]) -> str | None:
        """What the program at `path` says it is; None if it does not work."""
        output = await self._probe.output(path, environment, kind.asks)
        return kind.version(output) if output else None

    async def _best(self, kind: Kind, fits: Test, newest: bool, environment: Mapping[str, str]) -> Candidate | None:
        """The system's own choice if it fits and the newest is not asked for; otherwise the newest that fits."""
        best: Candidate | None = None
        is_first = True
        for path in _programs(kind, environment):
            candidate = await self._candidate(kind, path, environment)
            if candidate is None:
                continue
            if fits(candidate.version):
                if is_first and not newest:
                    return candidate
                best = max(best or candidate, candidate, key=_age)
            is_first = False
        return best

    async def _candidate(self, kind: Kind, path: Path, environment: Mapping[str, str]) -> Candidate | None:
        """What a program is; None if it does not work, as a shim of pyenv for a version that is not installed."""
        version = await self.version(kind, path, environment)
        return Candidate(kind.resolved(path, version, environment), version) if version else None

    async def shown(self, kind: Kind, environment: Mapping[str, str]) -> str:
        """The versions that are there, for a message."""
        there: dict[str, Path] = {}
        for path in _programs(kind, environment):
            candidate = await self._candidate(kind, path, environment)
            if candidate is not None:
                there.setdefault(candidate.version, candidate.path)
        newest = sorted(there, key=numbers, reverse=True)
        return ", ".join(f"{version} ({there[version]})" for version in newest[:MOST_SHOWN]) or "none"


def asked(plan: Plan) -> tuple[Kind, Requirement]:
    """The kind of a plan's runtime, and what it asks of the version. Raises RuntimeMissing if either is not known."""
    kind = next((kind for kind in KINDS if kind.name == plan.runtime), None)
    if kind is None:
        names = ", ".join(kind.name for kind in KINDS)
        raise RuntimeMissing(f"cannot provide {plan.runtime}: only {names} are known; set PROJECT_TYPE")
    text = f">={plan.runtime_version}" if plan.runtime_floor else plan.runtime_version
    wanted = kind.requirement(text) if text else Requirement(anything)
    if wanted is None:
        raise RuntimeMissing(
            f"cannot understand {named(plan)}: it is no version or range; "
            f"write one like {kind.example}, or set {kind.variable}"
        )
    return kind, wanted


def named(plan: Plan) -> str:
    """The runtime as the project asks for it, and where: "node 22 (engines.node in package.json)".

    Where, is in the note that detection made of it.
    """
    text = f"{plan.runtime} {plan.runtime_version}" if plan.runtime_version else str(plan.runtime)
    origin = next((note for note in plan.notes if note.startswith(f"{text}, from ")), None)
    return f"{text} ({origin.removeprefix(f'{text}, from ')})" if origin else text


def _runtime(kind: Kind, found: Candidate, environment: Mapping[str, str], notes: tuple[str, ...] = ()) -> Runtime:
    return Runtime(kind.name, found.version, found.path, _bin_dir(kind, found, environment), notes=notes)


def _programs(kind: Kind, environment: Mapping[str, str]) -> Iterator[Path]:
    """Every file that may be such a runtime, the system's own choice first, and each file once."""
    directories = [Path(part) for part in environment.get("PATH", "").split(os.pathsep) if part.startswith("/")]
    on_path = (directory / command for command in kind.plain for directory in directories)
    no_shims = [directory for directory in directories if directory.name != "shims"]  # see pyenv in `elsewhere`
    aside = (directory / command for directory in no_shims for command in kind.aside)
    seen: set[str] = set()
    for places in (on_path, aside, kind.elsewhere(environment), _of_mise(kind, environment)):
        for path in places:
            real = os.path.realpath(path)
            if real not in seen and path.is_file() and not python.is_ours(path):
                seen.add(real)
                yield path


def _of_mise(kind: Kind, environment: Mapping[str, str]) -> Iterator[Path]:
    """What a user has installed with mise: its shims on PATH say nothing outside of a project."""
    data = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '/nonexistent')}/.local/share"
    recipe = RECIPES.get(kind.name)
    installs = Path(environment.get("MISE_DATA_DIR") or f"{data}/mise") / "installs" / (recipe.tool if recipe else "")
    for pattern in ("[0-9]*.*.*/bin", "[0-9]*.*.*") if recipe else ():
        yield from installs.glob(f"{pattern}/{kind.plain[0]}")


def _bin_dir(kind: Kind, found: Candidate, environment: Mapping[str, str]) -> Path | None:
    """Where the plain commands are, unless PATH leads there; a virtual environment has Python's."""
    if kind.name == python.name:
        return None
    first = shutil.which(kind.plain[0], path=environment.get("PATH", ""))
    return None if first and found.path.samefile(first) else found.path.parent


def _age(candidate: Candidate) -> tuple[bool, tuple[int, ...]]:
    """For sorting: a finished version is newer than any preview."""
    return re.fullmatch(r"[\d.]+", candidate.version) is not None, numbers(candidate.version)
