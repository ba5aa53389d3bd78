"""The queue of requests: what is being dealt with, what waits, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from supervisor.control import requests
from supervisor.control.requests import Spool
from supervisor.deploy.pipeline import AT_START, AUTOMATIC
from supervisor.deploy.records import Records
from supervisor.model import Action, Outcome, Request

BY_ITSELF = frozenset({*AUTOMATIC, AT_START})

Answer = Callable[[Request, Outcome, str | None, int | None], None]


class Queue:
    """Owner of the requests that were accepted. At most one waits: a newer one takes its place; but what nobody asked
    for lets somebody's own request go first. `answer` is told how each was dealt with."""

    def __init__(self, spool: Spool, records: Records, answer: Answer) -> None:
        self._spool = spool
        self._records = records
        self._answer = answer
        self._next: Request | None = None
        self._after: Request | None = None
        self._taken: set[str] = set()
        self._unsignalled = 0
        self._started_at = datetime.now(UTC)
        self.current: Request | None = None

    def accept(self, action: Action, cause: str, target: str | None = None) -> Request:
        """A request of our own, written down like the others."""
        request = requests.make(action, cause, target)
        try:
            self._spool.accept(request)
        except OSError as error:
            logger.error("cannot write the request down: {}; it is dealt with all the same", error.strerror)
        return request

    def at_start(self) -> list[Request]:
        """What an earlier supervisor accepted and did not finish, and what was asked for while this one started.
        Raises OSError."""
        waiting = self.new()
        self._unsignalled = sum(request.created_at >= self._started_at for request in waiting)
        return [goes_on for request in waiting if (goes_on := self._resume(request))]

    def _resume(self, request: Request) -> Request | None:
        """The request, unless only its file was left when the supervisor died. A rollback goes to the release that it
        went to then, not further back."""
        record = self._records.of_request(request.id)
        if record is None:
            return request
        outcome = Outcome(record["outcome"] or Outcome.INTERRUPTED)
        if outcome is not Outcome.INTERRUPTED:
            self.close(request, outcome, record["reason"], record["number"])
            return None
        target = record["release"] if request.action is Action.ROLLBACK else None
        return replace(request, target=request.target or target)

    def signalled(self) -> list[Request]:
        """After a SIGHUP: what is new in the spool. Nothing new in it means: update to the branch's head.

        At no other time: a request is a file and then a signal, and a file that was read before its signal came
        would turn the signal into a second request.
        """
        refused, unread = self._spool.refused, self._spool.unread
        new = self.new()
        if new or self._spool.unread - unread:
            return new
        if self._unsignalled:
            self._unsignalled -= 1  # the signal of a request that was found in the spool while Orbit started
        elif self._spool.refused == refused:
            return [self.accept(Action.UPDATE, "SIGHUP")]
        return []

    def new(self) -> list[Request]:
        """What is in the spool and was not taken yet."""
        return [request for request in self._spool.waiting() if request.id not in self._taken]

    def note(self, request: Request) -> None:
        """It is ours to deal with; it is not read from the spool again."""
        self._taken.add(request.id)
        logger.info("request: {}{} ({})", request.action, f" {request.target}" if request.target else "", request.cause)

    def put(self, request: Request) -> None:
        """Have a deployment wait for its turn."""
        if self._next and request.cause in BY_ITSELF and self._next.cause not in BY_ITSELF:
            self._supersede(self._after)
            self._after = request  # somebody's own request goes first
            return
        self._supersede(self._next)
        self._next = request

    @property
    def waits(self) -> bool:
        """Whether a deployment waits for its turn."""
        return self._next is not None

    def advance(self) -> Request:
        """The one that waits is being dealt with now."""
        assert self._next is not None
        self.current, self._next, self._after = self._next, self._after, None
        return self.current

    def clear(self) -> bool:
        """What waits is not wanted any more; whether anything waited."""
        cleared = [waiting for waiting in (self._next, self._after) if waiting]
        self._next = self._after = None
        for waiting in cleared:
            self.close(waiting, Outcome.CANCELLED, "while it waited")
        return bool(cleared)

    def close(
        self, request: Request, outcome: Outcome, reason: str | None = None, deployment: int | None = None
    ) -> None:
        """It has been dealt with: say how, then forget it."""
        if request is self.current:
            self.current = None
        self._answer(request, outcome, reason, deployment)
        try:
            self._spool.done(request)
        except OSError as error:
            logger.error("cannot remove the request {}: {}; it goes with the next", request.id, error.strerror)
        self._taken.discard(request.id)

    def facts(self) -> dict[str, Any]:
        """What the status says of it."""
        waiting = self._next
        return {
            "running": self.current.id if self.current else None,
            "waiting": waiting and {"id": waiting.id, "action": waiting.action, "cause": waiting.cause},
        }

    def _supersede(self, request: Request | None) -> None:
        if request:
            self.close(request, Outcome.SUPERSEDED, "a newer request took its place")
