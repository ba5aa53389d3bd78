"""When polling asks for an update, and how long it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from supervisor.errors import SourceUnreachable
from supervisor.triggers import polling


async def polled(
    monkeypatch: pytest.MonkeyPatch, answers: Sequence[str | None], handled: str | None = None
) -> list[str]:
    """What is asked for while the remote's head is one of `answers` after the other; None is no answer."""
    left = list(answers)
    asked: list[str] = []
    over = asyncio.Event()
    now = ""

    async def head() -> str:
        nonlocal now
        if not left:
            over.set()
            await asyncio.Event().wait()
        answer = left.pop(0)
        if answer is None:
            raise SourceUnreachable("no answer")
        now = answer
        return answer

    monkeypatch.setattr(polling, "pause_s", lambda interval_s, failures: 0.0)
    task = asyncio.create_task(polling.poll(1.0, head, lambda: handled, lambda cause: asked.append(now)))
    async with asyncio.timeout(5):
        await over.wait()
    task.cancel()
    return asked


async def test_a_commit_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await polled(monkeypatch, ["a", "a", "a"]) == ["a"]


async def test_what_was_handled_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await polled(monkeypatch, ["a", "a", "b"], handled="a") == ["b"]


async def test_a_head_that_comes_back_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await polled(monkeypatch, ["a", "b", "a"]) == ["a", "b", "a"]


async def test_errors_change_nothing_about_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await polled(monkeypatch, ["a", None, None, "a", None, "b"]) == ["a", "b"]


def test_the_pause_grows_with_failures_up_to_a_bound_and_is_never_in_step() -> None:
    for failures, factor in [(0, 1), (1, 2), (3, 8), (4, 16), (50, 16)]:
        pauses = [polling.pause_s(10.0, failures) for _ in range(50)]
        assert all(9.0 * factor <= pause <= 11.0 * factor for pause in pauses)
        assert len(set(pauses)) > 40
