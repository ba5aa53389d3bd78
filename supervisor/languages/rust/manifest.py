"""Cargo.toml: packages, their binaries, and workspaces."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from supervisor.languages.source import Source, kind

FILE = "Cargo.toml"
MOST_MEMBERS = 100
MOST_LISTED = 100
"""Directories that are looked through for what members' patterns stand for."""
MOST_PATTERN = 200
"""Characters of a member's pattern; a longer one is passed over."""

_NAME = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The tables of a Cargo.toml that matter here, each empty if it is not there; `package` and `workspace` are None
    then."""

    source: Source
    package: Mapping[str, Any] | None = None
    workspace: Mapping[str, Any] | None = None
    bins: tuple[Mapping[str, Any], ...] = ()
    features: Mapping[str, Any] = field(default_factory=dict)
    dependencies: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.package["name"]) if self.package else ""

    @property
    def rust_version(self) -> str | None:
        """The lowest Rust that will do, where it is not left to the workspace."""
        version = (self.package or {}).get("rust-version")
        if version is None or isinstance(version, dict):
            shared = (self.workspace or {}).get("package")
            version = shared.get("rust-version") if isinstance(shared, dict) else None
        return version.strip() or None if isinstance(version, str) else None


def read(source: Source) -> Manifest | None:
    """The Cargo.toml of a directory, None if there is none. Raises PlanError about one that is broken."""
    data = source.toml(FILE)
    if data is None:
        return None
    package, workspace = _table(source, data, "package"), _table(source, data, "workspace")
    if package is None and workspace is None:
        raise source.broken(FILE, "it has neither [package] nor [workspace]")
    if package is not None:
        _checked_name(source, package.get("name"), "package.name")
    dependencies = set(_table(source, data, "dependencies") or ())
    targets = _table(source, data, "target") or {}
    for target in targets.values():
        own = target.get("dependencies") if isinstance(target, dict) else None
        dependencies |= set(own) if isinstance(own, dict) else set()
    listed = data.get("bin", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise source.broken(FILE, f'"bin" is {kind(listed)}, not a list of tables; write [[bin]]')
    return Manifest(
        source=source,
        package=package,
        workspace=workspace,
        bins=tuple(listed),
        features=_table(source, data, "features") or {},
        dependencies=frozenset(_renamed(data, dependencies)),
    )


def binaries(manifest: Manifest) -> dict[str, str]:
    """The programs that cargo builds of a package: their names, and where their code is, "" if that is not said."""
    if manifest.package is None:
        return {}
    source, found = manifest.source, dict[str, str]()
    for entry in manifest.bins:
        path = entry.get("path")
        path = path if isinstance(path, str) else ""
        found[_checked_name(source, entry.get("name"), "bin.name")] = os.path.normpath(path) if path else ""
    own = {path for path in found.values() if path}
    is_2015 = manifest.package.get("edition", "2015") == "2015" and bool(manifest.bins)
    if manifest.package.get("autobins") is False or is_2015:
        return found
    for name, path in _discovered(manifest):
        if (path not in own and name not in found) or found.get(name) == "":
            found[name] = path
    return found


def missing_features(manifest: Manifest, binary: str) -> tuple[str, ...]:
    """The features that a program requires and that are not on by default: without them cargo leaves it out."""
    entry = next((entry for entry in manifest.bins if entry.get("name") == binary), {})
    required = entry.get("required-features")
    on, waiting = set[str](), ["default"]
    while waiting:
        feature = waiting.pop()
        if feature not in on:
            on.add(feature)
            waiting.extend(_texts(manifest.features.get(feature)))
    return tuple(feature for feature in _texts(required) if feature not in on)


def members(manifest: Manifest) -> list[Manifest]:
    """The packages of a workspace: those that are built by default first."""
    source, workspace = manifest.source, manifest.workspace or {}
    excluded = _list(source, workspace, "exclude")
    found: dict[str, Manifest] = {}
    listed: dict[str, tuple[str, ...]] = {}
    for key in ("default-members", "members"):
        for pattern in _list(source, workspace, key):
            for directory in _expanded(source, pattern, listed):
                if len(found) >= MOST_MEMBERS or directory in found or _is_below(directory, excluded):
                    continue
                is_there = source.is_file(f"{directory}/{FILE}")
                member = read(source.at(source.directory / directory)) if is_there else None
                if member is not None and member.package is not None:
                    found[directory] = member
    return list(found.values())


def root_of(manifest: Manifest) -> Manifest:
    """The workspace that a package is part of; the package itself if it is part of none.

    cargo takes the nearest above that does not exclude it, whether or not it names it.
    """
    if manifest.workspace is not None:
        return manifest
    for place in manifest.source.above():
        above = read(place) if place.is_file(FILE) else None
        if above is not None and above.workspace is not None:
            directory = os.path.relpath(manifest.source.directory, place.directory)
            if not _is_below(directory, _list(place, above.workspace, "exclude")):
                return above
    return manifest


def _discovered(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The binaries that cargo finds by where their code lies."""
    source = manifest.source
    if source.is_file("src/main.rs"):
        yield manifest.name, "src/main.rs"
    for file in source.files("src/bin", ".rs"):
        yield file.removesuffix(".rs"), f"src/bin/{file}"
    for directory in source.directories("src/bin"):
        if source.is_file(f"src/bin/{directory}/main.rs"):
            yield directory, f"src/bin/{directory}/main.rs"


def _expanded(source: Source, pattern: str, listed: dict[str, tuple[str, ...]]) -> list[str]:
    """The directories that a member's pattern stands for; a part with wildcards is held against what is there.

    `listed` remembers what is in a directory, and bounds how many are looked through.
    """
    if pattern.startswith("/") or len(pattern) > MOST_PATTERN:
        return []
    found = [""]
    for part in os.path.normpath(pattern).split("/"):
        if any(sign in part for sign in "*?["):
            found = [place for at in found for place in _matching(source, at, part, listed)]
        else:
            found = [f"{at}/{part}".lstrip("/") for at in found]
        found = found[:MOST_MEMBERS]
    return found


def _matching(source: Source, at: str, part: str, listed: dict[str, tuple[str, ...]]) -> Iterator[str]:
    if at not in listed and len(listed) < MOST_LISTED:
        listed[at] = source.directories(at or ".")
    for name in listed.get(at, ()):
        if part == "**" or fnmatchcase(name, part):
            yield f"{at}/{name}".lstrip("/")


def _is_below(directory: str, excluded: tuple[str, ...]) -> bool:
    places = [os.path.normpath(place) for place in excluded]
    return any(directory == place or directory.startswith(f"{place}/") for place in places)


def _renamed(data: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    """The crates behind the names: `web = { package = "axum" }` is axum."""
    table = data.get("dependencies")
    for name in names:
        entry = table.get(name) if isinstance(table, dict) else None
        package = entry.get("package") if isinstance(entry, dict) else None
        yield package if isinstance(package, str) else name


def _table(source: Source, data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = data.get(key)
    if value is not None and not isinstance(value, dict):
        raise source.broken(FILE, f"[{key}] is {kind(value)}, not a table")
    return value


def _list(source: Source, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise source.broken(FILE, f'"workspace.{key}" is {kind(value)}, not a list')
    return _texts(value)[:MOST_MEMBERS]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()


def _checked_name(source: Source, value: object, key: str) -> str:
    if not isinstance(value, str):
        raise source.broken(FILE, f'"{key}" is {kind(value) if value is not None else "missing"}, not a text')
    if not _NAME.fullmatch(value):
        raise source.broken(FILE, f'"{key}" is {value[:40]!r}, which is no name for cargo')
    return value
