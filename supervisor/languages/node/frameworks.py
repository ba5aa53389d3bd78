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
_NITRO = "node .output/server/index.mjs"

FULL = (
    Framework("redwood", ("@redwoodjs/core",), _SERVER, "rw build", "rw serve --port $PORT"),
    Framework("blitz", ("blitz",), _SERVER, "blitz build", "blitz start --port $PORT"),
    Framework("payload", ("payload",), _SERVER, "next build", "next start"),
    Framework("strapi", ("@strapi/strapi", "strapi"), _SERVER, "strapi build", "strapi start"),
    Framework("keystone", ("@keystone-6/core",), _SERVER, "keystone build", "keystone start"),
    Framework("medusa", ("@medusajs/medusa",), _SERVER, "medusa build", "medusa start --port $PORT"),
    Framework("directus", ("directus",), _SERVER, None, "directus start"),
    Framework("ghost", ("ghost",), _SERVER),
    Framework("next", ("next",), _SERVER, "next build", "next start", "out"),
    Framework("nuxt", ("nuxt", "nuxt3", "nuxt-edge"), _SERVER, "nuxt build", _NITRO, ".output/public"),
    Framework("sveltekit", ("@sveltejs/kit",), _SERVER, "vite build", None, "build"),
    Framework("sapper", ("sapper",), _SERVER, "sapper build", "node __sapper__/build", "__sapper__/export"),
    Framework(
        "hydrogen", ("@shopify/hydrogen",), _SERVER, "shopify hydrogen build", "shopify hydrogen preview --port $PORT"
    ),
    Framework("remix", ("@remix-run/dev", "@remix-run/node", "@remix-run/react"), _SERVER, "remix vite:build"),
    Framework("react-router", ("@react-router/dev",), _SERVER, "react-router build", None, "build/client"),
    Framework("tanstack-start", ("@tanstack/react-start", "@tanstack/solid-start"), _SERVER, "vite build"),
    Framework("solid-start", ("@solidjs/start", "solid-start"), _SERVER, "vinxi build", _NITRO),
    Framework("qwik", ("@builder.io/qwik-city", "@qwik.dev/router"), _SERVER, "qwik build", None, "dist"),
    Framework("analog", ("@analogjs/platform",), _SERVER, "vite build", "node dist/analog/server/index.mjs"),
    Framework("waku", ("waku",), _SERVER, "waku build", "waku start --port $PORT"),
    Framework("modernjs", ("@modern-js/app-tools",), _SERVER, "modern build", "modern serve"),
    Framework("nestjs", ("@nestjs/core",), _SERVER, "nest build", "node dist/main"),
    Framework("adonisjs", ("@adonisjs/core",), _SERVER, "node ace build"),
    Framework("nitro", ("nitropack", "nitro"), _SERVER, "nitro build", _NITRO),
    Framework("astro", ("astro",), _SITE, "astro build", None, "dist"),
    Framework("gatsby", ("gatsby",), _SITE, "gatsby build", None, "public"),
    Framework("docusaurus", ("@docusaurus/core", "docusaurus"), _SITE, "docusaurus build", None, "build"),
    Framework("vitepress", ("vitepress",), _SITE, "vitepress build", None, ".vitepress/dist"),
    Framework("vuepress", ("vuepress",), _SITE, "vuepress build", None, ".vuepress/dist"),
    Framework("eleventy", ("@11ty/eleventy",), _SITE, "eleventy", None, "_site"),
    Framework("hexo", ("hexo",), _SITE, "hexo generate", None, "public"),
    Framework("gridsome", ("gridsome",), _SITE, "gridsome build", None, "dist"),
    Framework("expo", ("expo",), _SITE, "expo export --platform web", None, "dist"),
    Framework(
        "quasar", ("@quasar/app-vite", "@quasar/app-webpack", "@quasar/app"), _SITE, "quasar build", None, "dist/spa"
    ),
    Framework("ember", ("ember-cli", "ember-source"), _SITE, "ember build --environment=production", None, "dist"),
    Framework("umi", ("umi", "@umijs/max"), _SITE, "umi build", None, "dist"),
    Framework("angular", ("@angular/core",), _SITE, "ng build", None, "dist"),
)
SERVERS = (
    Framework("fastify", ("fastify",), _SERVER),
    Framework("hono", ("hono",), _SERVER),
    Framework("elysia", ("elysia",), _SERVER),
    Framework("koa", ("koa",), _SERVER),
    Framework("hapi", ("@hapi/hapi",), _SERVER),
    Framework("feathers", ("@feathersjs/feathers",), _SERVER),
    Framework("loopback", ("@loopback/core",), _SERVER),
    Framework("sails", ("sails",), _SERVER),
    Framework("express", ("express",), _SERVER),
    Framework("polka", ("polka",), _SERVER),
    Framework("restify", ("restify",), _SERVER),
    Framework("h3", ("h3",), _SERVER),
)
BUNDLERS = (
    Framework("cra", ("react-scripts",), _SITE, "react-scripts build", None, "build"),
    Framework("vue", ("@vue/cli-service",), _SITE, "vue-cli-service build", None, "dist"),
    Framework("vite", ("vite", "rolldown-vite", "vite-plus"), _SITE, "vite build", None, "dist"),
    Framework("preact-cli", ("preact-cli",), _SITE, "preact build", None, "build"),
    Framework("stencil", ("@stencil/core",), _SITE, "stencil build", None, "www"),
    Framework("polymer", ("polymer-cli",), _SITE, "polymer build", None, "build/default"),
    Framework("brunch", ("brunch",), _SITE, "brunch build --production", None, "public"),
    Framework("rsbuild", ("@rsbuild/core",), _SITE, "rsbuild build", None, "dist"),
    Framework("rspack", ("@rspack/cli",), _SITE, "rspack build", None, "dist"),
    Framework("farm", ("@farmfe/core",), _SITE, "farm build", None, "dist"),
    Framework("snowpack", ("snowpack",), _SITE, "snowpack build", None, "build"),
    Framework("sanity", ("sanity", "@sanity/core"), _SITE, "sanity build", None, "dist"),
    Framework("parcel", ("parcel", "parcel-bundler"), _SITE, None, None, "dist"),
    Framework(
        "webpack", ("html-webpack-plugin", "webpack-dev-server"), _SITE, "webpack --mode production", None, "dist"
    ),
    Framework("storybook", ("storybook",), _SITE, "storybook build", None, "storybook-static"),
)

