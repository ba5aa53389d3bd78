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
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[\s=]*(\S+)")
_LOCAL = re.compile(r"\.|/|file:|[\w.-]+\s*@\s*file:|(?:-e|--editable)[\s=]*+(?!\w+\+\w+:)")
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
    found = set().union(*(requirement(line) for line in requirements(source).lines))
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


@dataclass(frozen=True, slots=True)
class Requirements:
    """A requirements file with all that it includes and is bound by: the `files`, and the `lines` to install."""

    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def requirements(source: Source) -> Requirements:
    """Raises PlanError about a file that cannot be read; one that is included and not there is passed over."""
    first = requirements_file(source)
    waiting = [(first, True)] if first else []
    files: list[str] = []
    lines: list[str] = []
    while waiting and len(files) < MOST_INCLUDES:
        file, installs = waiting.pop()
        if file in files or not source.has(file):
            continue
        files.append(file)
        text = source.read(file) or ""
        source.refuse_conflicts(file, text)
        for line in text.splitlines():
            include = _INCLUDE.match(line.strip())
            if include:
                path = f"{file.rpartition('/')[0] or '.'}/{include[2]}".removeprefix("./")
                waiting.append((path, installs and include[1] in ("-r", "--requirement")))
            elif installs:
                lines.append(line)
    return Requirements(tuple(files), tuple(lines))


def is_local(line: str) -> bool:
    """Whether a line of requirements installs something out of the repository itself."""
    return _LOCAL.match(line.strip()) is not None


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
