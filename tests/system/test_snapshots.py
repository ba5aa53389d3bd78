"""Snapshots of dependencies and caches of builds in a real supervisor."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_users import NAME, told

__all__ = ["told"]

PACKAGE = {"name": "shop", "version": "1.0.0", "scripts": {"start": "python3 serve", "build": "./build.sh"}}
NPM = """#!/bin/bash
set -e
case "$1 $2" in
ci*) mkdir -p node_modules/lib/.bin; seq 500 > node_modules/lib/numbers; ln -s ../numbers node_modules/lib/.bin/n
     head -c ${LARGE:-0} /dev/zero > node_modules/lib/large;;
"run build") exec ./build.sh;;
*) exec python3 serve;;
esac
"""
REWRITES = """#!/bin/bash
set -e
find node_modules/lib -type f | while read -r file; do
    echo "rewritten by $ORBIT_RELEASE" | dd of="$file" conv=notrunc status=none
    chmod 777 "$file"
done
mkdir -p node_modules/.cache
echo "$ORBIT_RELEASE" >> node_modules/.cache/builds
"""


def shop(version: str, **files: str) -> dict[str, str | None]:
    return {
        **apps.server(version),
        "Procfile": None,
        "package.json": json.dumps(PACKAGE),
        "package-lock.json": json.dumps({"lockfileVersion": 3, "packages": {"": PACKAGE}}),
        "build.sh": REWRITES,
        **files,
    }


def push(repository: Repository, version: str, **files: str) -> str:
    content = {name: text for name, text in shop(version, **files).items() if text is not None}
    return repository.push({**content}, executable=("build.sh",))


@pytest.fixture
def orbit(orbit: Orbit, tmp_path: Path) -> Orbit:
    """With an npm that needs no registry; the repository's own programs are found all the same."""
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    npm.parent.chmod(0o755)
    orbit.env["PATH"] = f"{npm.parent}{os.pathsep}{orbit.env['PATH']}"
    return orbit


def names_in(directory: Path) -> list[str]:
    return os.listdir(directory) if directory.is_dir() else []


def digest(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): f"{path.lstat().st_mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def deploy(orbit: Orbit, repository: Repository, version: str, number: int, **files: str) -> Path:
    push(repository, version, **files)
    orbit.hup()
    orbit.wait_version(version)
    orbit.wait_idle(number)
    return orbit.home / "production/releases" / str(orbit.current)


def test_rewriting_builds_caches_and_another_user(orbit: Orbit, repository: Repository, told: Path) -> None:
    """A build that rewrites all in place changes neither the snapshot nor the live release, whoever runs it."""
    orbit.env |= {"RUN_AS_USER": NAME, "PATH": f"{told.parents[1]}/bin{os.pathsep}{orbit.env['PATH']}"}
    orbit.start()
    one = deploy(orbit, repository, "1", 1)
    (pack,) = (orbit.home / "snapshots").glob("*.pack")
    assert (pack.stat().st_uid, stat.S_IMODE(pack.stat().st_mode)) == (0, 0o600)
    assert stat.S_IMODE(pack.parent.stat().st_mode) == 0o700
    before, packed = digest(one), pack.read_bytes()
    two = deploy(orbit, repository, "2", 2)
    record = orbit.records()[-1]
    assert "restored from a snapshot" in record["dependencies"]
    assert digest(one) == before
    assert pack.read_bytes() == packed
    assert f"by {two.name}" in (two / "node_modules/lib/numbers").read_text()
    assert (two / "node_modules/.cache/builds").read_text() == f"{one.name}\n{two.name}\n"
    assert (one / "node_modules/.cache/builds").read_text() == f"{one.name}\n"
    assert (two / "node_modules/lib/numbers").stat().st_uid == (two / "serve").stat().st_uid != 0


def test_force_install_uses_neither_snapshot_nor_caches(orbit: Orbit, repository: Repository) -> None:
    orbit.env["FORCE_INSTALL"] = "true"
    orbit.start()
    deploy(orbit, repository, "1", 1)
    two = deploy(orbit, repository, "2", 2)
    assert "FORCE_INSTALL" in orbit.records()[-1]["dependencies"]
    assert (two / "node_modules/.cache/builds").read_text() == f"{two.name}\n"


def test_a_commit_whose_build_has_failed_is_built_without_caches(orbit: Orbit, repository: Repository) -> None:
    orbit.start()
    deploy(orbit, repository, "1", 1)
    push(repository, "2", **{"build.sh": REWRITES + "test $(wc -l < node_modules/.cache/builds) = 1\n"})
    orbit.hup()
    assert orbit.wait_idle(2)["outcome"] == "failed"
    orbit.hup()
    assert orbit.wait_idle(3)["outcome"] == "succeeded"
    assert "has failed before" in orbit.log("setup.log")


def test_killed_while_a_snapshot_is_taken_or_restored(orbit: Orbit, repository: Repository) -> None:
    """Nothing half done is used, and the next start sweeps it."""
    orbit.env |= {"LARGE": "200000000", "BUILD_COMMAND": "true"}
    push(repository, "1")
    orbit.start()
    snapshots = orbit.home / "snapshots"
    wait_until(lambda: any(name.endswith(".tmp") for name in names_in(snapshots)), 60)
    orbit.kill()
    assert not list(snapshots.glob("*.pack"))
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(2)
    names = sorted(path.suffix for path in snapshots.iterdir())
    assert names == [".json", ".pack"]
    sha = push(repository, "2")
    orbit.hup()
    releases = orbit.home / "production/releases"
    wait_until(lambda: list(releases.glob(f"*-{sha}/node_modules/lib")), 60)
    orbit.kill()
    orbit.start()
    orbit.wait_version("2")
    orbit.wait_idle(4)
    current = orbit.home / "production/current/node_modules/lib/large"
    assert current.stat().st_size == 200_000_000
    assert "restored from a snapshot" in orbit.records()[-1]["dependencies"]
