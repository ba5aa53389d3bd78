"""Finding a runtime: real programs that print a version, on a PATH and in a home of the test's own."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from supervisor.errors import RuntimeMissing
from supervisor.model import Command, Exit, Plan
from supervisor.runtimes import Runtime, System, Tools, venv
from supervisor.runtimes import node as node_kind
from supervisor.runtimes import python as python_kind


class Shell:
    """Runs commands directly, and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def run(self, command: Command) -> Exit:
        self.asked.append(command.argv[0])
        process = await asyncio.create_subprocess_exec(
            *command.argv, cwd=command.cwd, env=dict(command.env), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), command.timeout_s)
        return Exit(status=process.returncode, output=output)


@dataclass
class Machine:
    """A PATH of directories below `home`, in front of nothing else."""

    home: Path
    shell: Shell = field(default_factory=Shell)

    def __post_init__(self) -> None:
        self.system = System(self.shell)

    def install(self, place: str, output: str, status: int = 0) -> Path:
        path = self.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {output}\nexit {status}\n")
        path.chmod(0o755)
        return path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.home}/bin:{self.home}/more/bin", "HOME": str(self.home)}

    async def find(self, runtime: str, version: str | None, *notes: str) -> Runtime:
        plan = Plan("x", runtime=runtime, runtime_version=version, notes=notes)
        found = await self.system.find(plan, self.environment)
        assert found is not None
        return found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(node_kind, "elsewhere", _only_at_home(node_kind.elsewhere))
    monkeypatch.setattr(python_kind, "elsewhere", _only_at_home(python_kind.elsewhere))
    return Machine(tmp_path)


def _only_at_home(elsewhere):  # type: ignore[no-untyped-def]
    """The machine that the tests run on has runtimes, too."""
    return lambda environment: (path for path in elsewhere(environment) if not path.is_relative_to("/usr"))


async def test_without_a_constraint_the_first_on_path_is_taken_and_nothing_else_is_asked(machine: Machine) -> None:
    first = machine.install("bin/node", "v20.1.0")
    machine.install("more/bin/node", "v24.0.0")
    found = await machine.find("node", None)
    assert (found.version, found.executable, found.bin_dir) == ("20.1.0", first, None)
    assert machine.shell.asked == [str(first)]


async def test_range_that_the_system_satisfies_takes_the_systems_choice(machine: Machine) -> None:
    machine.install("bin/node", "v20.1.0")
    machine.install("more/bin/node", "v24.0.0")
    assert (await machine.find("node", ">=18")).version == "20.1.0"


async def test_other_version_comes_from_its_own_directory(machine: Machine) -> None:
    machine.install("bin/node", "v20.1.0")
    machine.install(".nvm/versions/node/v22.1.0/bin/node", "v22.1.0")
    newest = machine.install(".nvm/versions/node/v22.9.0/bin/node", "v22.9.0")
    found = await machine.find("node", "22")
    assert (found.version, found.bin_dir) == ("22.9.0", newest.parent)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("v22", "22.9.0"),
        ("22.1", "22.1.0"),
        ("22.1.0", "22.1.0"),
        ("lts/*", "22.9.0"),
        ("lts/jod", "22.9.0"),
        ("LTS/Hydrogen", "18.3.0"),
        ("node", "23.0.0"),
        ("*", "20.1.0"),
        (">=18 <20", "18.3.0"),
        (">=22, <23", "22.9.0"),
        ("^18 || ^22", "22.9.0"),
        ("18.x", "18.3.0"),
        ("20.0.5", "20.1.0"),
    ],
)
async def test_node_constraints(machine: Machine, wanted: str, given: str) -> None:
    machine.install("bin/node", "v20.1.0")
    for version in ("18.3.0", "22.1.0", "22.9.0", "23.0.0"):
        machine.install(f".nvm/versions/node/v{version}/bin/node", f"v{version}")
    assert (await machine.find("node", wanted)).version == given


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("3.11", "3.11.7"),
        ("3.11.6", "3.11.7"),
        ("3", "3.13.0"),
        ("3.12.1", "3.12.1"),
        ("3.12.9", "3.12.4"),
        ("python-3.12", "3.12.4"),
        ("cpython@3.12", "3.12.4"),
        (">=3.10,<4", "3.11.7"),
        (">=3.12 <3.13", "3.12.4"),
        ("^3.12", "3.13.0"),
        ("^3.9", "3.11.7"),
        ("~3.12", "3.12.4"),
        ("~3.12.1", "3.12.4"),
        ("~=3.12", "3.13.0"),
        ("3.12.*", "3.12.4"),
        ("==3.12.*", "3.12.4"),
        ("!=3.11.*", "3.13.0"),
        ("3.9 || 3.12", "3.12.4"),
        ("*", "3.11.7"),
    ],
)
async def test_python_constraints(machine: Machine, wanted: str, given: str) -> None:
    machine.install("bin/python3", "Python 3.11.7")
    machine.install("bin/python3.13", "Python 3.13.0")
    machine.install("bin/python3.14", "Python 3.14.0rc1")
    for version in ("3.12.1", "3.12.4"):
        machine.install(f".pyenv/versions/{version}/bin/python3", f"Python {version}")
    if wanted in ("3", "^3.12", "~=3.12", "!=3.11.*"):
        assert "rc" not in (await machine.find("python", wanted)).version
    assert (await machine.find("python", wanted)).version == given


