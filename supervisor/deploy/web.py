"""The web server of static sites: one nginx, which serves release after release without being started anew.

It finds the files through a link that is moved. Only where the next release needs another configuration is it told to
read it again; then its old workers finish what they have begun.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from loguru import logger

from supervisor import files
from supervisor.deploy.attempt import StageFailed
from supervisor.deploy.context import APP_MARK, Context
from supervisor.errors import OrbitError
from supervisor.health import script
from supervisor.model import Command, Exit, Plan, Release, Site, User
from supervisor.processes.app import App, describe
from supervisor.processes.spawner import Spec
from supervisor.releases import gate
from supervisor.releases.store import ReleaseStore
from supervisor.sites import config, content, nginx, rules

ASK_S = 10.0
TEST_S = 30.0
INSTALL_S = 300.0
RELOAD_S = 10.0
ROUND_S = 0.01


class WebServer:
    """Owner of `run/web`. Prepares the releases that are sites, and has the server's process serve them."""

    def __init__(self, context: Context, store: ReleaseStore) -> None:
        self._context = context
        self._store = store
        self._layout = context.layout
        self._program: nginx.Program | None = None

    # --- while a release is built --------------------------------------------------------------------------------

    async def provide(self) -> str:
        """See to it that there is a web server; what the log says of it. Raises StageFailed."""
        path = self._context.base_env["PATH"]
        if nginx.find(path) is None:
            await self._install()
        program = await self._found()
        if program is None:
            raise StageFailed("this is a static site, and there is no nginx to serve it: install nginx on this system")
        self._program = program
        return f"using nginx {'.'.join(map(str, program.version))} ({program.path})"

    async def _install(self) -> None:
        for argv in nginx.installation(os.getuid() == 0):
            logger.info("installing nginx: {}", " ".join(argv))
            # RUNLEVEL: where there is an old init, it must not start a server of its own.
            env = {"PATH": nginx.SYSTEM_PATH, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "HOME": "/root"}
            env |= {name: text for name, text in self._context.base_env.items() if name.lower().endswith("_proxy")}
            log = self._layout.setup_log
            ended = await self._context.runner.run(Command(argv, Path("/"), env, INSTALL_S, log=log, background=True))
            if not ended.ok:
                raise StageFailed(f"cannot install nginx: `{' '.join(argv)}` failed: {describe(ended)}", ended)

    async def _found(self) -> nginx.Program | None:
        path = nginx.find(self._context.base_env["PATH"])
        if path is None:
            return None
        ended = await self._run((path, "-V"), ASK_S)
        return nginx.described(path, ended.tail) if ended.ok else None

    async def prepare(self, draft: Release) -> Release:
        """The built release, with what it serves; its configuration has been tried. Raises StageFailed, OrbitError."""
        plan = draft.plan
        output_dir = plan.output_dir or "."
        stamps = [release.site.stamp for release in self._store.all() if release.site]
        stamp = max([int(time.time()), *(stamp + 1 for stamp in stamps)])
        found = await asyncio.to_thread(content.survey, draft.project, draft.directory, output_dir, stamp)
        if found.outside:
            named = ", ".join(found.outside[:3])
            logger.warning("links are not served, since {} leads out of what may be served", named)
        follows = found.links > 0 and not found.outside
        release = replace(draft, site=Site(found.place, _is_of_one_page(plan, found), follows, found.utf8, stamp))
        self._assure_answer(release, found.root, output_dir)
        for note in rules.read(found.root).notes:
            logger.warning(note)
        await self._try(release)
        logger.info("{} files in {} are served by nginx", found.files, output_dir)
        return release

    def _assure_answer(self, release: Release, root: Path, output_dir: str) -> None:
        """Raises StageFailed if the health check would find nothing, while nothing live has been touched yet."""
        settings = self._context.settings
        if settings.skip_health_check or script.find(release.project, release.directory):
            return
        path = self._context.health_path(release)
        if not content.answers(root, path, release.site is not None and release.site.single_page):
            wanted = "index.html" if path == "/" else f"file for {path} (HEALTH_CHECK_PATH)"
            there = content.named(root)
            raise StageFailed(f"the site has no page to begin with: there is no {wanted} in {output_dir}{there}")

    async def _try(self, release: Release) -> None:
        """Have nginx read the configuration. Raises StageFailed."""
        self._make_folders()
        trial = self._layout.web / "trial.conf"
        try:
            files.write_text(trial, self._configuration(release), durable=False)
            ended = await self._run(self._argv(trial, "-t"), TEST_S)
        finally:
            files.remove(trial)
        if not ended.ok:
            raise StageFailed(f"nginx does not take the configuration: {describe(ended)}", ended)

    async def _run(self, argv: tuple[str, ...], timeout_s: float) -> Exit:
        return await self._context.runner.run(
            Command(argv, Path("/"), {"PATH": nginx.SYSTEM_PATH}, timeout_s, user=self._user_of())
        )

    # --- while it is live ----------------------------------------------------------------------------------------

    def serves(self, release: Release) -> bool:
        """Whether a release is served as files; `RUN_COMMAND` is a server of its own."""
        return release.site is not None and not self._context.settings.run_command

    def spec(self, release: Release) -> Spec:
        """How to start the server."""
        return Spec(
            argv=self._argv(self._layout.web_configuration),
            cwd=self._layout.web,  # by which it is known, and never in a release
            env={"PATH": nginx.SYSTEM_PATH},
            user=self._user_of(release),
            log=self._layout.app_log,
            mark=APP_MARK,
            exit_file=self._layout.app_exit,
            grace_s=self._context.settings.stop_timeout_s,
            stop_signal=signal.SIGQUIT,  # what has begun is sent to its end
            web=True,
        )

    def place(self, release: Release) -> None:
        """Lay out what the server reads when it starts. Raises OSError, OrbitError."""
        self._make_folders()
        files.remove(self._layout.web_written / "nginx.pid")  # it may be another user's, from an earlier run
        files.write_text(self._layout.web_configuration, self._configuration(release), durable=False)
        files.move_link(self._layout.web_live, str(self._root(release)))

    async def turn(self, release: Release, app: App) -> None:
        """Have the server that runs serve this release. Raises StageFailed, OSError, OrbitError."""
        wanted = self._configuration(release)
        if wanted == files.read_text(self._layout.web_configuration):
            files.move_link(self._layout.web_live, str(self._root(release)))
            return
        # Links are followed in neither if they are not in one of both.
        if release.site and not release.site.links:
            await self._reload(wanted, app)
            files.move_link(self._layout.web_live, str(self._root(release)))
        else:
            files.move_link(self._layout.web_live, str(self._root(release)))
            await self._reload(wanted, app)

    async def _reload(self, configuration: str, app: App) -> None:
        logger.info("the web server reads another configuration")
        master = app.pid or 0
        before = nginx.accepting(master)
        files.write_text(self._layout.web_configuration, configuration, durable=False)
        try:
            app.reload()
        except OSError as error:
            raise StageFailed(f"cannot reach the web server: {error}") from error
        deadline = time.monotonic() + RELOAD_S
        while before & (now := nginx.accepting(master)) or not now:
            if time.monotonic() > deadline or app.exited.is_set():
                raise StageFailed("the web server does not take its new configuration; see logs/app.log")
            await asyncio.sleep(ROUND_S)

    def _root(self, release: Release) -> Path:
        assert release.site is not None
        return release.directory / release.site.root

    def _configuration(self, release: Release) -> str:
        site = release.site
        assert site is not None
        options = config.Options(site.single_page, site.links, site.utf8, rules.read(self._root(release)))
        return config.text(self._server(), options)

    def _server(self) -> config.Server:
        program, user = self._assured(), self._context.user
        is_root = os.getuid() == 0 and (user is None or user.uid == 0)
        return config.Server(
            port=self._context.settings.app_port,
            ipv6=nginx.has_ipv6(),
            directory=self._layout.web_written,
            live=self._layout.web_live,
            workers=nginx.workers(),
            connections=nginx.connections(),
            modules=program.modules,
            can=program.can,
            user="root" if is_root else None,
        )

    def _argv(self, configuration: Path, *more: str) -> tuple[str, ...]:
        return self._assured().argv(configuration, *more)

    def _assured(self) -> nginx.Program:
        if self._program is None:
            raise OrbitError("cannot serve a static site: there is no nginx; install it on this system")
        return self._program

    async def assure(self, release: Release) -> None:
        """Find the server for a release that was built before Orbit was started; in a new container it may have to be
        installed again. Raises StageFailed."""
        if self.serves(release) and self._program is None:
            await self.provide()

    async def recall(self, release: Release) -> None:
        """The same for one that serves, or is gone back to, whether that is possible or not."""
        try:
            await self.assure(release)
        except StageFailed as error:
            logger.error(error.reason)

    def _make_folders(self) -> None:
        user, written = self._context.user, self._layout.web_written
        files.make_directory(self._layout.web)
        files.make_directory(written, mode=0o700)
        # Hooks and builds are the same user, and would be able to keep the server from starting again.
        if user and (user.uid == 0 or not gate.keep_for_web_server(written)):
            files.make_directory(written, user=user)

    def _user_of(self, release: Release | None = None) -> User | None:
        """The server is let into every site, where they are closed; it runs nothing of what is there. So it is alone
        into the folder that it writes to."""
        user = self._context.user
        if user is None or user.uid == 0:
            return user
        is_closed = release is not None and gate.group_of(release.directory) is not None
        own = (gate.OF_WEB_SERVER,) if gate.is_kept_for_web_server(self._layout.web_written) else ()
        return replace(user, groups=(*user.groups, *own, *(gate.OF_SITES if is_closed else ())))


def _is_of_one_page(plan: Plan, found: content.Content) -> bool:
    """Whether index.html is to answer for what is no file: if a file of the project says so, or if it is supposed to
    (the framework makes pages in the browser, or there is no other page) and there is no page for what is not found."""
    if plan.single_page and "single_page" in dict(plan.origins):
        return True
    is_supposed = plan.single_page or (plan.build is not None and found.pages == 1)
    return is_supposed and not content.has_page_for_what_is_missing(found.root)
