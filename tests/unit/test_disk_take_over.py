"""What is taken over is nobody else's to change, and nothing outside of it is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor import disk

NOBODY = 65534


@pytest.mark.skipif(os.getuid() != 0, reason="only root takes anything over")
def test_all_of_a_tree_becomes_roots_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    tree = tmp_path / "tree"
    tree.joinpath(*["d"] * 300).mkdir(parents=True)
    (tree / "bin").mkdir()
    (tree / "bin/node").write_text("")
    (tree / "bin/node").chmod(0o4777)
    (tree / "link").symlink_to(outside)
    (tree / "way").symlink_to(tmp_path)
    os.mkfifo(tree / "pipe")
    for path in (outside, tree, *tree.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    disk.take_over(tree)
    for path in (tree, *tree.rglob("*")):
        facts = path.lstat()
        assert facts.st_uid == 0, path
        assert path.is_symlink() or not path.is_file() or not facts.st_mode & 0o6222, path
    assert not (tree / "bin").stat().st_mode & 0o222
    assert outside.stat().st_uid == NOBODY