async def test_neighbour_of_an_exact_patch_is_told_of(machine: Machine) -> None:
    machine.install("bin/python3", "Python 3.11.7")
    found = await machine.find("python", "3.11.6", "python 3.11.6, from .python-version")
    assert found.version == "3.11.7"
    assert "3.11.6 (.python-version)" in found.notes[0]
    assert (await machine.find("python", "3.11")).notes == ()


async def test_what_cannot_be_provided_is_said_with_its_origin_and_what_is_there(machine: Machine) -> None:
    node = machine.install("bin/node", "v20.20.2")
    with pytest.raises(RuntimeMissing) as caught:
        await machine.find("node", "22", "something else", "node 22, from engines.node in package.json")
    assert str(caught.value) == (
        f"cannot provide node 22 (engines.node in package.json): this system has 20.20.2 ({node}); "
        "set NODE_VERSION, or install one that fits"
    )


async def test_nothing_there_is_said(machine: Machine) -> None:
    with pytest.raises(RuntimeMissing, match="this system has none; set PYTHON_VERSION"):
        await machine.find("python", None)


@pytest.mark.parametrize(
    ("runtime", "wanted"),
    [
        ("python", "pypy3.9"),
        ("python", "3.12-dev"),
        ("python", "banana"),
        ("python", ">=3.11,<banana"),
        ("node", "lts/unknown"),
        ("node", "lts/-1"),
        ("node", "banana"),
        ("node", "iojs"),
    ],
)
async def test_constraint_that_is_none_is_said(machine: Machine, runtime: str, wanted: str) -> None:
    machine.install("bin/node", "v20.20.2")
    machine.install("bin/python3", "Python 3.11.7")
    with pytest.raises(RuntimeMissing, match="cannot understand"):
        await machine.find(runtime, wanted)


async def test_runtime_of_another_kind_is_not_known(machine: Machine) -> None:
    with pytest.raises(RuntimeMissing, match="cannot provide cobol"):
        await machine.find("cobol", None)


async def test_plan_without_a_runtime_needs_none(machine: Machine) -> None:
    assert await machine.system.find(Plan("procfile"), machine.environment) is None


async def test_shim_for_a_version_that_is_not_installed_is_passed_over(machine: Machine) -> None:
    machine.install(".pyenv/shims/python3", "pyenv: version 3.9 is not installed", status=127)
    machine.install(".pyenv/shims/python3.9", "pyenv: python3.9: command not found", status=127)
    real = machine.install("bin/python3", "Python 3.12.4")
    environment = machine.environment | {"PATH": f"{machine.home}/.pyenv/shims:{machine.home}/bin"}
    found = await machine.system.find(Plan("x", runtime="python"), environment)
    assert found is not None
    assert found.executable == real


async def test_shim_of_pyenv_stands_for_the_version_that_it_runs(machine: Machine) -> None:
    machine.install(".pyenv/shims/python3", "Python 3.12.4")
    real = machine.install(".pyenv/versions/3.12.4/bin/python3", "Python 3.12.4")
    environment = machine.environment | {"PATH": f"{machine.home}/.pyenv/shims"}
    found = await machine.system.find(Plan("x", runtime="python"), environment)
    assert found is not None
    assert found.executable == real


async def test_answers_are_remembered_until_the_program_changes(machine: Machine) -> None:
    machine.install("bin/node", "v20.1.0")
    await machine.find("node", None)
    await machine.find("node", "20")
    assert len(machine.shell.asked) == 1
    (machine.home / "bin/node").unlink()
    machine.install("bin/node", "v20.2.0")
    assert (await machine.find("node", None)).version == "20.2.0"


async def test_python_that_runs_orbit_is_never_given_away(machine: Machine) -> None:
    real = machine.install("bin/python3", "Python 3.12.4")
    environment = machine.environment | {"PATH": f"{sys.prefix}/bin:{machine.home}/bin"}
    found = await machine.system.find(Plan("x", runtime="python"), environment)
    assert found is not None
    assert found.executable == real if sys.prefix != sys.base_prefix else found.executable.exists()


