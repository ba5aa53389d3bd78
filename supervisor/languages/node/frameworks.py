"""The frameworks of Node: how each is known, built, started without a start script, and where its static
output lies.

One line each. The order decides for a project that has several: those that bring their own server or build
first, then server libraries, then what only bundles a browser's code. A server library counts only among
`dependencies`: as a tool it serves the developer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from supervisor.languages.node.package import Package


class Role(Enum):
    """What a framework makes of a project."""

    SERVER = "server"  # an app that listens
    SITE = "site"  # files to be served


@dataclass(frozen=True, slots=True)
class Framework:
    """`build` and `start` are command lines for projects without such a script; `output` is a site's directory."""

    name: str
    packages: tuple[str, ...]
    role: Role
    build: str | None = None
    start: str | None = None
    output: str | None = None


_SERVER, _SITE = Role.SERVER, Role.SITE

FULL = (
    Framework("next", ("next",), _SERVER, "next build", "next start", "out"),
    Framework("nuxt", ("nuxt", "nuxt3"), _SERVER, "nuxt build", "node .output/server/index.mjs", ".output/public"),
    Framework("sveltekit", ("@sveltejs/kit",), _SERVER, "vite build", None, "build"),
    Framework("remix", ("@remix-run/dev", "@remix-run/node"), _SERVER, "remix vite:build"),
    Framework("react-router", ("@react-router/dev",), _SERVER, "react-router build", None, "build/client"),
    Framework("tanstack-start", ("@tanstack/react-start", "@tanstack/solid-start"), _SERVER, "vite build"),
    Framework("astro", ("astro",), _SITE, "astro build", None, "dist"),
    Framework("gatsby", ("gatsby",), _SITE, "gatsby build", None, "public"),
    Framework("docusaurus", ("@docusaurus/core",), _SITE, "docusaurus build", None, "build"),
    Framework("eleventy", ("@11ty/eleventy",), _SITE, "eleventy", None, "_site"),
    Framework("nestjs", ("@nestjs/core",), _SERVER, "nest build", "node dist/main"),
    Framework("adonisjs", ("@adonisjs/core",), _SERVER, "node ace build"),
    Framework("angular", ("@angular/core",), _SITE, "ng build", None, "dist"),
)
SERVERS = (
    Framework("fastify", ("fastify",), _SERVER),
    Framework("hono", ("hono",), _SERVER),
    Framework("elysia", ("elysia",), _SERVER),
    Framework("koa", ("koa",), _SERVER),
    Framework("hapi", ("@hapi/hapi",), _SERVER),
    Framework("express", ("express",), _SERVER),
    Framework("polka", ("polka",), _SERVER),
    Framework("restify", ("restify",), _SERVER),
)
BUNDLERS = (
    Framework("cra", ("react-scripts",), _SITE, "react-scripts build", None, "build"),
    Framework("vue", ("@vue/cli-service",), _SITE, "vue-cli-service build", None, "dist"),
    Framework("vite", ("vite",), _SITE, "vite build", None, "dist"),
    Framework("parcel", ("parcel",), _SITE, None, None, "dist"),
)

WITH_PROGRAM = frozenset(framework.name for framework in FULL + BUNDLERS)
"""Those with a command line of their own, which is a program for Node."""

_DEVELOPMENT = re.compile(
    r"""(?:cross-env\s+)? (?:[A-Z_][A-Z0-9_]*=\S*\s+)* (?:npx\s+)?
        (?: react-scripts\s+start | craco\s+start | ng\s+(?:serve|s) | vite(?:\s+(?:dev|serve))?
          | astro(?:\s+dev)? | gatsby\s+(?:develop|d) | docusaurus\s+start | vue-cli-service\s+serve
          | eleventy\s.*--(?:serve|watch) | parcel(?:\s+(?:serve|watch))? | gulp | grunt
          | webpack(?:-dev-server|\s+serve|\s.*--watch) )
        (?:\s+(?!(?:build|preview|start)\b)\S+)*""",
    re.VERBOSE,
)


def of(package: Package, serves: bool) -> Framework | None:
    """The framework of a project; `serves` says that it has a start command that is no development server."""
    everything = package.everything
    for framework in FULL:
        if any(name in everything for name in framework.packages):
            return framework
    servers = [f for f in SERVERS if any(name in package.dependencies for name in f.packages)]
    bundlers = [f for f in BUNDLERS if any(name in everything for name in f.packages)]
    ordered = servers + bundlers if serves or not bundlers else bundlers + servers
    return ordered[0] if ordered else None


def is_development(command: str) -> bool:
    """Whether a start script only runs a site's development server, as the templates of CRA, Angular and others do."""
    return _DEVELOPMENT.fullmatch(command.strip()) is not None
