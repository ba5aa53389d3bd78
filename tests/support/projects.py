"""Projects of a few files, and what is asked of whoever reads them: one clear line, in a short time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect

LONGEST_S = 3.0
"""Processor time, since the machine may be busy; what has no bound takes minutes."""


def write(directory: Path, files: dict[str, str]) -> Path:
    """The directory, with these files."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


@contextmanager
def in_time(most_s: float = LONGEST_S) -> Iterator[None]:
    """Fails if what is done in it takes more processor time."""
    since = time.process_time()
    yield
    took = time.process_time() - since
    assert took < most_s, f"{took:.1f} s of processor time"


def refusal(directory: Path, options: Overrides | None = None, root: Path | None = None) -> str:
    """What detection says of a project that it cannot take."""
    with in_time(), pytest.raises(PlanError) as caught:
        detect(directory, options or Overrides(), root)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("cannot ")
    return message
