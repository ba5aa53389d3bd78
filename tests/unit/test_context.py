"""The environment that Orbit gives to builds, hooks and the application."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from supervisor.deploy.context import Context
from supervisor.layout import Layout
from supervisor.model import Commit, Plan, Release
from supervisor.settings import load

MINIMAL = {"GIT_REPO_URL": "https://github.com/user/app", "APP_PORT": "3000"}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    base = {"PATH": "/usr/bin", "HOME": "/nonexistent"}
    return Context(load(MINIMAL), Layout(tmp_path), Mock(), None, base, lambda text: text)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    commit = Mock(spec=Commit, sha="1" * 40)
    return Release(1, commit, tmp_path, tmp_path, Plan("node"), datetime.now(UTC), 0.0)


@pytest.mark.parametrize(
    ("plan", "is_set"),
    [
        (Plan("node", package_manager="pnpm"), True),
        (Plan("node", package_manager="npm", install="npx pnpm install"), True),
        (Plan("node", package_manager="npm", install="npm ci"), False),
        (Plan("python", package_manager="uv"), False),
    ],
)
def test_releases_share_no_files_and_npm_does_not_complain(
    context: Context, release: Release, plan: Plan, is_set: bool
) -> None:
    environment = context.environment(replace(release, plan=plan))
    assert environment["pnpm_config_package_import_method"] == "clone-or-copy"
    assert ("npm_config_package_import_method" in environment) == is_set


def test_the_port_is_told_in_the_words_of_a_framework_unless_the_user_says_otherwise(
    context: Context, release: Release
) -> None:
    plan = Plan("rust", environment=(("ROCKET_PORT", "$PORT"), ("LEPTOS_SITE_ADDR", "0.0.0.0:$PORT")))
    environment = context.environment(replace(release, plan=plan))
    assert (environment["ROCKET_PORT"], environment["LEPTOS_SITE_ADDR"]) == ("3000", "0.0.0.0:3000")
    own = replace(context, base_env={**context.base_env, "ROCKET_PORT": "8000"})
    assert own.environment(replace(release, plan=plan))["ROCKET_PORT"] == "8000"


def test_compilers_keep_what_they_download_and_build_in_the_cache(context: Context, release: Release) -> None:
    environment = context.environment(release)
    for variable in ("GOMODCACHE", "GOCACHE", "CARGO_HOME"):
        assert Path(environment[variable]).is_relative_to(context.layout.cache)
