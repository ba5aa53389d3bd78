"""What a directory of source is, and what it needs to be installed, built and started.

`detect` asks every language of the table how well it fits, and the best one for a plan; then the files of other
platforms (a Procfile, render.yaml …) stand over what it found, and the user's variables over both. Nothing is executed,
nothing outside of the repository is read, and the number of files and directories that are looked at does not
grow with the repository.

Another language is one more module with the members of `language.Language`, and one more entry in `table.LANGUAGES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from supervisor.errors import PlanError
from supervisor.languages import platforms
from supervisor.languages.language import NO_START, Fit, Language, NoStart
from supervisor.languages.overrides import Overrides
from supervisor.languages.platforms import Told, merging
from supervisor.languages.platforms.commands import is_install, manager_in
from supervisor.languages.platforms.procfile import FILE as PROCFILE
from supervisor.languages.source import Source
from supervisor.languages.table import LANGUAGES
from supervisor.languages.unknown import unknown
from supervisor.languages.versions import origin_of
from supervisor.model import Plan

__all__ = ["LANGUAGES", "Candidate", "Fit", "NoStart", "Overrides", "candidates", "detect"]

_INTERPRETED = ("node", "bun", "python", "ruby", "php")


def detect(directory: Path, options: Overrides, root: Path | None = None) -> Plan:
    """The plan for the project in `directory`, part of the repository at `root` (None: the directory itself).

    Raises PlanError if the kind is not known or a manifest is broken, NoStart if no start command can be told.
    """
    plain = Source.of(directory, root, options)
    told = platforms.read(plain)
    completed, origins = merging.completed(plain.options, told)
    start = options.run_command or next((file.start for file in told if file.start), None)
    release = next((file.release for file in told if file.release), None)
    source = replace(plain, options=completed, origins=origins, start=start, release=release)
    language = _language(source, told)
    if language is not None:
        plan = language.plan(source)
    elif any(file.start is not None for file in told):
        plan = _started_elsewhere(source, told)
    elif any(file.static for file in told):
        plan = Plan("static")
    elif options.run_command is not None or options.output_dir is not None:
        plan = Plan("custom" if options.run_command is not None else "static")
    else:
        raise unknown(source, LANGUAGES)
    version = origin_of(plan)
    if version is not None:
        plan = replace(plan, origins=(*plan.origins, ("runtime_version", version)))
    told_plan = _with_manager(_overridden(merging.merged(plan, told), options))
    return _checked(_kept(plan, told_plan), source)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A language that fits a directory, how well, and the file that shows it (None: its kind is told otherwise)."""

    name: str
    fit: Fit
    marker: str | None


def candidates(directory: Path, options: Overrides, root: Path | None = None) -> tuple[Candidate, ...]:
    """Every language that fits, the best first. Raises PlanError about a manifest that cannot be read."""
    source = Source.of(directory, root, options)
    fits = sorted(((language.fit(source), language) for language in LANGUAGES), key=lambda pair: -pair[0])
    fitting = [(fit, language) for fit, language in fits if fit is not Fit.NO]
    return tuple(Candidate(language.name, fit, source.first_file(*language.markers)) for fit, language in fitting)


def _language(source: Source, told: Sequence[Told]) -> Language | None:
    """The language that PROJECT_TYPE or a file names, or the one that fits best; None if none does."""
    forced = source.options.project_type.lower()
    if forced != "auto":
        for language in LANGUAGES:
            if language.name == forced:
                return language
        if forced == "procfile":
            return None
        names = ", ".join([*(language.name for language in LANGUAGES), "procfile"])
        raise PlanError(f"cannot use PROJECT_TYPE={forced}: it is not supported; use one of auto, {names}")
    fits = [language.fit(source) for language in LANGUAGES]
    named = next((file.language for file in told if file.language), None)
    alike = ("node", "bun") if named == "node" else (named,)  # elsewhere bun runs where node does
    fitting = [fit for language, fit in zip(LANGUAGES, fits, strict=True) if language.name in alike]
    if any(fitting):
        fits = [fit if language.name in alike else Fit.NO for language, fit in zip(LANGUAGES, fits, strict=True)]
    best = max(fits)
    return None if best is Fit.NO else LANGUAGES[fits.index(best)]


