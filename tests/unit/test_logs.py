"""Logs stay within their shares, also those that other settings have left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.deploy import logs
from supervisor.layout import Layout
from supervisor.model import LogPolicy
from supervisor.settings import load

KB = 1024
MINIMAL = {"GIT_REPO_URL": "https://github.com/user/app", "APP_PORT": "3000"}


def lines(path: Path, count: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"line {number:04d}\n" for number in range(count)))
    return path


def test_without_a_budget_each_log_has_what_size_and_backups_come_to() -> None:
    settings = load(MINIMAL)
    assert settings.log_policy == LogPolicy(10 << 20, 5)
    assert settings.log_share_bytes == 60 << 20


@pytest.mark.parametrize("budget", ["320K", "1M", "7M", "100M", "299M", "300M", "1G"])
@pytest.mark.parametrize("backups", ["0", "5", "100"])
@pytest.mark.parametrize("size", ["64K", "10M", "1G"])
def test_five_logs_never_exceed_their_budget(budget: str, backups: str, size: str) -> None:
    settings = load(MINIMAL | {"LOG_BUDGET": budget, "LOG_BACKUPS": backups, "LOG_MAX_SIZE": size})
    policy = settings.log_policy
    assert 5 * policy.max_bytes * (policy.backups + 1) <= settings.log_budget_bytes
    assert policy.max_bytes >= 64 * KB
    assert policy.max_bytes <= settings.log_max_size_bytes
    assert policy.backups <= settings.log_backups


def test_what_fits_into_the_budget_stays_as_it_was_set() -> None:
    settings = load(MINIMAL | {"LOG_BUDGET": "1G", "LOG_BACKUPS": "3", "LOG_MAX_SIZE": "20M"})
    assert settings.log_policy == LogPolicy(20 << 20, 3)


def test_a_log_is_cut_to_its_end_in_place(tmp_path: Path) -> None:
    log = lines(tmp_path / "app.log", 1000)
    with log.open("a") as writer:
        logs.keep_end(log, 105)
        writer.write("and on\n")
    assert log.read_text() == "".join(f"line {number:04d}\n" for number in range(990, 1000)) + "and on\n"
    logs.keep_end(log, 10_000)
    assert log.read_text().endswith("and on\n")


def test_one_line_that_is_too_long_is_cut_too(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"x" * 1000)
    logs.keep_end(log, 100)
    assert log.read_bytes() == b"x" * 100


def test_what_earlier_settings_have_left_is_cut_down(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for name in ("setup.log", "app.log", "app.log.1", "app.log.2", "app.log.3", "hooks.log.12"):
        lines(layout.logs / name, 100)
    other = lines(layout.logs / "app.log.gz", 100)
    (layout.logs / "hooks.log").symlink_to(other)
    logs.trim(layout, LogPolicy(500, 2))
    assert {path.name: path.stat().st_size for path in layout.logs.iterdir() if not path.is_symlink()} == {
        "setup.log": 500,
        "app.log": 500,
        "app.log.1": 500,
        "app.log.2": 500,
        "app.log.gz": 1000,
    }


def test_the_oldest_logs_of_builds_go_first_by_bytes_and_by_number(tmp_path: Path) -> None:
    for number in range(60):
        path = lines(tmp_path / f"{number:03d}-abc.log", 10)
        os.utime(path, (number, number))
    assert logs.prune_builds(tmp_path, 10_000) == 1000
    assert min(path.name for path in tmp_path.iterdir()) == "010-abc.log"
    assert logs.prune_builds(tmp_path, 350) == 4700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["057-abc.log", "058-abc.log", "059-abc.log"]
    assert logs.prune_builds(tmp_path, 0, building="058-abc") == 200
    assert [path.name for path in tmp_path.iterdir()] == ["058-abc.log"]
