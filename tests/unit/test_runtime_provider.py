"""Which runtime is installed, and how mise is asked for it. A script stands in for mise: it has lists of versions, and
installs programs that print theirs."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervisor.deploy.context import Context
from supervisor.deploy.toolchain import Toolchains
from supervisor.errors import RuntimeMissing
from supervisor.layout import Layout
from supervisor.model import Command, Commit, Exit, Need, Plan, Release
from supervisor.runtimes import Console, Mise, NodeRegistry, Provider, Runtime, Shelf, Supply, System
from supervisor.runtimes.shelf import superfluous
from supervisor.settings import load

STAND_IN = r"""#!/bin/sh
here=$(dirname "$0")
tool=${2%@*} version=${2#*@}
case $1 in
--version) echo "2026.9.15 linux-x64 (2026-09-27)" ;;
ls-remote)
    env > "$here/environment"
    echo "$2" >> "$here/asked"
    cat "$here/$2" && exit
    printf 'mise WARN  again\nmise ERROR tcp connect error: refused\nmise ERROR Version: 1\n' >&2
    exit 1 ;;
install)
    place=$MISE_DATA_DIR/installs/$tool/$version/bin
    if [ "$tool" = rust ]; then place=$MISE_RUSTUP_HOME/toolchains/$version-x86_64-unknown-linux-gnu/bin; fi
    if [ "$tool" = dotnet ]; then place=$MISE_DATA_DIR/installs/$tool/$version; fi
    if [ "$tool" = maven ]; then place=$MISE_DATA_DIR/installs/$tool/$version; fi
    if [ "$tool" = hugo-extended ]; then place=$MISE_DATA_DIR/installs/$tool/$version; fi
    mkdir -p "$place"
    while read -r name text; do
        printf '#!/bin/sh\necho "%s"\n' "$(echo "$text" | sed "s/@/$version/")" > "$place/$name"
        chmod 755 "$place/$name"
    done < "$here/programs-$tool" ;;
