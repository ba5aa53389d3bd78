"""The build tool: the wrapper that a repository carries, or the one of the system."""

from __future__ import annotations

import re

from supervisor.languages.source import Source

MOST_WRAPPER = 4096

_PROPERTIES = {"mvnw": ".mvn/wrapper/maven-wrapper.properties", "gradlew": "gradle/wrapper/gradle-wrapper.properties"}
_JARS = {"gradlew": "gradle/wrapper/gradle-wrapper.jar"}
_GRADLE = re.compile(r"^[^\S\n]*distributionUrl\s*=.*?gradle-(\d+(?:\.\d+)*)", re.MULTILINE)


def command(source: Source, script: str, otherwise: str) -> tuple[str, tuple[str, ...]]:
    """How the tool is called, and remarks. A wrapper that lost its execute bit or has Windows line ends works still."""
    if not source.is_file(script):
        return otherwise, ()
    missing = [name for name in (_PROPERTIES[script], _JARS.get(script)) if name and not source.is_file(name)]
    if missing:
        return otherwise, (f"{source.shown(script)} was passed over: it needs {missing[0]}, which is not there",)
    if "\r\n" in (source.peek(script) or "")[:MOST_WRAPPER]:
        return f"sed -i 's/\\r$//' {script} && sh ./{script}", ()
    return (f"./{script}" if source.is_executable(script) else f"sh ./{script}"), ()


def gradle_version(source: Source) -> tuple[int, ...]:
    """The version of Gradle that the wrapper brings; () if it does not say."""
    match = _GRADLE.search(source.peek(_PROPERTIES["gradlew"]) or "")
    return tuple(int(part) for part in match[1].split(".")) if match and len(match[1]) < 20 else ()
