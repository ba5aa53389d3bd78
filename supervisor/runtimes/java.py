"""Java: where its development kits lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, anything, begins, numbers

name = "java"
variable = "JAVA_VERSION"
example = "21"
plain = ("javac",)  # a runtime environment without the compiler builds nothing
asks = ("-version",)  # which version 8 understands, too
aside: tuple[str, ...] = ()

_WANTED = re.compile(r"(?:[a-z][\w.]*-)*(?:java|jdk|jre|v)?(>=?|=)?\s*(\d+(?:\.\d+)*)(?:\.[x*])?(?:[_+-][\w.+-]*)?\+?")
_OTHERS_NUMBERS = ("zulu", "corretto", "liberica", "semeru", "graalvm", "mandrel", "dragonwell")
"""Vendors whose versions are, or may be, numbered apart; their first number is Java's, unless it is the product's."""


def requirement(text: str) -> Requirement | None:
    """A version ("17", "1.8", "17.0.9"), perhaps with its vendor ("temurin-21.0.1", "21.0.2-tem"); None if it
    cannot be understood.

    Which vendor's it is does not matter here. What is not there is nearly met by a later one: it runs and compiles
    what was written for those before it.
    """
    wanted = text.strip().lower()
    if wanted in ("*", "latest", "lts", "system"):
        return Requirement(anything, newest=wanted != "system")
    match = _WANTED.fullmatch(wanted)
    if match is None:
        return None
    product = re.search(r"java(\d+)-", wanted)  # graalvm-ce-java17-22.3.0
    version = product[1] if product else _modern(match[2])
    if product is None and any(vendor in wanted for vendor in _OTHERS_NUMBERS):
        version = version.split(".")[0]
    least = numbers(version)
    if (match[1] or "").startswith(">") or wanted.endswith("+"):
        return Requirement(lambda found: numbers(found) >= least)
    if len(least) > 2:
        return Requirement(lambda found: numbers(found)[:3] == least[:3], begins(str(least[0])))
    return Requirement(begins(version.removesuffix(".0")), lambda found: numbers(found) >= least)


def version(output: str) -> str | None:
    """The version in what `javac -version` prints: 8.0.392 for its "1.8.0_392"."""
    match = re.search(r"^javac (\d[\d._]*)", output, re.MULTILINE)
    return _modern(match[1].replace("_", ".")) if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where kits are installed besides PATH: the user's own, by distributions and images, by those who keep several."""
    home = Path(environment.get("HOME", "/nonexistent"))
    if environment.get("JAVA_HOME", "").startswith("/"):
        yield Path(environment["JAVA_HOME"]) / "bin/javac"
    sdkman = Path(environment.get("SDKMAN_DIR") or home / ".sdkman")
    for above, pattern in (
        (Path("/usr/lib/jvm"), "*"),
        (Path("/opt/java"), "*"),
        (Path("/opt"), "j*dk*"),
        (Path("/usr/local"), "openjdk*"),
        (sdkman / "candidates/java", "[0-9]*"),
        (home / ".asdf/installs/java", "*"),
        (home / ".jdks", "*"),
        (home / ".jabba/jdk", "*"),
    ):
        yield from above.glob(f"{pattern}/bin/javac")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The program in its kit: /usr/bin has links to the one that the system prefers."""
    return path.resolve()


def _modern(version: str) -> str:
    """Java's versions before 9 had a 1 in front."""
    return version.removeprefix("1.") if re.match(r"1\.[1-8](?:\.|$)", version) else version
