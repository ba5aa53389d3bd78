"""A push that leaves the lockfile alone: how long until the dependencies are there.

Everything is made in new directories, and nothing is removed before the end: ext4 does not give the inodes of removed
files out again for minutes, and looks for others the longer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deployers import Orbit
from table import Table, directory_for
from work import ROOT, Repository, median

PACKAGES = {
    "core-js": "3.39.0",
    "date-fns": "4.1.0",
    "eslint": "8.57.1",
    "express": "4.21.2",
    "lodash": "4.17.21",
    "moment": "2.30.1",
    "react": "18.3.1",
    "react-dom": "18.3.1",
    "rxjs": "7.8.1",
    "typescript": "5.7.2",
    "webpack": "5.97.1",
}
REQUIREMENTS = "django==5.1.4\nfastapi==0.115.6\nnumpy==2.2.1\npandas==2.2.3\n"
LIMIT_S = 600.0
CACHE = ROOT / ".bench/downloads"
_QUIET = ("--no-audit", "--no-fund", "--silent")
_TOOK = re.compile(r"a snapshot of the dependencies was taken \(key \w+, (\d+) files, ([\d.]+) s\)")


def run(runs: int) -> None:
    runs = min(runs, 5)
    with directory_for("dependencies") as directory:
        _node(directory / "node", runs)
        _python(directory / "python", runs)


def _node(directory: Path, runs: int) -> None:
    package = {"name": "bench", "version": "1.0.0", "private": True, "dependencies": PACKAGES}
    project = directory / "project"
    project.mkdir(parents=True)
    (project / "package.json").write_text(json.dumps(package))
    _do(["npm", "install", *_QUIET], project)
    installed = json.loads((project / "node_modules/.package-lock.json").read_text())["packages"]
    count = sum(path.is_file() for path in (project / "node_modules").rglob("*"))
    files = {name: (project / name).read_text() for name in ("package.json", "package-lock.json")}

    def npm_ci(number: int) -> float:
        place = directory / f"npm{number}"
        place.mkdir()
        for name, text in files.items():
            (place / name).write_text(text)
        return _do(["npm", "ci", *_QUIET], place)

    table = Table(f"{len(installed)} npm packages, {count:,} files, unchanged lockfile, medians of {runs}", ("s",))
    table.add("npm ci, warm cache", _of(runs, npm_ci))
    _copies(table, directory, project / "node_modules", runs)
    _orbit(table, directory, files, runs)


def _python(directory: Path, runs: int) -> None:
    directory.mkdir(parents=True)
    uv = str(ROOT / ".venv/bin/uv")

    def pip(number: int) -> float:
        place = directory / f"pip{number}"
        took = _do([sys.executable, "-m", "venv", str(place)], directory)
        return took + _do([str(place / "bin/pip"), "install", "-q", *REQUIREMENTS.split()], directory)

    def with_uv(number: int) -> float:
        place = directory / f"uv{number}"
        took = _do([uv, "venv", "-q", "--seed", "--python", sys.executable, str(place)], directory)
        python = str(place / "bin/python")
        return took + _do([uv, "pip", "install", "-q", "--python", python, *REQUIREMENTS.split()], directory)

    pip(-1), with_uv(-1)
    table = Table(f"{', '.join(REQUIREMENTS.split())} into a new virtual environment, medians of {runs}", ("s",))
    table.add("pip, warm cache", _of(runs, pip))
    table.add("uv, warm cache, copying", _of(runs, with_uv))
    _copies(table, directory, directory / "uv-1", runs)
    _orbit(table, directory, {"requirements.txt": REQUIREMENTS}, runs)


def _copies(table: Table, directory: Path, made: Path, runs: int) -> None:
    for options in ("-a", "-al"):
        title = f"cp {options}"

        def copy(number: int, options: str = options) -> float:
            return _do(["cp", options, str(made), str(directory / f"copy{options}{number}")], directory)

        table.add(title, _of(runs, copy))


def _orbit(table: Table, directory: Path, files: dict[str, str], runs: int) -> None:
    """What the record says of the stage `installing_dependencies`, which is what deployments wait for."""
    repository = Repository(directory / "repository")
    for name, text in files.items():
        (repository.work / name).write_text(text)
    repository.push("0")
    orbit = Orbit(directory / "peer", repository)
    orbit.env |= {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "UV_", "npm_", "NODE_"))}
    orbit.start()
    times: list[float] = []
    try:
        _wait_for(orbit, 1, times)
        for number in range(1, runs + 1):
            time.sleep(1)  # what the last one has left to do is done
            repository.push(str(number))
            orbit.deploy()
            _wait_for(orbit, number + 1, times)
    finally:
        orbit.stop()
    taken = _TOOK.search((orbit.directory / "home/logs/setup.log").read_text())
    assert taken is not None, "no snapshot was taken"
    table.add("orbit", median(times[1:]))
    table.add("orbit, the first install", times[0])
    table.add("– its snapshot", float(taken[2]))
    table.show()


def _wait_for(orbit: Orbit, number: int, times: list[float]) -> None:
    record = orbit.directory / f"home/deployments/{number:06d}.json"
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        told = json.loads(record.read_text()) if record.exists() else {}
        if told.get("outcome"):
            assert told["outcome"] == "succeeded", told
            times.append(told["timings"]["installing_dependencies"])
            return
        time.sleep(0.05)
    raise TimeoutError(f"deployment {number} did not end")


def _do(argv: list[str], place: Path) -> float:
    """Run a command; how long it took, in seconds. npm, pip and uv keep their downloads apart from the user's."""
    cache = {"npm_config_cache": "npm", "PIP_CACHE_DIR": "pip", "UV_CACHE_DIR": "uv"}
    env = {**os.environ, "UV_LINK_MODE": "copy", **{name: str(CACHE / folder) for name, folder in cache.items()}}
    since = time.perf_counter()
    subprocess.run(argv, cwd=place, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - since


def _of(runs: int, work: Callable[[int], float]) -> float:
    return median([work(number) for number in range(runs)])
