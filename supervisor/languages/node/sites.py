"""Which projects are files to be served, and in which directory a build leaves them.

Configuration files are code. They are searched for the few settings that move the output, not run; what
cannot be told so is the framework's default.
"""

from __future__ import annotations

import re

from supervisor.languages.node.frameworks import Framework, Role
from supervisor.languages.node.package import Package
from supervisor.languages.source import Source, inside

_APPLICATIONS = (
    *("angular", "brunch", "cra", "ember", "farm", "parcel", "polymer", "preact-cli", "quasar", "react-router"),
    *("rsbuild", "rspack", "sanity", "snowpack", "stencil", "umi", "vite", "vue", "webpack"),
)
"""Frameworks whose browser code takes care of the paths; the others write a file for each."""


def is_single_page(source: Source, framework: Framework) -> bool:
    """Whether a site's index.html answers for every path that is no file."""
    if framework.name == "sveltekit":
        return setting(config(source, "svelte"), "fallback") == "index.html"
    if framework.name == "expo":
        return not re.search(r'"output"\s*:\s*"(?:static|server)"', source.peek("app.json") or "")
    return framework.name in _APPLICATIONS


def output_of(source: Source, package: Package, framework: Framework) -> str | None:
    """The directory of a site, None if the project is a server."""
    special = _SPECIAL.get(framework.name)
    output = framework.output if framework.role is Role.SITE else None
    if special is not None:
        output = special(source, package, framework)
    return output and (_of_script(package) or output)


def _of_script(package: Package) -> str | None:
    """The directory that the build script names on its command line."""
    match = _OPTION.search(package.script("build") or "")
    return _unquoted(match[1]) if match else None


def config(source: Source, name: str) -> str:
    """The text of `name`.config.js or its variants, without comments; "" if there is none."""
    endings = (".ts", ".js", ".mjs", ".mts", ".cjs")
    file = source.first_file(*(f"{name}.config{ending}" for ending in endings))
    text = (source.peek(file) if file else None) or ""
    return re.sub(r"(?m)^\s*(?://|\*|/\*).*$", "", text)


def setting(text: str, key: str) -> str | None:
    """The text that a configuration gives to `key`, inside the project."""
    match = re.search(rf"""\b{key}\s*:\s*["'`]([^"'`$]+)["'`]""", text)
    return _unquoted(match[1]) if match else None


def _unquoted(path: str) -> str | None:
    """A directory inside the project, perhaps written in quotes; None if it is none, or only a shell knows it."""
    return None if "$" in path else inside(path.strip("\"'"))


def documents(source: Source, package: Package, tool: str) -> str:
    """The directory of VitePress' or VuePress' pages: what the build script names, or where its settings lie."""
    scripts = (package.script(name) or "" for name in ("build", "docs:build"))
    matches = (re.search(rf"{tool}\s+build\s+(?!-)(\S+)", script) for script in scripts)
    named = next((match[1] for match in matches if match), None)
    found = (place for place in ("docs", ".", "src", "doc") if source.is_dir(f"{place}/.{tool}"))
    return _unquoted(named or next(found, ".")) or "."


def _pages(source: Source, package: Package, framework: Framework) -> str | None:
    place = documents(source, package, framework.name)
    return str(framework.output) if place == "." else f"{place}/{framework.output}"


def _sapper(source: Source, package: Package, framework: Framework) -> str | None:
    return framework.output if "export" in (package.script("build") or "") else None


def _qwik(source: Source, package: Package, framework: Framework) -> str | None:
    return framework.output if source.is_dir("adapters/static") else None


def _eleventy(source: Source, package: Package, framework: Framework) -> str | None:
    file = source.first_file(".eleventy.js", *(f"eleventy.config.{ending}" for ending in ("js", "mjs", "cjs", "ts")))
    return setting((source.peek(file) if file else None) or "", "output") or framework.output


def _umi(source: Source, package: Package, framework: Framework) -> str | None:
    file = source.first_file(".umirc.ts", ".umirc.js", "config/config.ts", "config/config.js")
    return setting((source.peek(file) if file else None) or "", "outputPath") or framework.output


def _hexo(source: Source, package: Package, framework: Framework) -> str | None:
    moved = re.search(r"(?m)^public_dir:[ \t]*(\S+)", source.peek("_config.yml") or "")
    return (_unquoted(moved[1]) if moved else None) or framework.output


def _next(source: Source, package: Package, framework: Framework) -> str | None:
    text = config(source, "next")
    if setting(text, "output") != "export":
        return None
    return setting(text, "distDir") or framework.output


def _nuxt(source: Source, package: Package, framework: Framework) -> str | None:
    generates = "generate" in (package.script("build") or "")
    return ("dist" if is_nuxt2(package) else framework.output) if generates else None


def is_nuxt2(package: Package) -> bool:
    return re.match(r"[~^]?2\b", package.everything.get("nuxt", "")) is not None


def _sveltekit(source: Source, package: Package, framework: Framework) -> str | None:
    return framework.output if "@sveltejs/adapter-static" in package.everything else None


def _react_router(source: Source, package: Package, framework: Framework) -> str | None:
    spa = re.search(r"\bssr\s*:\s*false\b", config(source, "react-router"))
    return framework.output if spa else None


def _astro(source: Source, package: Package, framework: Framework) -> str | None:
    if "@astrojs/node" in package.everything:
        return None
    return setting(config(source, "astro"), "outDir") or framework.output


def _vite(source: Source, package: Package, framework: Framework) -> str | None:
    return setting(config(source, "vite"), "outDir") or framework.output


def _angular(source: Source, package: Package, framework: Framework) -> str | None:
    """angular.json names the output; the builders since Angular 17 put the browser's part below it."""
    if any(name.startswith("serve:ssr") for name in package.scripts):
        return None
    data = source.json("angular.json") or {}
    projects = data.get("projects")
    if not isinstance(projects, dict) or not projects:
        return framework.output
    default = data.get("defaultProject")
    name = default if isinstance(default, str) and default in projects else next(iter(projects))
    build = inner(projects[name], "architect", "build")
    builder = build.get("builder")
    modern = isinstance(builder, str) and builder.endswith(":application")
    path = inner(build, "options").get("outputPath", f"dist/{name}")
    if isinstance(path, dict):
        base, browser = path.get("base"), path.get("browser", "browser")
        path, modern = (base if isinstance(base, str) else f"dist/{name}"), browser != ""
    if not isinstance(path, str):
        return framework.output
    return f"{path.rstrip('/')}/browser" if modern else path.rstrip("/")


def inner(value: object, *keys: str) -> dict[str, object]:
    """The object at a path of keys, an empty one if something else is there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


_OPTION = re.compile(r"(?:--out-?[dD]ir|--output(?:-path|Path)?|--dist-dir|--output-dir|\bBUILD_PATH)(?:=|\s+)(\S+)")

_SPECIAL = {
    "vitepress": _pages,
    "vuepress": _pages,
    "sapper": _sapper,
    "qwik": _qwik,
    "eleventy": _eleventy,
    "umi": _umi,
    "hexo": _hexo,
    "next": _next,
    "nuxt": _nuxt,
    "sveltekit": _sveltekit,
    "react-router": _react_router,
    "astro": _astro,
    "vite": _vite,
    "angular": _angular,
}
