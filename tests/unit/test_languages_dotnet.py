"""The rules for projects of .NET, one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.runtimes import dotnet as kind
from tests.support.projects import in_time, write

WEB = '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup>{}</PropertyGroup></Project>'
NET8 = WEB.format("<TargetFramework>net8.0</TargetFramework>")


@pytest.mark.parametrize(
    ("properties", "version"),
    [
        ("<TargetFramework>net8.0</TargetFramework>", "8.0"),
        ("<TargetFramework>netcoreapp3.1</TargetFramework>", "3.1"),
        ("<TargetFrameworks>net6.0;net9.0;net8.0</TargetFrameworks>", "9.0"),
        ("<TargetFramework>$(Wanted)</TargetFramework><Wanted>net8.0</Wanted>", "8.0"),
        ("<TargetFramework>$(Loop)</TargetFramework><Loop>$(Loop)</Loop>", None),
        ("<TargetFramework Condition=\"'$(OS)' == 'x'\">net6.0</TargetFramework>", "6.0"),
        ("", None),
    ],
)
def test_version_is_the_target(tmp_path: Path, properties: str, version: str | None) -> None:
    assert detect(write(tmp_path, {"Shop.csproj": WEB.format(properties)}), Overrides()).runtime_version == version


def test_nearest_word_on_the_version_counts(tmp_path: Path) -> None:
    write(tmp_path, {"Shop.csproj": NET8, ".tool-versions": "dotnet 8.0.301\n"})
    assert detect(tmp_path, Overrides()).runtime_version == "8.0.301"
    write(tmp_path, {"global.json": '{"sdk": {"version": "8.0.404"}}'})
    assert detect(tmp_path, Overrides()).runtime_version == "8.0.404"
    assert detect(tmp_path, Overrides(dotnet_version="9.0")).runtime_version == "9.0"


@pytest.mark.parametrize("text", ["{", '{"msbuild-sdks": {"version": "1.0"}}', '"sdk"', ""])
def test_global_json_without_an_sdk_says_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"Shop.csproj": NET8, "global.json": text})
    assert detect(tmp_path, Overrides()).runtime_version == "8.0"


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("8.0", ("8.0.404",), ("9.0.100",)),
        ("8", ("8.0.404",), ("9.0.100",)),
        ("net8.0", ("8.0.1",), ("7.0.410",)),
        ("8.0.x", ("8.0.404",), ("8.1.0",)),
        ("8.0.404", ("8.0.404",), ("8.0.405",)),
        (">=8.0", ("8.0.404", "9.0.100"), ("7.0.410",)),
    ],
)
def test_versions_of_the_sdk(wanted: str, fitting: tuple[str, ...], others: tuple[str, ...]) -> None:
    requirement = kind.requirement(wanted)
    assert requirement is not None
    assert all(requirement.fits(version) for version in fitting)
    assert not any(requirement.fits(version) for version in others)


def test_a_later_sdk_of_the_line_will_do() -> None:
    nearly = (kind.requirement("8.0.100") or pytest.fail()).nearly
    assert nearly and nearly("8.0.404") and not nearly("9.0.100") and not nearly("8.0.99")
    assert kind.requirement("eight") is None


def test_project_called_like_the_solution_is_deployed(tmp_path: Path) -> None:
    projects = {f"{name}/{name}.csproj": NET8 for name in ("Admin", "Shop")}
    lines = "".join(f'Project("{{X}}") = "{n}", "{n}\\{n}.csproj", "{{Y}}"\nEndProject\n' for n in ("Admin", "Shop"))
    plan = detect(write(tmp_path, {**projects, "Shop.sln": lines}), Overrides())
    assert plan.build == "dotnet publish Shop/Shop.csproj -c Release -o publish"
    assert any("Admin/Admin.csproj, Shop/Shop.csproj: set PROJECT_PATH" in note for note in plan.notes)


def test_path_is_named_where_dotnet_would_find_two(tmp_path: Path) -> None:
    plan = detect(write(tmp_path, {"Shop.csproj": NET8, "Shop.sln": ""}), Overrides())
    assert plan.install == "dotnet restore Shop.csproj"


def test_solution_does_not_lead_out_of_the_repository(tmp_path: Path) -> None:
    line = 'Project("{X}") = "Shop", "..\\Shop.csproj", "{Y}"\nEndProject\n'
    write(tmp_path, {"Shop.csproj": NET8})
    with pytest.raises(PlanError, match="cannot tell what kind of project"):
        detect(write(tmp_path / "inside", {"Shop.sln": line}), Overrides())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('<Project ToolsVersion="15.0"></Project>', r"is of \.NET Framework"),
        ('<Project Sdk="Microsoft.NET.Sdk"></Project>', "is a library"),
        (WEB.format("<OutputType>Library</OutputType>"), "is a library"),
    ],
)
def test_what_does_not_run_says_why(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(PlanError, match=f"cannot tell how to start this dotnet project: .*{why}"):
        detect(write(tmp_path, {"Shop.csproj": text}), Overrides())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Project>",
        "<html/>",
        '<!DOCTYPE Project [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><Project>&b;</Project>',
        "<Project>" + "<a>" * 2000,
    ],
)
def test_broken_project_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlanError, match=r"cannot read Shop\.csproj") as caught:
        detect(write(tmp_path, {"Shop.csproj": text}), Overrides())
    assert "\n" not in str(caught.value)


def test_solution_of_any_size_is_read_in_time(tmp_path: Path) -> None:
    with in_time():
        detect(write(tmp_path, {"Shop.csproj": NET8, "Shop.sln": 'Project("' * 100_000}), Overrides())
        write(tmp_path / "two", {"Shop.sln": 'Project("x") = "' * 60_000, "src/Shop/Shop.csproj": NET8})
        assert detect(tmp_path / "two", Overrides()).framework == "aspnetcore"


def test_production_is_announced(tmp_path: Path) -> None:
    plan = detect(write(tmp_path, {"Shop.csproj": NET8}), Overrides())
    assert ("ASPNETCORE_ENVIRONMENT", "Production") in plan.environment
    assert plan.start and "ASPNETCORE_URLS=http://0.0.0.0:$PORT " in plan.start


def test_version_that_dotnet_prints() -> None:
    assert kind.version("8.0.404\n") == "8.0.404"
    assert kind.version("Welcome to .NET!\n9.0.100-rc.1.24452.12\n") == "9.0.100-rc.1.24452.12"
    assert kind.version("The command could not be loaded") is None
