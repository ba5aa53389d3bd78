"""What a project brings from elsewhere: files of other platforms that say how it is built and run.

A file is one function that yields what it says, and a line in PLATFORMS. The table's order decides: of two files that
speak of the same thing, the first one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from supervisor.languages.platforms import flux, heroku, nixpacks, procfile, railpack, railway, render, sites
from supervisor.languages.platforms.told import DETECTED, Told
from supervisor.languages.source import Source

__all__ = ["DETECTED", "PLATFORMS", "Told", "read"]

PLATFORMS: tuple[Callable[[Source], Iterator[Told]], ...] = (
    flux.read,
    procfile.read,
    railway.read,
    render.read,
    heroku.manifest,
    heroku.app,
    railpack.read,
    nixpacks.read,
    sites.netlify,
    sites.vercel,
)


def read(source: Source) -> tuple[Told, ...]:
    """What each file says, first the one that counts most. Raises PlanError about one that cannot be read."""
    return tuple(told for platform in PLATFORMS for told in platform(source))
