"""The supervisor: one queue, one loop. Signals and triggers only leave a word; what is done is decided here."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from loguru import logger

from supervisor import log, memory
from supervisor.assembly import Assembly
from supervisor.background import Background, end
from supervisor.control import requests
from supervisor.deploy.pipeline import AT_START
from supervisor.model import Action, Outcome, Release, Request
from supervisor.processes import init
from supervisor.processes.terminal import Terminal
from supervisor.queue import Queue
from supervisor.report import Report
from supervisor.triggers import polling
from supervisor.triggers.retrying import Retry

HEARTBEAT_S = 10.0
AGAIN_S = 1.0
LONGEST_PAUSE_S = 300.0
STOP_MARGIN_S = 10.0
"""Beyond the grace of a hook and then of the application; a stop that takes longer hangs."""


class Supervisor:
    """Decides everything, serves nothing. Owner of what runs: a deployment, or a restart, or the watch over what is
    live."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts
        self._wake = asyncio.Event()
        self._queue = Queue(parts.spool, parts.records, self._answer)
        self._report = Report(parts, self._queue.facts)
        self._running: asyncio.Task[None] | None = None
        self._cancels: list[Request] = []
        self._hups = 0
        self._restart_signals = 0
        self._terminal = Terminal()
        self._looks_again = False
        self._look_s = AGAIN_S
        self._stops = 0
        self._restarting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._background = Background()
        self._retry = Retry(self._ask_for_update, lambda: self._live() is not None)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then nothing that was started is left."""
        self._listen()
        parts = self._parts
        parts.on_change = self._report.changed
        heartbeat = self._background.spawn(self._beat())
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
            signal.SIGUSR2: self._on_restart,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)  # what came during the start comes now

    def _on_hup(self) -> None:
        if self._terminal.is_closing():
            logger.info("the terminal was closed; Orbit goes on")
            self._looks_again = True
        else:
            self._hups += 1
        self._wake.set()

    def _on_restart(self) -> None:
        self._restart_signals += 1
        self._wake.set()

    def _on_stop(self) -> None:
        self._stops += 1
        if self._stops > 1:
            self._parts.app.kill()
        else:
            init.tell_stopping(2 * self._parts.settings.stop_timeout_s + STOP_MARGIN_S)
            if self._parts.stops_in_s is not None:
                asyncio.get_running_loop().call_later(self._parts.stops_in_s, self._on_stop)
        self._wake.set()

    def _on_reopen(self) -> None:
        log.reopen()
        self._parts.app.reopen_log()

    def ask(self, action: Action, cause: str, target: str | None = None) -> None:
        """Accept a request of our own."""
        request = self._queue.accept(action, cause, target)
        self._take(request)
        self._wake.set()

    def _take_requests(self) -> None:
        if self._restart_signals:
            self._restart_signals = 0
            self.ask(Action.RESTART, "SIGUSR2")
        if not self._hups and not self._looks_again:
            return
        signalled, self._hups, self._looks_again = self._hups > 0, 0, False
        for request in self._queue.signalled() if signalled else self._queue.new():
            self._take(request)
        self._plan_look()

    def _plan_look(self) -> None:
        """A request that was there and could not be read is looked for again in a while, without a signal."""
        unread = bool(self._parts.spool.unread)
        self._look_s = min(self._look_s * 2, LONGEST_PAUSE_S) if unread else AGAIN_S
        if unread:
            asyncio.get_running_loop().call_later(self._look_s, self._look_again)

    def _look_again(self) -> None:
        self._looks_again = True
        self._wake.set()

    def _take(self, request: Request) -> None:
        self._queue.note(request)
        if request.action is Action.CANCEL:
            self._cancel(request)
        elif request.action is Action.RESTART:
            self._restart(request)
        else:
            self._queue.put(request)
            self._report.changed()

    # --- what is done about it -----------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start what waits, if nothing runs."""
        if self._running or self._restarting or not self._queue.waits or self._stops:
            return
        self._look_away()
        self._running = asyncio.create_task(self._deploy(self._queue.advance()))

    async def _deploy(self, request: Request) -> None:
        deployer = self._parts.deployer
        try:
            run = deployer.rollback if request.action is Action.ROLLBACK else deployer.update
            attempt = await run(request)
            self._report.refresh()
            if attempt.outcome is not Outcome.INTERRUPTED:
                reason = attempt.failure.reason if attempt.failure else None
                recorded = attempt.release or attempt.failure  # not if there was nothing to do
                outcome, number = attempt.outcome or Outcome.FAILED, attempt.number if recorded else None
                self._queue.close(request, outcome, reason, number)
                self._close_cancels()
                self._retry.plan(request, attempt)
        except Exception as error:  # noqa: BLE001 the request's boundary: a bug fails a deployment, not Orbit
            logger.opt(exception=error).error("internal error in a deployment")
            self._queue.close(request, Outcome.FAILED, f"internal error: {error}")
            self._close_cancels()
        finally:
            self._running = self._queue.current = None
            self._watch_over()
            if not self._stops:
                self._background.spawn(self._tidy())
            self._wake.set()

    async def _tidy(self) -> None:
        await self._parts.deployer.tidy()
        self._report.refresh()
        memory.give_back()

    def _answer(self, request: Request, outcome: Outcome, reason: str | None, deployment: int | None) -> None:
        self._report.answer(request, outcome, reason, deployment)

    def _cancel(self, request: Request) -> None:
        cleared = self._queue.clear()
        if self._running:
            self._cancels.append(request)  # answered when the deployment has ended, which takes its time
            self._running.cancel()
        elif cleared:
            self._queue.close(request, Outcome.SUCCEEDED)
        else:
            self._queue.close(request, Outcome.FAILED, "there is no deployment to cancel")

    def _close_cancels(self) -> None:
        while self._cancels:
            self._queue.close(self._cancels.pop(0), Outcome.SUCCEEDED)

    def _restart(self, request: Request) -> None:
        if self._running:
            problem = "a deployment is running; it starts the application anew by itself"
            self._queue.close(request, Outcome.FAILED, problem)
        elif self._restarting:
            self._queue.close(request, Outcome.SUPERSEDED, "a restart is under way")
        else:
            self._look_away()
            self._restarting = self._background.spawn(self._restart_app(request))

    def _watch_over(self) -> None:
        """Look after what is live."""
        self._look_away()
        if not self._stops:
            self._watching = self._background.spawn(self._parts.vigil.keep(self.ask))

    def _live(self) -> Release | None:
        """What is live; where that cannot be read, nothing is done about it."""
        try:
            return self._parts.store.current()
        except OSError as error:
            logger.error("cannot tell which release is live: {}", error)
            return None

    def _look_away(self) -> None:
        """A deployment stops and starts the application as it pleases."""
        if self._watching:
            self._watching.cancel()
            self._watching = None

    async def _restart_app(self, request: Request) -> None:
        parts = self._parts
        try:
            release = parts.store.current()
            if release is None:
                self._queue.close(request, Outcome.FAILED, "no release is live")
                return
            logger.info("restarting the application")
            await parts.app.stop()
            problem = await parts.switch.resume(release)
            self._queue.close(request, Outcome.FAILED if problem else Outcome.SUCCEEDED, problem)
        except OSError as error:
            self._queue.close(request, Outcome.FAILED, f"cannot tell which release is live: {error.strerror}")
        finally:
            self._restarting = None
            self._watch_over()
            self._wake.set()

    # --- the beginning and the end -------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Undo what a crash left half done, serve what is live, then look for something newer."""
        parts = self._parts
        await parts.hold.take()
        parts.recover()
        release = parts.store.current()
        adopted = release is not None and await parts.switch.take_over(release)
        if adopted and release:
            logger.info("release {} is being served by pid {}; taken over", release.id, parts.app.pid)
        await parts.app.end_leftovers(parts.owner, parts.settings.stop_timeout_s)
        if release and not adopted:
            logger.info("starting release {}", release.id)
            await parts.switch.resume(release)
        self._report.refresh()
        for request in self._queue.at_start():
            self._take(request)
        self._plan_look()
        if not self._queue.waits:
            self._take(requests.make(Action.UPDATE, AT_START))
        self._wake.set()

    def _ask_for_update(self, cause: str) -> None:
        self.ask(Action.UPDATE, cause)

    def _start_triggers(self) -> None:
        parts, settings = self._parts, self._parts.settings

        ask, spawn = self._ask_for_update, self._background.spawn

        def handled() -> str | None:
            return parts.deployer.handled

        if settings.polling_interval_s:
            spawn(polling.poll(settings.polling_interval_s, parts.source.head, handled, ask))
        if parts.local_repository and settings.git_watch:
            from supervisor.triggers import watching  # most repositories are elsewhere: no memory for watchdog then

            spawn(watching.watch(parts.local_repository, parts.source.head, handled, ask))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._report.publish()

    async def _shut_down(self) -> None:
        """Stop everything. A request that was not finished stays in the spool, for the next start."""
        logger.info("stopping")
        self._parts.deployer.close()
        if self._running:
            await end({self._running})
        await self._background.end()
        await self._parts.app.stop(now=self._stops > 1)
        self._report.publish(stopped=True)
        logger.info("stopped")
