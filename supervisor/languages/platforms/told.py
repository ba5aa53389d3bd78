"""What a file of another platform says of a project, in Orbit's nouns."""

from __future__ import annotations

from dataclasses import dataclass

DETECTED = "..."
"""Among the lines of a command: here runs what was detected, as in nixpacks.toml."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one file says; None and () where it is silent.

    `install` and `build` are command lines of which each has to succeed; () is the file's wish that nothing runs.
    `release` runs between the build and the switch, as `release:` of a Procfile does. `environment` has values,
    `generated` names whose value is to be made up once and kept, `unset` names that the user has to set, and why.
    `language` is the kind of project that the file names, `static` that it is a site of files.
    `publishes` says where the files of a site are, should it turn out to be one; with `for_sites` it is about those
    alone.
    """

    origin: str
    install: tuple[str, ...] | None = None
    build: tuple[str, ...] | None = None
    start: str | None = None
    release: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    generated: tuple[str, ...] = ()
    unset: tuple[tuple[str, str], ...] = ()
    versions: tuple[
        tuple[str, str], ...
    ] = ()  # ("NODE_VERSION", "20"), also PROJECT_TYPE: not for the application to see
    language: str | None = None
    static: bool = False
    for_sites: bool = False
    publishes: str | None = None
    single_page: bool = False
    health_path: str | None = None
    health_timeout_s: float | None = None
    port: int | None = None
    notes: tuple[str, ...] = ()
