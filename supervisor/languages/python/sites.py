"""The site generators of Python: MkDocs, Sphinx, Pelican. A project that serves is never taken for its documentation.

What makes the documentation is often not among the dependencies, but in a group of the developers', or in a
docs/requirements.txt: that is installed, or else the generator and its theme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from supervisor.languages.python.manifests import Dependencies
from supervisor.languages.source import Source, inside

MKDOCS = ("mkdocs.yml", "mkdocs.yaml")
PELICAN = "pelicanconf.py"

_REQUIREMENTS = ("docs/requirements.txt", "doc/requirements.txt", "requirements-docs.txt", "docs-requirements.txt")
_SPHINX = (  # where conf.py lies, and where its own Makefile puts the pages
    ("docs", "docs/_build/html"),
    ("docs/source", "docs/build/html"),
    ("doc", "doc/_build/html"),
    ("doc/source", "doc/build/html"),
    ("source", "build/html"),
    (".", "_build/html"),
)
_THEMES = {"material": "mkdocs-material", "sphinx_rtd_theme": "sphinx-rtd-theme"}
_BROUGHT = ("mkdocs", "readthedocs", "alabaster", "classic", "default", "basic", "nature", "pyramid", "bizstyle")


@dataclass(frozen=True, slots=True)
class Site:
    """A generator's name, its build, the directory of the pages, and what has to be installed besides."""

    name: str
    build: str
    output: str
    install: str | None = None


def is_one(source: Source) -> bool:
    """Whether a generator's configuration is there whose name says so."""
    return source.first_file(*MKDOCS, PELICAN) is not None


def of(source: Source, dependencies: Dependencies) -> Site | None:
    """The site that the project has, None if it has none."""
    return _mkdocs(source, dependencies) or _pelican(source, dependencies) or _sphinx(source, dependencies)


def _mkdocs(source: Source, dependencies: Dependencies) -> Site | None:
    name = source.first_file(*MKDOCS)
    if name is None:
        return None
    text = source.peek(name) or ""
    theme = _found(r"^theme:[ \t]*[\"']?([\w-]+)", text) or _found(
        r"^theme:[ \t]*\n(?:[ \t]+.*\n){0,40}?[ \t]+name:[ \t]*[\"']?([\w-]+)", text
    )
    output = inside(_found(r"^site_dir:[ \t]*[\"']?([\w./-]+)", text)) or "site"
    return Site("mkdocs", "mkdocs build", output, _install(source, dependencies, "mkdocs", theme))


def _pelican(source: Source, dependencies: Dependencies) -> Site | None:
    if not source.is_file(PELICAN):
        return None
    settings = source.first_file("publishconf.py") or PELICAN
    output = inside(_found(r"^OUTPUT_PATH\s*=\s*[\"']([\w./-]+)", source.peek(settings) or "")) or "output"
    build = f"pelican content -o {output} -s {settings}"
    return Site("pelican", build, output, _install(source, dependencies, "pelican", None))


def _sphinx(source: Source, dependencies: Dependencies) -> Site | None:
    """conf.py is a name that many use: it has to speak of Sphinx."""
    for directory, output in _SPHINX:
        text = source.peek(f"{directory}/conf.py") or ""
        if re.search(r"^(?:extensions|html_theme)\s*=", text, re.MULTILINE):
            theme = _found(r"^html_theme\s*=\s*[\"']([\w-]+)", text)
            build = f"sphinx-build -b html {directory} {output}"
            return Site("sphinx", build, output, _install(source, dependencies, "sphinx", theme))
    return None


def _install(source: Source, dependencies: Dependencies, generator: str, theme: str | None) -> str | None:
    """What the project's own dependencies leave out."""
    package = _THEMES.get(theme or "", theme or "")
    if dependencies.has(generator) or (package and dependencies.has(package)):
        return None
    file = source.first_file(*_REQUIREMENTS)
    if file is not None:
        return f"uv pip install -r {file}"
    return f"uv pip install {generator}" + (f" {package}" if package and theme not in _BROUGHT else "")


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None
