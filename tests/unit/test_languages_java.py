"""The rules for projects of the JVM, one by one, and manifests that mean harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.java.gradle import without_comments
from supervisor.model import Need, Plan
from tests.support.projects import in_time, write

MAIN = "package org.example;\n\npublic class App {\n    public static void main(String[] args) {\n    }\n}\n"
CODE = {"src/main/java/org/example/App.java": MAIN}


def pom(body: str = "") -> str:
    return f"<project><artifactId>shop</artifactId><version>1</version>{body}</project>"


def maven(directory: Path, body: str = "", **options: str) -> Plan:
    return detect(write(directory, {"pom.xml": pom(body), **CODE}), Overrides(**options))


def gradle(directory: Path, script: str, **files: str) -> Plan:
    named = {name.replace("__", "."): text for name, text in files.items()}
    return detect(write(directory, {"build.gradle": script, **CODE, **named}), Overrides())


def properties(**values: str) -> str:
    inside = "".join(f"<{name.replace('_', '.')}>{value}</{name.replace('_', '.')}>" for name, value in values.items())
    return f"<properties>{inside}</properties>"


# versions


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (properties(java_version="21"), "21"),
        (properties(java_version="1.8"), "1.8"),
        (properties(maven_compiler_release="17", maven_compiler_source="11"), "17"),
        (properties(maven_compiler_source="${jdk}", jdk="${lts}", lts="21"), "21"),
        (properties(maven_compiler_source="${unknown}"), None),
        (properties(maven_compiler_source="${loop}", loop="${loop}"), None),
        ("<build><plugins><plugin><artifactId>maven-compiler-plugin</artifactId><configuration><release>11</release>"
         "</configuration></plugin></plugins></build>", "11"),
        ("", None),
    ],
)  # fmt: skip
def test_version_is_what_the_pom_compiles_for(tmp_path: Path, body: str, version: str | None) -> None:
    assert maven(tmp_path, body).runtime_version == version


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\nsourceCompatibility = 17", "21"),
        ("java { toolchain { languageVersion.set(JavaLanguageVersion.of(17)) } }", "17"),
        ("kotlin { jvmToolchain(17) }", "17"),
        ("sourceCompatibility = 1.8", "1.8"),
        ("sourceCompatibility = '11'", "11"),
        ("sourceCompatibility = JavaVersion.VERSION_1_8", "1.8"),
        ("sourceCompatibility JavaVersion.VERSION_17", "17"),
        ('sourceCompatibility = JavaVersion.toVersion("17")', "17"),
        ("ext { javaVersion = '21' }\nsourceCompatibility = javaVersion", "21"),
        ("tasks.withType(JavaCompile) { options.release = 17 }", "17"),
        ("// sourceCompatibility = 8\n/* sourceCompatibility = 9 */", None),
    ],
)
def test_version_is_what_the_script_compiles_for(tmp_path: Path, script: str, version: str | None) -> None:
    assert gradle(tmp_path, script).runtime_version == version


def test_version_that_gradle_properties_hold(tmp_path: Path) -> None:
    plan = gradle(tmp_path, "sourceCompatibility = project.jvm", gradle__properties="jvm=17\n")
    assert plan.runtime_version == "17"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({".java-version": "17.0\n"}, "17.0"),
        ({"system.properties": "# Heroku's\njava.runtime.version=21\n"}, "21"),
        ({".sdkmanrc": "java=21.0.2-tem\n"}, "21.0.2-tem"),
        ({".tool-versions": "java temurin-21.0.1\n"}, "temurin-21.0.1"),
    ],
)
def test_version_files_come_before_the_manifest(tmp_path: Path, files: dict[str, str], version: str) -> None:
    write(tmp_path, files)
    assert maven(tmp_path, properties(java_version="11")).runtime_version == version
    assert maven(tmp_path, "", java_version="8").runtime_version == "8"


# the build tool


def test_gradle_builds_where_only_its_wrapper_is_there(tmp_path: Path) -> None:
    write(tmp_path, {"gradlew": "#!/bin/sh\n", "gradle/wrapper/gradle-wrapper.jar": ""})
    write(tmp_path, {"gradle/wrapper/gradle-wrapper.properties": "", "pom.xml": pom()})
    assert gradle(tmp_path, "apply plugin: 'application'").package_manager == "gradle"
    write(tmp_path, {"mvnw": "#!/bin/sh\n"})
    assert detect(tmp_path, Overrides()).package_manager == "maven"


def test_wrapper_without_its_jar_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"gradlew": "#!/bin/sh\n", "gradle/wrapper/gradle-wrapper.properties": ""})
    plan = gradle(tmp_path, "apply plugin: 'application'")
    assert plan.build and plan.build.startswith("gradle ")
    assert plan.helpers == (Need("gradle"),)
    assert any("gradle-wrapper.jar" in note for note in plan.notes)


def test_wrapper_with_windows_line_ends_is_mended(tmp_path: Path) -> None:
    (tmp_path / "mvnw").write_bytes(b"#!/bin/sh\r\nexec mvn\r\n")
    write(tmp_path, {".mvn/wrapper/maven-wrapper.properties": ""})
    build = maven(tmp_path).build
    assert build and build.startswith(r"sed -i 's/\r$//' mvnw && sh ./mvnw ")


# what is started


def test_dependencies_are_beside_a_main_class_that_is_in_no_fat_jar(tmp_path: Path) -> None:
    plan = maven(tmp_path, properties(exec_mainClass="org.example.Other"))
    assert plan.start == 'java $JAVA_OPTS -cp "target/classes:target/dependency/*" org.example.Other'
    assert plan.build and "dependency:copy-dependencies" in plan.build


def test_a_name_for_a_shaded_jar_is_used(tmp_path: Path) -> None:
    shade = "<plugin><artifactId>maven-shade-plugin</artifactId><configuration>{}</configuration></plugin>"
    for inside, jar in (
        ("<outputFile>target/app.jar</outputFile>", "target/app.jar"),
        ("<finalName>${project.artifactId}-all</finalName>", "target/shop-all.jar"),
        ("<shadedArtifactAttached>true</shadedArtifactAttached>", "target/*-shaded.jar"),
    ):
        plan = maven(tmp_path, f"<build><plugins>{shade.format(inside)}</plugins></build>")
        assert plan.start == f"java $JAVA_OPTS -jar {jar}"


def test_several_modules_that_run_are_told_of(tmp_path: Path) -> None:
    boot = "<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>"
    for name in ("orders", "users"):
        write(tmp_path / name, {"pom.xml": pom(boot), **CODE})
    top = "<packaging>pom</packaging><modules><module>orders</module><module>users</module></modules>"
    plan = detect(write(tmp_path, {"pom.xml": pom(top)}), Overrides())
    assert plan.start == "java $JAVA_OPTS -jar orders/target/*.jar"
    assert any("orders, users: set PROJECT_PATH" in note for note in plan.notes)


def test_project_that_makes_nothing_to_run_says_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, {"pom.xml": pom(), "src/main/java/Library.java": "class Library {\n}\n"})
    with pytest.raises(PlanError, match=r"cannot tell how to start this java project: pom\.xml makes nothing"):
        detect(tmp_path, Overrides())


def test_android_application_is_no_server(tmp_path: Path) -> None:
    write(
        tmp_path, {"settings.gradle": "include ':app'", "app/build.gradle": "apply plugin: 'com.android.application'"}
    )
    write(tmp_path, {"build.gradle": "plugins { id 'com.android.application' version '8.1' apply false }"})
    with pytest.raises(PlanError, match="cannot tell how to start"):
        detect(tmp_path, Overrides())


def test_task_of_gradle_that_runs_it_is_the_last_resort(tmp_path: Path) -> None:
    script = 'plugins { kotlin("multiplatform") }\ntasks.register<JavaExec>("run") { }\n'
    plan = detect(write(tmp_path, {"build.gradle.kts": script}), Overrides())
    assert (plan.build, plan.start) == ("gradle build -x check --no-daemon", "gradle run --no-daemon")


# manifests that are broken, or mean harm

ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not XML: no element found"),
        ("<project>", "not XML"),
        ("not xml", "not XML"),
        ("<html></html>", "its root is <html>"),
        (f'<!DOCTYPE project [<!ENTITY l0 "ha">{ENTITIES}]><project>&l9;</project>', "document type"),
        ('<!DOCTYPE project SYSTEM "file:///etc/passwd"><project/>', "document type"),
        ("<project>" + "<a>" * 5000 + "</a>" * 5000 + "</project>", "more elements"),
        ("<project>" + "<a/>" * 200_000 + "</project>", "more elements"),
        ("<project>" + "x" * 2_000_000 + "</project>", "larger than"),
        ('<?xml version="1.0" encoding="rot-13"?><project/>', "pom.xml"),
        ("<project>\0</project>", "not XML"),
        ("<<<<<<< HEAD\n<project/>\n", "not XML"),
    ],
)
def test_broken_pom_is_one_clear_line(tmp_path: Path, text: str, why: str) -> None:
    write(tmp_path, {"pom.xml": text})
    with in_time():
        with pytest.raises(PlanError, match=r"pom\.xml") as caught:
            detect(tmp_path, Overrides())
        assert why in str(caught.value) and "\n" not in str(caught.value)


def test_pom_in_an_older_encoding_is_read(tmp_path: Path) -> None:
    text = f'<?xml version="1.0" encoding="ISO-8859-1"?>{pom("<name>Müller</name>" + properties(java_version="17"))}'
    write(tmp_path, CODE)
    (tmp_path / "pom.xml").write_bytes(text.encode("iso-8859-1"))
    assert detect(tmp_path, Overrides()).runtime_version == "17"


def test_values_that_grow_and_modules_that_lead_in_circles_are_bounded(tmp_path: Path) -> None:
    grown = {f"p{n}": f"${{p{n - 1}}}" * 50 for n in range(1, 30)} | {"p0": "1", "java_version": "${p29}"}
    modules = "<modules>" + "<module>sub</module>" * 500 + "</modules>"
    write(tmp_path, {"pom.xml": pom(properties(**grown) + modules), **CODE})
    (tmp_path / "sub").symlink_to(tmp_path)
    with in_time():
        assert detect(tmp_path, Overrides()).runtime_version is None


def test_parent_outside_of_the_repository_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"pom.xml": "<project><artifactId>top</artifactId>" + properties(java_version="6") + "</project>"})
    above = "<parent><artifactId>top</artifactId></parent>"
    project = write(tmp_path / "shop", {"pom.xml": pom(above), **CODE})
    assert detect(project, Overrides()).runtime_version is None
    assert detect(project, Overrides(), tmp_path).runtime_version == "6"


@pytest.mark.parametrize("piece", ["/*", "//", "include '", "include 'a',", "id '", "libs.", '"a:', "((((", "task "])
def test_script_of_any_size_is_read_in_time(tmp_path: Path, piece: str) -> None:
    text = piece * (900_000 // len(piece))
    write(tmp_path, {"settings.gradle": text, **CODE})
    with in_time():
        gradle(tmp_path, text)


def test_comments_are_taken_out_and_addresses_left() -> None:
    assert without_comments("a /* b */ c // d\nurl 'https://x.org' // e") == "a   c \nurl 'https://x.org' "
    assert without_comments("a /* never closed") == "a /* never closed"
