"""What `orbit detect` tells people: what a project is and why, what would run in which order, and who says so."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from supervisor.languages import Fit, Overrides, candidates
from supervisor.languages.language import NO_START
from supervisor.model import Plan
from supervisor.redact import environment_secrets, redactor, secrets_of_plan

HOOKS = ("pre-deploy.sh", "post-deploy.sh")
CHECK = ".flux-pod/health-check"

_LISTEN = "and have the application listen on $PORT"
_FITS = {
    Fit.CERTAIN: "a project that serves",
    Fit.LIKELY: "a project",
    Fit.PLAIN: "pages that can be served",
    Fit.HELPER: "something that helps another project",
}


class Row(NamedTuple):
    """A line: what it is about, what holds, and where that was found."""

    title: str
    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the plan for `project`, in the repository at `root`, with the user's variables."""

    plan: Plan
    project: Path
    root: Path
    options: Overrides
    environ: Mapping[str, str]

    def print(self) -> None:
        """To standard output, aligned; without colours where that is no terminal."""
        known = f"{self.plan.runtime} {self.plan.runtime_version}, from "  # it stands beside the runtime
        sections = (
            ("Project", self._kind()),
            ("What would run, in this order", self._steps()),
            ("Variables", self._variables()),
            ("Notes", (Row("", note) for note in self.plan.notes if not note.startswith(known))),
            ("Next", self._next()),
        )
        plan = self.plan
        commands = (plan.install, plan.build, plan.release, plan.start)
        written = secrets_of_plan(dict(plan.environment), commands)
        redact = redactor((*environment_secrets(self.environ), *written))
        told = [(head, [Row(*map(redact, row)) for row in rows]) for head, rows in sections]
        width = max(len(row.title) for _, rows in told for row in rows)
        for head, rows in told:
            if rows:
                click.echo(click.style(f"{head}:", bold=True))
            for row in rows:
                start = f"  {row.title:<{width}}  " if row.title else "  "
                origin = click.style(f"  ({_printable(row.origin)})", dim=True) if row.origin else ""
                click.echo(f"{start}{_printable(row.text)}{origin}")

    def _kind(self) -> Iterator[Row]:
        plan = self.plan
        fitting = candidates(self.project, self.options, self.root)
        chosen = next((one for one in fitting if one.name == plan.type), None)
        forced = self.options.project_type != "auto"
        why = "PROJECT_TYPE" if forced else f"{chosen.marker} is there" if chosen and chosen.marker else ""
        yield Row("type", plan.type + (f" ({plan.framework})" if plan.framework else ""), why)
        for other in fitting:
            if other.name != plan.type:
                what = f"{other.marker}: {_FITS[other.fit]}" if other.marker else _FITS[other.fit]
                yield Row("not taken", f"{other.name} ({what}); PROJECT_TYPE={other.name} takes it")
        if plan.package_manager:
            version = f" {plan.package_manager_version}" if plan.package_manager_version else ""
            yield Row("package manager", plan.package_manager + version, self._of("package_manager"))

    def _steps(self) -> Iterator[Row]:
        plan = self.plan
        if plan.runtime:
            yield Row(
                "runtime", f"{plan.runtime} {plan.runtime_version or '(any version)'}", self._of("runtime_version")
            )
        for helper in plan.helpers:
            yield Row("beside it", f"{helper.runtime} {helper.version or '(any version)'}")
        yield self._step("install", plan.install)
        hook = self._file(HOOKS[0])
        if hook:
            yield Row("pre-deploy", hook, "a hook in the repository")
        for name in ("PRE_BUILD_COMMAND", "", "POST_BUILD_COMMAND"):
            if not name:
                yield self._step("build", plan.build)
            elif self.environ.get(name, "").strip():
                yield Row("", self.environ[name].strip(), name)
        if plan.release and not hook:
            yield self._step("release", plan.release)
        if plan.serve == "static":
            page = ", with index.html for every path that is no file" if plan.single_page else ""
            yield Row(
                "serve", f"the files in {plan.output_dir}{page}", self._of("output_dir") or self._of("single_page")
            )
        if plan.start:
            yield self._step("start", plan.start)
        yield self._health()
        after = self._file(HOOKS[1])
        if after:
            yield Row("post-deploy", after, "a hook in the repository")

    def _health(self) -> Row:
        script = self._file(CHECK)
        if script and os.access(self.root / script, os.X_OK):
            return Row("health check", f"{script} ends with 0", "a script in the repository")
        path = self.environ.get("HEALTH_CHECK_PATH", "").strip()
        if path or not self.plan.health_path:
            return Row("health check", f"GET {path or '/'}", "HEALTH_CHECK_PATH" if path else "")
        return Row("health check", f"GET {self.plan.health_path}", self._of("health_path"))

    def _variables(self) -> Iterator[Row]:
        for name, value in self.plan.environment:
            own = self.environ.get(name)
            if own is None:
                yield Row(name, value, self._of(name))
            else:
                yield Row(name, "as you have set it")
        for name in self.plan.generated:
            if not self.environ.get(name):
                yield Row(name, "made up at the first deployment, and kept")

    def _next(self) -> Iterator[Row]:
        for name, why in self.plan.unset:
            if not self.environ.get(name):
                yield Row("", f"set {name}: {why}")
        missed = next((note for note in self.plan.notes if note.startswith(NO_START)), None)
        if missed and self.plan.start is None and self.plan.serve == "app":
            help_ = missed.partition("; ")[2]
            yield Row("", f"{help_ + '; or ' if help_ else ''}add a Procfile with a web: line, or set RUN_COMMAND")
            yield Row("", "orbit detect tells whether that will do: as it is, a deployment would fail")
            return
        if not self.environ.get("APP_PORT"):
            known = f"={self.plan.port}" if self.plan.port else ""
            said = f": {self._of('port')} says so" if known else ""
            listens = "where the files are to be served" if self.plan.serve == "static" else _LISTEN
            yield Row("", f"set APP_PORT{known}, {listens}{said}")
        yield Row("", "orbit check tells whether the repository can be reached, orbit run deploys it")

    def _step(self, name: str, command: str | None) -> Row:
        return Row(name, command or "nothing", self._of(name))

    def _of(self, name: str) -> str:
        return dict(self.plan.origins).get(name, "")

    def _file(self, name: str) -> str | None:
        """A file of the project, or else of the repository's root, as it is called from there."""
        for place in (self.project, self.root):
            if (place / name).is_file():
                return os.path.relpath(place / name, self.root)
        return None


def _printable(text: str) -> str:
    """What a terminal may show: a manifest can hold anything."""
    return "".join(char if char.isprintable() else "?" for char in text)
