"""The runtime that a plan gets, and the role of a kind of runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from supervisor.runtimes.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Runtime:
    """What was found for a plan.

    `bin_dir` goes on PATH and has the commands under their plain names; None if PATH finds them as it is, and
    for Python, whose plain names are those of the virtual environment that is made from `executable`.
    `notes` are remarks for the user.
    """

    name: str
    version: str
    executable: Path
    bin_dir: Path | None = None
    notes: tuple[str, ...] = ()


class Kind(Protocol):
    """A kind of runtime. A module does: it has these at its top level.

    `plain` are its usual commands, of which the first on PATH is the system's choice; `aside` are commands
    that carry a version in their name; `asks` are the arguments that make one print its
    version. `variable` is what the user can set, `example` a value of it.
    """

    @property
    def name(self) -> str: ...

    @property
    def variable(self) -> str: ...

    @property
    def example(self) -> str: ...

    @property
    def plain(self) -> tuple[str, ...]: ...

    @property
    def asks(self) -> tuple[str, ...]: ...

    @property
    def aside(self) -> tuple[str, ...]: ...

    def requirement(self, text: str) -> Requirement | None: ...

    def version(self, output: str) -> str | None: ...

    def elsewhere(self, environment: Mapping[str, str]) -> Iterator[Path]: ...

    def resolved(self, path: Path, found: str, environment: Mapping[str, str]) -> Path: ...
