"""An application on Bun, which comes from npm's registry where the system has none."""

from __future__ import annotations

import json

import pytest

from tests.e2e.test_frameworks import lock, serve
from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = pytest.mark.timeout(300)


def elysia(version: str) -> dict[str, str | None]:
    """No start script, no build: Bun runs the TypeScript that `module` names."""
    package = {
        "name": "sample",
        "private": True,
        "module": "src/index.ts",
        "packageManager": "bun@1.2.21",
        "dependencies": {"elysia": "1.3.0"},
    }
    index = (
        "import { Elysia } from 'elysia';\n"
        f"const version: string = '{version}';\n"
        "new Elysia().get('/', () => ({ version, bun: Bun.version })).listen(Number(process.env.PORT));\n"
    )
    return {"package.json": json.dumps(package), "src/index.ts": index}


def test_bun(orbit: Orbit, repository: Repository) -> None:
    files = elysia("1")
    (repository.work / "src").mkdir()
    lock(repository.work, files, "npx", "--yes", "bun@1.2.21", "install", "--lockfile-only")
    serve(orbit, repository, files, elysia("2"))
    answer = orbit.ask()
    assert answer is not None and answer["bun"] == "1.2.21"
