"""What a plan runs with: its runtime, its virtual environment, its package manager."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.deploy.context import Context
from supervisor.model import Release


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the preparation, and what it is called in messages."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Directories for PATH, commands that have to run first, and remarks for the user."""

    search_path: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


async def prepare(context: Context, draft: Release) -> Toolchain:
    """What `draft` needs. Raises RuntimeMissing."""
    return Toolchain()
