"""The spool of requests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.control.requests import Spool, make
from supervisor.layout import Layout
from supervisor.model import Action

NOBODY = 65534


@pytest.mark.skipif(os.getuid() != 0, reason="only root can write for somebody else")
def test_what_root_asks_an_orbit_of_another_user_belongs_to_that_user(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.requests.mkdir(parents=True, mode=0o700)
    for path in (tmp_path, layout.run, layout.requests):
        os.chown(path, NOBODY, NOBODY)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o011 != 0o011:  # pytest's own folders are private
            parent.chmod(parent.stat().st_mode | 0o011)
    Spool(layout).accept(make(Action.UPDATE, "a test"))
    (written,) = layout.requests.iterdir()
    assert written.stat().st_uid == NOBODY
    assert os.geteuid() == 0


def test_a_request_is_there_until_it_is_done(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.requests.mkdir(parents=True)
    spool, request = Spool(layout), make(Action.ROLLBACK, "a test", "003")
    spool.accept(request)
    assert spool.waiting() == [request]
    assert spool.holds(request)
    spool.done(request)
    assert spool.waiting() == []
