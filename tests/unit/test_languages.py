"""Every directory of tests/apps is a sample: its plan.json is what `orbit detect --json` prints.

A sample's `variables.json` are the user's variables; PROJECT_PATH leads into a monorepo.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli.detect import SHOWN, detect
from supervisor.languages import Overrides
from supervisor.languages import detect as plan_of
from supervisor.model import Plan

APPS = Path(__file__).parents[1] / "apps"
SAMPLES = sorted(path for path in APPS.iterdir() if path.is_dir())
VARIABLES = ("PROJECT_PATH", *(field.name.upper() for field in fields(Overrides)))


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def variables(sample: Path) -> dict[str, str]:
    file = sample / "variables.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample_has_the_plan_that_it_had(sample: Path) -> None:
    result = CliRunner(env=variables(sample)).invoke(detect, ["--json", str(sample)])
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout) == json.loads((sample / "plan.json").read_text())
    assert tuple(json.loads(result.stdout)) == SHOWN


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_account_for_people_names_what_would_run(sample: Path) -> None:
    plan = json.loads((sample / "plan.json").read_text())
    result = CliRunner(env=variables(sample)).invoke(detect, [str(sample)])
    assert result.exit_code == 0
    for command in (plan["install"], plan["build"], plan["start"], plan["output_dir"]):
        assert command is None or command in result.stdout


def sample_plan(name: str) -> Plan:
    sample = APPS / name
    project = sample / variables(sample).get("PROJECT_PATH", ".")
    return plan_of(project, Overrides(), sample)


def test_procfile_release_is_a_plan_of_its_own() -> None:
    assert sample_plan("python-procfile").release == "flask db upgrade"
    assert sample_plan("python-flask").release is None


def test_programs_of_the_project_and_of_its_monorepo_are_found() -> None:
    assert sample_plan("node-express").bin_dirs == ("node_modules/.bin",)
    assert sample_plan("monorepo-npm").bin_dirs == ("node_modules/.bin", "../../node_modules/.bin")
    assert sample_plan("python-flask").bin_dirs == (".venv/bin",)


def test_production_is_announced() -> None:
    assert sample_plan("node-express").environment == (("NODE_ENV", "production"),)
    assert sample_plan("python-flask").environment == (("PYTHONUNBUFFERED", "1"),)


def test_notes_say_where_a_version_comes_from() -> None:
    assert "node lts/iron, from .nvmrc" in sample_plan("node-nvmrc").notes
    assert "node 20, from .nvmrc" in sample_plan("monorepo-npm").notes


def test_notes_say_which_lockfile_was_passed_over() -> None:
    assert "package-lock.json was passed over: pnpm decides" in sample_plan("node-manager-field").notes


def test_repository_of_many_files_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for area in range(60):
        for part in range(8):
            directory = tmp_path / f"area{area}" / f"part{part}"
            directory.mkdir(parents=True)
            for number in range(10):
                (directory / f"file{number}.py").touch()
    (tmp_path / "requirements.txt").write_text("flask\ndjango\nfastapi\n")
    (tmp_path / "manage.py").write_text("import django\n")
    (tmp_path / "package.json").write_text("{}")
    listed: list[object] = []
    opened: list[object] = []
    scandir, open_ = os.scandir, os.open
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    monkeypatch.setattr(os, "open", lambda *args: (opened.append(args[0]), open_(*args))[1])
    plan = plan_of(tmp_path, Overrides())
    assert plan.framework == "django"
    assert len(listed) <= 8
    assert len(opened) <= 50


def test_detection_of_a_huge_directory_is_bounded(tmp_path: Path) -> None:
    for number in range(12_000):
        (tmp_path / f"{number:05}.txt").touch()
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node x.js"}}')
    assert plan_of(tmp_path, Overrides()).start == "npm start"
