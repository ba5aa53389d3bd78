"""The root of a monorepo that has nothing to start itself: the one member that has is what is meant.

Its plan is made as with PROJECT_PATH, and moved to the root. If several members could be meant, nobody guesses.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import replace

from supervisor.languages.node import compiled, frameworks, package
from supervisor.languages.node.engine import Engine
from supervisor.languages.node.start import ENTRIES, serves
from supervisor.languages.node.workspace import members
from supervisor.languages.source import Source
from supervisor.model import Plan


def startable(root: Source, engine: Engine) -> tuple[str, ...]:
    """The members that an application may be: they have a framework that is more than a library, or a start script."""
    return tuple(member for member in members(root) or () if _is_app(root.at(root.directory / member), engine))


def moved(plan: Plan, place: str, install: str | None) -> Plan:
    """The plan of the directory `place`, as it is seen from here, with an `install` that is run here."""
    inside = f"cd {shlex.quote(place)} && "

    def at(*paths: str) -> tuple[str, ...]:
        return tuple(posixpath.normpath(f"{place}/{path}") for path in paths)

    return replace(
        plan,
        install=install,
        build=plan.build and inside + plan.build,
        start=plan.start and inside + plan.start,
        output_dir=plan.output_dir and at(plan.output_dir)[0],
        bin_dirs=at(*plan.bin_dirs),
        inputs=at(*plan.inputs),
        dependencies=at(*plan.dependencies),
        caches=at(*plan.caches),
        after_restore=plan.after_restore and inside + plan.after_restore,
    )


def _is_app(member: Source, engine: Engine) -> bool:
    own = package.read(member)
    if own.script("start") is not None and not frameworks.develops(own):
        return True
    framework = frameworks.of(own, serves(member, own, engine))
    if framework is None or framework.name == "storybook":
        return False
    if framework in frameworks.SERVERS:
        return serves(member, own, engine) or compiled.entry(member, ENTRIES) is not None
    # a library of components has a framework, too, but nothing to look at
    return own.script("build") is not None and (framework in frameworks.FULL or member.is_file("index.html"))
