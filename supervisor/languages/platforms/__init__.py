"""What a project brings from elsewhere: files of other platforms that say how it is built and run.

A platform is one function that yields what its file says, and a line in PLATFORMS. The table's order decides: of two
files that speak of the same thing, the first one counts. Only who has a file is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple, cast

from supervisor.languages.platforms.told import DETECTED, Told
from supervisor.languages.source import Source

__all__ = ["DETECTED", "PLATFORMS", "Platform", "Told", "read"]


class Platform(NamedTuple):
    """Files of which the first that is there is read, and `module:function` that does it."""

    files: tuple[str, ...]
    reader: str
    at_root: bool = False  # it lies at the repository's root, whatever the project is

    def read(self, source: Source) -> Iterator[Told]:
        """What the file says; nothing if it is not there. Raises PlanError if it cannot be read."""
        place = source.at(source.root) if self.at_root else source
        if any(place.has(file) for file in self.files):
            module, _, name = self.reader.partition(":")
            reader = getattr(import_module(f"{__name__}.{module}"), name)
            yield from cast(Callable[[Source], Iterator[Told]], reader)(source)


PLATFORMS = (
    Platform(("flux.yaml", "flux.yml", "flux.json"), "flux:read"),
    Platform(("Procfile",), "procfile:read"),
    Platform(("railway.toml", "railway.json"), "railway:read"),
    Platform(("render.yaml", "render.yml"), "render:read", at_root=True),
    Platform(("heroku.yml",), "heroku:manifest"),
    Platform(("app.json",), "heroku:app"),
    Platform(("railpack.json",), "railpack:read"),
    Platform(("nixpacks.toml", "nixpacks.json"), "nixpacks:read"),
    Platform(("netlify.toml",), "sites:netlify"),
    Platform(("vercel.json",), "sites:vercel"),
)


def read(source: Source) -> tuple[Told, ...]:
    """What each file says, first the one that counts most. Raises PlanError about one that cannot be read."""
    return tuple(told for platform in PLATFORMS for told in platform.read(source))
