"""The file that makes a directory a release: what was planned is read back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervisor.languages import Overrides, detect
from supervisor.layout import Layout
from supervisor.model import Commit, Need, Plan, Release
from supervisor.releases.store import ReleaseStore

APPS = Path(__file__).parents[1] / "apps"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = Plan(
    "ruby",
    framework="rails",
    start="bundle exec puma",
    environment=(("A", "b"),),
    helpers=(Need("node", "22", "yarn", "1"), Need("go")),
    inputs=("Gemfile",),
    single_page=True,
    port=3000,
    origins=(("start", "Procfile"),),
    health_timeout_s=1.5,
    generated=("SECRET_KEY_BASE",),
    unset=(("B", "why"),),
)


@pytest.mark.parametrize(
    "plan",
    [EVERYTHING, *(detect(APPS / name, Overrides()) for name in ("ruby-rails-jsbundling", "static-hugo-config"))],
    ids=lambda plan: plan.framework,
)
def test_plan_is_read_back_as_it_was(tmp_path: Path, plan: Plan) -> None:
    layout = Layout(tmp_path)
    store = ReleaseStore(layout, None)
    layout.releases.mkdir(parents=True)
    commit = Commit("a" * 40, "subject", "Ada", NOW)
    number, directory = store.begin(commit)
    release = Release(number, commit, directory, directory, plan, NOW, 1.0)
    store.complete(release)
    assert store.all() == [release]
    assert store.all()[0].plan != replace(plan, helpers=(*plan.helpers, Need("zola")))