def _started_elsewhere(source: Source, told: Sequence[Told]) -> Plan:
    """The plan of a directory that fits no language, with a command in a file: with the runtime that the file names, if
    a program needs that to run."""
    named = next((file.language for file in told if file.language in _INTERPRETED), None)
    language = next((language for language in LANGUAGES if language.name == named), None)
    if language is None:
        return Plan("procfile" if source.has(PROCFILE) else "custom")
    return replace(language.plan(source), install=None, build=None)


def _overridden(plan: Plan, options: Overrides) -> Plan:
    """The plan with the user's commands. Versions are not here: a language reads them with its own files."""
    origins = dict(plan.origins)
    for name, variable in (("install", "INSTALL_COMMAND"), ("build", "BUILD_COMMAND")):
        value = getattr(options, variable.lower())
        if value is not None:
            plan = replace(plan, **{name: value})
            origins[name] = variable
    plan = replace(plan, origins=tuple(origins.items()))
    if options.run_command is not None:
        return merging.started_by(plan, options.run_command, "RUN_COMMAND")
    return plan if options.output_dir is None else _served_from(plan, options.output_dir)


def _served_from(plan: Plan, directory: str) -> Plan:
    """The user's OUTPUT_DIR: whatever the project is, what it is built to is served as files."""
    plain = directory.removeprefix("./").rstrip("/") or "."
    if plain.startswith("/") or ".." in plain.split("/") or not plain.isprintable():
        raise PlanError(f"cannot use OUTPUT_DIR={directory}: it leaves the project; give a path inside it")
    notes = tuple(note for note in plan.notes if not note.startswith(NO_START))
    origins = {name: where for name, where in plan.origins if name != "start"} | {"output_dir": "OUTPUT_DIR"}
    served = replace(plan, start=None, serve="static", output_dir=plain, notes=notes)
    return replace(served, origins=tuple(origins.items()))


def _with_manager(plan: Plan) -> Plan:
    """The plan, with the package manager that somebody's own commands call where npm was detected for lack of a
    lockfile."""
    if plan.runtime != "node" or plan.package_manager != "npm":
        return plan
    for name in ("install", "build", "start", "release"):
        line, origin = getattr(plan, name), dict(plan.origins).get(name)
        called = manager_in(line) if line and origin else None
        if called is not None:
            origins = (*plan.origins, ("package_manager", str(origin)))
            return replace(plan, package_manager=called[0], package_manager_version=called[1], origins=origins)
    return plan


def _kept(detected: Plan, plan: Plan) -> Plan:
    """The plan, with nothing to be kept of an install of somebody's own that may make more than its `inputs` say."""
    if plan.install in (None, detected.install) or is_install(plan.install, plan.inputs):
        return plan
    return replace(plan, inputs=(), after_restore=None)


def _checked(plan: Plan, source: Source) -> Plan:
    """Raises PlanError if the plan has a command that no shell takes, NoStart if it leaves the start open."""
    for command in (plan.install, plan.build, plan.start, plan.release):
        try:
            if command is not None and "\0" in command + command.encode().decode():
                raise PlanError(f"cannot run {command!r}: a command must not hold a NUL; check {source.directory.name}")
        except UnicodeEncodeError as error:
            raise PlanError(f"cannot run {command!r}: it is not text; check the project's manifest") from error
    if plan.start is None and plan.serve == "app":
        why = next((note for note in plan.notes if note.startswith(NO_START)), NO_START)[len(NO_START) :]
        raise NoStart(
            f"cannot tell how to start this {plan.type} project: {why or 'nothing says so'}; "
            "or add a Procfile with a web: line, or set RUN_COMMAND",
            plan,
        )
    return plan
