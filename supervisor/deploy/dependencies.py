"""Dependencies: restored from a snapshot where nothing that decides about them has changed, installed otherwise.

A snapshot is a copy that was taken right after an install, before a hook or a build has written to it, and is copied
again for each release: nothing is shared between releases, so a build may rewrite what it likes. Whatever is wrong
with a snapshot, an install follows.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger

from supervisor import disk
from supervisor.deploy.attempt import Attempt, StageFailed
from supervisor.deploy.buildlog import BuildLog
from supervisor.deploy.context import Context
from supervisor.deploy.fingerprint import Fingerprint, fingerprint, within
from supervisor.deploy.toolchain import Toolchain
from supervisor.model import Command, Release
from supervisor.processes.app import describe
from supervisor.releases.snapshots import Snapshots, close

MOST_SHOWN = 3
REFUSED = 2
BROWSERS = ("puppeteer", "ms-playwright", "Cypress", "electron", "prisma")
"""Below ~/.cache: what install scripts download to there. Another container may not have it any more."""

TICK_S = 0.011
"""The kernel's clock for changes of files may be that much behind; so what the install changes is later than what was
checked out before."""

Step = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Install:
    """One release's install: `run` runs a command line of it, `prepare` what has to be there first."""

    attempt: Attempt
    draft: Release
    toolchain: Toolchain
    log: BuildLog
    prepare: Callable[[], Awaitable[None]]
    run: Step


