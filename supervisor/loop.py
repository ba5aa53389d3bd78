"""The supervisor: one queue, one loop. Signals and triggers only leave a word; what is done is decided here."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from supervisor import log, memory
from supervisor.assembly import Assembly
from supervisor.control import requests
from supervisor.deploy.attempt import Attempt
from supervisor.deploy.pipeline import AT_START, AUTOMATIC
from supervisor.model import Action, Outcome, Release, Request
from supervisor.releases import retention
from supervisor.report import Report
from supervisor.triggers import polling

HEARTBEAT_S = 10.0
AGAIN_S = 1.0
FIRST_RETRY_S = 15.0
LONGEST_RETRY_S = 300.0


class Supervisor:
    """Decides everything, serves nothing. Owner of the queue: what runs, and the one that waits."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts
        self._wake = asyncio.Event()
        self._report = Report(parts, self._requests_of_status)
        self._running: asyncio.Task[None] | None = None
        self._current: Request | None = None
        self._next: Request | None = None
        self._after: Request | None = None
        self._unsignalled = 0
        self._started_at = datetime.now(UTC)
        self._cancels: list[Request] = []
        self._taken: set[str] = set()
        self._hups = 0
        self._stops = 0
        self._restarting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._retry_s = FIRST_RETRY_S

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then nothing that was started is left."""
        self._listen()
        parts = self._parts
        parts.on_change = self._report.changed
        heartbeat = self._spawn(self._beat())
        await self._recover()
        self._start_triggers()
        while not self._stops:
            await self._wake.wait()
            self._wake.clear()
            self._take_requests()
            self._advance()
        heartbeat.cancel()
        await self._shut_down()

    # --- what comes in -------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {
            signal.SIGHUP: self._on_hup,
            signal.SIGTERM: self._on_stop,
            signal.SIGINT: self._on_stop,
            signal.SIGUSR1: self._on_reopen,
            signal.SIGUSR2: lambda: self.ask(Action.RESTART, "SIGUSR2"),
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)  # what came during the start comes now

    def _on_hup(self) -> None:
        self._hups += 1
        self._wake.set()

    def _on_stop(self) -> None:
        self._stops += 1
        if self._stops > 1:
            self._parts.app.kill()
        elif self._parts.stops_in_s is not None:
            asyncio.get_running_loop().call_later(self._parts.stops_in_s, self._on_stop)
        self._wake.set()

    def _on_reopen(self) -> None:
        log.reopen()
        self._parts.app.reopen_log()

    def ask(self, action: Action, cause: str, target: str | None = None) -> None:
        """Accept a request of our own."""
        request = requests.make(action, cause, target)
        try:
            self._parts.spool.accept(request)
        except OSError as error:
            logger.error("cannot write the request down: {}; it is dealt with all the same", error.strerror)
        self._take(request)
        self._wake.set()

    def _take_requests(self) -> None:
        """After a SIGHUP: read the spool. Nothing new in it means: update to the branch's head.

        At no other time: a request is a file and then a signal, and a file that was read before its signal came
        would turn the signal into a second request.
        """
        if not self._hups:
            return
        self._hups = 0
        refused = self._parts.spool.refused
        new = [request for request in self._parts.spool.waiting() if request.id not in self._taken]
        for request in new:
            self._take(request)
        if not new and self._unsignalled:
            self._unsignalled -= 1  # the signal of a request that was found in the spool while Orbit started
        elif not new and self._parts.spool.refused == refused:
            self.ask(Action.UPDATE, "SIGHUP")

    def _take(self, request: Request) -> None:
        self._taken.add(request.id)
        logger.info("request: {}{} ({})", request.action, f" {request.target}" if request.target else "", request.cause)
        if request.action is Action.CANCEL:
            self._cancel(request)
        elif request.action is Action.RESTART:
            self._restart(request)
        else:
            by_itself = {*AUTOMATIC, AT_START}
            if self._next and request.cause in by_itself and self._next.cause not in by_itself:
                if self._after:
                    self._close(self._after, Outcome.SUPERSEDED, "a newer request took its place")
                self._after = request  # somebody's own request goes first
                return
            if self._next:
                self._close(self._next, Outcome.SUPERSEDED, "a newer request took its place")
            self._next = request
            self._report.changed()

    # --- what is done about it -----------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start what waits, if nothing runs."""
        if self._running or self._restarting or not self._next or self._stops:
            return
        self._current, self._next, self._after = self._next, self._after, None
        self._look_away()
        self._running = asyncio.create_task(self._deploy(self._current))

    async def _deploy(self, request: Request) -> None:
        deployer, fresh = self._parts.deployer, False
        try:
            run = deployer.rollback if request.action is Action.ROLLBACK else deployer.update
            attempt = await run(request)
            # not if there was nothing to do; nor what went back by itself: were all releases ill, there would be no end
            updated = attempt.outcome is Outcome.SUCCEEDED and attempt.release is not None
            fresh = updated and attempt.request.action is Action.UPDATE and attempt.request.id == request.id
            self._report.refresh()
            if attempt.outcome is not Outcome.INTERRUPTED:
                reason = attempt.failure.reason if attempt.failure else None
                recorded = attempt.release or attempt.failure  # not if there was nothing to do
                self._close(request, attempt.outcome or Outcome.FAILED, reason, attempt.number if recorded else None)
                self._close_cancels()
                self._plan_retry(request, attempt)
        except Exception as error:  # noqa: BLE001 the request's boundary: a bug fails a deployment, not Orbit
            logger.opt(exception=error).error("internal error in a deployment")
            self._close(request, Outcome.FAILED, f"internal error: {error}")
            self._close_cancels()
        finally:
            self._running = self._current = None
            self._watch_over(fresh=fresh)
            if not self._stops:
                self._spawn(self._tidy())
            self._wake.set()

    async def _tidy(self) -> None:
        await self._parts.deployer.tidy()
        self._report.refresh()
        memory.give_back()

    def _close(
        self, request: Request, outcome: Outcome, reason: str | None = None, deployment: int | None = None
    ) -> None:
        """The request has been dealt with: say how, then forget it."""
        if request is self._current:
            self._current = None
        self._report.answer(request, outcome, reason, deployment)
        try:
            self._parts.spool.done(request)
        except OSError as error:
            logger.error("cannot remove the request {}: {}; it will be dealt with again", request.id, error.strerror)
        self._taken.discard(request.id)

    def _cancel(self, request: Request) -> None:
        for waiting in (self._next, self._after):
            if waiting:
                self._close(waiting, Outcome.CANCELLED, "while it waited")
        self._next = self._after = None
        if self._running:
            self._cancels.append(request)  # answered when the deployment has ended, which takes its time
            self._running.cancel()
        else:
            self._close(request, Outcome.FAILED, "there is no deployment to cancel")

    def _close_cancels(self) -> None:
        while self._cancels:
            self._close(self._cancels.pop(0), Outcome.SUCCEEDED)

    def _restart(self, request: Request) -> None:
        if self._running:
            self._close(request, Outcome.FAILED, "a deployment is running; it starts the application anew by itself")
        elif self._restarting:
            self._close(request, Outcome.SUPERSEDED, "a restart is under way")
        else:
            self._look_away()
            self._restarting = self._spawn(self._restart_app(request))

    def _watch_over(self, fresh: bool) -> None:
        """Look after what is live; `fresh`: it has just become so, and may still be taken back."""
        live = self._parts.store.current()
        self._look_away()
        if live and not self._stops:
            self._watching = self._spawn(self._keep_vigil(live, fresh))

    def _look_away(self) -> None:
        """A deployment stops and starts the application as it pleases."""
        if self._watching:
            self._watching.cancel()
            self._watching = None

    async def _keep_vigil(self, release: Release, fresh: bool) -> None:
        parts = self._parts
        sick = await parts.vigil.bake(release) if fresh else None
        if sick:
            previous = retention.last_good(parts.store.all(), release)
            logger.error("release {} is not well: {}", release.id, sick.reason)
            if previous:
                parts.deployer.condemn(release, sick)
                self.ask(Action.ROLLBACK, f"{release.id} was not well: {sick.reason}", previous.id)
                return
            logger.warning("there is no earlier release to go back to")
        if parts.settings.health_check_interval_s:
            hangs = await parts.vigil.keep_watch(release)
            self.ask(Action.RESTART, hangs)

    async def _restart_app(self, request: Request) -> None:
        parts = self._parts
        try:
            release = parts.store.current()
            if release is None:
                self._close(request, Outcome.FAILED, "no release is live")
                return
            logger.info("restarting the application")
            await parts.app.stop()
            problem = await parts.switch.resume(release)
            self._close(request, Outcome.FAILED if problem else Outcome.SUCCEEDED, problem)
        finally:
            self._restarting = None
            self._watch_over(fresh=False)
            self._wake.set()

    def _plan_retry(self, request: Request, attempt: Attempt) -> None:
        """A repository that did not answer is asked again without anybody's asking: while nothing is live, and where
        nobody had asked before, since a trigger tells of a commit once."""
        if self._retry:
            self._retry.cancel()
            self._retry = None
        automatic = request.cause in AUTOMATIC
        if attempt.failure and attempt.failure.unreachable and (automatic or self._parts.store.current() is None):
            cause = request.cause if automatic else AT_START
            self._retry = asyncio.get_running_loop().call_later(self._retry_s, self.ask, Action.UPDATE, cause)
            logger.info("trying again in {:.0f} s", self._retry_s)
            self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)
        elif attempt.outcome is Outcome.SUCCEEDED:
            self._retry_s = FIRST_RETRY_S

    # --- the beginning and the end -------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Undo what a crash left half done, serve what is live, then look for something newer."""
        parts = self._parts
        await parts.hold.take()
        parts.recover()
        release = parts.store.current()
        adopted = release is not None and parts.app.adopt(parts.context.app_spec(release), release.id)
        if adopted and release:
            logger.info("release {} is being served by pid {}; taken over", release.id, parts.app.pid)
        await parts.app.end_leftovers(str(parts.layout.home), parts.settings.stop_timeout_s)
        if release and not adopted:
            logger.info("starting release {}", release.id)
            await parts.switch.resume(release)
        self._report.refresh()
        waiting = parts.spool.waiting()
        for request in waiting:
            self._take(request)
        self._unsignalled = sum(request.created_at >= self._started_at for request in waiting)
        if not self._next:
            self._take(requests.make(Action.UPDATE, AT_START))
        self._wake.set()

    def _start_triggers(self) -> None:
        parts, settings = self._parts, self._parts.settings

        def ask(cause: str) -> None:
            self.ask(Action.UPDATE, cause)

        def handled() -> str | None:
            return parts.deployer.handled

        if settings.polling_interval_s:
            self._spawn(polling.poll(settings.polling_interval_s, parts.source.head, handled, ask))
        if parts.local_repository and settings.git_watch:
            from supervisor.triggers import watching  # most repositories are elsewhere: no memory for watchdog then

            self._spawn(watching.watch(parts.local_repository, parts.source.head, handled, ask))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._report.publish()

    async def _shut_down(self) -> None:
        """Stop everything. A request that was not finished stays in the spool, for the next start."""
        logger.info("stopping")
        self._parts.deployer.close()
        if self._running:
            await _end({self._running})
        await _end(self._background)
        await self._parts.app.stop(now=self._stops > 1)
        self._report.publish(stopped=True)
        logger.info("stopped")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception():
            logger.opt(exception=task.exception()).error("internal error in the background")

    def _requests_of_status(self) -> dict[str, Any]:
        waiting = self._next
        return {
            "running": self._current.id if self._current else None,
            "waiting": waiting and {"id": waiting.id, "action": waiting.action, "cause": waiting.cause},
        }


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them until they have ended, however often that takes."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