bin-paths) echo "$MISE_DATA_DIR/installs/$tool/$version" ;;
esac
"""
NPM = r"""#!/bin/sh
if [ "$1" = view ]; then echo '["20.9.0", "22.9.0", "23.1.0"]'; exit; fi
version=
for word; do
    case $word in node-linux-*@*) package=${word%@*} version=${word#*@} ;; esac
done
mkdir -p "node_modules/$package/bin" node_modules/npm/bin
printf '#!/bin/sh\necho "v%s"\n' "$version" > "node_modules/$package/bin/node"
chmod 755 "node_modules/$package/bin/node"
"""
LISTS = {
    "node": "18.20.4 20.9.0 20.10.0 22.1.0 22.9.0 23.1.0 25.0.0-rc.1 25.0.0",
    "python": "3.10.2 3.11.4 3.11.9 3.12.0 3.12.7 3.13.1 3.14.0rc2 pypy3.10-7.3",
    "go": "1.20 1.21.0 1.22.5 1.24rc1 1.23.1",
    "java": "8.0.432+6 17.0.12+7 17.0.13+11 21.0.5+11.0.LTS zulu-21.1.0",
    "rust": "1.74.0 1.75.0",
    "hugo-extended": "0.120.0 0.121.1",
    "ruby": "2.7.8 3.2.2 3.3.6 3.4.0-preview1 jruby-9.4 truffleruby-24",
    "maven": "3.9.8 3.9.9 4.0.0-beta-5",
}
PROGRAMS = {
    "node": "node v@",
    "python": "python3 Python @",
    "go": "go go version go@ linux/amd64",
    "java": "javac javac @",
    "rust": "rustc rustc @ (abc 2024-01-01)",
    "hugo-extended": "hugo hugo v@+extended linux/amd64",
    "ruby": "ruby ruby @ (2024-01-01 revision 1) [x86_64-linux]",
    "maven": "mvn Apache Maven @ (abc)",
}


@dataclass
class Shell:
    """Runs commands directly."""

    async def run(self, command: Command) -> Exit:
        try:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return Exit(error=str(error))
        output, errors = await asyncio.wait_for(process.communicate(), command.timeout_s)
        return Exit(status=process.returncode, output=output, tail=errors.decode())


@dataclass
class Machine:
    """A home, a PATH with the stand-in and what the system needs, and nothing installed."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bin = self.home / "bin"
        self.bin.mkdir()
        (self.home / "runtimes").mkdir()
        (self.bin / "mise").write_text(STAND_IN)
        (self.bin / "mise").chmod(0o755)
        for tool, versions in LISTS.items():
            (self.bin / tool).write_text(versions.replace(" ", "\n") + "\n")
            (self.bin / f"programs-{tool}").write_text(PROGRAMS[tool] + "\n")
        for name in ("sh", "env", "dirname", "cat", "mkdir", "sed", "chmod", "rm", "printf", "echo", "ln"):
            (self.bin / name).symlink_to(f"/bin/{name}")
        self.shelf = Shelf(self.home / "runtimes")
        shell = Shell()
        cache = self.home / "cache"
        mise = Mise(shell, Supply(shell, self.shelf, cache, None).program, cache, None)
        self.provider = Provider(shell, System(shell), self.shelf, mise, NodeRegistry(shell, cache, None), None)

    def offline(self) -> None:
        for tool in LISTS:
            (self.bin / tool).unlink()

    def add(self, place: str, output: str) -> Path:
        path = self.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {output}\n")
        path.chmod(0o755)
        return path

    async def provide(self, runtime: str, version: str | None, *notes: str) -> Runtime:
        environment = {"PATH": str(self.bin), "HOME": str(self.home), **self.variables}
        manager = "npm" if runtime == "node" else None
        plan = Plan("x", runtime=runtime, runtime_version=version, package_manager=manager, notes=notes)
        found = await self.provider.provide(plan, environment, Console())
        assert found is not None
        return found

    @property
    def asked(self) -> int:
        path = self.bin / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    from supervisor.runtimes import system

    everywhere = system._programs
    monkeypatch.setattr(  # the machine that the tests run on has runtimes, too
        system,
        "_programs",
        lambda kind, environment: (path for path in everywhere(kind, environment) if path.is_relative_to(tmp_path)),
    )
    return Machine(tmp_path)


def context_of(machine: Machine) -> Context:
    settings = load({"GIT_REPO_URL": "/somewhere", "APP_PORT": "3000", "ORBIT_HOME": str(machine.home)})
    environment = {"PATH": str(machine.bin), "HOME": str(machine.home)}
    return Context(settings, Layout(machine.home), Shell(), None, environment, lambda text: text)


def draft_of(machine: Machine, plan: Plan) -> Release:
    commit = Commit("1" * 40, "x", "x", datetime.now(UTC))
    return Release(1, commit, machine.home, machine.home, plan, datetime.now(UTC), 0.0)


@pytest.mark.parametrize(
    ("runtime", "wanted", "given"),
    [
        ("node", None, "22.9.0"),  # the newest long-term version
        ("node", ">=18", "22.9.0"),
        ("node", "latest", "25.0.0"),
        ("node", "23", "23.1.0"),
        ("node", "^20", "20.10.0"),
        ("node", "20.9.0", "20.9.0"),
        ("node", "lts/hydrogen", "18.20.4"),
        ("python", None, "3.11.9"),
        ("python", ">=3.9", "3.11.9"),
        ("python", ">=3.12", "3.13.1"),
        ("python", "3", "3.13.1"),
        ("python", "3.12.3", "3.12.7"),  # was never built; the next of its line
        ("go", None, "1.23.1"),
        ("go", "1.20", "1.20.0"),
        ("java", None, "17.0.13"),
        ("java", "21", "21.0.5"),
        ("rust", "stable", "1.75.0"),
        ("hugo", "0.121.1", "0.121.1"),
        ("ruby", None, "3.3.6"),
        ("ruby", "~> 3.2.0", "3.2.2"),
        ("maven", None, "3.9.9"),
    ],
)
async def test_the_newest_that_fits_is_installed(
    machine: Machine, runtime: str, wanted: str | None, given: str
) -> None:
    found = await machine.provide(runtime, wanted)
    assert found.version == given
    assert found.bin_dir
    assert found.bin_dir.is_relative_to(machine.home / "runtimes")
    assert os.access(found.executable, os.X_OK)


async def test_channel_is_installed_as_it_is(machine: Machine) -> None:
    (machine.bin / "programs-rust").write_text("rustc rustc 1.77.0-@ (abc 2024-01-01)\n")
    assert (await machine.provide("rust", "nightly")).version == "1.77.0-nightly-2024-01-02"
    assert (await machine.provide("rust", "nightly")).version == "1.77.0-nightly-2024-01-02"
    assert machine.asked == 0


async def test_network_is_not_asked_for_what_the_system_or_an_earlier_installation_has(machine: Machine) -> None:
    own = machine.add(".local/share/mise/installs/node/20.1.0/bin/node", "v20.1.0")
    machine.add(".local/share/mise/installs/node/20.1.0/bin/npm", "10.0.0")
    assert (await machine.provide("node", "20")).executable.samefile(own)
    assert machine.asked == 0
    first = await machine.provide("node", "22")
    machine.offline()
    assert await machine.provide("node", ">=21 <23") == first
    assert machine.asked == 1


@pytest.mark.parametrize(
    ("runtime", "wanted", "says"),
    [
        (
            "node",
            "22.99.0",
            "there is no such version; the nearest: 25.0.0, 23.1.0, 22.9.0 and 22.1.0; set NODE_VERSION",
        ),
        ("node", "99", "there is no such version; the nearest: 25.0.0 and 23.1.0; set NODE_VERSION"),
        ("python", "3.12.99", "there is no such version; the nearest: 3.13.1, 3.12.7 and 3.12.0; set PYTHON_VERSION"),
        ("python", "2.7", "there is no such version; the nearest: 3.11.4 and 3.10.2; set PYTHON_VERSION"),
    ],
)
async def test_version_that_does_not_exist_is_told_with_the_nearest(
    machine: Machine, runtime: str, wanted: str, says: str
) -> None:
    with pytest.raises(RuntimeMissing, match=re.escape(f"cannot provide {runtime} {wanted}: {says}")):
        await machine.provide(runtime, wanted)
    assert machine.shelf.all() == []
    assert list((machine.home / "runtimes").iterdir()) == []


async def test_node_without_npm_is_none_unless_no_other_can_be_had(machine: Machine) -> None:
    own = machine.add(".nvm/versions/node/v22.1.0/bin/node", "v22.1.0")
    assert (await machine.provide("node", "22")).version == "22.9.0"
    machine.offline()
    found = await machine.provide("node", "22.1.0")
    assert found.executable == own
    assert "has no npm beside it" in found.notes[0]


async def test_without_a_network_a_neighbour_will_do_with_a_note(machine: Machine) -> None:
    machine.offline()
    machine.add("bin/python3", "Python 3.12.1")
    found = await machine.provide("python", "3.12.4")
    assert found.version == "3.12.1"
    assert "python 3.12.4 cannot be installed (tcp connect error: refused): 3.12.1 is used" in found.notes[0]


async def test_without_a_network_and_a_neighbour_the_error_says_what_to_do(machine: Machine) -> None:
    machine.offline()
    machine.add("bin/python3", "Python 3.12.1")
    with pytest.raises(RuntimeMissing) as caught:
        await machine.provide("python", "3.13", "python 3.13, from .python-version")
    assert str(caught.value) == (
        f"cannot provide python 3.13 (.python-version): this system has 3.12.1 ({machine.bin}/python3), and mise "
        "cannot install it: tcp connect error: refused; check the network (HTTPS_PROXY and MISE_* variables are "
        "heeded) and update again, or set PYTHON_VERSION to what is there"
    )


async def test_node_comes_from_npms_registry_where_mise_cannot_have_it(machine: Machine) -> None:
    machine.offline()
    npm = machine.bin / "npm"
    npm.write_text(NPM)
    npm.chmod(0o755)
    found = await machine.provide("node", ">=22")
    assert found.version == "22.9.0"
    assert found.bin_dir
    assert sorted(path.name for path in found.bin_dir.iterdir()) == ["node", "npm", "npx"]
    assert found.notes == ("node 22.9.0 is npm's: mise cannot install it",)
    with pytest.raises(RuntimeMissing, match="there is no such version"):
        await machine.provide("node", "22.99.0")


async def test_mise_gets_what_it_needs_and_nobodys_configuration(machine: Machine) -> None:
    machine.variables = {
        "DATABASE_URL": "secret",
        "MISE_NODE_MIRROR_URL": "https://mirror",
        "HTTPS_PROXY": "http://proxy",
        "MISE_GLOBAL_CONFIG_FILE": "/somewhere",
        "MISE_NODE_VERSION": "4",
        "MISE_DATA_DIR": "/elsewhere",
        "MISE_ENV": "production",
    }
    await machine.provide("node", "22")
    lines = (machine.bin / "environment").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if "=" in line)
    assert given["MISE_NODE_MIRROR_URL"] == "https://mirror"
    assert given["HTTPS_PROXY"] == "http://proxy"
    assert given["MISE_NO_CONFIG"] == "1"
    assert not given.keys() & {"DATABASE_URL", "MISE_GLOBAL_CONFIG_FILE", "MISE_NODE_VERSION", "MISE_ENV"}
    for name in ("HOME", "MISE_DATA_DIR", "MISE_CONFIG_DIR", "MISE_STATE_DIR", "MISE_SYSTEM_CONFIG_DIR"):
        assert given[name].startswith(f"{machine.home}/runtimes/")