ALL = FULL + SERVERS + BUNDLERS
WITH_PROGRAM = frozenset(framework.name for framework in FULL + BUNDLERS)
"""Those with a command line of their own, which is a program for Node."""

_DEVELOPMENT = re.compile(
    r"""(?:cross-env\s+)? (?:[A-Z_][A-Z0-9_]*=\S*\s+)* (?:(?:npx|bunx|bun\s+run|bun|yarn|pnpm(?:\s+exec)?)\s+)?
        (?: (?:react-scripts|craco|react-app-rewired|expo|sanity|farm)\s+start | (?:ng|ember|ionic)\s+(?:serve|s)
          | vite(?:\s+(?:dev|serve))? | astro(?:\s+(?:dev|start))? | (?:gatsby|gridsome|strapi|medusa)\s+(?:develop|d)
          | docusaurus(?:-start|\s+start) | (?:vue-cli-service|polymer|rspack)\s+serve | hexo\s+(?:server|s)
          | (?:@11ty/)?eleventy\s.*--(?:serve|watch) | parcel(?:\s+(?:serve|watch|\S+\.html))? | gulp | grunt
          | (?:preact|brunch|stencil)\s.*(?:watch|serve) | start-storybook
          | (?:next|nuxt|nuxi|remix|blitz|waku|umi|max|vinxi|solid-start|nitro|rsbuild|rspack|react-router
              |keystone|sapper|vitepress|vuepress|quasar|snowpack|modern|sanity|storybook|rw|medusa|turbo(?:\s+run)?)\s+dev
          | remix\s+vite:dev | shopify\s+hydrogen\s+dev | webpack(?:-dev-server|\s+serve|\s.*--watch) )
        (?:\s+(?!(?:build|preview|start)\b)\S+)*""",
    re.VERBOSE,
)
_PREVIEW = re.compile(
    r"\b(?:(?:vite|astro|vitepress|rsbuild|rspack|umi|max|nitro|gatsby|docusaurus)\s+(?:preview|serve)\b"
    r"|(?:vitepress|vuepress)\s+serve\b)"
)
_ALIAS = re.compile(r"(?:npm\s+run|yarn(?:\s+run)?|pnpm(?:\s+run)?|bun\s+run)\s+([\w:.-]+)")


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


def develops(package: Package) -> bool:
    """Whether the start script only runs a development server, or a preview of the build that answers its developer.

    The templates of Create React App, Angular and others have such a one, and it does not listen on $PORT.
    """
    command = package.script("start") or ""
    alias = _ALIAS.fullmatch(command)
    command = (package.script(alias[1]) if alias else None) or command
    return _DEVELOPMENT.fullmatch(command) is not None or _PREVIEW.search(command) is not None
