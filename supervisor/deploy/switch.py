"""Going live: stop the old, swap `current`, start the new, ask whether it is well; and the way back."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from http import HTTPStatus

from loguru import logger

from supervisor import files
from supervisor.deploy.attempt import Attempt, Limit, StageFailed
from supervisor.deploy.context import Context
from supervisor.deploy.web import WebServer
from supervisor.errors import OrbitError
from supervisor.health import check, script
from supervisor.health.http import HttpCheck, is_taken
from supervisor.model import Exit, Release, Stage
from supervisor.processes import tree
from supervisor.processes.app import App, describe
from supervisor.processes.shell import line_of
from supervisor.processes.spawner import Spec
from supervisor.processes.uninterrupted import uninterrupted
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore

SLOW_S = 5.0
"""After this long without a good answer, the log says what is waited for."""


class WentBack(Exception):
    """The new release could not be made live; the cause is chained, and the previous one serves again (or, where
    there was none, nothing does)."""

    def __init__(self, previous: Release | None) -> None:
        super().__init__("went back")
        self.previous = previous


class Switch:
    """Makes releases live. Uses the application's process, and puts `current` where it belongs."""

    def __init__(self, context: Context, store: ReleaseStore, app: App, web: WebServer) -> None:
        self._context = context
        self._web = web
        self._store = store
        self._app = app
        self._printed = 0
        self.well_since: datetime | None = None
        """The start of the application that was found healthy last."""
        self.closing = False
        """Orbit is being stopped: a way back moves the link, and starts nothing any more."""

    async def to(self, release: Release, attempt: Attempt) -> None:
        """Replace the live release by this one. Raises WentBack, whose cause is what failed: a StageFailed, or the
        cancellation."""
        self._store.check_link()
        await self._web.assure(release)
        previous = self._store.current() or self._served()
        attempt.enter(Stage.STOPPING_APP)
        try:
            stays = self._stays(release)
            if not stays:
                await self._app.stop()
            attempt.enter(Stage.STARTING_APP)
            attempt.command = line_of(self.spec_of(release).argv)
            self._store.activate(release)
            if stays:
                await self._turn(release)
            else:
                self._assure_port()
                await self._start(release)
            attempt.enter(Stage.HEALTH_CHECK)
            attempt.command = self._app.command
            self._store.settle()
            await self.assure_health(release)
            self._store.mark(release, good=True)
        except BaseException as error:
            refuge = self._refuge(previous)
            await uninterrupted(self._go_back(refuge, attempt))
            with contextlib.suppress(asyncio.CancelledError):
                await self._look_after(refuge, attempt)
            raise WentBack(refuge if refuge != release else None) from error
        self._app.keep_up()

    def _refuge(self, previous: Release | None) -> Release | None:
        """Where to go back to: not to a release that was found ill after it had gone live, if there is another. It may
        be the one that was gone to, which then is kept up, well or not."""
        if previous is None or previous.good:
            return previous
        return retention.last_good(self._store.all(), previous) or previous

    def _served(self) -> Release | None:
        """What runs, though `current` does not lead to it: somebody has removed the link."""
        return next((release for release in self._store.all() if release.id == self._app.release), None)

    def _assure_port(self) -> None:
        """Raises StageFailed if somebody else listens where the application should: its answers would be taken for
        the application's."""
        port = self._context.settings.app_port
        if is_taken(port):
            who = tree.listener(port)
            by = f"{who[1]} (pid {who[0]})" if who else "another program"
            raise StageFailed(f"port {port} is in use by {by}: stop that, or set another APP_PORT")

    async def _start(self, release: Release) -> None:
        self._printed = files.size(self._context.layout.app_log)
        try:
            if self._web.serves(release):
                self._web.place(release)
            await self._app.start(self.spec_of(release), release.id)
        except (OSError, OrbitError) as error:
            raise StageFailed(f"the application could not be started: {error}") from error

    def spec_of(self, release: Release) -> Spec:
        """How a release's application is started, be it the web server. Raises OrbitError."""
        return self._web.spec(release) if self._web.serves(release) else self._context.app_spec(release)

    def _stays(self, release: Release) -> bool:
        """Whether what runs can serve the release, too, and nobody need be stopped."""
        return self._app.is_web and self._web.serves(release)

    async def _turn(self, release: Release) -> None:
        """Have the running web server serve a release. Raises StageFailed."""
        self._printed = files.size(self._context.layout.app_log)
        try:
            await self._web.turn(release, self._app)
        except OSError as error:
            raise StageFailed(f"the web server could not be told of the release: {error}") from error
        self._app.hand_over(self.spec_of(release), release.id)

    async def take_over(self, release: Release) -> bool:
        """Take over what an earlier supervisor left, if it serves the live release or can; whether it did. Raises
        OSError, OrbitError."""
        await self._web.recall(release)
        if not self._app.adopt(self.spec_of(release), release.id):
            return False
        if self._stays(release):
            try:
                await self._turn(release)
            except StageFailed as error:
                logger.error("{}; it is started anew", error.reason)
                await self._app.stop()
                return False
            self._app.keep_up()
        return True

    async def resume(self, release: Release) -> str | None:
        """Start the live release: after a restart of Orbit, or after a way back. It is kept up, well or not. Why it
        could not be started, or None."""
        try:
            await self._start(release)
            return None
        except StageFailed as error:
            logger.error("{}; it is tried again", error.reason)
            return error.reason
        finally:
            self._app.keep_up()

    async def _go_back(self, previous: Release | None, attempt: Attempt) -> None:
        stays = previous is not None and self._stays(previous)
        if not stays:
            await self._app.stop()
        if previous:
            logger.warning("going back to release {}", previous.id)
        try:
            if previous:
                self._store.activate(previous)
            else:
                self._store.deactivate()
        except (OSError, OrbitError) as error:
            where = f"back to {previous.id}" if previous else "away"
            attempt.warn(f"cannot move `current` {where}: {error}; Orbit does it at its next start")
        if previous and not self.closing:
            await self._web.recall(previous)
            if not (stays and await self._turn_back(previous)):
                await self.resume(previous)

    async def _turn_back(self, previous: Release) -> bool:
        """Have the running web server serve the previous release again; if it does not, it is stopped."""
        try:
            await self._turn(previous)
        except (StageFailed, OrbitError) as error:
            logger.error("{}; the web server is started anew", error)
            await self._app.stop()
            return False
        self._app.keep_up()
        return True

    async def _look_after(self, previous: Release | None, attempt: Attempt) -> None:
        """Is the release that was gone back to well? It is kept up in any case; who cancels does not wait for this."""
        if previous is None or self.closing:
            return
        try:
            await self.assure_health(previous)
        except StageFailed as error:
            attempt.warn(f"release {previous.id}, which serves again, is not well: {error.reason}; it is kept up")

    async def assure_health(self, release: Release) -> None:
        """Wait for the first good answer. Raises StageFailed: the application ended, or was not well in time."""
        if self._context.settings.skip_health_check:
            return
        window_s = self._context.health_window_s(release)
        telling = asyncio.create_task(self._tell_if_slow(release, window_s))
        try:
            answer = await check.until_good(self.check_of(release), window_s, self._app.exited)
        finally:
            telling.cancel()
        if answer is None:
            last = self._app.last_exit
            assert last is not None
            raise StageFailed(f"the application ended before it was healthy: {describe(last.exit)}", last.exit)
        if answer.good:
            self.well_since = self._app.started_at
        else:
            ports = None if answer.reached else self._other_ports()
            said = _told(ports)
            hint = None
            if answer.status == HTTPStatus.BAD_REQUEST:
                hint = "the check comes with Host: localhost: does the application allow that (ALLOWED_HOSTS)?"
                said = f"; {hint}"
            reason = f"not healthy within {window_s:g} s: {answer.target}: {answer.said}{said}"
            limit = Limit("HEALTH_CHECK_TIMEOUT", window_s)
            raise StageFailed(reason, self.printed(), answer, limit=limit, ports=ports, hint=hint or said[2:] or None)

    def printed(self) -> Exit:
        """What the application, which has not ended, has printed last."""
        return Exit(tail=files.last_lines(self._context.layout.app_log, self._printed))

    async def _tell_if_slow(self, release: Release, window_s: float) -> None:
        await asyncio.sleep(SLOW_S)
        ports = self._other_ports()
        logger.info("release {} is not healthy yet; it has {:g} s in all{}", release.id, window_s, _told(ports))

    def check_of(self, release: Release) -> check.Check:
        """The health check of a release: its own script, or HTTP."""
        context = self._context
        found = script.find(release.project, release.directory)
        if found:
            env, log, user = context.environment(release), context.layout.hooks_log, context.user_of(release)
            return script.ScriptCheck(context.runner, found, release.project, env, user, log)
        named = release.id if self._web.serves(release) else None
        return HttpCheck(context.settings.app_port, context.health_path(release), named)

    def _other_ports(self) -> tuple[int, ...] | None:
        """Which ports the application listens on instead of its own: the most common mistake of all. None if it listens
        on its own, or is not there."""
        if self._app.shim_pid is None:
            return None
        ports = tree.listening_ports(self._app.shim_pid)
        return None if self._context.settings.app_port in ports else ports


def _told(ports: tuple[int, ...] | None) -> str:
    if ports is None:
        return ""
    if not ports:
        return "; the application listens on no port: it has to listen on $PORT"
    listed = ", ".join(map(str, ports))
    return f"; the application listens on port {listed}: have it listen on $PORT, or set APP_PORT={ports[0]}"