async def test_runtime_that_does_not_work_counts_for_nothing(machine: Machine) -> None:
    (machine.bin / "programs-node").write_text("other v@\n")
    with pytest.raises(RuntimeMissing, match=r"bin/node does not work"):
        await machine.provide("node", "22")
    assert list((machine.home / "runtimes").iterdir()) == []


async def test_runtime_that_seems_broken_keeps_its_place(machine: Machine) -> None:
    """A process may use it all the same, and be the reason for which it does not answer."""
    first = await machine.provide("node", "22.9.0")
    first.executable.chmod(0o644)
    second = await machine.provide("node", "22.9.0")
    assert second.executable != first.executable
    assert first.executable.exists()


async def test_what_is_not_used_goes_and_what_failed_deployments_want_stays_within_the_budget(machine: Machine) -> None:
    for version in ("18", "20", "22", "23"):
        await machine.provide("node", version)
    machine.shelf.begin_deployment()
    place = next(one for one in machine.shelf.all() if one.version.startswith("20"))
    unused = machine.shelf.unused([str(place.bin_dir)])
    assert [one.version for one in unused] == ["18.20.4", "22.9.0", "23.1.0"]
    assert superfluous(unused, unused[1].used_at, 0) == unused[:1]
    assert superfluous(unused, 0.0, unused[1].bytes + unused[2].bytes) == unused[:1]
    assert superfluous(unused, 0.0, 0) == []
    machine.shelf.take(unused[0])
    assert machine.shelf.withdraw(unused[0].directory) is None, "the running deployment has asked for it"
    assert machine.shelf.withdraw(unused[1].directory)
    assert not machine.shelf.take(unused[1]), "it was removed while it was asked for its version"
    assert unused[1] not in machine.shelf.all()


