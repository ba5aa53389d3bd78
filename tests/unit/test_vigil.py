"""The watch over what is live survives a disk that fails for a moment."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from supervisor.deploy import vigil
from supervisor.deploy.vigil import Vigil
from supervisor.model import Action, Outcome


def watch(store: Any, records: Any, bake_time_s: float = 60) -> Vigil:
    settings = Mock(bake_time_s=bake_time_s, health_check_interval_s=0)
    return Vigil(Mock(settings=settings), store, records, Mock(), Mock(), Mock())


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("no time")])
async def test_what_cannot_be_read_is_read_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(vigil, "ASK_EVERY_S", 0)
    store, records = Mock(), Mock()
    store.current.side_effect = [error, error, Mock()]
    records.of.return_value = None
    await watch(store, records).keep(Mock())
    assert store.current.call_count == 3
    records.of.assert_called_once()


@pytest.mark.parametrize("ended_at", [None, "yesterday", "2026-01-01T00:00:00", 5])
def test_a_record_without_a_time_has_just_ended(ended_at: object) -> None:
    records = Mock()
    records.of.return_value = {"action": Action.UPDATE, "outcome": Outcome.SUCCEEDED, "ended_at": ended_at}
    assert watch(Mock(), records)._bake_left_s(Mock()) == 60
