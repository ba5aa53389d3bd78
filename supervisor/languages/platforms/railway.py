"""Railway's railway.toml or railway.json. Its build command comes after an install of Railway's own, as here."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms import nixpacks
from supervisor.languages.platforms.document import Table, first
from supervisor.languages.platforms.health import path_of, seconds_of
from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source

FILES = ("railway.toml", "railway.json")

_START = ("startCommand", "deployCommand")


def read(source: Source) -> Iterator[Told]:
    """Its `build` and `deploy`, with those of the production environment over them. Raises PlanError if it cannot be
    read."""
    file = first(source, *FILES)
    if file is None:
        return
    production = file.table("environments", "production")
    yield from _told(file, production.table("build"), production.table("deploy"))
    yield from _told(file, file.table("build"), file.table("deploy"))


def _told(file: Table, build: Table, deploy: Table) -> Iterator[Told]:
    notes = []
    builder = build.text("builder") or ""
    if builder.upper() == "DOCKERFILE" or build.text("dockerfilePath"):
        notes.append(f"{file.shown} builds with a Dockerfile, which Orbit does not: the project is built as detected")
    if deploy.text("cronSchedule"):
        notes.append(f"{file.shown}: the schedule of a cron job was passed over; the command is kept running")
    health_path, remark = path_of(deploy, "healthcheckPath")
    command = build.command("buildCommand")
    told = Told(
        file.shown,
        build=(command,) if command else None,
        start=deploy.command(*_START),
        release=deploy.command("preDeployCommand"),
        health_path=health_path,
        health_timeout_s=seconds_of(deploy, "healthcheckTimeout"),
        notes=(*notes, *remark),
    )
    if told != Told(file.shown):
        yield told
    yield from nixpacks.told(build.table("nixpacksPlan"))
