"""Projects in TypeScript without a start script: what a build makes of their entry file, or what runs it as it is."""

from __future__ import annotations

import re

from supervisor.languages.node.package import Package
from supervisor.languages.source import Source

RUNS_TYPESCRIPT = ">=22.18"
"""The versions of Node that take a TypeScript file as it is."""

_ENDINGS = (".ts", ".mts", ".cts", ".tsx")
_OUTFILE = re.compile(r"--outfile[=\s]+([\w./-]+)")
_TSC = re.compile(r"\btsc\b(?!.*--noEmit)")
_RUNNERS = ("tsx", "ts-node")


def entry(source: Source, names: tuple[str, ...]) -> str | None:
    """The entry file, of those with usual names."""
    return source.first_file(*(name + ending for name in names for ending in _ENDINGS))


def built(source: Source, package: Package, file: str) -> str | None:
    """The file that the build scripts make of an entry; None if they make none, as far as can be told."""
    scripts = [package.script(name) or "" for name in ("build", "postinstall", "gcp-build", "heroku-postbuild")]
    if named := next((match[1] for script in scripts if (match := _OUTFILE.search(script))), None):
        return named.removeprefix("./")
    stem = file.rpartition(".")[0]
    if any(_TSC.search(script) for script in scripts):
        return _by_tsc(source, stem)
    if any(re.search(r"\b(?:tsup|ncc\s+build|unbuild|pkgroll)\b", script) for script in scripts):
        return f"dist/{stem.rpartition('/')[2]}.js"
    return None


def runner(package: Package) -> str:
    """What runs a TypeScript file: a dependency, or Node itself."""
    return next((name for name in _RUNNERS if name in package.everything), "node")


def _by_tsc(source: Source, stem: str) -> str:
    """Where tsc puts a file, by the tsconfig.json; one without a `rootDir` has all of its files in one directory."""
    text = re.sub(r"(?m)^\s*//.*$", "", source.peek("tsconfig.json") or "")
    out = _option(text, "outDir")
    if out is None:
        return f"{stem}.js"
    root = _option(text, "rootDir")
    inside = stem.removeprefix(f"{root}/") if root is not None else stem.rpartition("/")[2]
    return f"{out}/{inside}.js" if out else f"{inside}.js"


def _option(text: str, name: str) -> str | None:
    match = re.search(rf'"{name}"\s*:\s*"([^"]*)"', text)
    return match[1].removeprefix("./").strip("/").removeprefix(".") if match else None
