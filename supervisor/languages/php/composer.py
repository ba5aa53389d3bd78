"""composer.json and composer.lock: what a PHP project needs, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.languages.source import Source

FILE = "composer.json"
LOCK = "composer.lock"
INSTALL = "install --no-dev --optimize-autoloader --no-interaction --no-progress --prefer-dist"

MOST_NAMED = 2000
MOST_TABLE = 4000  # characters of a table of requirements

_EXTENSION = re.compile(r"ext-([a-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Composer:
    """A composer.json, an empty one if there is none. `packages` are what it requires to run: name and constraint."""

    there: bool = False
    packages: Mapping[str, str] = field(default_factory=dict)
    development: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def table(self, *path: str) -> Mapping[str, Any]:
        """An object in it, an empty one if there is none."""
        value: Any = self.data
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def text(self, *path: str) -> str | None:
        """A text in it."""
        value = self.table(*path[:-1]).get(path[-1])
        return value.strip() or None if isinstance(value, str) else None

    @property
    def vendor(self) -> str:
        found = self.text("config", "vendor-dir")
        return found.strip("/") if found and re.fullmatch(r"[\w./-]+", found) and ".." not in found else "vendor"

    @property
    def is_repeatable(self) -> bool:
        """Whether an install makes nothing but its directory of packages, from composer's two files alone."""
        scripts, autoload = self.table("scripts"), self.table("autoload")
        others = scripts.keys() & {"post-install-cmd", "pre-install-cmd", "auto-scripts"}
        repositories = self.data.get("repositories", ())
        listed = list(repositories.values()) if isinstance(repositories, dict) else repositories
        listed = listed if isinstance(listed, list) else []
        paths = any(isinstance(one, dict) and one.get("type") == "path" for one in listed)
        places = self.table("extra").keys() & {"installer-paths", "drupal-scaffold", "wordpress-install-dir"}
        return not (others or paths or places or "classmap" in autoload)


def read(source: Source) -> Composer:
    """Raises PlanError about one that is broken."""
    data = source.json(FILE)
    if data is None:
        return Composer()
    return Composer(True, _texts(data.get("require")), _texts(data.get("require-dev")), data)


def extensions(source: Source, own: Composer) -> tuple[str, ...]:
    """The extensions of PHP that the project and the packages in its lockfile require, sorted.

    Raises PlanError about a lockfile that is empty or half merged.
    """
    names = {match[1] for name in own.packages if (match := _EXTENSION.fullmatch(name.lower()))}
    return tuple(sorted(names | set(_locked(source.lockfile(LOCK) or ""))))


def _locked(text: str) -> Iterator[str]:
    """The extensions that locked packages require, without those for development: not the whole of a long file is
    parsed for them. A table of a package has no other in it, so that the last brace before a name begins its own."""
    end = text.find('"packages-dev"')
    at = text.find('"ext-', 0, end)
    for _ in range(MOST_NAMED):
        if at < 0:
            return
        brace = text.rfind("{", max(at - MOST_TABLE, 0), at)
        match = _EXTENSION.match(text, at + 1)
        if match and text[max(brace - 16, 0) : brace].rstrip(" :\t").endswith('"require"'):
            yield match[1]
        at = text.find('"ext-', at + 5, end)


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: constraint for name, constraint in value.items() if isinstance(constraint, str)}
