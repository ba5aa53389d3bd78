"""Which releases are kept: the newest good ones and the live one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from supervisor.model import Release


def superfluous(releases: list[Release], live: str | None, keep: int) -> list[Release]:
    """What may be removed of `releases`, oldest first, so that `keep` good ones stay, the live one among them."""
    good = [release for release in releases if release.good and release.id != live]
    room = keep - 1 if live else keep
    kept = {release.id for release in (good[-room:] if room > 0 else [])}
    return [release for release in releases if release.id not in kept and release.id != live]


def last_good(releases: list[Release], live: Release | None) -> Release | None:
    """Where a rollback without an argument goes: the newest good release before the live one; one of another commit
    if there is one, since the same commit again is no way back."""
    good = [release for release in releases if release.good and (live is None or release.number < live.number)]
    other = [release for release in good if live is None or release.commit.sha != live.commit.sha]
    found = other or good
    return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Expendable:
    """What may go when room is needed, in this order; in each part the oldest first. Never the live release."""

    superfluous: tuple[Release, ...]
    older: tuple[Release, ...]  # good ones, but nobody goes back to them without saying so
    last: Release | None  # where a rollback goes


def expendable(releases: list[Release], live: Release | None, keep: int) -> Expendable:
    """What of `releases` the live one does not need."""
    extra = superfluous(releases, live.id if live else None, keep)
    last = last_good(releases, live)
    kept = [release for release in releases if release not in extra and release != live and release != last]
    return Expendable(tuple(release for release in extra if release != last), tuple(kept), last)


def beyond(releases: list[Release], live: Release | None, sizes: Mapping[str, int], budget_bytes: int) -> list[Release]:
    """What has to go, oldest first, so that all together take no more than the budget; the live release and the one
    to go back to stay in any case."""
    total = sum(sizes.get(release.id, 0) for release in releases)
    going = []
    for release in expendable(releases, live, len(releases) + 1).older:
        if total <= budget_bytes:
            break
        going.append(release)
        total -= sizes.get(release.id, 0)
    return going


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
