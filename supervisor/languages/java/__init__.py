"""Projects for the Java virtual machine: what Maven or Gradle builds, in Java or Kotlin.

With files of both, Maven builds, unless only Gradle's wrapper is there. Neither has an install of its own: both
download what they need while they build, into ORBIT_HOME/cache. A build in several modules starts the one of them
that runs.
"""

from __future__ import annotations

from supervisor.languages.java import code, gradle, maven, pom
from supervisor.languages.java.build import Build
from supervisor.languages.language import Fit
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, tool_versions, wanted
from supervisor.model import Need, Plan

name = "java"
FLOOR_SINCE = 17


def fit(source: Source) -> Fit:
    """CERTAIN if a framework serves or something is made to run, a HELPER without code. Raises PlanError."""
    build = _build(source)
    if build is None:
        return Fit.NO
    if build.start and (build.framework or build.module != "."):
        return Fit.CERTAIN
    return Fit.LIKELY if build.start or code.has_code(source) else Fit.HELPER


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a manifest that cannot be read."""
    build = _build(source) or _none(source)
    readers = _VERSIONS if build.level is None else (*_VERSIONS, lambda _: build.level)
    version = wanted(source, "JAVA_VERSION", source.options.java_version, readers)
    return Plan(
        type=name,
        framework=build.framework.name if build.framework else None,
        runtime="java",
        runtime_version=version.constraint if version else None,
        runtime_floor=version is not None and version is build.level and _is_floor(build),
        package_manager=build.tool,
        build=build.command,
        start=build.start,
        notes=((version.note("java"),) if version else ()) + build.notes,
        helpers=() if build.has_wrapper else (Need(build.tool),),
        inputs=build.inputs,
        caches=build.caches,
    )


def _build(source: Source) -> Build | None:
    has_maven, has_gradle = source.is_file(pom.FILE) or source.has(pom.FILE), source.is_file("gradlew")
    if has_maven and not (has_gradle and not source.is_file("mvnw")):
        return maven.read(source)
    return gradle.read(source) or (maven.read(source) if has_maven else None)


def _is_floor(build: Build) -> bool:
    """Whether a later version does as well: for Maven, and what is compiled for 17 or later. What is older breaks."""
    line = build.level.constraint.removeprefix("1.").partition(".")[0] if build.level else ""
    return build.tool == "maven" and line.isdigit() and int(line) >= FLOOR_SINCE


def _none(source: Source) -> Build:
    """What PROJECT_TYPE=java means where there is no build: nothing but the runtime."""
    return Build("maven", "mvn clean package -DskipTests -B", None)


def _first(name: str, key: str) -> Reader:
    """A reader of a properties file: `key=17`, of which the number counts."""

    def read(source: Source) -> Wanted | None:
        for line in (source.read(name) or "").splitlines():
            found, _, value = line.partition("=")
            if found.strip() == key and value.strip():
                return Wanted(value.strip(), source.shown(name))
        return None

    return read


_VERSIONS: tuple[Reader, ...] = (
    first_line(".java-version"),
    _first("system.properties", "java.runtime.version"),
    _first(".sdkmanrc", "java"),
    tool_versions("java"),
)
