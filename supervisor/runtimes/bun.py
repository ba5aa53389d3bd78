"""Bun: where its versions lie on a system, and how projects write which one they want: as npm's ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes import node
from supervisor.runtimes.requirement import Requirement

name = "bun"
variable = "BUN_VERSION"
example = "1.2"
plain = ("bun",)
asks = ("--version",)
aside: tuple[str, ...] = ()


def requirement(text: str) -> Requirement | None:
    """A version, a line or a range, as node's; None if it cannot be understood (canary)."""
    return node.requirement(text.strip().lower().removeprefix("bun-"))


def version(output: str) -> str | None:
    """The version in what `bun --version` prints."""
    match = re.match(r"\d+\.\d+\.\d+\S*", output.strip())
    return match[0] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Bun is installed besides PATH: by its own installer, and by hand."""
    own = environment.get("BUN_INSTALL") or f"{environment.get('HOME', '/nonexistent')}/.bun"
    yield Path(own) / "bin" / "bun"
    yield Path("/usr/local/bin/bun")
    yield Path("/usr/bin/bun")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The program that `path` stands for."""
    return path
