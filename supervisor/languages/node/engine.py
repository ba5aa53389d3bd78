"""What runs a project's JavaScript: Node or Bun. The rest of a plan is the same for both."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from supervisor.languages.versions import Reader

SCRIPT = (".js", ".mjs", ".cjs")
TYPED = (".ts", ".tsx", ".mts")  # what Bun runs as it is


@dataclass(frozen=True, slots=True)
class Engine:
    """`name` is the type of the plan and the runtime, `manager` the package manager where nothing names one.

    `runs` stands before a file, `endings` are those of the files that it runs; `versions` say where its version is
    written, after the user's `variable`.
    """

    name: str
    variable: str
    manager: str
    runs: str
    endings: tuple[str, ...]
    versions: tuple[Reader, ...]

    def run(self, file: str) -> str:
        return f"{self.runs} {shlex.quote(file)}"
