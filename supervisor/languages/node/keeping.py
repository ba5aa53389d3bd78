"""What may be kept for the next release: what an install depends on and makes, and the caches of builds.

An install is repeatable if a lockfile pins it and none of it comes from the repository's own files. The project's own
lifecycle scripts (`postinstall`, `prepare` …) read whatever they like: they are run again after a restore. Those of
a workspace's other members are run by the package manager alone, so such a workspace is installed anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supervisor.languages.node import package, sites
from supervisor.languages.node.frameworks import Framework
from supervisor.languages.node.managers import PackageManager
from supervisor.languages.node.package import Package
from supervisor.languages.node.workspace import members, root_of
from supervisor.languages.source import Source

SCRIPTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_OF_BERRY = ("preinstall", "install", "postinstall")

_SETTINGS = (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml")
_DIRECTORIES = ("patches", ".yarn/patches", ".yarn/plugins", ".yarn/releases")
_SCHEMAS = ("prisma/schema.prisma", "prisma/schema", "schema.prisma", "prisma.config.ts", "prisma.config.js")
_LOCAL = ("file:", "link:", "portal:", "./", "../")

_CACHES = {
    "next": (".next/cache",),
    "gatsby": (".cache", "public"),  # it builds upon both, or neither
    "angular": (".angular/cache",),
    "astro": ("node_modules/.astro",),
    "parcel": (".parcel-cache",),
    "eleventy": (".cache",),
}

_OF_MONOREPOS = (("turbo.json", ".turbo/cache"), ("nx.json", ".nx/cache"))


@dataclass(frozen=True, slots=True)
class Kept:
    """The fields of a plan with the same names."""

    inputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    after_restore: str | None = None


def dependencies(source: Source, own: Package, manager: PackageManager) -> Kept:
    """Nothing if the install is not repeatable; see the module's docstring."""
    root = root_of(source)
    top = own if root == source else package.read(root)
    below = members(root)
    if manager.lockfile is None or manager.pnp or below is None:
        return Kept()
    others = [package.read(root.at(root.directory / member)) for member in below]
    if any(other.script(name) for other in others for name in SCRIPTS):
        return Kept()
    packages = (top, *others)
    if any(spec.startswith(_LOCAL) for each in packages for spec in each.everything.values()):
        return Kept()
    places = ("", *(f"{member}/" for member in below))
    schemas = [f"{place}{name}" for place in places for name in _SCHEMAS if root.has(f"{place}{name}")]
    if not schemas and any("@prisma/client" in each.everything for each in packages):
        return Kept()  # its install generates code from a schema that lies somewhere else
    files = [manager.lockfile, *(name for name in _SETTINGS if root.is_file(name))]
    files += [*(name for name in _DIRECTORIES if root.is_dir(name)), *schemas]
    files += [f"{place}{package.FILE}" for place in places]
    made = [f"{place}node_modules" for place in places] + ([".yarn/install-state.gz"] if manager.berry else [])
    return Kept(
        inputs=tuple(_up(manager, name) for name in files),
        dependencies=tuple(_up(manager, name) for name in made),
        after_restore=_scripts_again(top, manager),
    )


def caches(source: Source, manager: PackageManager, framework: Framework | None) -> tuple[str, ...]:
    """The directories that a build may find as the last one left them."""
    root = root_of(source)
    found = ["node_modules/.cache", *(_CACHES.get(framework.name, ()) if framework else ())]
    if framework and framework.name == "next":
        moved = sites.setting(sites.config(source, "next"), "distDir")
        found = ["node_modules/.cache", f"{moved or '.next'}/cache"]
    if manager.up != ".":
        found.append(f"{manager.up}/node_modules/.cache")
    found += [_up(manager, kept) for file, kept in _OF_MONOREPOS if root.is_file(file)]
    return tuple(found)


def _scripts_again(top: Package, manager: PackageManager) -> str | None:
    scripts = _OF_BERRY if manager.berry else SCRIPTS
    lines = list(_lines(top, manager, scripts))
    where = [] if manager.up == "." else [f"cd {manager.up}"]
    return " && ".join([*where, *lines]) if lines else None


def _lines(top: Package, manager: PackageManager, scripts: tuple[str, ...]) -> Iterator[str]:
    """`npm run prepare` runs preprepare and postprepare by itself; the others' like do not exist."""
    for name in scripts:
        if top.script(name) and not (name.endswith("prepare") and name != "prepare" and top.script("prepare")):
            yield manager.run(name)


def _up(manager: PackageManager, name: str) -> str:
    return name if manager.up == "." else f"{manager.up}/{name}"
