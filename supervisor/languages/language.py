"""The role of a language: to say how well it fits a directory, and what the directory then needs."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from supervisor.errors import PlanError
from supervisor.languages.source import Source
from supervisor.model import Plan

NO_START = "no start command: "
"""How the note of a plan without a start command begins: what was missed, and after a semicolon what would help."""


class Fit(IntEnum):
    """How surely a directory is a project of a language. The best fit wins; the table's order decides a tie.

    Grades, because repositories mix: a Django project keeps a package.json for its style sheets, a Node
    server keeps a requirements.txt for a script.
    """

    NO = 0
    HELPER = 1  # a manifest is there, but nothing in it looks like what is to be run
    PLAIN = 2  # there are pages that could be served as they are
    LIKELY = 3  # a manifest of a project
    CERTAIN = 4  # a manifest of a project that serves: a framework, a start command


class NoStart(PlanError):
    """Everything but the start command could be told, and is in `plan`: that cannot be deployed."""

    def __init__(self, message: str, plan: Plan) -> None:
        super().__init__(message)
        self.plan = plan


class Language(Protocol):
    """A kind of project. A module does: it has these at its top level, and an entry in `table.LANGUAGES`.

    `plan` may be asked of a directory that does not fit, when PROJECT_TYPE forces it. Both read files,
    neither runs anything, and both raise PlanError about a manifest that cannot be read.
    """

    @property
    def name(self) -> str: ...

    def fit(self, source: Source) -> Fit: ...

    def plan(self, source: Source) -> Plan: ...
