"""What a build printed, and what it means."""

from __future__ import annotations

from pathlib import Path

from supervisor.deploy.buildlog import MOST_SEARCHED, cause

OF_NPM = "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.\n"


def test_cause_that_the_last_lines_do_not_show_is_found(tmp_path: Path) -> None:
    log = tmp_path / "001.log"
    log.write_text("=== Installing Dependencies ===\n" + OF_NPM + "npm error Options:\n" * 40)
    assert "package-lock.json does not fit package.json" in (cause(log) or "")


def test_no_cause_is_made_up(tmp_path: Path) -> None:
    log = tmp_path / "001.log"
    assert cause(log) is None
    log.write_text("npm error code E404\n")
    assert cause(log) is None
    log.write_text(OF_NPM + "x" * MOST_SEARCHED)
    assert cause(log) is None
