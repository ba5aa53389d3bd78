"""Programs that say their version and run as they are: site generators, and the tools that JVM and PHP projects build
with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.runtimes import node
from supervisor.runtimes.requirement import Requirement

_VERSION = re.compile(r"(?:^|[\sv])(\d+\.\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Program:
    """A kind of runtime that is a program; the fields are those of `runtime.Kind`."""

    name: str
    variable: str
    example: str
    asks: tuple[str, ...] = ("--version",)
    aside: tuple[str, ...] = ()
    command: str = ""  # where it is not the name

    @property
    def plain(self) -> tuple[str, ...]:
        return (self.command or self.name,)

    def requirement(self, text: str) -> Requirement | None:
        """A version, a line or a range as npm's; `extended_0.121.1`, which names a variant of Hugo, is a version."""
        return node.requirement(text.strip().lower().removeprefix("extended_"))

    def version(self, output: str) -> str | None:
        """The version in `hugo v0.121.1+extended linux/amd64`, `zola 0.19.2`, `mdbook v0.4.36`."""
        match = _VERSION.search(output)
        return None if match is None else match[1] if match[1].count(".") > 1 else f"{match[1]}.0"

    def elsewhere(self, environment: Mapping[str, str]) -> Iterator[Path]:
        """Where it is installed besides PATH: by the distribution, by hand, by snap, go, cargo, SDKMAN."""
        home = Path(environment.get("HOME", "/nonexistent"))
        for directory in (
            Path("/usr/local/bin"),
            Path("/usr/bin"),
            Path("/snap/bin"),
            home / "go/bin",
            home / ".cargo/bin",
            home / f".sdkman/candidates/{self.name}/current/bin",
        ):
            yield directory / self.plain[0]

    def resolved(self, path: Path, found: str, environment: Mapping[str, str]) -> Path:
        """The program that `path` stands for."""
        return path


HUGO = Program("hugo", "HUGO_VERSION", "0.121.1", asks=("version",))
ZOLA = Program("zola", "ZOLA_VERSION", "0.19.2")
MDBOOK = Program("mdbook", "MDBOOK_VERSION", "0.4.36")
MAVEN = Program("maven", "MAVEN_VERSION", "3.9", command="mvn")
GRADLE = Program("gradle", "GRADLE_VERSION", "8.10")
