"""What builds keep for the next one: `.next/cache`, Cargo's `target` and the like, copied from the live release.

A copy of its own for each release: the live one is only read. It is done as the application's user, who in this may
enter both directories. Nothing of it may fail a deployment: without it a build takes longer, no more.
"""

from __future__ import annotations

import json
import time
from typing import Any

from loguru import logger

from supervisor import disk, files
from supervisor.deploy.buildlog import BuildLog
from supervisor.deploy.context import Context
from supervisor.deploy.fingerprint import within
from supervisor.model import Command, Exit, Release
from supervisor.processes.app import describe
from supervisor.releases.store import ReleaseStore


class KeptCaches:
    """Brings the caches of the live release's build to the next one."""

    def __init__(self, context: Context, store: ReleaseStore) -> None:
        self._context = context
        self._store = store

    async def bring(self, draft: Release, log: BuildLog) -> None:
        """Copy what `draft` has no own of. What goes wrong is told of."""
        try:
            await self._bring(draft, log)
        except OSError as error:
            _tell(log, f"caches of the last build cannot be used: {error.strerror}")

    async def _bring(self, draft: Release, log: BuildLog) -> None:
        live = self._store.current()
        paths = [path for path in (within(draft, cache) for cache in draft.plan.caches) if not path.startswith("..")]
        if not paths or live is None or self._context.settings.force_install:
            return
        why_not = self._why_not(draft, live, log)
        if why_not:
            _tell(log, f"caches of the last build are not used: {why_not}")
            return
        since = time.monotonic()
        absent = [path for path in paths if not disk.is_there(draft.directory, path)]
        ended, answer = await self._copy(draft, live, absent)
        if ended.ok and answer.get("paths"):
            took = time.monotonic() - since
            names = ", ".join(answer["paths"])
            _tell(log, f"caches of the last build: {names} ({answer['files']} files, {took:.1f} s)")
        elif not ended.ok:
            _tell(log, f"caches of the last build cannot be used: {answer.get('error') or describe(ended)}")
            await self._run(draft, ("rm", "-rf", "--", *absent))

    def _why_not(self, draft: Release, live: Release, log: BuildLog) -> str | None:
        if files.kind(log.of_failure) is not None:
            return "the build of this commit has failed before"
        if len(str(live.directory)) != len(str(draft.directory)):
            return "they were made at a path of another length"
        return None

    async def _copy(self, draft: Release, live: Release, paths: list[str]) -> tuple[Exit, dict[str, Any]]:
        settings = self._context.settings
        room = disk.of(self._context.layout.home).free.bytes - settings.disk_reserve_bytes
        told = {
            "source": str(live.directory),
            "target": str(draft.directory),
            "paths": paths,
            "limit": min(room // 2, settings.cache_budget_bytes or room),
        }
        ended = await self._run(draft, ("copy", json.dumps(told)), live)
        try:
            return ended, json.loads(ended.output)
        except ValueError:
            return ended, {}

    async def _run(self, draft: Release, argv: tuple[str, ...], live: Release | None = None) -> Exit:
        """A command of ours in the new release; with `live`, one of our programs, which may enter that one, too."""
        context = self._context
        return await context.runner.run(
            Command(
                argv,
                draft.directory,
                context.base_env,
                context.settings.deployment_timeout_s,
                user=context.user_of(live) if live else context.user,
                capture=True,
                background=True,
                limits=context.build_limits,
                own=live is not None,
            )
        )


def _tell(log: BuildLog, text: str) -> None:
    logger.info(text)
    log.note(text)
