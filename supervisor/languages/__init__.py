"""What a directory of source is, and what it needs to be installed, built and started.

`detect` asks every language of the table how well it fits, and the best one for a plan; then a Procfile's
`web:` stands over the language's start command, and the user's variables over both. Nothing is executed,
nothing outside of the repository is read, and the number of files and directories that are looked at does not
grow with the repository.

Another language is one more module with the four members of `language.Language`, and one more line in
LANGUAGES.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from supervisor.errors import PlanError
from supervisor.languages import bun, go, node, procfile, python, ruby, rust
from supervisor.languages.language import NO_START, Fit, Language
from supervisor.languages.overrides import Overrides
from supervisor.languages.procfile import Procfile
from supervisor.languages.source import Source
from supervisor.languages.unknown import unknown
from supervisor.model import Plan

__all__ = ["LANGUAGES", "Overrides", "detect"]

LANGUAGES: tuple[Language, ...] = (ruby, go, rust, bun, node, python)  # of two that fit equally well, the first


def detect(directory: Path, options: Overrides, root: Path | None = None) -> Plan:
    """The plan for the project in `directory`, part of the repository at `root` (None: the directory itself).

    Raises PlanError if the kind is not known, a manifest is broken, or no start command can be told.
    """
    source = Source.of(directory, root, options)
    language = _language(source)
    commands = procfile.read(source)
    if language is not None:
        plan = language.plan(source)
    elif commands.web is not None:
        plan = Plan("procfile")
    elif options.run_command is not None:
        plan = Plan("custom")
    else:
        raise unknown(source, LANGUAGES)
    return _checked(_overridden(_with_procfile(plan, commands), options), source)


def _language(source: Source) -> Language | None:
    """The language that PROJECT_TYPE names, or the one that fits best; None if none does."""
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
    best = max(fits)
    return None if best is Fit.NO else LANGUAGES[fits.index(best)]


def _with_procfile(plan: Plan, commands: Procfile) -> Plan:
    plan = replace(plan, release=commands.release, notes=plan.notes + commands.notes)
    return plan if commands.web is None else _started_by(plan, commands.web)


def _overridden(plan: Plan, options: Overrides) -> Plan:
    """The plan with the user's commands. Versions are not here: a language reads them with its own files."""
    plan = replace(
        plan,
        install=options.install_command or plan.install,
        build=options.build_command or plan.build,
    )
    return plan if options.run_command is None else _started_by(plan, options.run_command)


def _started_by(plan: Plan, command: str) -> Plan:
    """A command that serves: what a language would have served as files is its own business now."""
    notes = tuple(note for note in plan.notes if not note.startswith(NO_START))
    return replace(plan, start=command, serve="app", output_dir=None, notes=notes)


def _checked(plan: Plan, source: Source) -> Plan:
    """Raises PlanError if the plan leaves the start open, or has a command that no shell takes."""
    if plan.start is None and plan.serve == "app":
        why = next((note for note in plan.notes if note.startswith(NO_START)), NO_START)[len(NO_START) :]
        raise PlanError(
            f"cannot tell how to start this {plan.type} project: {why or 'nothing says so'}; "
            "or add a Procfile with a web: line, or set RUN_COMMAND"
        )
    for command in (plan.install, plan.build, plan.start, plan.release):
        try:
            if command is not None and "\0" in command + command.encode().decode():
                raise PlanError(f"cannot run {command!r}: a command must not hold a NUL; check {source.directory.name}")
        except UnicodeEncodeError as error:
            raise PlanError(f"cannot run {command!r}: it is not text; check the project's manifest") from error
    return plan
