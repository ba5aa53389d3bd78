"""Real commands under real shims."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from supervisor.model import Command, Exit, LogPolicy
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner

SECRET = "s3cr3t-value-of-a-token"


@pytest.fixture
async def spawner() -> AsyncIterator[Spawner]:
    instance = Spawner(LogPolicy(max_bytes=100_000, backups=3), (SECRET,))
    yield instance
    instance.close()


@pytest.fixture
def run(spawner: Spawner, tmp_path: Path) -> Callable[..., Awaitable[Exit]]:
    """Run a bash script in `tmp_path`."""

    async def run(script: str, timeout_s: float = 20.0, **options: Any) -> Exit:
        env = {"PATH": os.environ["PATH"]}
        return await CommandRunner(spawner).run(Command(("bash", "-c", script), tmp_path, env, timeout_s, **options))

    return run
