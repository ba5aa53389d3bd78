"""The one place that writes files, moves links and removes trees."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from supervisor import files


def test_a_file_is_replaced_in_one_step_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    files.write_json(path, {"a": 1})
    before = path.stat().st_ino
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2}
    assert path.stat().st_ino != before
    assert os.listdir(tmp_path) == ["status.json"]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    files.write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "new \udc80")
    assert path.read_text() == "old"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b""])
def test_a_broken_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    assert files.read_json(tmp_path / "x.json") is None


def test_a_link_is_moved_at_once(tmp_path: Path) -> None:
    files.move_link(tmp_path / "current", "releases/001")
    files.move_link(tmp_path / "current", "releases/002")
    assert os.readlink(tmp_path / "current") == "releases/002"
    assert os.listdir(tmp_path) == ["current"]


def test_a_tree_is_removed_with_what_was_made_unwritable_and_never_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    tree = tmp_path / "tree"
    (tree / "locked").mkdir(parents=True)
    (tree / "locked/file").write_text("x")
    (tree / "link").symlink_to(outside)
    (tree / "locked").chmod(0o500)
    files.remove_tree(tree)
    assert not tree.exists()
    assert (outside / "precious").exists()
    files.remove_tree(tree)


def test_what_is_absent_is_told_from_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    for absent in (files.read_json, files.read_link, files.kind):
        assert absent(path) is None
    assert files.listing(path) == []

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("open", "readlink", "stat", "listdir"):
        monkeypatch.setattr(files.os, name, refuse)
    for refused in (files.read_json, files.read_link, files.kind, files.listing):
        with pytest.raises(OSError, match="Input/output error"):
            refused(path)


def test_temporary_files_of_dead_writers_are_swept_and_those_of_others_stay(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f".a.json.{dead.pid}.tmp", f".b.json.{os.getpid()}.tmp", f"app.exit.json.{dead.pid}.tmp"):
        (tmp_path / name).touch()
    kept = {f".c.json.{os.getppid()}.tmp", "d.json", ".e.tmp", "f.tmp"}
    for name in kept:
        (tmp_path / name).touch()
    files.sweep(tmp_path)
    assert set(os.listdir(tmp_path)) == kept


def test_a_tree_that_is_nested_without_end_is_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    deep = tmp_path / "deep"
    deep.mkdir()
    place = os.open(deep, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a-directory", dir_fd=place)
        os.symlink(outside, "link", dir_fd=place)
        below = os.open("a-directory", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    files.remove_tree(deep)
    assert not deep.exists()
    assert (outside / "kept").exists()
