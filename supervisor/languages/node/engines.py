"""The versions that a package.json asks for: `engines`, corepack's fields, volta's."""

from __future__ import annotations

from supervisor.languages.node import package
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted


def of(runtime: str) -> Reader:
    """A reader of `engines.node` (or bun), or of the devEngines.runtime that replaces it for those who develop."""

    def read(source: Source) -> Wanted | None:
        own = package.read(source)
        constraint = own.engines.get(runtime, "").strip()
        if constraint:
            return Wanted(constraint, f"engines.{runtime} in {source.shown(package.FILE)}")
        constraint = own.runtimes.get(runtime, "").strip()
        return Wanted(constraint, f"devEngines.runtime in {source.shown(package.FILE)}") if constraint else None

    return read


def of_manager(manager: str) -> Reader:
    """A reader of the packageManager field, for a package manager that is the runtime, too: `bun@1.2.0`."""

    def read(source: Source) -> Wanted | None:
        name, _, version = (package.read(source).manager or "").partition("@")
        plain = version.partition("+")[0].strip()
        known = name == manager and plain not in ("", "latest")
        return Wanted(plain, f"packageManager in {source.shown(package.FILE)}") if known else None

    return read


def volta(source: Source) -> Wanted | None:
    constraint = package.read(source).volta.get("node", "").strip()
    return Wanted(constraint, f"volta.node in {source.shown(package.FILE)}") if constraint else None
