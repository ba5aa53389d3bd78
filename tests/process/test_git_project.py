"""PROJECT_PATH stays inside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import SourceError
from supervisor.git import project_directory


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "001-abc"
    for path in ("apps/web/src", "apps/Website", "apps/admin", "frontend", ".git"):
        (root / path).mkdir(parents=True)
    (root / "apps" / "file").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "001-abcdef").mkdir()
    (root / "inside").symlink_to("apps/web")
    (root / "out").symlink_to("../outside")
    (root / "neighbour").symlink_to("../001-abcdef")
    (root / "absolute").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "git").symlink_to(".git")
    (root / "apps" / "up").symlink_to("../..")
    return root


@pytest.mark.parametrize("path", [None, "", ".", "./", " "])
def test_no_path_is_the_root(checkout: Path, path: str | None) -> None:
    assert project_directory(checkout, path) == checkout


@pytest.mark.parametrize("path", ["apps/web", "./apps//web/", "inside", " apps/web "])
def test_path_leads_to_a_directory(checkout: Path, path: str) -> None:
    assert project_directory(checkout, path) == checkout / "apps" / "web"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc", "absolute path"),
        ("..", "'..'"),
        ("apps/../../outside", "'..'"),
        ("apps/web/..", "'..'"),
        ("out", "leads out"),
        ("neighbour", "leads out"),
        ("absolute", "leads out"),
        ("absolute/ssl", "leads out"),
        ("apps/up/outside", "leads out"),
        ("apps/up/001-abc/apps", "leads out"),
        ("loop", "cannot be followed"),
        ("apps/file", "no directory"),
        ("apps/file/x", "no directory"),
        (".git", "git's own"),
        ("git", "git's own"),
        ("a\0b", "'..'"),
        ("dangling", "no such directory"),
        ("x" * 5000, "cannot be followed"),
    ],
)
def test_what_is_outside_or_no_directory_is_refused(checkout: Path, path: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        project_directory(checkout, path)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("fronted", "there is frontend$"),
        ("apps/webb", "there is apps/web$"),
        ("apps/WEB", "there is apps/web"),
        ("apps/zzz", "there is apps/Website, apps/admin, apps/up$"),
        ("frontend/x", "no such directory$"),
    ],
)
def test_missing_directory_is_told_with_what_is_near(checkout: Path, path: str, near: str) -> None:
    with pytest.raises(SourceError, match=near):
        project_directory(checkout, path)
