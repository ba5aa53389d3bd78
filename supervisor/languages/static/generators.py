"""Site generators that are one program, known by their configuration: Hugo, Zola, mdBook.

Their configurations are TOML, YAML or JSON, and are searched by the line for the few settings that matter here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from supervisor.languages.source import Source, inside
from supervisor.languages.versions import Reader, Wanted, first_line, mise_toml, tool_versions
from supervisor.model import Need

_HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_HUGO_OLD = ("config.toml", "config.yaml", "config.yml", "config.json")
_HUGO_DIRECTORIES = ("content", "archetypes", "layouts", "themes", "i18n")
_ELSEWHERE = re.compile(
    r"(?:https?:)?//(?:(?:[\w-]+\.)*example\.(?:com|org|net)|localhost|127\.0\.0\.1"
    r"|[\w.-]+\.(?:github\.io|gitlab\.io|netlify\.app|netlify\.com|vercel\.app|pages\.dev|onrender\.com|herokuapp\.com))"
    r"(?:[:/].*)?",
    re.IGNORECASE,
)
_NOTE = "links begin with / instead of {}, which is not where this is served; set {} to the site's own address"


@dataclass(frozen=True, slots=True)
class Site:
    """A generator's name, which is the program's, too; its build, the directory of the pages, and the fields of a
    plan with the same names. `versions` say where the program's own is written."""

    name: str
    build: str
    output: str
    variable: str
    environment: tuple[tuple[str, str], ...] = ()
    caches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    helpers: tuple[Need, ...] = ()
    versions: tuple[Reader, ...] = ()


def of(source: Source) -> Site | None:
    """The site that a directory is, None if it is none of these."""
    return next((site for find in FINDERS if (site := find(source)) is not None), None)


def hugo(source: Source) -> Site | None:
    """hugo.toml, or the older config.toml beside what only Hugo has; many themes want Hugo's extended edition."""
    own = source.first_file(*_HUGO, *(f"config/_default/{name}" for name in (*_HUGO, *_HUGO_OLD)))
    name = own or source.first_file(*_HUGO_OLD)
    text = source.peek(name) or "" if name else ""
    if name is None or (own is None and not _is_old_hugo(source, text)):
        return None
    base = _value(text, "baseURL") or ""
    placed = base in ("", "/") or _ELSEWHERE.fullmatch(base)
    modules = source.is_file("go.mod") or re.search(r"(?m)^\s*(?:\[+module\.imports\]+|\"?imports\"?\s*:)", text)
    return Site(
        name="hugo",
        build="hugo --gc --minify",
        output=inside(_value(text, "publishDir")) or "public",
        variable="HUGO_VERSION",
        environment=(("HUGO_ENVIRONMENT", "production"), *((("HUGO_BASEURL", "/"),) if placed else ())),
        caches=("resources/_gen",) if not source.is_dir("resources/_gen") else (),
        notes=(_NOTE.format(base, "HUGO_BASEURL"),) if placed and len(base) > 1 else (),
        helpers=(Need("go"),) if modules else (),
        versions=_versions("hugo", "hugo-extended", "gohugo"),
    )


def zola(source: Source) -> Site | None:
    name = source.first_file("zola.toml", "config.toml")
    text = (source.peek(name) or "") if name else ""
    base = _value(text, "base_url")
    if name is None or base is None:
        return None
    placed = base == "/" or _ELSEWHERE.fullmatch(base) is not None
    return Site(
        name="zola",
        build="zola build --base-url /" if placed else "zola build",
        output=inside(_value(text, "output_dir")) or "public",
        variable="ZOLA_VERSION",
        notes=(_NOTE.format(base, "BUILD_COMMAND"),) if placed and base != "/" else (),
        versions=_versions("zola"),
    )


def mdbook(source: Source) -> Site | None:
    """book.toml; with another renderer beside HTML, the pages are one directory below."""
    text = source.peek("book.toml")
    if text is None:
        return None
    others = [name for name in re.findall(r"(?m)^\s*\[output\.([\w-]+)", text) if name != "html"]
    html = re.search(r"(?m)^\s*\[output\.html\b", text) is not None
    base = inside(_value(text, "build-dir")) or "book"
    return Site(
        name="mdbook",
        build="mdbook build",
        output=f"{base}/html" if others and html else base,
        variable="MDBOOK_VERSION",
        versions=_versions("mdbook"),
    )


FINDERS: tuple[Callable[[Source], Site | None], ...] = (zola, hugo, mdbook)


def _is_old_hugo(source: Source, text: str) -> bool:
    """config.toml is a name that many use: it has to speak of a site, beside what only Hugo has."""
    speaks = any(_value(text, key) is not None for key in ("baseURL", "languageCode", "theme", "title"))
    return speaks and any(source.is_dir(name) for name in _HUGO_DIRECTORIES)


def _versions(*tools: str) -> tuple[Reader, ...]:
    return (first_line(".hvm") if "hugo" in tools else _nowhere, tool_versions(*tools), mise_toml(*tools))


def _nowhere(source: Source) -> Wanted | None:
    return None


def _value(text: str, key: str) -> str | None:
    """The text that the first line of this key gives it, in TOML, YAML or JSON; in whatever case."""
    match = re.search(rf"""(?mi)^[ \t]*["']?{key}["']?[ \t]*[=:][ \t]*["']?([^"'\s,#]*)""", text)
    return match[1] if match else None
