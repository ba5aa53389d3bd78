"""Gradle's version catalog, gradle/libs.versions.toml: names for plugins, libraries and versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.errors import PlanError
from supervisor.languages.source import Source

FILE = "gradle/libs.versions.toml"

_USED = re.compile(r"\blibs\.([\w.]+)")
_ALIAS = re.compile(r"\balias\s*\(\s*libs\.plugins\.([\w.]+)\s*\)([^\n]*)")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Ids of plugins, groups of libraries, and versions, by the names that scripts call them."""

    plugins: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def plugins_in(self, text: str) -> frozenset[str]:
        """The ids of the plugins that a script applies by their names."""
        names = (m[1] for m in _ALIAS.finditer(text) if not re.search(r"apply\s*\(?\s*false", m[2]))
        return frozenset(self.plugins[name] for name in names if name in self.plugins)

    def groups_in(self, text: str) -> frozenset[str]:
        """The groups of the libraries that a script names."""
        names = {m[1].removeprefix("bundles.").removesuffix(".get") for m in _USED.finditer(text)}
        return frozenset(group for name in names for group in self.groups.get(name, ()))

    def version(self, name: str) -> str | None:
        found = self.versions.get(name.removesuffix(".get"))
        return found if found and re.fullmatch(r"[\d.]{1,12}", found) else None


def read(top: Source) -> Catalog:
    """The catalog of a build; an empty one if there is none, or none that can be read: Gradle will say so."""
    try:
        data = top.toml(FILE) or {}
    except PlanError:
        return Catalog()
    libraries = {_name(key): _group(value) for key, value in _table(data, "libraries").items()}
    bundles = {
        _name(key): frozenset(libraries.get(_name(str(name)), "") for name in value)
        for key, value in _table(data, "bundles").items()
        if isinstance(value, list)
    }
    plugins = {_name(key): _plugin(value) for key, value in _table(data, "plugins").items()}
    versions = {_name(key): str(value) for key, value in _table(data, "versions").items()}
    return Catalog(plugins, {name: frozenset((group,)) for name, group in libraries.items()} | bundles, versions)


def _name(key: str) -> str:
    """An alias as scripts write it: spring-boot is libs.spring.boot."""
    return re.sub(r"[-_]", ".", key)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    return table if isinstance(table, dict) else {}


def _group(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("group") or str(value.get("module", "")).partition(":")[0])
    return str(value).partition(":")[0]


def _plugin(value: object) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else str(value).partition(":")[0]
