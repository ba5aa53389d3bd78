"""Applications of one package each, installed by every package manager of Node and Python, from their registries."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import uv
from pip._internal.models.index import PyPI

from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = pytest.mark.timeout(300)

POETRY = f"""
[project]
name = "sample"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask (>=3,<4)"]

[tool.poetry]
package-mode = false

[build-system]
requires = ["poetry-core>=2"]
build-backend = "poetry.core.masonry.api"

[[tool.poetry.source]]
name = "simple"
url = "{PyPI.simple_url}/"
priority = "primary"
"""  # the simple index: Poetry's own way to PyPI asks for what mirrors do not have
UV = '[project]\nname = "sample"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["flask>=3"]\n'


def node(manager: str) -> dict[str, str | None]:
    package = {
        "name": "sample",
        "private": True,
        "packageManager": manager,
        "scripts": {"start": "node index.js"},
        "dependencies": {"polka": "0.5.2"},
    }
    index = (
        "const polka = require('polka');\n"
        "polka().get('/', (request, answer) => answer.end(JSON.stringify({\n"
        "  version: '1', agent: process.env.npm_config_user_agent || '' }))).listen(process.env.PORT);\n"
    )
    return {"package.json": json.dumps(package), "index.js": index}


def flask(manifest: str) -> dict[str, str | None]:
    app = "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get('/')\ndef index():\n"
    return {"app.py": f"{app}    return {{'version': '1'}}\n", "pyproject.toml": manifest}


def lock(work: Path, files: dict[str, str | None], *command: str) -> None:
    """Write the files and have the package manager lock them, as a developer does."""
    for name, text in files.items():
        (work / name).write_text(text or "")
    subprocess.run(command, cwd=work, check=True, capture_output=True, timeout=200)


def deployed(orbit: Orbit, repository: Repository, files: dict[str, str | None]) -> dict[str, object]:
    """What the application answers, once it is served."""
    repository.push(files)
    orbit.start()
    orbit.wait_version("1", 240)
    assert orbit.wait_idle(1)["outcome"] == "succeeded"
    answer = orbit.ask()
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("manager", "lockfile", "command"),
    [
        ("pnpm@9.15.9", "pnpm-lock.yaml", ("pnpm@9.15.9", "install", "--lockfile-only")),
        ("yarn@1.22.22", "yarn.lock", ("yarn@1.22.22", "install", "--ignore-scripts")),
    ],
)
def test_node(orbit: Orbit, repository: Repository, manager: str, lockfile: str, command: tuple[str, ...]) -> None:
    files = node(manager)
    lock(repository.work, files, "npx", "--yes", *command)
    assert (repository.work / lockfile).exists()
    (repository.work / ".gitignore").write_text("node_modules\n")
    agent = str(deployed(orbit, repository, files)["agent"])
    assert agent.startswith(manager.replace("@", "/"))


def test_uv(orbit: Orbit, repository: Repository) -> None:
    lock(repository.work, flask(UV), uv.find_uv_bin(), "lock")
    deployed(orbit, repository, flask(UV))
    assert "uv sync --frozen" in orbit.log("setup.log")


def test_poetry(orbit: Orbit, repository: Repository) -> None:
    lock(repository.work, flask(POETRY), uv.find_uv_bin(), "tool", "run", "poetry", "lock")
    if "PIP_CERT" in orbit.env:
        orbit.env["REQUESTS_CA_BUNDLE"] = orbit.env["PIP_CERT"]
    deployed(orbit, repository, flask(POETRY))
    assert "poetry install" in orbit.log("setup.log")
