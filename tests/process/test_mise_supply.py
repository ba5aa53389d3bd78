"""Where mise comes from if PATH has none: npm's registry, and a server that is like the one of its releases."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.model import Runner
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner
from supervisor.runtimes import Console, Shelf, Supply
from supervisor.runtimes import supply as supplies
from supervisor.runtimes.mise import MiseFailed

PROGRAM = f"#!/bin/sh\necho {supplies.VERSION} linux-x64\n".encode()
NAME = f"mise-v{supplies.VERSION}-linux-x64"


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of the releases, and their folder."""
    folder = tmp_path / "releases"
    place = folder / f"v{supplies.VERSION}"
    place.mkdir(parents=True)
    (place / NAME).write_bytes(PROGRAM)
    (place / "SHASUMS256.txt").write_text(f"{'0' * 64}  ./other\n{hashlib.sha256(PROGRAM).hexdigest()}  ./{NAME}\n")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words: object) -> None:
            super().__init__(*words, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", place
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def runner(spawner: Spawner) -> Runner:
    return CommandRunner(spawner)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A PATH without npm and mise."""
    monkeypatch.setattr(supplies.os, "uname", lambda: type("Facts", (), {"machine": "x86_64"}))
    monkeypatch.setattr(supplies, "SHA256", {"linux-x64": hashlib.sha256(PROGRAM).hexdigest()})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}


def make(runner: Runner, tmp_path: Path, address: str) -> Supply:
    (tmp_path / "runtimes").mkdir(exist_ok=True)
    return Supply(runner, Shelf(tmp_path / "runtimes"), tmp_path / "cache", None, address)


async def test_it_is_downloaded_with_its_checksum_and_kept(
    runner: Runner, tmp_path: Path, releases: tuple[str, Path], environment: dict[str, str]
) -> None:
    address, place = releases
    program = await make(runner, tmp_path, address).program(environment, Console())
    assert program.read_bytes() == PROGRAM
    (place / NAME).unlink()
    assert await make(runner, tmp_path, address).program(environment, Console()) == program


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda place: (place / NAME).write_bytes(PROGRAM + b"#"), "was published"),
        (lambda place: (place / "SHASUMS256.txt").write_text("nothing\n"), f"{NAME} is not in SHASUMS256.txt"),
        (lambda place: (place / "SHASUMS256.txt").unlink(), "File not found"),
    ],
)
async def test_what_does_not_fit_its_checksum_counts_for_nothing(
    runner: Runner, tmp_path: Path, releases: tuple[str, Path], environment: dict[str, str], spoil, says: str
) -> None:
    spoil(releases[1])
    supply = make(runner, tmp_path, releases[0])
    with pytest.raises(MiseFailed, match=says):
        await supply.program(environment, Console())
    assert list((tmp_path / "runtimes").iterdir()) == []


async def test_program_that_is_not_the_one_we_know_counts_for_nothing(
    runner: Runner,
    tmp_path: Path,
    releases: tuple[str, Path],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server was taken over, say, and publishes checksums of its own."""
    monkeypatch.setattr(supplies, "SHA256", {"linux-x64": "0" * 64})
    with pytest.raises(MiseFailed, match="is not mise"):
        await make(runner, tmp_path, releases[0]).program(environment, Console())
    assert Shelf(tmp_path / "runtimes").all() == []


async def test_an_old_one_on_path_is_passed_over(
    runner: Runner, tmp_path: Path, releases: tuple[str, Path], environment: dict[str, str]
) -> None:
    own = tmp_path / "bin/mise"
    own.write_text("#!/bin/sh\necho 2024.1.0 linux-x64\n")
    own.chmod(0o755)
    assert await make(runner, tmp_path, releases[0]).program(environment, Console()) != own
    own.write_text("#!/bin/sh\necho 2025.6.1 linux-x64\n")
    assert await make(runner, tmp_path, releases[0]).program(environment, Console()) == own
