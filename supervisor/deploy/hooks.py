"""The repository's hooks: `pre-deploy.sh` and `post-deploy.sh`, the project's own first, then the root's.

The rules are those of the users' page about hooks.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from supervisor import disk
from supervisor.deploy.attempt import Limit, StageFailed
from supervisor.deploy.context import Context
from supervisor.model import Command, Exit, Release
from supervisor.processes.app import describe
from supervisor.shim.output import RotatedFile

PRE_DEPLOY = "pre-deploy.sh"
POST_DEPLOY = "post-deploy.sh"
MOST_BYTES = 1024 * 1024
MARK = "HOOKS"


@dataclass(frozen=True, slots=True)
class Hook:
    """Something to run at a point of the deployment, in its own directory."""

    name: str
    argv: tuple[str, ...]
    cwd: Path


def find(name: str, release: Release) -> Hook | None:
    """The project's hook, or else the repository root's, made ready to run; None if there is none.

    Raises StageFailed if it is a link that leads out of the repository.
    """
    for place in dict.fromkeys((release.project, release.directory)):
        path = place / name
        if path.is_symlink():
            target = Path(os.path.realpath(path))
            if not target.is_relative_to(os.path.realpath(release.directory)):
                raise StageFailed(f"cannot run {name}: it is a link that leads out of the repository")
        else:
            target = path
        if target.is_file():
            return Hook(name, (*_ready(target, release.directory), str(path)), place)
        if path.exists():
            logger.warning("{} is not a file; it is not run", path)
    return None


def of_plan(release: Release) -> Hook | None:
    """The release command of a Procfile or of another platform's file, where there is no `pre-deploy.sh`.

    It runs after the build, as it does there: it may be what the build has made that migrates.
    """
    plan = release.plan
    origin = dict(plan.origins).get("release", "Procfile")
    return Hook(f"release ({origin})", ("bash", "-c", plan.release), release.project) if plan.release else None


def _ready(path: Path, root: Path) -> tuple[str, ...]:
    """Make it executable, mend line ends; what it has to be called with.

    All of it by one descriptor, reached without a link, of a file that has no other name: Orbit may be root, and the
    directory belongs to a user whose application runs already, and may exchange any part of it meanwhile.
    """
    try:
        with disk.reached(root, path, os.O_RDONLY | os.O_NONBLOCK) as fd:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
                return ()
            mode = stat.S_IMODE(facts.st_mode)
            wanted = mode | ((mode & 0o444) >> 2) | stat.S_IXUSR
            if mode != wanted:
                os.fchmod(fd, wanted)
            return _mended(fd, path.name)
    except OSError as error:
        raise StageFailed(f"cannot run {path.name}: {error.strerror}") from None


def _mended(fd: int, name: str) -> tuple[str, ...]:
    head = os.pread(fd, MOST_BYTES, 0)
    if b"\r\n" in head and len(head) < MOST_BYTES:
        logger.warning("{} has Windows line ends; they are mended for this run. Commit it with LF line ends", name)
        mended = head.replace(b"\r\n", b"\n")
        writable = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_CLOEXEC)  # the same file, whatever its name is now
        try:
            os.write(writable, mended)
            os.ftruncate(writable, len(mended))
        finally:
            os.close(writable)
    if not head.startswith(b"#!"):
        logger.warning("{} does not start with a shebang line, so bash runs it. Make its first line #!/bin/bash", name)
        return ("bash",)
    return ()


class HookRunner:
    """Runs hooks; what they print goes to `logs/hooks.log` and to the console."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._log = context.layout.hooks_log
        self._timeout_s = context.settings.hook_timeout_s

    async def run(self, hook: Hook, release: Release) -> None:
        """Run to its end or its timeout; nothing that it started is left then. Raises StageFailed."""
        self._tell(f"Running hook: {hook.name}")
        context = self._context
        command = Command(
            hook.argv,
            hook.cwd,
            {**context.environment(release, context.build_limits), "ORBIT_HOOK": hook.name, "PWD": str(hook.cwd)},
            self._timeout_s,
            user=context.user_of(release),
            log=self._log,
            mark=MARK,
            background=True,
            limits=context.build_limits,
        )
        try:
            ended = await context.runner.run(command)
        except asyncio.CancelledError:
            self._tell(f"Hook was ended together with the deployment: {hook.name}")
            raise
        if ended.ok:
            self._tell("Hook completed successfully")
            return
        self._tell(self._explain(hook, ended))
        limit = Limit("HOOK_TIMEOUT", self._timeout_s) if ended.timed_out else None
        raise StageFailed(f"{hook.name} failed: {describe(ended)}{self._more(hook, ended)}", ended, limit=limit)

    def _explain(self, hook: Hook, ended: Exit) -> str:
        if ended.timed_out:
            return f"Hook timed out after {self._timeout_s:g} seconds and was killed: {hook.name} (see HOOK_TIMEOUT)"
        if ended.status is not None:
            return f"Hook failed with exit code {ended.status}"
        return f"Hook failed: {describe(ended)}"

    def _more(self, hook: Hook, ended: Exit) -> str:
        if ended.timed_out:
            return f" after {self._timeout_s:g} s (HOOK_TIMEOUT)"
        if ended.error and Path(hook.argv[0]).is_file():
            return "; it is there, so its first line names an interpreter that is not"
        return ""

    def _tell(self, text: str) -> None:
        logger.info(text)
        policy = self._context.settings.log_policy
        log = RotatedFile(str(self._log), policy.max_bytes, policy.backups)
        log.write(f"{text}\n".encode())
        if log.lost:
            logger.warning("cannot write {}; a line of it is lost", self._log)
        log.close()
