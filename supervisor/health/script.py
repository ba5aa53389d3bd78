"""The script check: `.flux-pod/health-check` of the repository, if it is executable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.health.check import Answer
from supervisor.model import Command, Runner, User

LOCATION = ".flux-pod/health-check"
SLOWEST_S = 30.0


def find(project: Path, root: Path) -> Path | None:
    """The repository's own check: the project's, else the root's; None if there is none that is executable."""
    for place in dict.fromkeys((project, root)):
        script = place / LOCATION
        inside = Path(os.path.realpath(script)).is_relative_to(os.path.realpath(root))
        if script.is_file() and inside and os.access(script, os.X_OK) and script.stat().st_mode & 0o111:
            return script
    return None


@dataclass(frozen=True, slots=True)
class ScriptCheck:
    """Exit status 0 is good."""

    runner: Runner
    script: Path
    project: Path
    env: Mapping[str, str]
    user: User | None
    log: Path

    @property
    def patience_s(self) -> float:
        return SLOWEST_S

    async def ask(self, timeout_s: float) -> Answer:
        """Run it once, in the project's directory."""
        command = Command(
            (str(self.script),),
            self.project,
            self.env,
            min(timeout_s, SLOWEST_S),
            user=self.user,
            log=self.log,
            grace_s=1.0,
        )
        ended = await self.runner.run(command)
        text = ended.error or ("it did not end in time" if ended.timed_out else ended.tail)
        return Answer(ended.ok, str(self.script), ended.status, text)
