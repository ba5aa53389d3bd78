"""The configuration of nginx for a site.

One server process serves release after release. The files are found through a link that is moved when a release goes
live; each request looks where it leads once, at its beginning, and sees that release alone (`$site`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from supervisor.errors import OrbitError
from supervisor.sites.rules import STATUSES, Header, Rules
from supervisor.sites.template import CONFIGURATION
from supervisor.sites.types import FILES, TEXT, TYPES

HIDDEN = (
    "Procfile", "pre-deploy.sh", "post-deploy.sh", "_headers", "_redirects", "flux.yaml", "flux.yml", "flux.json",
    "render.yaml", "railway.json", "railway.toml", "nixpacks.toml", "heroku.yml", "netlify.toml", "vercel.json",
    "Staticfile", "Dockerfile", "docker-compose.yml", "docker-compose.yaml",
)  # fmt: skip
"""Files of a repository's root that are for those who deploy it, for where that root is the site."""

IMMUTABLE = "public, max-age=31536000, immutable"
_FOLDERS = "(?:assets|_astro|static|build|chunks|js|css|img|media|fonts)"
DEFAULTS = {"x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin"}
"""No page breaks by these."""
HASHED = (
    r"/(?:_next/static|_app/immutable)/.+\.[a-z0-9]+$",
    r"/_nuxt/[^/]+\.(?:m?js|css|woff2?|png|jpe?g|svg|webp|avif|gif)$",
    # main.8f3a2b1c.js, app-0b5c9e….css: hexadecimal, with figures and letters
    r"[-._](?=[a-f0-9]*[0-9])(?=[a-f0-9]*[a-f])[a-f0-9]{8,64}(?:\.[a-z-]+)?\.[a-z0-9]+(?:\.map)?$",
    # assets/index-BxY3k_9a.js: eight of all kinds, which neither Summer24.png nor IMG_1234.jpg has
    rf"/{_FOLDERS}/(?:.*[-.])?(?=[\w-]*[0-9])(?=[\w-]*[a-z])(?=[\w-]+?[A-Z])[\w-]{{8}}\.[a-z0-9]+(?:\.map)?$",
    rf"/{_FOLDERS}/(?:.*[-.])?(?=[\w-]*[a-z])(?=(?:[\w-]*?[A-Z]){{3}})[\w-]{{8}}\.(?:m?js|css)(?:\.map)?$",
    # main-ABCD2345.js
    r"[-.][A-Z0-9]{8}\.(?:m?js|css)(?:\.map)?$",
)
"""Names that change with the content. What is not surely one is asked for again: that costs little, and the other
mistake shows people an old file for a year."""