class Failed(Exception):
    """One of our own programs has not done what it should; `refused`: nothing is wrong, it is just not possible."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Dependencies:
    """Provides the dependencies of releases."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._snapshots = Snapshots(context.layout.snapshots)

    async def provide(self, install: Install) -> None:
        """Restore or install. Raises StageFailed."""
        line = install.draft.plan.install
        if not line:
            await install.prepare()
            return
        paths = self._paths(install.draft)
        print_, why_not = await self._fingerprint(install, paths)
        if print_ and self._context.settings.force_install:
            why_not = "FORCE_INSTALL is set"
        elif print_:
            failed = await self._restored(install, print_, paths)
            if failed is None:
                return
            why_not = failed
        self._tell(install, f"dependencies are installed: {why_not}")
        await install.prepare()
        since = time.time_ns()
        await asyncio.sleep(TICK_S)
        await install.run(line)
        if print_ is None or not await self._take(install, print_, paths, since):
            await self._unshare(install, paths)

    def _paths(self, draft: Release) -> list[str]:
        """What the install makes, relative to the release's directory; nothing twice."""
        paths = sorted({within(draft, path) for path in draft.plan.dependencies})
        inside = [path for path in paths if path != "." and not path.startswith(("..", "/"))]
        return [path for path in inside if not any(path.startswith(f"{other}/") for other in inside)]

    async def _fingerprint(self, install: Install, paths: list[str]) -> tuple[Fingerprint | None, str]:
        """None where no snapshot may be used, and why."""
        draft = install.draft
        if not draft.plan.inputs:
            return None, "no lockfile says that another install would make the same"
        if not paths:
            return None, "they stay in the package manager's cache, and no copy of them is in the release"
        for path in paths:
            if disk.is_there(draft.directory, path):
                return None, f"{path} is a part of the repository"
        environment = self._context.environment(draft)
        try:
            found = await asyncio.to_thread(fingerprint, draft, install.toolchain, environment, paths)
        except (ValueError, OSError) as error:
            return None, str(error)
        return found, ""

    async def _restored(self, install: Install, print_: Fingerprint, paths: list[str]) -> str | None:
        """Restore; None once that is done, else why an install has to follow."""
        try:
            fd = self._snapshots.open(print_.key)
        except OSError as error:
            return f"the snapshot cannot be read: {error.strerror}"
        if fd is None:
            return self._what_changed(print_)
        since = time.monotonic()
        try:
            answer = await self._run(install.draft, "unpack", fd, {"at": self._ways_to(install.draft)})
            await self._after_restore(install, answer)
        except (Failed, StageFailed) as error:
            return await self._give_up(install, print_, paths, str(error))
        finally:
            close(fd)
        took = time.monotonic() - since
        told = f"key {print_.key[:12]}, {answer['files']} files, {took:.1f} s"
        self._tell(install, f"dependencies restored from a snapshot ({told})")
        return None

    async def _after_restore(self, install: Install, answer: Mapping[str, Any]) -> None:
        """What an install does with the project's own source; and is all there that the install had made?"""
        for name in answer["outside"]:
            if not disk.is_there(Path(self._home(install.draft)), f".cache/{name}"):
                raise Failed(f"~/.cache/{name}, which the install had filled, is not there any more")
        if install.draft.plan.after_restore:
            await install.run(install.draft.plan.after_restore)
        for place in answer["changed"]:
            if not disk.is_there(install.draft.directory, place):
                raise Failed(f"the install had made {place}, too")

    async def _give_up(self, install: Install, print_: Fingerprint, paths: list[str], why: str) -> str:
        """Remove what was restored, and the snapshot."""
        install.attempt.warn(f"the snapshot of the dependencies is not used, and removed: {why}")
        try:
            self._snapshots.discard(print_.key)
        except OSError as error:
            logger.warning("cannot remove snapshot {}: {}", print_.key, error.strerror)
        context, draft = self._context, install.draft
        argv = ("rm", "-rf", "--", *paths)
        ended = await context.runner.run(
            Command(argv, draft.directory, context.base_env, context.settings.deployment_timeout_s, context.user)
        )
        if not ended.ok:
            raise StageFailed(f"cannot remove what was restored: {describe(ended)}", ended)
        return why

    async def _take(self, install: Install, print_: Fingerprint, paths: list[str], since_ns: int) -> bool:
        """A snapshot for the releases to come; whether there is one now. Whatever is in its way, this one goes on."""
        since = time.monotonic()
        try:
            answer = await self._pack(install.draft, print_, paths, since_ns)
        except Failed as error:
            if error.refused:
                self._tell(install, f"no snapshot of the dependencies is kept: {error}", is_outcome=False)
            else:
                install.attempt.warn(f"cannot keep a snapshot of the dependencies: {error}")
        except OSError as error:
            install.attempt.warn(f"cannot keep a snapshot of the dependencies: {error.strerror}")
        else:
            took = time.monotonic() - since
            told = f"key {print_.key[:12]}, {answer['files']} files, {took:.1f} s"
            self._tell(install, f"a snapshot of the dependencies was taken ({told})", is_outcome=False)
            return True
        return False

    async def _unshare(self, install: Install, paths: list[str]) -> None:
        """What a snapshot does first: files that hard links share with a package manager's cache become the release's
        own. That it is not possible fails nothing, and is told of."""
        try:
            if paths:
                await self._run(install.draft, "unshare", None, {"paths": paths})
        except Failed as error:
            install.attempt.warn(f"dependencies may share files with the cache of the package manager: {error}")

    async def _pack(self, draft: Release, print_: Fingerprint, paths: list[str], since_ns: int) -> Mapping[str, Any]:
        settings, key = self._context.settings, print_.key
        room = disk.of(self._context.layout.home).free.bytes - settings.disk_reserve_bytes
        limit = min(room, settings.cache_budget_bytes or room)
        told = {
            "paths": paths,
            "at": self._ways_to(draft),
            "limit": limit,
            "since": since_ns,
            "beside": [within(draft, path) for path in draft.plan.caches],
            "source": bool(draft.plan.after_restore),
            "outside": [f"{self._home(draft)}/.cache/{name}" for name in BROWSERS],
        }
        fd = self._snapshots.begin(key)
        try:
            answer = await self._run(draft, "pack", fd, told)
            if answer["changed"] and not draft.plan.after_restore:
                raise Failed(f"the install also wrote to {', '.join(answer['changed'][:MOST_SHOWN])}", refused=True)
            self._snapshots.finish(key, print_.parts)
        except BaseException:
            self._snapshots.abandon(key)
            raise
        finally:
            close(fd)
        return answer

    async def _run(self, draft: Release, program: str, fd: int | None, told: Mapping[str, Any]) -> dict[str, Any]:
        """What one of our programs answers, run as the application's user. Raises Failed."""
        context = self._context
        command = Command(
            (program, json.dumps(told)),
            draft.directory,
            {},
            context.settings.deployment_timeout_s,
            user=context.user,
            capture=True,
            files={} if fd is None else {3: fd},
            background=True,
            limits=context.build_limits,
            own=True,
        )
        ended = await context.runner.run(command)
        try:
            answer: dict[str, Any] = json.loads(ended.output)
        except ValueError:
            answer = {}
        if not ended.ok:
            raise Failed(str(answer.get("error") or describe(ended)), refused=ended.status == REFUSED)
        return answer

    def _ways_to(self, draft: Release) -> list[str]:
        """The paths by which programs know a release's directory."""
        return list(dict.fromkeys((str(draft.directory), os.path.realpath(draft.directory))))

    def _home(self, draft: Release) -> str:
        return self._context.environment(draft).get("HOME", "/nonexistent")

    def _what_changed(self, print_: Fingerprint) -> str:
        try:
            latest = self._snapshots.latest()
        except OSError:
            latest = {}
        if not latest:
            return "there is no snapshot yet"
        names = print_.differences(latest)
        more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        return f"{', '.join(names[:MOST_SHOWN])}{more} changed" if names else "the snapshot was removed"

    def _tell(self, install: Install, text: str, is_outcome: bool = True) -> None:
        logger.info(text)
        install.log.note(text)
        if is_outcome:
            install.attempt.dependencies = text