async def test_environment_of_a_virtualenv_is_made_from_the_runtime(machine: Machine) -> None:
    python = machine.install("bin/python3.12", "Python 3.12.4")
    found = await machine.find("python", "3.12")
    command = venv.command(found, with_pip=True)
    assert "--seed" in command
    assert Path(command[0]).name == "uv"
    assert command[command.index("--python") + 1] == str(python)
    assert command[-1] == ".venv"
    assert found.bin_dir is None


async def test_real_virtualenv_has_the_plain_names(tmp_path: Path) -> None:
    system = System(Shell())
    found = await system.find(Plan("x", runtime="python"), {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    assert found is not None
    with_uv = os.environ | {"PATH": f"{venv.provide_uv(tmp_path)}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        *venv.command(found, with_pip=False), cwd=tmp_path, env={**with_uv, "UV_OFFLINE": "1"}
    )
    assert await process.wait() == 0
    assert (tmp_path / ".venv/bin/python").exists()
    assert (tmp_path / ".venv/bin/python").resolve() == found.executable.resolve()


def test_uv_is_made_available_without_orbits_own_programs(tmp_path: Path) -> None:
    bin_dir = venv.provide_uv(tmp_path)
    assert sorted(path.name for path in bin_dir.iterdir()) == ["uv", "uvx"]
    before = (bin_dir / "uv").lstat().st_mtime_ns
    assert venv.provide_uv(tmp_path) == bin_dir
    assert (bin_dir / "uv").lstat().st_mtime_ns == before


def test_uv_is_copied_from_where_others_cannot_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for name in ("uv", "uvx"):
        (private / name).write_text("#!/bin/sh\n")
        (private / name).chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(private / "uv"))
    bin_dir = venv.provide_uv(tmp_path / "tools")
    assert not (bin_dir / "uv").is_symlink()
    assert os.access(bin_dir / "uv", os.X_OK)


def test_what_was_set_for_pip_holds_for_uv() -> None:
    environment = {"PIP_INDEX_URL": "https://pypi.example", "PIP_CERT": "/ca.pem", "SSL_CERT_FILE": "/own.pem"}
    assert dict(venv.settings_of_pip(environment)) == {
        "UV_DEFAULT_INDEX": "https://pypi.example",
        "POETRY_CERTIFICATES_PYPI_CERT": "/ca.pem",
    }


async def test_npm_comes_with_node(machine: Machine) -> None:
    tools = Tools(machine.shell, machine.home / "cache")
    assert await tools.provide("npm", None, machine.environment) is None
    assert await tools.provide("pip", None, machine.environment) is None
    assert await tools.provide(None, None, machine.environment) is None


@pytest.mark.parametrize(
    ("name", "wanted", "package"),
    [
        ("pnpm", "9.12.0", "pnpm@9.12.0"),
        ("pnpm", "9", "pnpm@9"),
        ("pnpm", ">=9 <11", "pnpm@>=9 <11"),
        ("yarn", "1", "yarn@1"),
        ("yarn", "1.22.22", "yarn@1.22.22"),
        ("yarn", "4.5.1", "@yarnpkg/cli-dist@4.5.1"),
        ("yarn", "^3.2.0", "@yarnpkg/cli-dist@^3.2.0"),
        ("bun", None, "bun@latest"),
    ],
)
async def test_package_manager_that_is_missing_is_installed_by_npm(
    machine: Machine, name: str, wanted: str | None, package: str
) -> None:
    tools = Tools(machine.shell, machine.home / "cache")
    tool = await tools.provide(name, wanted, machine.environment)
    assert tool is not None
    assert tool.install_argv[:2] == ("npm", "install")
    assert tool.install_argv[-1] == package
    assert tool.bin_dir is not None
    assert tool.bin_dir.is_relative_to(machine.home / "cache")
    machine.install(str((tool.bin_dir / name).relative_to(machine.home)), "1.0.0")
    again = await tools.provide(name, wanted, machine.environment)
    assert again is not None
    assert again.install_argv == ()
    assert again.bin_dir == tool.bin_dir


@pytest.mark.parametrize(
    ("wanted", "taken"), [("9.12.0", True), ("9", True), (None, True), ("9.13.0", False), ("10", False)]
)
async def test_package_manager_on_path_is_taken_if_it_is_the_version(
    machine: Machine, wanted: str | None, taken: bool
) -> None:
    machine.install("bin/pnpm", "9.12.0")
    tool = await Tools(machine.shell, machine.home / "cache").provide("pnpm", wanted, machine.environment)
    assert tool is not None
    assert (tool.bin_dir is None) == taken
    assert (tool.install_argv == ()) == taken


async def test_package_manager_that_does_not_work_is_replaced(machine: Machine) -> None:
    machine.install("bin/yarn", "This project is configured to use pnpm", status=1)
    tool = await Tools(machine.shell, machine.home / "cache").provide("yarn", "1", machine.environment)
    assert tool is not None
    assert tool.install_argv
