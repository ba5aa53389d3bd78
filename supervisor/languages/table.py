"""The table of languages: by which files people know a kind of project, and by which names it can be told at all.

All modules of languages together take several times as long to load as a detection takes. So one is loaded only where
a name that its `fit` would look for is there.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from supervisor.languages.language import Fit, Language
from supervisor.languages.source import Source
from supervisor.model import Plan


@dataclass(frozen=True, slots=True)
class Entry:
    """A language that is loaded when it is needed. It is a `language.Language` itself.

    `markers` are the files by which people know such a project; they are named to whoever has none of them. `signs` are
    all other names of files and directories, in the project's directory or above it, without which `fit` says NO;
    `endings` are those of files beside them.
    """

    name: str
    markers: tuple[str, ...]
    signs: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    def fit(self, source: Source) -> Fit:
        """How surely a directory is such a project. Raises PlanError about a manifest that cannot be read."""
        return self._loaded().fit(source) if self.may_fit(source) else Fit.NO

    def plan(self, source: Source) -> Plan:
        """What such a project needs. Raises PlanError about a manifest that cannot be read."""
        return self._loaded().plan(source)

    def may_fit(self, source: Source) -> bool:
        """Whether there is anything to look at."""
        places = (source, *source.above())
        if any(place.has(name) for place in places for name in (*self.markers, *self.signs)):
            return True
        return bool(self.endings and source.files(".", self.endings))

    def _loaded(self) -> Language:
        module: Language = importlib.import_module(f"supervisor.languages.{self.name}")
        return module


_PAGES = (
    "public", "dist", "site", "www", "htdocs", "html", "_site", "build", "out", "static", "web", "docs", "src", "app",
)  # fmt: skip
_ROOTS = ("public", "web", "webroot", "htdocs", "public_html", "docroot", "pub", "www", "html")
_HUGO = tuple(f"{name}.{ending}" for name in ("hugo", "config") for ending in ("toml", "yaml", "yml", "json"))
_CODE = (".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts")


def _inside(places: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(f"{place}/{name}" for place in places for name in names)


LANGUAGES: tuple[Entry, ...] = (  # of two that fit equally well, the first
    Entry(
        "static",
        ("hugo.toml", "book.toml", "Staticfile", "index.html"),
        ("index.htm", "static.json", "zola.toml", "config/_default", *_HUGO,
         *_inside(_PAGES, "index.html", "index.htm")),
    ),
    Entry(
        "php",
        ("composer.json", "index.php", "public/index.php"),
        ("spark", "bin/server.php", *_inside(_ROOTS, "index.php", "app.php")),
        (".php",),
    ),
    Entry(
        "java",
        ("pom.xml", "build.gradle", "build.gradle.kts", "gradlew"),
        ("settings.gradle", "settings.gradle.kts"),
    ),
    Entry(
        "dotnet", ("global.json", "Directory.Build.props"), ("src",), (".csproj", ".fsproj", ".vbproj", ".sln", ".slnx")
    ),
    Entry(
        "ruby",
        ("Gemfile", "gems.rb", "config.ru", "_config.yml", "Rakefile"),
        ("rakefile", "_config.yaml", "_config.toml", "config/application.rb",
         *_inside(("src", "bin", "lib"), "app.rb", "main.rb", "server.rb", "web.rb")),
        (".rb",),
    ),
    Entry("go", ("go.mod", "go.work", "main.go"), ("cmd",), (".go",)),
    Entry("rust", ("Cargo.toml",)),
    Entry("bun", ("bun.lock", "bunfig.toml"), ("package.json", "package.json5")),
    Entry(
        "node",
        ("package.json",),
        ("package.json5", "project.json",
         *_inside(("src",), *(name + end for name in ("server", "index", "app", "main") for end in _CODE))),
        _CODE,
    ),
    Entry(
        "python",
        ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py", "mkdocs.yml"),
        ("requirements", "Pipfile.lock", "environment.yml", "environment.yaml", "uv.lock", "poetry.lock", "pdm.lock",
         "mkdocs.yaml"),
        (".py",),
    ),
)  # fmt: skip
