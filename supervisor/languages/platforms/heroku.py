"""Heroku's heroku.yml and app.json."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms.document import Table, first, scalar
from supervisor.languages.platforms.environment import Environment
from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source

MANIFEST = "heroku.yml"
APP = "app.json"

_BUILDPACKS = {
    "nodejs": "node", "python": "python", "ruby": "ruby", "go": "go", "java": "java", "gradle": "java", "jvm": "java",
    "scala": "java", "php": "php", "dotnet": "dotnet", "static": "static", "nginx": "static",
}  # fmt: skip
_ADDONS = {
    "heroku-postgresql": "DATABASE_URL", "heroku-redis": "REDIS_URL", "heroku-data-for-redis": "REDIS_URL",
    "heroku-key-value-store": "REDIS_URL", "cleardb": "CLEARDB_DATABASE_URL", "jawsdb": "JAWSDB_URL",
    "rediscloud": "REDISCLOUD_URL", "cloudamqp": "CLOUDAMQP_URL", "mongolab": "MONGODB_URI",
}  # fmt: skip


def manifest(source: Source) -> Iterator[Told]:
    """heroku.yml: `run.web`, `release.command`, and the configuration of its setup. Raises PlanError if it cannot be
    read."""
    file = first(source, MANIFEST)
    if file is None:
        return
    setup, run = file.table("setup"), file.table("run")
    environment = Environment(file.shown)
    environment.set_all(setup.table("config").values.items())
    _ask_for_addons(environment, setup)
    web = run.table("web").command("command") if isinstance(run.values.get("web"), dict) else run.command("web")
    notes = list(environment.notes)
    if file.table("build").has("docker"):
        notes.append(f"{file.shown} builds with a Dockerfile, which Orbit does not: the project is built as detected")
    others = [name for name in run.values if name != "web"]
    if others:
        notes.append(f"{file.shown}: only web and release are run, not {', '.join(map(str, others))}")
    yield Told(
        file.shown,
        start=web,
        release=file.table("release").command("command"),
        environment=tuple(environment.values.items()),
        unset=tuple(environment.unset.items()),
        port=environment.port,
        notes=tuple(notes),
    )


def app(source: Source) -> Iterator[Told]:
    """app.json: its variables and buildpacks. Raises PlanError if it cannot be read.

    React Native has a file of that name, too, with none of these in it.
    """
    file = first(source, APP)
    if file is None or not file.has("env", "scripts", "buildpacks", "addons", "formation", "stack"):
        return
    environment = Environment(file.shown)
    _read_env(environment, file)
    _ask_for_addons(environment, file)
    notes = list(environment.notes)
    scripts = file.values.get("scripts")
    if isinstance(scripts, dict) and isinstance(scripts.get("postdeploy"), str):
        notes.append(
            f"{file.shown}: scripts.postdeploy is for a new application and was not run: {scripts['postdeploy'][:200]}"
        )
    told = Told(
        file.shown,
        environment=tuple(environment.values.items()),
        generated=tuple(environment.generated),
        unset=tuple(environment.unset.items()),
        language=_language(file),
        port=environment.port,
        notes=tuple(notes),
    )
    if told != Told(file.shown):
        yield told


def _read_env(environment: Environment, file: Table) -> None:
    """A variable is a text, or an object with a value, a generator, or the word that one is required."""
    for name, value in file.table("env").values.items():
        if not isinstance(value, dict):
            environment.set(name, value)
        elif value.get("generator") == "secret":
            environment.generate(name)
        elif scalar(value.get("value")) is not None:
            environment.set(name, value["value"])
        elif value.get("required") is not False:
            environment.ask(name, f"{file.shown} requires it")


def _ask_for_addons(environment: Environment, table: Table) -> None:
    addons = table.values.get("addons")
    for addon in addons if isinstance(addons, list) else ():
        plan = scalar(addon.get("plan") if isinstance(addon, dict) else addon) or ""
        name = _ADDONS.get(plan.partition(":")[0])
        if name:
            environment.ask(name, f"{environment.origin} takes it from the add-on {plan}")


def _language(file: Table) -> str | None:
    """That of the last buildpack, which is the application's own."""
    buildpacks = file.values.get("buildpacks")
    last = buildpacks[-1] if isinstance(buildpacks, list) and buildpacks else None
    url = scalar(last.get("url") if isinstance(last, dict) else last) or ""
    name = url.rstrip("/").rpartition("/")[2].partition("#")[0].removesuffix(".git")
    return _BUILDPACKS.get(name.removeprefix("heroku-buildpack-"))