@dataclass(frozen=True, slots=True)
class Server:
    """What of the configuration is the machine's: the same for every release.

    `directory` holds what nginx writes; `live` is the link to the files. `user` is set where nginx is root.
    """

    port: int
    ipv6: bool
    directory: Path
    live: Path
    workers: int
    connections: int
    modules: tuple[str, ...] = ()  # files to load
    can: frozenset[str] = frozenset()  # gzip_static, brotli, waits_idle
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What of the configuration is the release's.

    `single_page`: a path that is no file is index.html's. `links`: symbolic links are followed. `utf8`: texts are
    said to be in UTF-8.
    """

    single_page: bool = False
    links: bool = False
    utf8: bool = True
    rules: Rules = field(default_factory=Rules)


class _Template(Template):
    delimiter = "%"


def text(server: Server, options: Options) -> str:
    """The whole configuration. Raises OrbitError about a path that nginx cannot be told."""
    directory = quoted(server.directory)
    one_page = options.single_page or options.rules.single_page
    values = {
        "load": "".join(f"load_module {quoted(name)};\n" for name in server.modules),
        "user": f"user {server.user};\n" if server.user else "",
        "workers": str(server.workers),
        "connections": str(server.connections),
        "directory": directory[1:-1],
        "live": quoted(server.live),
        "types": "".join(f"        {kind} {ends};\n" for kind, ends in TYPES.items()),
        "charset": "utf-8" if options.utf8 else "off",
        "text": " ".join(sorted(set(TEXT) - {"text/html"})),
        "charset_types": " ".join(sorted(kind for kind in TEXT if kind.startswith("text/") and kind != "text/html")),
        "gzip_static": "gzip_static on;" if "gzip_static" in server.can else "",
        "waits_idle": "keepalive_min_timeout 1s;" if "waits_idle" in server.can else "",
        "brotli": _brotli() if "brotli" in server.can else "",
        "files": "|".join(FILES),
        "hashed": "".join(f'        "~{pattern}" "{IMMUTABLE}";\n' for pattern in HASHED),
        "listen": "".join(f"listen {place};\n        " for place in _places(server)),
        "symlinks": "off" if options.links else "on from=$site",
        "hidden": "|".join(re.escape(name) for name in HIDDEN),
        "fallback": "/200.html /index.html =404" if one_page else "/200.html =404",
        **_redirects(options.rules),
        **_headers(options.rules.headers),
    }
    return _Template(CONFIGURATION).substitute(values)


def _redirects(rules: Rules) -> dict[str, str]:
    """What each address is answered with, where there is a rule for it: the first counts."""
    parts: dict[str, str] = {}
    for name, chosen in (
        ("forced", [rule for rule in rules.redirects if rule.forced]),
        ("other", [rule for rule in rules.redirects if not rule.forced]),
    ):
        codes = "".join(f"        {_regex(rule.pattern)} {rule.status};\n" for rule in chosen)
        targets = "".join(f"        {_regex(rule.pattern)} {_word(rule.target)};\n" for rule in chosen)
        parts[f"{name}_codes"], parts[f"{name}_targets"] = codes, targets
        used = [code for code in STATUSES if any(rule.status == code for rule in chosen)]
        lines = (f"if (${name}_code = {code}) {{ return {code} ${name}_target; }}" for code in used)
        parts[f"{name}_returns"] = "\n            ".join(lines)
    return parts


def _headers(headers: tuple[Header, ...]) -> dict[str, str]:
    """A variable for each header that a rule sets; of several rules the last counts, over what we would say."""
    names = dict.fromkeys(("cache-control", *DEFAULTS, *(header.name for header in headers)))
    maps, lines = "", ""
    for number, name in enumerate(names):
        rules = [header for header in reversed(headers) if header.name == name]
        entries = "".join(f"        {_regex(rule.pattern)} {_word(rule.value)};\n" for rule in rules)
        usual = "$cache" if name == "cache-control" else _word(DEFAULTS.get(name, ""))
        maps += f"    map $request_uri $header_{number} {{\n        default {usual};\n{entries}    }}\n"
        told = f"$header_{number}"
        if name == "cache-control":  # a failure is not kept, whatever is said of the file that is missing
            maps += f'    map $status $kept {{\n        default {told};\n        "~^[45]" no-cache;\n    }}\n'
            told = "$kept"
        lines += f"        add_header {name.title()} {told} always;\n"
    return {"header_maps": maps, "header_lines": lines}


def _regex(pattern: str) -> str:
    return f'"~{pattern}"'


def _word(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quoted(path: Path | str) -> str:
    """A path as a word of the configuration. Raises OrbitError."""
    name = str(path)
    if "$" in name or "\n" in name or "\0" in name:
        raise OrbitError(f"cannot serve a site from {name!r}: nginx takes no such path; set another ORBIT_HOME")
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _places(server: Server) -> tuple[str, ...]:
    there = f"0.0.0.0:{server.port}"
    return (there, f"[::]:{server.port} ipv6only=on") if server.ipv6 else (there,)


def _brotli() -> str:
    return f"brotli on;\n    brotli_static on;\n    brotli_types {' '.join(sorted(set(TEXT) - {'text/html'}))};"
