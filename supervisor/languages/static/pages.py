"""Pages that need no generator: where they lie, and which path answers for all others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from supervisor.languages.source import Source, inside

INDEXES = ("index.html", "index.htm")
PLACES = (
    "public",
    "dist",
    "site",
    "www",
    "htdocs",
    "html",
    "_site",
    "build",
    "out",
    "static",
    "web",
    "docs",
    "src",
    "app",
)
"""Directories in which the pages may be if there is none beside the manifests, the likeliest first."""

STATICFILE = "Staticfile"  # of Cloud Foundry, Nixpacks and Railpack
HEROKU = "static.json"
REDIRECTS = "_redirects"  # of Netlify and Cloudflare

_ROOT = re.compile(r"^root:[ \t]*[\"']?([^\"'\s#]+)", re.MULTILINE)
_FALLBACK = re.compile(r"^(?:pushstate:[ \t]*(?:enabled|true)|index_fallback:[ \t]*true)\b", re.MULTILINE)
_BUILD_SCRIPT = re.compile(r'"build"[ \t]*:[ \t]*"')
_EVERYTHING = re.compile(r"^[ \t]*/\*[ \t]+/(?:index\.html)?[ \t]+200!?[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pages:
    """The directory of the pages; `single_page`, if one of them answers for every path; `declared`, if a file says
    that this is a site."""

    directory: str
    single_page: bool = False
    declared: bool = False


def find(source: Source) -> Pages | None:
    """The pages of a project, None if there are none. Raises PlanError about a static.json that is none."""
    declared = _declared(source)
    if declared is not None:
        return declared
    for place in (".", *PLACES):
        if source.first_file(*(f"{place}/{index}" for index in INDEXES)) and not _is_to_be_built(source, place):
            return Pages(place, _falls_back(source, place))
    return None


def _is_to_be_built(source: Source, place: str) -> bool:
    """A project of its own, in a directory of the repository: what lies there is what its pages are made of."""
    return place != "." and _BUILD_SCRIPT.search(source.peek(f"{place}/package.json") or "") is not None


def _declared(source: Source) -> Pages | None:
    """What a Staticfile or Heroku's static.json says; where it does not say the directory, it is found."""
    text = source.read(STATICFILE)
    if text is not None:
        root = _ROOT.search(text)
        directory = (inside(root[1]) or ".") if root else _first_place(source)
        return Pages(directory, _FALLBACK.search(text) is not None or _falls_back(source, directory), declared=True)
    heroku = source.json(HEROKU)
    if heroku is not None and isinstance(heroku.get("root"), str):
        directory = inside(heroku["root"]) or "."
        routes = heroku.get("routes")
        single = isinstance(routes, dict) and routes.get("/**") == "index.html"
        return Pages(directory, single, declared=source.is_dir(directory))
    return None


def _first_place(source: Source) -> str:
    found = (place for place in (".", *PLACES) if source.first_file(*(f"{place}/{index}" for index in INDEXES)))
    return next(found, ".")


def _falls_back(source: Source, directory: str) -> bool:
    return any(_EVERYTHING.search(source.peek(f"{place}/{REDIRECTS}") or "") for place in (directory, "."))
