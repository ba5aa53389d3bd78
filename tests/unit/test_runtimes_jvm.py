"""How projects write versions of Java, and what compilers print of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.runtimes import homes
from supervisor.runtimes import java as kind
from supervisor.runtimes.program import GRADLE, MAVEN
from supervisor.runtimes.runtime import Runtime


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("17", ("17.0.15", "17.0.1"), ("11.0.2", "21.0.1")),
        ("1.8", ("8.0.392",), ("11.0.2", "18.0.1")),
        ("8", ("8.0.392",), ("18.0.1",)),
        ("11.0", ("11.0.2",), ("17.0.1",)),
        ("17.0.9", ("17.0.9",), ("17.0.10",)),
        ("21.0.2-tem", ("21.0.2",), ("21.0.3",)),
        ("temurin-21.0.1+12.0.LTS", ("21.0.1",), ("21.0.2",)),
        ("temurin-17", ("17.0.15",), ("21.0.1",)),
        ("openjdk-22", ("22.0.1",), ("21.0.1",)),
        ("zulu-8.86", ("8.0.392",), ("11.0.2",)),
        ("graalvm-ce-java17-22.3.0", ("17.0.5",), ("22.0.3",)),
        ("corretto-11.0.24.8.1", ("11.0.24",), ("17.0.1",)),
        (">=17", ("17.0.1", "21.0.1"), ("11.0.2",)),
        ("17+", ("17.0.1", "21.0.1"), ("11.0.2",)),
        ("system", ("11.0.2", "21.0.1"), ()),
    ],
)
def test_versions_of_java(wanted: str, fitting: tuple[str, ...], others: tuple[str, ...]) -> None:
    requirement = kind.requirement(wanted)
    assert requirement is not None
    assert [version for version in fitting if not requirement.fits(version)] == []
    assert [version for version in others if requirement.fits(version)] == []


def test_a_later_version_nearly_does_what_an_older_did() -> None:
    nearly = (kind.requirement("11") or pytest.fail()).nearly
    assert nearly and nearly("17.0.1") and not nearly("8.0.392")


@pytest.mark.parametrize("wanted", ["seventeen", "", "17 || 21", "java", "-" * 5000])
def test_what_is_no_version(wanted: str) -> None:
    assert kind.requirement(wanted) is None


def test_versions_that_programs_print() -> None:
    assert kind.version("javac 17.0.15") == "17.0.15"
    assert kind.version("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\njavac 1.8.0_392") == "8.0.392"
    assert kind.version("command not found") is None
    assert MAVEN.version("\x1b[1mApache Maven 3.8.7\x1b[m\nMaven home: /usr/share/maven") == "3.8.7"
    assert GRADLE.version("\n------------------------------------------------------------\nGradle 8.5\n") == "8.5.0"


def test_home_of_java_is_the_kit_that_the_compiler_is_in(tmp_path: Path) -> None:
    program = tmp_path / "jdk/bin/javac"
    program.parent.mkdir(parents=True)
    (tmp_path / "jdk/lib").mkdir()
    program.touch()
    link = tmp_path / "javac"
    link.symlink_to(program)
    assert homes.of(Runtime("java", "17.0.1", link)) == (("JAVA_HOME", str(tmp_path / "jdk")),)
    shim = tmp_path / "shims/javac"
    shim.parent.mkdir()
    shim.touch()
    assert homes.of(Runtime("java", "17.0.1", shim)) == ()


def test_home_of_dotnet_has_its_sdks(tmp_path: Path) -> None:
    (tmp_path / "sdk").mkdir()
    (tmp_path / "dotnet").touch()
    assert homes.of(Runtime("dotnet", "8.0.404", tmp_path / "dotnet")) == (("DOTNET_ROOT", str(tmp_path)),)
