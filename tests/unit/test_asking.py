"""Waiting for what becomes of a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import files
from supervisor.cli import asking, following
from supervisor.control import requests
from supervisor.control.status import Lock
from supervisor.layout import Layout
from supervisor.model import Action


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A home whose supervisor says that it is idle."""
    found = Layout(tmp_path)
    found.requests.mkdir(parents=True)
    files.write_json(found.status, {"sequence": 1, "status": "idle", "requests": []})
    return found


def test_a_request_whose_answer_is_lost_is_not_waited_for(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ALIVE_S", 0.01)
    lock = Lock(layout)
    try:
        with pytest.raises(asking.AskedInVain, match="how it went could not be written down"):
            asking.follow(layout, requests.make(Action.UPDATE, "a test"))
    finally:
        lock.release()


def test_what_cannot_be_watched_is_looked_at(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: object) -> None:
        raise OSError("inotify instance limit reached")

    monkeypatch.setattr(following.Observer, "start", start)
    monkeypatch.setattr(following, "UNWATCHED_S", 0.01)
    looks = following.changes(layout.status, timeout_s=1000)
    for _ in range(3):
        next(looks)
    looks.close()
