"""What the record of a deployment says of its stages."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from supervisor.deploy import attempt
from supervisor.deploy.attempt import Attempt
from supervisor.model import Action, Request, Stage


def test_a_stage_that_is_come_back_to_keeps_the_time_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Mock(monotonic=Mock(return_value=0.0))
    monkeypatch.setattr(attempt, "time", clock)
    made = Attempt(Mock(), Request("1", Action.UPDATE, "test", datetime.now(UTC)), lambda: None)
    for now, stage in ((1, Stage.BUILDING), (11, Stage.PRE_DEPLOY), (13, Stage.BUILDING), (14, Stage.STOPPING_APP)):
        clock.monotonic.return_value = float(now)
        made.enter(stage)
    assert (made.timings["building"], made.timings["pre_deploy"]) == (11.0, 2.0)
