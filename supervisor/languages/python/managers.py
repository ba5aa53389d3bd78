"""Where a Python project's dependencies come from, and the command line that installs them.

Every one of them installs into `.venv` in the project's directory, which is made first and active
(VIRTUAL_ENV, and its `bin` first on PATH). uv is on PATH; poetry, pipenv and pdm need not be: `uvx` fetches
them, and all three use the active virtualenv.

The project itself is installed only if something needs it, editable: a checkout often cannot be built
(several top-level directories, no README), and a copy would leave out templates that are not declared as
package data.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from supervisor.languages.python.manifests import (
    Dependencies,
    Pyproject,
    normalised,
    pyproject,
    requirements_file,
)
from supervisor.languages.source import Source

LOCKFILES = (("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm"))

# the interpreter is named: uv would follow a .python-version, and replace a virtualenv that does not fit it
_UV = "uv sync --frozen --no-dev --active --python .venv/bin/python"
_UV_UNLOCKED = _UV.replace("--frozen ", "")
_POETRY = "uvx poetry install --only main --no-interaction"
_POETRY_AGAIN = "uvx poetry install --only-root --no-interaction"
_ITSELF = "uv pip install -e ."
_ITSELF_AGAIN = "uv pip install --no-deps -e ."
_PDM = "uvx --from 'pdm[locked]' pdm sync --prod"  # [locked]: the versions that pdm was released with
_PDM_UNLOCKED = "uvx --from 'pdm[locked]' pdm install --prod"
_PIPENV = "PIPENV_VERBOSITY=-1 uvx pipenv sync"
_PIPENV_UNLOCKED = "PIPENV_VERBOSITY=-1 uvx pipenv install --skip-lock"


@dataclass(frozen=True, slots=True)
class Installer:
    """A package manager, and its command line; None if there is nothing to install.

    `again` installs no more than the project itself, into an environment that has the rest. `workspace` leads to the
    root of the workspace that the project is a member of, None if it is none.
    """

    name: str
    command: str | None = None
    again: str | None = None
    workspace: str | None = None


def choose(source: Source, project: Pyproject, dependencies: Dependencies) -> Installer:
    """The manager whose lockfile or manifest is there. Raises PlanError if the lockfile cannot be used."""
    for lockfile, name in LOCKFILES:
        if _lockfile(source, lockfile):
            return _locked(source, project, name)
    if source.has("Pipfile.lock") or source.has("Pipfile"):
        text = _lockfile(source, "Pipfile.lock")
        return Installer("pipenv", _PIPENV if text else _PIPENV_UNLOCKED)
    file = requirements_file(source)
    if file is not None:
        lines = (source.read(file) or "").splitlines()
        wants = any(line.strip() and not line.lstrip().startswith("#") for line in lines)
        return Installer("pip", f"uv pip install -r {file}" if wants else None)
    workspace = _uv_workspace(source)
    if workspace is not None:
        return Installer("uv", _UV, _UV, os.path.relpath(workspace.directory, source.directory))
    if project.poetry:
        return _locked(source, project, "poetry")
    if "pdm" in project.tools:
        return Installer("pdm", _PDM_UNLOCKED)
    if "uv" in project.tools and project.project:
        return Installer("uv", _UV_UNLOCKED)
    command = _plain(source, project, dependencies)
    return Installer("pip", command, _ITSELF_AGAIN if command == _ITSELF else None)


def needs_itself(source: Source, project: Pyproject) -> bool:
    """Whether the project's own package has to be importable, or its commands there."""
    if not project.is_project or project.poetry.get("package-mode") is False:
        return False
    package = normalised(project.name or "").replace("-", "_")
    return bool(project.scripts and project.builds) or bool(package and source.is_dir(f"src/{package}"))


def _locked(source: Source, project: Pyproject, name: str) -> Installer:
    if name == "poetry" and needs_itself(source, project):
        return Installer(name, _POETRY, _POETRY_AGAIN)
    if name == "poetry":
        return Installer(name, f"{_POETRY} --no-root")
    command = _UV if name == "uv" else _PDM
    return Installer(name, command, command)  # both see at once what is there


def _plain(source: Source, project: Pyproject, dependencies: Dependencies) -> str | None:
    """A project with a pyproject.toml or a setup.py alone."""
    if needs_itself(source, project) or (source.has("setup.py") and not project.project):
        return _ITSELF
    dynamic = project.project.get("dynamic")
    is_dynamic = isinstance(dynamic, list) and "dependencies" in dynamic
    return "uv pip install -r pyproject.toml" if is_dynamic or (dependencies and project.project) else None


def _lockfile(source: Source, name: str) -> bool:
    """Whether the lockfile is there. Raises PlanError if an install would choke on it."""
    if not source.has(name) or source.options.install_command is not None:
        return source.has(name)
    text = source.lockfile(name)
    if name == "Pipfile.lock" and text:
        source.json(name, text)
    return True


def _uv_workspace(source: Source) -> Source | None:
    """The directory above that holds the uv.lock of a workspace that this one may be a member of."""
    if not source.has("pyproject.toml"):
        return None
    for above in source.above():
        uv = pyproject(above).tools.get("uv") if above.has("uv.lock") else None
        if isinstance(uv, dict) and "workspace" in uv:
            return above
    return None
