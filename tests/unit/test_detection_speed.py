"""Detection takes milliseconds, whatever lies beside the project's own files. scripts/bench has the figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from supervisor.cli.detect import overrides_of, project_in
from supervisor.languages import NoStart, Overrides, detect

SAMPLES = sorted(path for path in (Path(__file__).parents[1] / "apps").iterdir() if path.is_dir())
GOAL_S = 0.020
SLOW_MACHINE = 3


def processor_s(work: Callable[[], object]) -> float:
    """Processor time of the best of three runs; what is imported meanwhile does not count."""
    work()
    times = []
    for _ in range(3):
        since = time.process_time()
        work()
        times.append(time.process_time() - since)
    return min(times)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_takes_milliseconds(sample: Path) -> None:
    file = sample / "variables.json"
    variables = dict(json.loads(file.read_text())) if file.exists() else {}
    project, options = project_in(sample, variables), overrides_of(variables)

    def look() -> None:
        with suppress(NoStart):  # some samples are of that
            detect(project, options, sample)

    assert processor_s(look) < GOAL_S * SLOW_MACHINE


def test_a_repository_of_many_files_takes_no_longer(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("django\ngunicorn\n")
    (tmp_path / "manage.py").write_text("import django\n")
    took = []
    for part in range(2):
        for place in range(1 if part == 0 else 60):
            directory = tmp_path / f"part{part}-{place}" / "below"
            directory.mkdir(parents=True)
            for number in range(100):
                (directory / f"module{number}.py").touch()
        took.append(processor_s(lambda: detect(tmp_path, Overrides(run_command="./run"))))
    assert took[1] < 3 * took[0] + GOAL_S
