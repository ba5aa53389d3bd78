"""Finding Go and Rust: what projects write, what the programs print, and where they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import RuntimeMissing
from supervisor.model import Plan
from supervisor.runtimes import go, rust
from tests.unit.test_runtimes import Machine, _only_at_home

GOS = ("1.18.10", "1.21.0", "1.21.5", "1.22.4", "1.24rc1")
RUSTS = ("1.70.0", "1.75.0", "1.75.1", "1.80.0", "1.81.0-beta", "1.82.0-nightly-2024-07-30")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for kind in (go, rust):
        monkeypatch.setattr(kind, "elsewhere", _only_at_home(kind.elsewhere))
    return Machine(tmp_path)


def given(kind: object, versions: tuple[str, ...], wanted: str) -> list[str]:
    requirement = kind.requirement(wanted)  # type: ignore[attr-defined]
    assert requirement is not None
    found = [version for version in versions if requirement.fits(version)]
    return found or [f"nearly {version}" for version in versions if requirement.nearly and requirement.nearly(version)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1.21", ["1.21.0", "1.21.5"]),
        ("1.21.x", ["1.21.0", "1.21.5"]),
        ("go1.21.5", ["1.21.5"]),
        ("1.22.1", ["nearly 1.22.4", "nearly 1.24rc1"]),
        ("1.23", ["nearly 1.24rc1"]),
        ("1.24rc1", ["1.24rc1"]),
        (">=1.21", ["1.21.0", "1.21.5", "1.22.4", "1.24rc1"]),
        (">=1.21.1", ["1.21.5", "1.22.4", "1.24rc1"]),
        ("^1.21.1", ["1.21.5", "1.22.4"]),
        ("~1.21.0", ["1.21.0", "1.21.5"]),
        (">=1.18 <1.22", ["1.18.10", "1.21.0", "1.21.5"]),
        ("latest", list(GOS)),
    ],
)
def test_go_constraints(wanted: str, found: list[str]) -> None:
    assert given(go, GOS, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("stable", ["1.70.0", "1.75.0", "1.75.1", "1.80.0"]),
        ("stable-x86_64-unknown-linux-gnu", ["1.70.0", "1.75.0", "1.75.1", "1.80.0"]),
        ("beta", ["1.81.0-beta"]),
        ("nightly", ["1.82.0-nightly-2024-07-30"]),
        ("nightly-2024-07-30", ["1.82.0-nightly-2024-07-30"]),
        ("nightly-2024-07-30-aarch64-unknown-linux-gnu", ["1.82.0-nightly-2024-07-30"]),
        ("nightly-2023-01-01", []),
        ("1.75", ["1.75.0", "1.75.1"]),
        ("1.75.1", ["1.75.1"]),
        ("1.75.2", ["nearly 1.80.0"]),
        (">=1.75.1", ["1.75.1", "1.80.0"]),
        ("^1.76", ["1.80.0"]),
    ],
)
def test_rust_constraints(wanted: str, found: list[str]) -> None:
    assert given(rust, RUSTS, wanted) == found


@pytest.mark.parametrize("text", ["", "tip", "./toolchain", "nightly-yesterday", "1.2.3.4", "one"])
def test_what_is_no_version_is_not_understood(text: str) -> None:
    assert rust.requirement(text) is None or text == ""
    assert go.requirement(text) is None or text == ""


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("go version go1.22.4 linux/amd64", "1.22.4"),
        ("go version go1.20 linux/amd64", "1.20.0"),
        ("go version go1.24rc1 linux/arm64", "1.24rc1"),
        ("go version devel +a1b2c3 linux/amd64", None),
        ("go: unknown command", None),
    ],
)
def test_what_go_prints(output: str, version: str | None) -> None:
    assert go.version(output) == version


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("rustc 1.75.0 (82e1608df 2023-12-21)", "1.75.0"),
        ("rustc 1.63.0", "1.63.0"),
        ("rustc 1.77.0-nightly (e51e98dde 2023-12-31)", "1.77.0-nightly-2024-01-01"),
        ("rustc 1.76.0-beta.5 (f732c37b4 2024-01-10)", "1.76.0-beta-2024-01-11"),
        ("rustc 1.76.0-nightly (0000000 9999-12-31)", "1.76.0-nightly"),
        ("error: toolchain 'stable' is not installed", None),
    ],
)
def test_what_rustc_prints(output: str, version: str | None) -> None:
    assert rust.version(output) == version


async def test_the_lowest_version_that_will_do_is_met_by_every_later_one(machine: Machine) -> None:
    first = machine.install("bin/go", "go version go1.24.1 linux/amd64")
    plan = Plan("go", runtime="go", runtime_version="1.21.0", runtime_floor=True)
    found = await machine.system.find(plan, machine.environment)
    assert found is not None
    assert (found.version, found.executable, found.notes) == ("1.24.1", first, ())


async def test_go_that_is_too_old_is_named(machine: Machine) -> None:
    machine.install("bin/go", "go version go1.19.8 linux/amd64")
    note = "go 1.22, from go.mod"
    plan = Plan("go", runtime="go", runtime_version="1.22", runtime_floor=True, notes=(note,))
    with pytest.raises(RuntimeMissing, match=r"cannot provide go 1\.22 \(go\.mod\): this system has 1\.19\.8"):
        await machine.system.find(plan, machine.environment)


@pytest.mark.parametrize(
    "place", ["go/bin", "sdk/go1.22.4/bin", ".goenv/versions/1.22.4/bin", ".local/share/mise/installs/go/1.22.4/bin"]
)
async def test_go_is_found_where_people_install_it(machine: Machine, place: str) -> None:
    machine.install("bin/go", "go version go1.19.8 linux/amd64")
    there = machine.install(f"{place}/go", "go version go1.22.4 linux/amd64")
    assert (await machine.find("go", "1.22")).bin_dir == there.parent


async def test_a_proxy_of_rustup_stands_for_its_toolchain(machine: Machine) -> None:
    machine.install("bin/rustup", "rustup 1.27.1")
    (machine.home / "bin/rustc").symlink_to("rustup")
    (machine.home / "bin/rustup").write_text("#!/bin/sh\necho 'rustc 1.80.0 (051478957 2024-07-21)'\n")
    toolchain = machine.install(".rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc", "rustc 1.80.0")
    settings = 'version = "12"\ndefault_toolchain = "stable-x86_64-unknown-linux-gnu"\n'
    (machine.home / ".rustup/settings.toml").write_text(settings)
    assert (await machine.find("rust", "stable")).bin_dir == toolchain.parent


async def test_another_toolchain_of_rustup_is_found_by_its_version(machine: Machine) -> None:
    machine.install("bin/rustc", "rustc 1.80.0")
    older = machine.install(".rustup/toolchains/1.75.0-x86_64-unknown-linux-gnu/bin/rustc", "rustc 1.75.0")
    found = await machine.find("rust", "1.75")
    assert (found.version, found.bin_dir) == ("1.75.0", older.parent)


@pytest.mark.parametrize("settings", [None, 'default_toolchain = "../../evil"\n', 'default_toolchain = "gone"\n'])
async def test_a_proxy_whose_toolchain_is_not_known_is_taken_as_it_is(machine: Machine, settings: str | None) -> None:
    proxy = machine.install("bin/rustc", "rustc 1.80.0")
    machine.install("bin/rustup", "rustup 1.27.1")
    if settings is not None:
        (machine.home / ".rustup").mkdir()
        (machine.home / ".rustup/settings.toml").write_text(settings)
    assert (await machine.find("rust", "1.80")).executable == proxy
