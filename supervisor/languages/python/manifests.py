"""The manifests of a Python project, read for what they depend on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.languages.python import code
from supervisor.languages.source import Source, kind

REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
)
MOST_INCLUDES = 20

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_INCLUDE = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_BRINGS = {  # the servers that come with a framework
    "fastapi[standard]": "uvicorn",
    "fastapi[all]": "uvicorn",
    "channels[daphne]": "daphne",
    "litestar[standard]": "uvicorn",
    "quart": "hypercorn",
    "python-fasthtml": "uvicorn",
}


class Dependencies(frozenset[str]):
    """Normalised names (PEP 503) of what the project itself depends on; an extra is named as "fastapi[standard]"."""

    def has(self, *names: str) -> bool:
        """Whether one of the names will be there after the install."""
        return not self.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Pyproject:
    """The tables of a pyproject.toml that matter here, each empty if it is not there."""

    there: bool = False
    project: Mapping[str, Any] = field(default_factory=dict)
    poetry: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, Any] = field(default_factory=dict)
    builds: bool = False  # it has a [build-system]

    @property
    def name(self) -> str | None:
        name = self.project.get("name", self.poetry.get("name"))
        return name if isinstance(name, str) else None

    @property
    def is_project(self) -> bool:
        """Whether it is more than the configuration of linters."""
        return bool(self.project or self.poetry or self.builds or "pdm" in self.tools)

    @property
    def scripts(self) -> Mapping[str, Any]:
        """The commands that an install of the project itself makes."""
        scripts = self.project.get("scripts") or self.poetry.get("scripts")
        return scripts if isinstance(scripts, dict) else {}


def pyproject(source: Source) -> Pyproject:
    """The directory's pyproject.toml, an empty one if there is none. Raises PlanError if it is broken."""
    data = source.toml("pyproject.toml")
    if data is None:
        return Pyproject()
    tools = _table(source, data, "tool")
    return Pyproject(
        there=True,
        project=_table(source, data, "project"),
        poetry=_table(source, tools, "poetry"),
        tools=tools,
        builds="build-system" in data,
    )


def requirements_file(source: Source) -> str | None:
    """The file that `uv pip install -r` is to read."""
    return next((name for name in REQUIREMENTS if source.has(name)), None)


def dependencies(source: Source, project: Pyproject) -> Dependencies:
    """Everything that the project's manifests name. Raises PlanError about one that is broken."""
    found = set(_requirements(source))
    found.update(_from_pyproject(source, project))
    pipfile = source.toml("Pipfile") or {}
    for name, wanted in _table(source, pipfile, "packages", "Pipfile").items():
        found.update(_with_extras(name, wanted))
    found.update(_from_setup(source))
    found.update(brought for bringer, brought in _BRINGS.items() if bringer in found)
    return Dependencies(found)


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(source: Source, data: Mapping[str, Any], key: str, file: str = "pyproject.toml") -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise source.broken(file, f"[{key}] is {kind(value)}, not a table")
    return value


def _requirements(source: Source) -> set[str]:
    """The names in the requirements file and in those that it includes."""
    first = requirements_file(source)
    waiting, seen, found = [first] if first else [], set[str](), set[str]()
    while waiting and len(seen) < MOST_INCLUDES:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        text = source.read(file) or ""
        source.refuse_conflicts(file, text)
        for line in text.splitlines():
            include = _INCLUDE.match(line.strip())
            if include:
                waiting.append(f"{file.rpartition('/')[0] or '.'}/{include[1]}".removeprefix("./"))
            else:
                found.update(requirement(line))
    return found


def requirement(line: str) -> set[str]:
    """The name in a line of requirements, with its extras; () for an option, a comment or a path."""
    text = line.strip()
    egg = _EGG.search(text)
    if egg:
        return {normalised(egg[1])}
    match = _NAME.match(text)
    if match is None or re.match(r"[\w.+-]+:|[^\s@;#]*/", text):
        return set()
    extras = re.findall(r"[A-Za-z0-9._-]+", match[2] or "")
    name = normalised(match[1])
    return {name, *(f"{name}[{extra.lower()}]" for extra in extras)}


def _from_pyproject(source: Source, project: Pyproject) -> set[str]:
    listed = project.project.get("dependencies", [])
    if not isinstance(listed, list):
        raise source.broken("pyproject.toml", f'"project.dependencies" is {kind(listed)}, not a list')
    found = _each(listed)
    for name, wanted in _table(source, project.poetry, "dependencies").items():
        if name != "python":
            found.update(_with_extras(name, wanted))
    return found


def _with_extras(name: str, wanted: object) -> set[str]:
    extras = wanted.get("extras") if isinstance(wanted, dict) else None
    listed = ",".join(extra for extra in extras if isinstance(extra, str)) if isinstance(extras, list) else ""
    return requirement(f"{name}[{listed}]" if listed else name)


def _from_setup(source: Source) -> set[str]:
    """install_requires of a setup.py, where it is written out as a list, and of a setup.cfg."""
    found: set[str] = set()
    tree = code.tree(source, "setup.py")
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.keyword) and node.arg == "install_requires" and isinstance(node.value, ast.List):
            found |= _each(item.value for item in node.value.elts if isinstance(item, ast.Constant))
    block = re.search(r"^install_requires\s*=((?:.*\n)(?:[ \t]+.*\n)*)", (source.peek("setup.cfg") or "") + "\n", re.M)
    return found | _each(block[1].split("\n") if block else ())


def _each(lines: Iterable[object]) -> set[str]:
    return set().union(*(requirement(line) for line in lines if isinstance(line, str)))
