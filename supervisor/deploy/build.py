"""From a commit to a complete release: fetch, plan, runtime, dependencies, pre-deploy, build. Touches nothing live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loguru import logger

from supervisor import languages
from supervisor.deploy import causes, hooks, toolchain
from supervisor.deploy.attempt import Attempt, StageFailed
from supervisor.deploy.buildlog import BuildLog
from supervisor.deploy.context import Context
from supervisor.deploy.dependencies import Dependencies, Install
from supervisor.deploy.kept import KeptCaches
from supervisor.deploy.source import Source
from supervisor.deploy.toolchain import Toolchain, Toolchains
from supervisor.deploy.web import WebServer
from supervisor.errors import OrbitError
from supervisor.git import Git, project_directory
from supervisor.model import Command, Commit, Plan, Release, Stage
from supervisor.processes.app import describe
from supervisor.processes.shell import argv_of, line_of
from supervisor.redact import secrets_of_plan
from supervisor.releases.store import ReleaseStore
from supervisor.runtimes import Console

MARK = "BUILD"


@dataclass(frozen=True, slots=True)
class _Step:
    """A command line of the build, and what it is called in messages."""

    title: str
    line: str


class Builder:
    """Makes releases."""

    def __init__(self, context: Context, store: ReleaseStore, git: Git, source: Source, web: WebServer) -> None:
        self._context = context
        self._web = web
        self._store = store
        self._git = git
        self._source = source
        self.toolchains = Toolchains(context)
        self._dependencies = Dependencies(context)
        self._kept = KeptCaches(context, store)

    async def fetch(self, attempt: Attempt) -> Commit:
        """The commit that the attempt is about. Raises SourceError."""
        attempt.enter(Stage.GIT_PULL)
        commit = await self._source.fetch(attempt.request.target)
        redact = self._context.redact
        attempt.commit = replace(commit, subject=redact(commit.subject), author=redact(commit.author))
        return attempt.commit

    async def build(self, attempt: Attempt, commit: Commit, hook_runner: hooks.HookRunner) -> Release:
        """A complete release of `commit`. Raises StageFailed or another OrbitError; then nothing live was touched."""
        since = time.monotonic()
        number, directory = self._store.begin(commit)
        attempt.release = directory.name
        logger.info("building release {}: {}", directory.name, commit.subject)
        build_log = self._log_of(directory.name, commit)
        for note in await self._git.checkout(commit, directory):
            attempt.warn(note)
        draft = Release(
            number=number,
            commit=commit,
            directory=directory,
            project=project_directory(directory, await self._source.project_path()),
            plan=Plan(type="unknown"),
            built_at=datetime.now(UTC),
            build_duration_s=0.0,
        )
        draft = await self._plan(attempt, draft)
        build_log.begin(draft.plan)
        draft, prepared = await self._install_runtime(attempt, draft, build_log)
        await self._install_dependencies(attempt, draft, prepared, build_log)
        await self._prepare(attempt, draft, build_log, hook_runner)
        if _is_site(draft.plan):
            if attempt.stage is not Stage.BUILDING:  # a release command came after the build
                attempt.enter(Stage.BUILDING)
            draft = await self._web.prepare(draft)
        release = replace(draft, built_at=datetime.now(UTC), build_duration_s=time.monotonic() - since)
        self._store.complete(release)
        return release

    async def _plan(self, attempt: Attempt, draft: Release) -> Release:
        attempt.enter(Stage.DETECTING)
        plan = await asyncio.to_thread(languages.detect, draft.project, self._context.overrides, draft.directory)
        commands = (plan.install, plan.build, plan.release, plan.start)
        self._context.hide(secrets_of_plan(dict(plan.environment), commands))
        self._tell(attempt, plan)
        if plan.start is None and not _is_site(plan):
            what = f"a {plan.framework or plan.type} project"
            raise StageFailed(
                f"cannot tell how to start the application ({what}): add a start script or a Procfile with web:, "
                "or set RUN_COMMAND"
            )
        served = f"serve: the files in {plan.output_dir}" if _is_site(plan) else f"start: {plan.start}"
        logger.info("detected {}{}; {}", plan.type, f" ({plan.framework})" if plan.framework else "", served)
        return replace(draft, plan=plan)

    def _tell(self, attempt: Attempt, plan: Plan) -> None:
        """What the user should know of the plan."""
        for note in plan.notes:
            logger.info(note)
        for name, why in plan.unset:
            if not self._context.base_env.get(name):
                attempt.warn(f"{name} is not set: {why}")
        made_up = ", ".join(name for name in plan.generated if not self._context.base_env.get(name))
        if made_up:
            logger.info("{}: made up once and kept; set it where several instances serve together", made_up)
        port = self._context.settings.app_port
        if plan.port not in (None, port):
            logger.info("{} says port {}; APP_PORT={} counts", dict(plan.origins)["port"], plan.port, port)

    async def _install_runtime(
        self, attempt: Attempt, draft: Release, build_log: BuildLog
    ) -> tuple[Release, Toolchain]:
        attempt.enter(Stage.INSTALLING_RUNTIME)
        context = self._context
        console = Console(build_log.path, MARK, context.settings.deployment_timeout_s, context.build_limits)
        prepared = await self.toolchains.prepare(draft, console)
        for note in (*prepared.notes, *(option.note for option in self._context.memory_options(draft.plan))):
            logger.info(note)
        if _is_site(draft.plan):
            logger.info(await self._web.provide())
        own = tuple(str(draft.project / place) for place in draft.plan.bin_dirs)
        plan = replace(draft.plan, environment=(*draft.plan.environment, *prepared.environment))
        draft = replace(draft, plan=plan, search_path=(*own, *prepared.search_path))
        await self._make_ready(attempt, (step for step in prepared.steps if not step.makes), draft, build_log)
        return draft, prepared

    async def _make_ready(
        self, attempt: Attempt, steps: Iterable[toolchain.Step], draft: Release, build_log: BuildLog
    ) -> None:
        for step in steps:
            build_log.section(step.title.capitalize(), " ".join(step.argv))
            await self._run_argv(attempt, step.title, step.argv, draft, build_log.path)

    async def _install_dependencies(
        self, attempt: Attempt, draft: Release, prepared: Toolchain, build_log: BuildLog
    ) -> None:
        attempt.enter(Stage.INSTALLING_DEPENDENCIES)
        making = [step for step in prepared.steps if step.makes]

        async def prepare() -> None:
            await self._make_ready(attempt, making, draft, build_log)

        async def run(line: str) -> None:
            await self._run_steps(attempt, [_Step("Installing Dependencies", line)], draft, build_log)

        await self._dependencies.provide(Install(attempt, draft, prepared, build_log, prepare, run))
        await self._kept.bring(draft, build_log)

    async def _prepare(
        self, attempt: Attempt, draft: Release, build_log: BuildLog, hook_runner: hooks.HookRunner
    ) -> None:
        """The hook and the build, or the build and the release command of another platform's file."""
        skipped = self._context.settings.skip_hooks
        if skipped:
            logger.info("hooks are skipped (SKIP_HOOKS)")
        hook = None if skipped else hooks.find(hooks.PRE_DEPLOY, draft)
        command = None if skipped or hook else hooks.of_plan(draft)
        if command is None:
            await self._run_hook(attempt, draft, hook_runner, hook)
        await self._build(attempt, draft, build_log)
        if command is not None:
            await self._run_hook(attempt, draft, hook_runner, command)

    async def _run_hook(
        self, attempt: Attempt, draft: Release, hook_runner: hooks.HookRunner, hook: hooks.Hook | None
    ) -> None:
        attempt.enter(Stage.PRE_DEPLOY)
        if hook:
            attempt.command = line_of(hook.argv)
            await hook_runner.run(hook, draft)

    async def _build(self, attempt: Attempt, draft: Release, build_log: BuildLog) -> None:
        attempt.enter(Stage.BUILDING)
        settings = self._context.settings
        named = (
            ("Running PRE_BUILD_COMMAND", settings.pre_build_command),
            ("Building Application", draft.plan.build),
            ("Running POST_BUILD_COMMAND", settings.post_build_command),
        )
        await self._run_steps(attempt, [_Step(title, line) for title, line in named if line], draft, build_log)

    async def _run_steps(self, attempt: Attempt, steps: Iterable[_Step], draft: Release, build_log: BuildLog) -> None:
        for step in steps:
            build_log.section(step.title, step.line)
            logger.info("running {}", step.line)
            await self._run_argv(attempt, step.line, argv_of(step.line), draft, build_log.path)

    async def _run_argv(self, attempt: Attempt, title: str, argv: tuple[str, ...], draft: Release, log: Path) -> None:
        context = self._context
        attempt.command = line_of(argv)
        ended = await context.runner.run(
            Command(
                argv,
                draft.project,
                context.environment(draft, context.build_limits),
                context.settings.deployment_timeout_s,
                user=context.user,
                log=log,
                mark=MARK,
                background=True,
                limits=context.build_limits,
            )
        )
        if not ended.ok:
            known = causes.in_log(log)
            raise StageFailed(f"`{title}` failed: {describe(ended)}{f': {known}' if known else ''}", ended, hint=known)

    def _log_of(self, release: str, commit: Commit) -> BuildLog:
        context = self._context
        return BuildLog(context.layout, release, commit, context.redact, context.settings.log_policy)

    async def discard(self, attempt: Attempt) -> None:
        """A failed attempt leaves its log, and nothing else; unless `current`, which could not be moved back, leads to
        its release still."""
        if attempt.release is None or attempt.request.action != "update":
            return
        directory = self._context.layout.releases / attempt.release
        try:
            if self._store.linked() == attempt.release:
                return
            if attempt.commit:
                self._log_of(directory.name, attempt.commit).failed()
            self._store.forget(directory)
            await self.remove(directory)
        except (OSError, OrbitError) as error:
            logger.warning("cannot remove {}: {}; it is tried again after the next deployment", directory, error)

    async def remove(self, directory: Path) -> None:
        """Remove a release's directory and git's record of it. Raises OSError, SourceError."""
        await self._git.remove(directory)

    async def tidy(self) -> None:
        """Keep the mirror small."""
        await self._git.tidy()


def _is_site(plan: Plan) -> bool:
    return plan.serve == "static"
