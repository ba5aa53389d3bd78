"""How long detection takes: every sample of the tests, and a repository of a hundred thousand files.

Processor time in a running interpreter; beside it, what a command line pays once for importing what it needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from table import Table, directory_for
from work import ROOT, median

from supervisor.cli.detect import overrides_of, project_in
from supervisor.languages import NoStart, Overrides
from supervisor.languages import detect as plan_of

SAMPLES = ROOT / "tests/apps"
FILES = (1_000, 10_000, 100_000)
FLAT = 100_000
PER_DIRECTORY = 100


def run(runs: int) -> None:
    samples = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
    times = {path.name: _sample(path, runs) for path in samples}
    slowest = max(times, key=lambda name: times[name])
    table = Table("detection, processor time", ("ms",), ratios=False)
    table.add(f"{len(times)} samples, median", median(list(times.values())))
    table.add("the slowest sample", times[slowest])
    with directory_for("detect") as directory:
        for files in FILES:
            table.add(f"{files:,} files", _of_many(directory, files, runs))
    with directory_for("detect") as directory:
        table.add(f"{FLAT:,} in one directory", _of_flat(directory, runs))
    start, whole = _process("pass", runs), _process("import supervisor.languages", runs)
    table.add("importing it, once", whole - start)
    table.show()
    print(f"  the slowest sample is {slowest}")


def _sample(path: Path, runs: int) -> float:
    file = path / "variables.json"
    variables = dict(json.loads(file.read_text())) if file.exists() else {}
    project, options = project_in(path, variables), overrides_of(variables)

    def look() -> None:
        with suppress(NoStart):  # some samples are of that
            plan_of(project, options, path)

    return _timed(look, runs)


def _of_many(directory: Path, files: int, runs: int) -> float:
    """A Django project with a package.json in a repository that is filled up to `files` files."""
    _django(directory)
    for place in range(files // PER_DIRECTORY):
        below = directory / f"part{place % 50}/part{place}"
        if not below.exists():
            below.mkdir(parents=True)
            for number in range(PER_DIRECTORY):
                (below / f"module{number}.py").touch()
    return _timed(lambda: plan_of(directory, Overrides(run_command="./run")), runs)


def _of_flat(directory: Path, runs: int) -> float:
    _django(directory)
    for number in range(FLAT):
        (directory / f"{number}.txt").touch()
    return _timed(lambda: plan_of(directory, Overrides(run_command="./run")), runs)


def _django(directory: Path) -> None:
    (directory / "requirements.txt").write_text("django\ngunicorn\n")
    (directory / "manage.py").write_text("import django\n")
    (directory / "package.json").write_text("{}")


def _timed(work: Callable[[], object], runs: int) -> float:
    """Milliseconds of the median run; the first one, which imports, does not count."""
    work()
    times = []
    for _ in range(max(runs, 3)):
        since = time.process_time()
        work()
        times.append(1000 * (time.process_time() - since))
    return median(times)


def _process(code: str, runs: int) -> float:
    times = []
    for _ in range(max(runs, 3)):
        since = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(1000 * (time.perf_counter() - since))
    return median(times)
