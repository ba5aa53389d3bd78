"""Restoring dependencies instead of installing them: real files, real programs of ours, under real shims."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from supervisor import settings
from supervisor.deploy.attempt import Attempt, StageFailed
from supervisor.deploy.buildlog import BuildLog
from supervisor.deploy.context import Context
from supervisor.deploy.dependencies import Dependencies, Install
from supervisor.deploy.toolchain import Step, Toolchain
from supervisor.layout import Layout
from supervisor.model import Command, Commit, LogPolicy, Plan, Release
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner

PLAN = Plan(
    "node",
    runtime="node",
    install="mkdir -p node_modules/a/lib && echo one > node_modules/a/lib/index.js",
    start="true",
    inputs=("package.json", "package-lock.json"),
    dependencies=("node_modules",),
)
TOOLCHAIN = Toolchain(notes=("using node 20.0.0",))


@dataclass
class Told:
    """What an attempt is told, without the rest of one."""

    warnings: list[str] = field(default_factory=list)
    dependencies: str | None = None

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class House:
    """An ORBIT_HOME in which releases are made, each with a lockfile of its own."""

    def __init__(self, home: Path, spawner: Spawner, **variables: str) -> None:
        self.layout = Layout(home)
        self.runner = CommandRunner(spawner)
        self.variables = variables
        for directory in (self.layout.releases, self.layout.snapshots, self.layout.build_logs):
            directory.mkdir(parents=True, exist_ok=True)
        self.installs = 0
        self.made = 0

    @property
    def context(self) -> Context:
        chosen = settings.load(
            {
                "GIT_REPO_URL": "/tmp/x",
                "APP_PORT": "1",
                "ORBIT_HOME": str(self.layout.home),
                "DISK_RESERVE": "0",
                **self.variables,
            }
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(self.layout.home), **self.variables}
        return Context(chosen, self.layout, self.runner, None, env, str)

    def release(self, plan: Plan = PLAN, project: str = ".", **files: str) -> Release:
        self.made += 1
        directory = self.layout.releases / f"{self.made:03d}-{'a' * 40}"
        content = {"package.json": "{}", "package-lock.json": "{}", "index.js": str(self.made), **files}
        for name, text in content.items():
            path = directory / project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        commit = Commit("a" * 40, "", "", datetime.now(UTC))
        return Release(self.made, commit, directory, directory / project, plan, datetime.now(UTC), 0.0)

    async def provide(self, release: Release, toolchain: Toolchain = TOOLCHAIN) -> Told:
        """What the deployment was told; `installs` counts those that were made."""
        told = Told()
        log = BuildLog(self.layout, release.id, release.commit, str, LogPolicy())

        async def run(line: str) -> None:
            self.installs += line == release.plan.install
            argv = ("bash", "-c", line)
            ended = await self.runner.run(Command(argv, release.project, self.context.base_env, 30.0, log=log.path))
            if not ended.ok:
                raise StageFailed(f"`{line}` failed", ended)

        async def prepare() -> None:
            for step in toolchain.steps:
                ended = await self.runner.run(Command(step.argv, release.project, self.context.base_env, 30.0))
                assert ended.ok, ended

        install = Install(cast(Attempt, told), release, toolchain, log, prepare, run)
        await Dependencies(self.context).provide(install)
        return told

    @property
    def packs(self) -> list[Path]:
        return sorted(self.layout.snapshots.glob("*.pack"))


@pytest.fixture
def house(tmp_path: Path, spawner: Spawner) -> House:
    return House(tmp_path / "home", spawner)


def tree(directory: Path) -> dict[str, Any]:
    """All that is below a directory: kinds, modes, times, contents."""
    found: dict[str, Any] = {}
    for path in sorted(directory.rglob("*")):
        name, facts = str(path.relative_to(directory)), path.lstat()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = oct(facts.st_mode)
        else:
            found[name] = (oct(facts.st_mode), facts.st_mtime_ns, path.read_bytes())
    return found


RICH = """
mkdir -p node_modules/.bin node_modules/a/empty node_modules/b 'node_modules/with space' vendor/bundle
echo one > node_modules/a/index.js; touch -d '2001-02-03 04:05:06.789' node_modules/a/index.js
printf '#!/bin/sh\\n' > node_modules/a/run; chmod 755 node_modules/a/run; chmod 700 node_modules/b
ln -s ../a/run node_modules/.bin/run; ln -s ../../.. node_modules/b/out; ln -s /nowhere node_modules/b/nowhere
ln node_modules/a/index.js node_modules/b/linked.js
printf 'a\\377' > "$(printf 'node_modules/\\303\\050 name')"; : > 'node_modules/with space/nothing'
head -c 3000000 /dev/urandom > node_modules/large.node; chmod 664 node_modules/large.node
for i in $(seq 300); do echo $i > node_modules/b/$i.js; done; echo gem > vendor/bundle/gem
echo pnp > .pnp.cjs
"""


RICH_PLAN = replace(PLAN, install=RICH, dependencies=("node_modules", "vendor/bundle", ".pnp.cjs", "absent"))


async def test_an_unchanged_lockfile_restores_the_very_same_files(house: House) -> None:
    plan = RICH_PLAN
    first, second = house.release(plan), house.release(plan)
    assert "there is no snapshot yet" in str((await house.provide(first)).dependencies)
    told = await house.provide(second)
    assert told.warnings == []
    assert "restored from a snapshot" in str(told.dependencies)
    assert house.installs == 1
    for part in ("node_modules", "vendor"):
        assert tree(second.directory / part) == tree(first.directory / part)
    assert (second.directory / ".pnp.cjs").read_text() == "pnp\n"
    assert "restored" in (house.layout.build_logs / f"{second.id}.log").read_text()
    inodes = [{path.stat().st_ino for path in (r.directory / "node_modules/b").glob("*.js")} for r in (first, second)]
    assert not inodes[0] & inodes[1], "nothing is shared"


async def test_a_build_that_rewrites_all_in_place_changes_neither_snapshot_nor_another_release(house: House) -> None:
    plan = RICH_PLAN
    live, building, later = house.release(plan), house.release(plan), house.release(plan)
    await house.provide(live)
    before, pack = tree(live.directory), house.packs[0].read_bytes()
    await house.provide(building)
    for path in (building.directory / "node_modules").rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(b"rewritten in place")
            path.chmod(0o777)
            os.utime(path, (1, 1))
    assert tree(live.directory) == before
    assert house.packs[0].read_bytes() == pack
    await house.provide(later)
    assert house.installs == 1
    assert tree(later.directory / "node_modules") == tree(live.directory / "node_modules")


@pytest.mark.parametrize("inputs", [PLAN.inputs, ()])
async def test_hard_links_to_a_cache_become_the_releases_own(house: House, inputs: tuple[str, ...]) -> None:
    (house.layout.home / "cached.js").write_text("cached")
    (house.layout.home / "cached.js").chmod(0o755)
    os.utime(house.layout.home / "cached.js", (1000, 1000))
    plan = replace(PLAN, install="mkdir node_modules; ln ~/cached.js node_modules/linked.js", inputs=inputs)
    release = house.release(plan)
    assert (await house.provide(release)).warnings == []
    linked = release.directory / "node_modules/linked.js"
    assert (linked.stat().st_nlink, linked.stat().st_mode & 0o777, linked.stat().st_mtime) == (1, 0o755, 1000)
    linked.write_text("rewritten in place")
    assert (house.layout.home / "cached.js").read_text() == "cached"
    assert [path.name for path in linked.parent.iterdir()] == ["linked.js"]


CHANGES: dict[str, Callable[[House, Plan], tuple[Plan, dict[str, Any]]]] = {
    "package-lock.json": lambda house, plan: (plan, {"package-lock.json": "{ }"}),
    "package.json": lambda house, plan: (plan, {"package.json": '{"dependencies": {}}'}),
    "the install command": lambda house, plan: (replace(plan, install=f"{plan.install} "), {}),
    "the runtime": lambda house, plan: (plan, {"toolchain": Toolchain(notes=("using node 22.0.0",))}),
    "PROJECT_PATH": lambda house, plan: (plan, {"project": "web"}),
    "what is installed": lambda house, plan: (replace(plan, dependencies=(*plan.dependencies, ".pnp.cjs")), {}),
    "npm_config_omit": lambda house, plan: (house.variables.update(npm_config_omit="dev") or plan, {}),
    "NODE_ENV": lambda house, plan: (house.variables.update(NODE_ENV="test") or plan, {}),
    ".npmrc": lambda house, plan: (plan, {".npmrc": "omit=dev"}),
    "prisma": lambda house, plan: (plan, {"prisma/schema.prisma": "model User {}"}),
    "patches": lambda house, plan: (plan, {"patches/a.patch": "--- a"}),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_what_decides_about_an_install_makes_another_snapshot(house: House, name: str) -> None:
    await house.provide(house.release())
    plan, facts = CHANGES[name](house, PLAN)
    toolchain = facts.pop("toolchain", TOOLCHAIN)
    told = await house.provide(house.release(plan, **facts), toolchain)
    assert house.installs == 2
    assert f"{name}" in str(told.dependencies)
    assert "changed" in str(told.dependencies)


async def test_what_does_not_decide_changes_nothing(house: House) -> None:
    await house.provide(house.release())
    house.variables |= {"DATABASE_URL": "postgres://x", "PORT_OF_SOMETHING": "1"}
    told = await house.provide(house.release(**{"README.md": "new", "src/index.js": "new"}))
    assert house.installs == 1
    assert "restored" in str(told.dependencies)


async def test_force_install_installs_and_takes_a_new_snapshot(house: House) -> None:
    await house.provide(house.release())
    before = house.packs[0].stat().st_ino
    house.variables["FORCE_INSTALL"] = "true"
    told = await house.provide(house.release())
    assert house.installs == 2
    assert "FORCE_INSTALL" in str(told.dependencies)
    assert [path.stat().st_ino for path in house.packs] != [before]


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(at: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(len(data) * at)] ^= 0x10
        path.write_bytes(data)

    return flip


DAMAGES = {
    "cut off": _cut,
    "empty": lambda path: os.truncate(path, 0),
    "in a large file": _flip(0.5),
    "in a small file": _flip(0.001),
    "in the index": _flip(0.9995),
    "something else": lambda path: path.write_text("no snapshot at all, but a long text\n" * 100),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_snapshot_is_noticed_and_thrown_away(house: House, damage: str) -> None:
    plan = RICH_PLAN
    first = house.release(plan)
    await house.provide(first)
    DAMAGES[damage](house.packs[0])
    second, third = house.release(plan), house.release(plan)
    told = await house.provide(second)
    assert len(told.warnings) == 1
    assert house.installs == 2
    assert (second.directory / "node_modules/a/index.js").read_text() == "one\n"
    assert "restored" in str((await house.provide(third)).dependencies)
    assert house.installs == 2


NEST = "import os\nfor n in range(3000): os.mkdir('d'); os.chdir('d')"
HOSTILE = {
    "a FIFO": "mkfifo node_modules/fifo",
    "a socket": f"{sys.executable} -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"node_modules/s\")'",
    "an unreadable file": "mkdir node_modules/x && echo > node_modules/x/f && chmod 0 node_modules/x/f",
    "a tree without end": f'cd node_modules && {sys.executable} -c "{NEST}"',
    "a file without end": "truncate -s 8T node_modules/large",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_dependencies_make_no_snapshot_and_no_harm(house: House, name: str) -> None:
    if name == "an unreadable file" and os.getuid() == 0:
        pytest.skip("root reads everything")
    plan = replace(PLAN, install=f"mkdir node_modules && {HOSTILE[name]}")
    told = await house.provide(house.release(plan))
    assert house.packs == []
    assert os.listdir(house.layout.snapshots) == []
    assert told.dependencies
    subprocess.run(["rm", "-rf", house.layout.releases], check=True)


async def test_links_that_lead_out_are_links_and_nothing_behind_them_is_kept(house: House, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("here")
    plan = replace(PLAN, install=f"mkdir node_modules && ln -s {tmp_path}/outside node_modules/out")
    await house.provide(house.release(plan))
    assert b"here" not in house.packs[0].read_bytes()
    second = house.release(plan)
    await house.provide(second)
    assert os.readlink(second.directory / "node_modules/out") == f"{tmp_path}/outside"


async def test_dependencies_that_are_a_link_of_the_repository_are_installed(house: House, tmp_path: Path) -> None:
    await house.provide(house.release())
    (tmp_path / "elsewhere").mkdir()
    release = house.release()
    (release.directory / "node_modules").symlink_to(tmp_path / "elsewhere")
    told = await house.provide(release)
    assert house.installs == 2
    assert "a part of the repository" in str(told.dependencies)


async def test_an_install_that_writes_elsewhere_too_is_never_left_out(house: House) -> None:
    plan = replace(PLAN, install=f"{PLAN.install}; mkdir dist; echo built > dist/index.html")
    for _ in range(2):
        release = house.release(plan)
        await house.provide(release)
        assert (release.directory / "dist/index.html").exists()
    assert house.installs == 2
    assert "also wrote to dist" in (house.layout.build_logs / f"{release.id}.log").read_text()


async def test_what_comes_after_a_restore_makes_the_rest(house: House) -> None:
    builds = "mkdir -p dist && cp index.js dist/"
    plan = replace(PLAN, install=f"{PLAN.install}; {builds}", after_restore=builds)
    first, second, third = house.release(plan), house.release(plan), house.release(plan)
    await house.provide(first)
    await house.provide(second)
    assert house.installs == 1
    assert (second.directory / "dist/index.js").read_text() == "2"
    (third.directory / "index.js").unlink()
    with pytest.raises(StageFailed):  # as an install would have failed
        await house.provide(third)
    assert house.installs == 2


async def test_what_comes_after_a_restore_and_does_not_make_the_rest_means_an_install(house: House) -> None:
    plan = replace(PLAN, install=f"{PLAN.install}; mkdir dist; echo > dist/x", after_restore="true")
    await house.provide(house.release(plan))
    release = house.release(plan)
    told = await house.provide(release)
    assert house.installs == 2
    assert (release.directory / "dist/x").exists()
    assert len(told.warnings) == 1


async def test_paths_of_the_release_lead_to_the_new_one(house: House) -> None:
    install = (
        "mkdir -p .venv/bin; printf '#!%s/.venv/bin/python\\n' \"$PWD\" > .venv/bin/tool; chmod +x .venv/bin/tool; "
        'ln -s "$PWD/src" .venv/src; { head -c 2000000 /dev/zero; echo "$PWD/src"; } > .venv/big; echo "$PWD" > .venv/x'
    )
    plan = replace(PLAN, install=install, dependencies=(".venv",))
    first, second = house.release(plan), house.release(plan)
    await house.provide(first)
    await house.provide(second)
    assert house.installs == 1
    assert (second.directory / ".venv/bin/tool").read_text() == f"#!{second.directory}/.venv/bin/python\n"
    assert os.readlink(second.directory / ".venv/src") == f"{second.directory}/src"
    for name in ("big", "x"):
        content = (second.directory / ".venv" / name).read_bytes()
        assert os.fsencode(second.directory) in content
        assert os.fsencode(first.directory) not in content


async def test_a_virtualenv_is_not_made_where_it_is_restored(house: House) -> None:
    plan = replace(PLAN, install="echo > .venv/installed", dependencies=(".venv",))
    step = Step("making it", ("sh", "-c", "mkdir .venv && echo >> ../made"), ".venv")
    toolchain = replace(TOOLCHAIN, steps=(step,))
    for _ in range(3):
        await house.provide(house.release(plan), toolchain)
    assert (house.installs, (house.layout.releases / "made").read_text()) == (1, "\n")


async def test_a_copy_of_the_source_among_the_dependencies_is_not_kept(house: House) -> None:
    info = ".venv/lib/own-1.0.dist-info"
    install = f'mkdir -p {info}; echo "{{\\"url\\": \\"file://$PWD\\", \\"dir_info\\": {{}}}}" > {info}/direct_url.json'
    plan = replace(PLAN, install=install, dependencies=(".venv",))
    await house.provide(house.release(plan))
    assert house.packs == []
    editable = install.replace("{}}", '{\\"editable\\": true}}')
    await house.provide(house.release(replace(plan, install=editable)))
    assert len(house.packs) == 1


async def test_a_cancelled_restore_leaves_no_process_and_the_snapshot_whole(house: House) -> None:
    plan = RICH_PLAN
    await house.provide(house.release(plan))
    pack = house.packs[0].read_bytes()
    restoring = asyncio.create_task(house.provide(house.release(plan)))
    await asyncio.sleep(0.01)
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert house.packs[0].read_bytes() == pack
    assert "restored" in str((await house.provide(house.release(plan))).dependencies)


async def test_a_cancelled_snapshot_leaves_nothing(house: House) -> None:
    plan = RICH_PLAN
    release = house.release(plan)
    work = asyncio.create_task(house.provide(release))
    while not os.listdir(house.layout.snapshots):
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert os.listdir(house.layout.snapshots) == []


async def test_too_little_room_for_a_snapshot_fails_nothing(house: House) -> None:
    house.variables["CACHE_BUDGET"] = "1M"
    told = await house.provide(house.release(RICH_PLAN))
    assert (told.warnings, house.packs) == ([], [])
    shutil.rmtree(house.layout.snapshots)
    told = await house.provide(house.release())
    assert len(told.warnings) == 1


async def test_downloads_outside_that_are_gone_are_made_again(house: House) -> None:
    plan = replace(PLAN, install=f"{PLAN.install}; mkdir -p ~/.cache/puppeteer")
    await house.provide(house.release(plan))
    await house.provide(house.release(plan))
    assert house.installs == 1
    (house.layout.home / ".cache/puppeteer").rmdir()
    await house.provide(house.release(plan))
    assert house.installs == 2
    assert (house.layout.home / ".cache/puppeteer").is_dir()


async def test_an_environment_that_the_repository_carries_is_made_anew_each_time_without_a_warning(
    house: House,
) -> None:
    plan = replace(PLAN, dependencies=(".venv",), install="echo one > .venv/installed")
    made = replace(TOOLCHAIN, steps=(Step("making", ("sh", "-c", "rm -rf .venv && mkdir .venv"), ".venv"),))
    for count in (1, 2):
        release = house.release(plan, **{".venv/old": "theirs"})
        told = await house.provide(release, made)
        assert (told.warnings, house.installs) == ([], count)
        assert os.listdir(release.directory / ".venv") == ["installed"]
        assert ".venv is a part of the repository" in str(told.dependencies)


async def test_dependencies_that_stay_in_a_cache_are_told_of_as_such(house: House) -> None:
    plan = replace(PLAN, inputs=("package-lock.json",), dependencies=(), install="true")
    assert "stay in the package manager's cache" in str((await house.provide(house.release(plan))).dependencies)
    assert (house.installs, house.packs) == (1, [])
