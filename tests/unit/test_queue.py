"""What waits, and what a cancellation finds."""

from __future__ import annotations

from unittest.mock import Mock

from supervisor.control import requests
from supervisor.model import Action, Outcome
from supervisor.queue import Queue


def test_it_says_whether_anything_that_waited_was_cleared() -> None:
    answer = Mock()
    queue = Queue(Mock(), Mock(), answer)
    assert not queue.clear()
    request = requests.make(Action.UPDATE, "orbit update")
    queue.put(request)
    assert queue.clear()
    answer.assert_called_once_with(request, Outcome.CANCELLED, "while it waited", None)
    assert not queue.waits
    assert not queue.clear()


def test_a_request_that_was_taken_during_the_start_is_not_taken_again() -> None:
    own, other = (requests.make(Action.RESTART, cause) for cause in ("SIGUSR2", "orbit restart"))
    records = Mock()
    records.of_request.return_value = None
    queue = Queue(Mock(waiting=lambda: [own, other]), records, Mock())
    queue.note(own)
    assert queue.at_start() == [other]
