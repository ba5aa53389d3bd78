"""What an install of a Python project depends on: for those who would keep `.venv` for the next release.

The manifests and lockfiles that are there, and those that a requirements file includes. An install that takes
something from the repository's own files is not repeated by them; where that is the project itself and no more, it is
installed again after a restore, which is editable: a path, or a few files that are built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from supervisor.languages.python import manifests
from supervisor.languages.python.managers import Installer
from supervisor.languages.source import Source

FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "Pipfile", "pyproject.toml", "setup.py", "setup.cfg")
SETTINGS = ("uv.toml", "poetry.toml", "pdm.toml", "pip.conf")


_PATH = re.compile(r"\b(?:path|file)\s*=\s*[\"']|@\s*file:")  # a dependency that lies in the repository


@dataclass(frozen=True, slots=True)
class Kept:
    """The fields of a plan with the same names."""

    inputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    after_restore: str | None = None


def dependencies(source: Source, installer: Installer) -> Kept:
    """Nothing if the install is not repeatable; see the module's docstring."""
    if installer.command is None:
        return Kept()
    included = manifests.requirements(source)
    if installer.name == "pip" and any(manifests.is_local(line) for line in included.lines):
        return Kept()
    if installer.workspace is None and installer.name != "pip" and not any(source.is_file(name) for name in FILES[:4]):
        return Kept()  # nothing pins what it would find
    places = [""] if installer.workspace is None else ["", f"{installer.workspace}/"]
    told = (source.peek(f"{place}{name}") or "" for place in places for name in ("pyproject.toml", "Pipfile"))
    if any(_PATH.search(text) for text in told):
        return Kept()
    files = [f"{place}{name}" for place in places for name in FILES + SETTINGS if source.is_file(f"{place}{name}")]
    return Kept((*files, *included.files), (".venv",), installer.again)
