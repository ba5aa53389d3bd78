"""Is there room for a release, and what is said where there is none?"""

from __future__ import annotations

import os
from pathlib import Path

from supervisor import disk
from supervisor.deploy.room import in_words, is_plenty, refusal
from supervisor.disk import UNCOUNTED, Disk, Space

MB = 1 << 20
RESERVE = Space(100 * MB, 1000)


def test_a_release_takes_no_more_than_all_that_is_in_use() -> None:
    used = Space(50 * MB, 300)
    assert is_plenty(Disk(Space(150 * MB, 1300), used), RESERVE)
    assert not is_plenty(Disk(Space(149 * MB, 1300), used), RESERVE)
    assert not is_plenty(Disk(Space(150 * MB, 1299), used), RESERVE)


def test_a_disk_with_much_room_is_not_looked_at_further_however_full_it_is() -> None:
    full = Space(900 << 30, 50_000_000)
    assert is_plenty(Disk(Space(9 << 30, 2_000_000), full), RESERVE)
    assert not is_plenty(Disk(Space(8 << 30, 2_000_000), full), RESERVE)


def test_a_disk_that_does_not_count_inodes_has_enough() -> None:
    assert is_plenty(Disk(Space(200 * MB, UNCOUNTED), Space(50 * MB, 0)), RESERVE)


def test_a_refusal_names_what_is_missing_what_was_removed_and_what_to_do() -> None:
    line = refusal(Path("/app"), Space(3 * MB, 5000), Space(140 * MB, 1200), "older releases (12 MB)")
    assert line.startswith("too little room on the disk of /app: 3.0 MB are free and 140 MB needed, for")
    assert "already removed: older releases (12 MB)." in line
    assert "DISK_RESERVE lower" in line
    assert "inodes" not in line
    assert "\n" not in line
    line = refusal(Path("/app"), Space(300 * MB, 40), Space(140 * MB, 1200), "")
    assert line.startswith("too little room on the disk of /app: 40 inodes (files) are free and 1200 needed, for")
    assert "already" not in line
    line = refusal(Path("/app"), Space(3 * MB, 40), Space(140 * MB, 1200), "")
    assert "140 MB needed and 40 inodes (files) are free and 1200 needed" in line


def test_amounts_are_readable() -> None:
    assert [in_words(size) for size in (12, 2048, 15 * MB, int(1.5 * (1 << 30)))] == [
        "12 bytes",
        "2.0 kB",
        "15 MB",
        "1.5 GB",
    ]


def test_a_tree_is_measured_without_following_links_and_each_file_once(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "big").write_bytes(bytes(4 * MB))
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").write_bytes(bytes(MB))
    (tree / "a" / "b" / "same").hardlink_to(tree / "a" / "file")
    (tree / "link").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    found = disk.occupied(tree)
    assert found.inodes == 7  # tree, a, b, file, link, loop, pipe
    assert MB <= found.bytes < 2 * MB
    assert disk.occupied(tree / "link") == disk.occupied(tree / "absent") == Space()


def test_measuring_stops_when_nobody_wants_to_know(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).touch()
    assert disk.occupied(tmp_path, lambda: True).inodes == 1
