"""netlify.toml and vercel.json, which are for sites: an application with a server is not touched by them."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.languages.platforms.document import Table, first
from supervisor.languages.platforms.environment import Environment
from supervisor.languages.platforms.told import Told
from supervisor.languages.source import Source

NETLIFY = "netlify.toml"
VERCEL = "vercel.json"

_EVERYTHING = ("/*", "/(.*)", "/:path*", "/:match*")
_INDEX = ("/index.html", "/", "index.html")


def netlify(source: Source) -> Iterator[Told]:
    """netlify.toml: `build`, with that of the production context over it. Raises PlanError if it cannot be read."""
    file = first(source, NETLIFY)
    if file is None:
        return
    build, context = file.table("build"), file.table("context", "production")
    base = (build.text("base") or "").strip("/").removeprefix("./")
    if base not in ("", "."):
        yield Told(file.shown, notes=(f"{file.shown} is for {base} and was passed over; set PROJECT_PATH={base}",))
        return
    environment = Environment(file.shown)
    for table in (context, build):
        environment.set_all(table.table("environment").values.items())
    command, publish = (context.text(name) or build.text(name) for name in ("command", "publish"))
    yield Told(
        file.shown,
        for_sites=True,
        build=(command,) if command else None,
        environment=tuple(environment.values.items()),
        publishes=publish,
        single_page=any(
            rule.word("from") == "/*" and rule.word("to") in _INDEX and rule.word("status") == "200"
            for rule in file.rules("redirects")
        ),
        port=environment.port,
        notes=tuple(environment.notes),
    )


def vercel(source: Source) -> Iterator[Told]:
    """vercel.json: its commands and directory. Raises PlanError if it cannot be read."""
    file = first(source, VERCEL)
    if file is None:
        return
    yield Told(
        file.shown,
        for_sites=True,
        install=_command(file, "installCommand"),
        build=_command(file, "buildCommand"),
        publishes=file.text("outputDirectory"),
        single_page=any(
            rule.word("source") in _EVERYTHING and rule.word("destination") in _INDEX for rule in file.rules("rewrites")
        ),
    )


def _command(file: Table, name: str) -> tuple[str, ...] | None:
    """None stands for what is detected, an empty text for nothing."""
    if file.values.get(name) == "":
        return ()
    line = file.text(name)
    return (line,) if line else None
