"""The table of languages: a language is loaded only where it may fit, and nothing that fits is missed by that."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Fit, Overrides
from supervisor.languages.source import Source
from supervisor.languages.table import LANGUAGES, Entry

APPS = Path(__file__).parents[1] / "apps"


@pytest.mark.parametrize("entry", LANGUAGES, ids=lambda entry: entry.name)
def test_where_a_language_is_not_looked_at_it_does_not_fit(entry: Entry) -> None:
    passed_over = 0
    for sample in APPS.iterdir():
        for directory in (sample, *(path for path in sample.rglob("*") if path.is_dir())):
            source = Source.of(directory, sample, Overrides())
            if entry.may_fit(source):
                continue
            passed_over += 1
            try:
                fits = import_module(f"supervisor.languages.{entry.name}").fit(source)
            except PlanError as error:
                fits = error
            assert fits is Fit.NO, directory
    assert passed_over > len(LANGUAGES)


def test_only_the_languages_that_may_fit_are_loaded() -> None:
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from supervisor.languages import Overrides, detect\n"
        f"detect(Path({str(APPS / 'python-flask')!r}), Overrides())\n"
        "print(json.dumps([name.split('.')[2] for name in sys.modules if name.startswith('supervisor.languages.')]))\n"
    )
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert {entry.name for entry in LANGUAGES} & set(json.loads(output)) == {"python"}