async def test_root_runs_no_package_manager_that_lies_beside_a_runtime(machine: Machine) -> None:
    """The application's user may write there."""
    place = ".phpenv/versions/8.9.1/bin"
    machine.add(f"{place}/php", "'PHP 8.9.1 (cli)'")
    machine.add(f"{place}/apt-get", f"> {machine.home}/was-run")
    plan = Plan("php", runtime="php", runtime_version="8.9", install="composer install")
    made = await Toolchains(context_of(machine)).prepare(draft_of(machine, plan), Console())
    assert [step.title for step in made.steps] == ["installing composer"]
    assert not (machine.home / "was-run").exists()


async def test_second_runtimes_and_their_package_managers_are_on_path_in_order(machine: Machine) -> None:
    machine.add("bin/npm", "10.9.0")
    needs = (Need("node", "22", "pnpm", "9.1.0"), Need("hugo", "0.121.1"))
    plan = Plan("go", runtime="go", runtime_version="1.22", runtime_floor=True, helpers=needs)
    made = await Toolchains(context_of(machine)).prepare(draft_of(machine, plan), Console())
    assert [(one.name, one.version) for one in made.runtimes] == [
        ("go", "1.23.1"),
        ("node", "22.9.0"),
        ("hugo", "0.121.1"),
    ]
    assert [Path(place).relative_to(machine.home).parts[1] for place in made.search_path] == [
        "go-1.23.1",
        "node-22.9.0",
        "tools",
        "hugo-0.121.1",
    ]
    assert [step.title for step in made.steps] == ["installing pnpm"]
