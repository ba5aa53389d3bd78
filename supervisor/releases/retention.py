"""Which releases are kept: the newest good ones, the live one, and those that something still uses."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.model import Release


def superfluous(releases: list[Release], live: str | None, keep: int, in_use: Collection[str] = ()) -> list[Release]:
    """What may be removed of `releases`, oldest first, so that `keep` good ones stay, the live one among them."""
    good = [release for release in releases if release.good and release.id != live]
    room = keep - 1 if live else keep
    kept = {release.id for release in (good[-room:] if room > 0 else [])}
    return [
        release for release in releases if release.id not in kept and release.id != live and release.id not in in_use
    ]


def last_good(releases: list[Release], live: Release | None) -> Release | None:
    """Where a rollback without an argument goes: the newest good release before the live one; one of another commit
    if there is one, since the same commit again is no way back."""
    good = [release for release in releases if release.good and (live is None or release.number < live.number)]
    other = [release for release in good if live is None or release.commit.sha != live.commit.sha]
    found = other or good
    return found[-1] if found else None


def find(releases: list[Release], name: str) -> Release | None:
    """The release that `name` means: `003-<sha>`, `003`, `3`, or the beginning of a commit (the newest of several)."""
    if name.isdigit() and len(name) < 7:
        return next((release for release in releases if release.number == int(name)), None)
    number, _, sha = name.partition("-")
    for release in reversed(releases):
        if release.id == name:
            return release
        if sha and number.isdigit() and release.number == int(number) and release.commit.sha.startswith(sha):
            return release
        if len(name) >= 4 and release.commit.sha.startswith(name):
            return release
    return None
