"""Restored dependencies work where they are, and nothing that is done to them reaches anybody else's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.e2e.test_frameworks import serve
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = pytest.mark.timeout(300)

REWRITE = """
import os, pathlib, sys
for path in pathlib.Path(".venv").rglob("*"):
    if path.is_file() and not path.is_symlink():
        path.chmod(path.stat().st_mode | 0o200)
        content = path.read_bytes() + (b"# rewritten\\n" if path.suffix == ".py" else b"")
        with path.open("r+b") as file:
            file.write(content)
        os.utime(path, (1, 1))
"""
TELL = """#!/bin/bash
set -e
{ head -n 1 .venv/bin/gunicorn; pip --version; gunicorn --version; flask --version; python -m gunicorn --version
  uv pip list; python -c 'import sys; print(sys.prefix)'; bash -c '. .venv/bin/activate; echo $VIRTUAL_ENV'
} > told.txt 2>&1
"""


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.suffix != ".pyc"
    }


def test_a_virtualenv_works_at_its_new_path_and_is_its_own(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        return {**apps.flask(version), "rewrite.py": REWRITE, "pre-deploy.sh": TELL}

    repository.push(files("1"))
    orbit.start()
    orbit.wait_version("1", 240)
    orbit.wait_idle(1)
    one = orbit.home / "production/releases" / str(orbit.current)
    before = digests(one / ".venv")
    (pack,) = (orbit.home / "snapshots").glob("*.pack")
    packed = hashlib.sha256(pack.read_bytes()).hexdigest()
    orbit.env["BUILD_COMMAND"] = "python rewrite.py"
    orbit.stop()
    orbit.start()
    repository.push(files("2"))
    orbit.hup()
    orbit.wait_version("2", 240)
    record = orbit.wait_idle(2)
    two = orbit.home / "production/releases" / str(orbit.current)
    assert "restored from a snapshot" in record["dependencies"]
    assert two != one
    assert "# rewritten" in next(two.glob(".venv/lib/*/site-packages/flask/app.py")).read_text()
    assert digests(one / ".venv") == before
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == packed
    told = (two / "told.txt").read_text()
    assert str(one) not in told
    assert told.count(f"{two}/.venv") == 3
    assert "Flask" in told and "gunicorn (version" in told
    texts = [path for path in (two / ".venv").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert not [path for path in texts if str(one).encode() in path.read_bytes()]


def test_a_project_that_is_installed_itself_is_the_new_one(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        project = (
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["flask", "gunicorn"]\n'
            '[project.scripts]\nshop = "shop.main:run"\n'
        )
        return {
            "pyproject.toml": project,
            "src/shop/__init__.py": f"VERSION = '{version}'\n",
            "src/shop/main.py": "import os\nfrom flask import Flask\nfrom shop import VERSION\napp = Flask('shop')\n"
            "app.route('/')(lambda: {'version': VERSION})\n\n\n"
            "def run():\n    app.run('127.0.0.1', int(os.environ['PORT']))\n",
            "Procfile": "web: shop\n",
        }

    assert "restored from a snapshot" in serve(orbit, repository, files("1"), files("2"))
