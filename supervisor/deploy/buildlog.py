"""`logs/builds/001-<sha>.log`: what installing and building a release printed; `<sha7>-FAILED.log` if it failed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import Commit, LogPolicy, Plan
from supervisor.shim.output import RotatedFile


class BuildLog:
    """One build's log. Its lines are written by the shims of the build's steps; here come the headings between them.

    A log that cannot be written fails nothing: the step that cannot write either will say so.
    """

    def __init__(
        self, layout: Layout, release: str, commit: Commit, redact: Callable[[str], str], policy: LogPolicy
    ) -> None:
        self._directory = layout.build_logs
        self._redact = redact
        self._policy = policy
        self._commit = commit
        self.path = self._directory / f"{release}.log"

    @property
    def of_failure(self) -> Path:
        """Where it goes if the build fails, and where that of an earlier failure of the same commit is."""
        return self._directory / f"{self._commit.short}-FAILED.log"

    def begin(self, plan: Plan) -> None:
        """The head: what is built."""
        facts = {
            "commit": self._commit.sha,
            "project_type": plan.type,
            "framework": plan.framework,
            "serve_type": plan.serve,
            "build_timestamp": datetime.now(UTC).isoformat(),
        }
        self._append(f"=== Build Metadata ===\n{json.dumps(facts, indent=2)}\n\n=== Build Log ===\n")

    def section(self, title: str, line: str) -> None:
        """The heading of a step."""
        self._append(f"=== {title} ===\n{line}\n")

    def note(self, text: str) -> None:
        """A remark between the steps."""
        self._append(f"{text}\n")

    def failed(self) -> None:
        """Keep it under the name of a failed build, in place of an earlier failure of the same commit."""
        target = self.of_failure
        with contextlib.suppress(OSError):
            for path in files.listing(self._directory, f"{target.name}*"):
                files.remove(path)
            for path in files.listing(self._directory, f"{self.path.name}*"):
                files.move(path, Path(str(path).replace(str(self.path), str(target))))

    def _append(self, text: str) -> None:
        log = RotatedFile(str(self.path), self._policy.max_bytes, self._policy.backups)
        log.write(self._redact(text).encode("utf-8", "surrogateescape"))
        log.close()
