"""netlify.toml and vercel.json, which are for sites: an application with a server is not touched by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
        single_page=any(map(_falls_back, file.rules("redirects"))),
        port=environment.port,
        notes=(
            *environment.notes,
            *passed_over(file, "redirects", "_redirects", _falls_back),
            *passed_over(file, "headers", "_headers"),
        ),
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
        single_page=any(map(_rewrites_all, file.rules("rewrites"))),
        notes=(
            *passed_over(file, "rewrites", "_redirects", _rewrites_all),
            *passed_over(file, "redirects", "_redirects"),
            *passed_over(file, "headers", "_headers"),
        ),
    )


def _falls_back(rule: Table) -> bool:
    return rule.word("from") == "/*" and rule.word("to") in _INDEX and rule.word("status") == "200"


def _rewrites_all(rule: Table) -> bool:
    return rule.word("source") in _EVERYTHING and rule.word("destination") in _INDEX


def passed_over(file: Table, name: str, instead: str, known: Callable[[Table], bool] | None = None) -> tuple[str, ...]:
    """The remark on rules that are not `known`: a site would miss them without a word."""
    count = sum(known is None or not known(rule) for rule in file.rules(name))
    said = f"{file.shown}: {name} were passed over ({count}); write them into {instead} among the pages"
    return (said,) if count else ()


def _command(file: Table, name: str) -> tuple[str, ...] | None:
    """None stands for what is detected, an empty text for nothing."""
    if file.values.get(name) == "":
        return ()
    line = file.text(name)
    return (line,) if line else None
