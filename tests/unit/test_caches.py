"""What goes of the downloads of package managers, in which order, and that root is not led astray."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor import disk
from supervisor.deploy.caches import Caches, Contents, Piece, piece_of, surplus
from supervisor.releases.snapshots import Snapshots, close

KB = 1024


def file(path: Path, kilobytes: int, used: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(kilobytes * KB))
    os.utime(path, (used, used))
    return path


def caches_of(directory: Path) -> Caches:
    return Caches(directory, Snapshots(directory.with_name("snapshots")))


def paths(pieces: list[Piece]) -> list[str]:
    return [piece.path for piece in pieces]


def test_the_least_recently_used_pieces_go_first_and_no_more_than_needed() -> None:
    pieces = (Piece("pip/new", 10, 3), Piece("pip/old", 10, 1), Piece("uv/archive-v0/a", 10, 2))
    folders = (Piece("pip", 25, 3), Piece("uv", 15, 2))
    contents = Contents(40, pieces, folders)
    assert surplus(contents, 40) == []
    assert paths(surplus(contents, 35)) == ["pip/old"]
    assert paths(surplus(contents, 20)) == ["pip/old", "uv/archive-v0/a"]


def test_whole_folders_go_only_where_all_pieces_are_not_enough() -> None:
    pieces = (Piece("pip/new", 10, 3), Piece("pip/old", 10, 1))
    folders = (Piece("pip", 25, 3), Piece("yarn", 15, 2), Piece("go", 5, 9))
    assert paths(surplus(Contents(45, pieces, folders), 24)) == ["pip/old", "pip/new", "yarn"]
    assert paths(surplus(Contents(45, pieces, folders), 0)) == ["pip/old", "pip/new", "yarn", "pip", "go"]


@pytest.mark.parametrize(
    ("path", "is_directory", "piece"),
    [
        ("npm/_cacache/content-v2/sha512/aa/bb/cc", False, "npm/_cacache/content-v2/sha512/aa/bb/cc"),
        ("npm/_cacache/content-v2", True, None),
        ("npm/_npx/1234/node_modules/x/index.js", False, "npm/_npx/1234"),
        ("npm/_update-notifier-last-checked", False, None),
        ("pip/http-v2/a/b/file", False, "pip/http-v2/a/b/file"),
        ("uv/archive-v0/QWE/six.py", False, "uv/archive-v0/QWE"),
        ("uv/archive-v0", True, None),
        ("uv/wheels-v5/pypi/six/six.http", False, None),
        ("cargo/registry/src/index-1/serde-1.0.1/src/lib.rs", False, "cargo/registry/src/index-1/serde-1.0.1"),
        ("cargo/registry/cache/index-1/serde-1.0.1.crate", False, "cargo/registry/cache/index-1/serde-1.0.1.crate"),
        ("cargo/registry/cache/index-1", True, None),
        ("cargo/registry/index/index-1/config.json", False, None),
        ("cargo/git/db/repo-1/objects/pack/a.pack", False, "cargo/git/db/repo-1"),
        ("go-mod/github.com/gorilla/mux@v1.8.1/mux.go", False, "go-mod/github.com/gorilla/mux@v1.8.1"),
        ("go-mod/github.com/gorilla", True, None),
        ("go-mod/cache/download/a.org/b/@v/v1.0.0.zip", False, "go-mod/cache/download/a.org/b/@v/v1.0.0.zip"),
        ("go-mod/cache/download/a.org/b/@v", True, None),
        ("go-mod/cache/vcs/0123/HEAD", False, "go-mod/cache/vcs/0123"),
        ("go-build/0f/0f1e-d", False, "go-build/0f/0f1e-d"),
        ("go-build/0f", True, None),
        ("known_hosts", False, None),
        ("tools/bun@1.2/node_modules/.bin/bun", False, "tools/bun@1.2"),
        ("maven/repository/org/acme/shop/1.0/shop-1.0.jar", False, "maven/repository/org/acme/shop/1.0"),
        ("maven/repository/org/acme/shop/maven-metadata-central.xml", False, None),
        ("maven/repository/org/acme/shop/1.0", True, None),
        ("maven/wrapper/dists/apache-maven-3.9.6/ab/bin/mvn", False, "maven/wrapper/dists/apache-maven-3.9.6"),
        (
            "gradle/caches/modules-2/files-2.1/org.acme/shop/1.0/ab/shop-1.0.jar",
            False,
            "gradle/caches/modules-2/files-2.1/org.acme/shop/1.0",
        ),
        ("gradle/wrapper/dists/gradle-8.5-bin/ab/lib/x.jar", False, "gradle/wrapper/dists/gradle-8.5-bin"),
        ("gradle/caches/8.5/kotlin-dsl/x", False, None),
        ("nuget/newtonsoft.json/13.0.3/lib/x.dll", False, "nuget/newtonsoft.json/13.0.3"),
        ("composer/files/acme/shop/x.zip", False, "composer/files/acme/shop/x.zip"),
    ],
)
def test_what_is_a_piece(path: str, is_directory: bool, piece: str | None) -> None:
    assert piece_of(path, is_directory) == piece


async def test_what_a_release_is_started_with_stays_whatever_the_budget(tmp_path: Path) -> None:
    needed = file(tmp_path / "tools/bun@1.2/node_modules/.bin/bun", 50, used=1).parent
    beside = file(tmp_path / "tools/bun@1.1/node_modules/.bin/bun", 50, used=1000)
    file(tmp_path / "npm/_cacache/x", 50, used=2000)
    await caches_of(tmp_path).trim(0, ["/usr/bin", str(needed)])
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]
    assert needed.exists() and not beside.exists()


async def test_a_cache_is_trimmed_to_its_budget(tmp_path: Path) -> None:
    old = file(tmp_path / "pip/http/old", 200, used=1000)
    new = file(tmp_path / "pip/http/new", 200, used=3000)
    archive = file(tmp_path / "uv/archive-v0/one/lib/module.py", 200, used=2000).parents[1]
    host = file(tmp_path / "known_hosts", 4, used=1)
    (tmp_path / ".removing-0123").mkdir()
    caches = caches_of(tmp_path)
    assert await caches.trim(10_000 * KB) == 0
    assert not (tmp_path / ".removing-0123").exists()
    assert await caches.trim(450 * KB) >= 200 * KB
    assert (old.exists(), archive.exists(), new.exists()) == (False, True, True)
    await caches.trim(250 * KB)
    assert (archive.exists(), new.exists()) == (False, True)
    await caches.trim(0)
    assert [path.name for path in tmp_path.iterdir()] == [host.name]


async def test_links_in_a_cache_lead_nowhere(tmp_path: Path) -> None:
    outside = file(tmp_path / "outside/precious", 100, used=1).parent
    cache = tmp_path / "cache"
    (cache / "pip").mkdir(parents=True)
    (cache / "npm").symlink_to(outside)
    (cache / "pip/link").symlink_to(outside)
    (cache / "uv/archive-v0").mkdir(parents=True)
    (cache / "uv/archive-v0/one").symlink_to(outside)
    file(cache / "pip/file", 500, used=5)
    await caches_of(cache).trim(0)
    assert (outside / "precious").exists()
    assert [path.name for path in cache.iterdir()] == ["npm"]
    (tmp_path / "elsewhere").symlink_to(outside)
    assert await caches_of(tmp_path / "elsewhere").trim(0) == 0
    assert (outside / "precious").exists()


async def test_a_folder_that_is_exchanged_for_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the removal, as its owner may."""
    outside = file(tmp_path / "outside/file", 100, used=1).parent
    cache = tmp_path / "cache"
    file(cache / "pip/http/file", 500, used=5)

    def exchange(contents: Contents, budget_bytes: int) -> list[Piece]:
        (cache / "pip/http").rename(cache / "pip/aside")
        (cache / "pip/http").symlink_to(outside)
        return surplus(contents, budget_bytes)

    monkeypatch.setattr("supervisor.deploy.caches.surplus", exchange)
    await caches_of(cache).trim(0)
    assert (outside / "file").exists()
    assert list(cache.iterdir()) == []


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory that is deeper than a recursion goes, and a path is long."""
    top = tmp_path / "go"
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("go", dir_fd=here)
            here, above = os.open("go", os.O_RDONLY, dir_fd=here), here
            os.close(above)
        yield top
    finally:
        os.close(here)
        subprocess.run(["rm", "-rf", *map(str, tmp_path.iterdir())], check=True)


async def test_what_cannot_be_removed_keeps_nothing_else(tmp_path: Path, deep: Path) -> None:
    file(tmp_path / "pip/file", 500, used=5)
    assert disk.occupied(tmp_path).inodes > 1000
    await caches_of(tmp_path).trim(0)
    assert not (tmp_path / "pip").exists()


async def test_a_removal_that_is_given_up_is_over_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a folder; whoever pauses it waits for its thread, and the rest goes the next time."""
    for number in range(5):
        file(tmp_path / f"go/{number}", 1, used=1)
    begun, goes_on, removed = threading.Event(), threading.Event(), []
    unlink = os.unlink

    def slowly(name: str, dir_fd: int) -> None:
        begun.set()
        assert goes_on.wait(10)
        unlink(name, dir_fd=dir_fd)
        removed.append(name)

    monkeypatch.setattr("supervisor.deploy.caches.os.unlink", slowly)
    caches = caches_of(tmp_path)
    trimming = asyncio.create_task(caches.trim(0))
    assert await asyncio.to_thread(begun.wait, 10)
    trimming.cancel()
    pausing = asyncio.create_task(caches.pause())
    assert not (await asyncio.wait({trimming, pausing}, timeout=0.1))[0]
    goes_on.set()
    await pausing
    assert trimming.cancelled()
    assert len(removed) == 1
    await caches.trim(0)
    assert list(tmp_path.iterdir()) == []


async def test_snapshots_go_with_the_caches_the_least_recently_used_first(tmp_path: Path) -> None:
    used = file(tmp_path / "snapshots/used.pack", 200, used=1000)
    old = file(tmp_path / "snapshots/old.pack", 200, used=2000)
    download = file(tmp_path / "cache/pip/http/file", 200, used=3000)
    snapshots = Snapshots(tmp_path / "snapshots")
    fd = snapshots.open("used")
    assert fd is not None
    caches = Caches(tmp_path / "cache", snapshots)
    assert await caches.trim(450 * KB) >= 200 * KB
    assert (used.exists(), old.exists(), download.exists()) == (True, False, True)
    await caches.trim(0)
    assert not used.exists()
    assert len(os.pread(fd, 300 * KB, 0)) == 200 * KB, "who restores it goes on"
    close(fd)
