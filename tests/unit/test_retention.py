"""Which releases stay, and where a rollback goes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from supervisor.model import Commit, Plan, Release
from supervisor.releases.retention import beyond, expendable, find, last_good, superfluous

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def release(number: int, sha: str | None = None, good: bool = True) -> Release:
    sha = (sha or f"{number:x}").ljust(40, "0")
    directory = Path(f"/app/production/releases/{number:03d}-{sha}")
    return Release(number, Commit(sha, "subject", "Ada", NOW), directory, directory, Plan("node"), NOW, 1.0, good=good)


def numbers(releases: list[Release]) -> list[int]:
    return [release.number for release in releases]


def test_the_newest_good_releases_are_kept_with_the_live_one_among_them() -> None:
    releases = [release(number) for number in range(1, 6)]
    assert numbers(superfluous(releases, releases[4].id, keep=3)) == [1, 2]


def test_a_live_release_that_is_old_counts_and_stays() -> None:
    releases = [release(number) for number in range(1, 6)]
    assert numbers(superfluous(releases, releases[0].id, keep=3)) == [2, 3]


def test_releases_that_never_were_healthy_do_not_count() -> None:
    releases = [release(1), release(2, good=False), release(3, good=False), release(4)]
    assert numbers(superfluous(releases, releases[3].id, keep=2)) == [2, 3]


def test_keeping_one_keeps_the_live_one() -> None:
    releases = [release(1), release(2)]
    assert numbers(superfluous(releases, releases[1].id, keep=1)) == [1]


def test_a_rollback_goes_to_the_newest_good_release_before_the_live_one() -> None:
    releases = [release(1), release(2), release(3, good=False), release(4)]
    assert last_good(releases, releases[3]) == releases[1]


def test_a_second_rollback_goes_further_back() -> None:
    releases = [release(1), release(2), release(3)]
    assert last_good(releases, releases[1]) == releases[0]


def test_a_rollback_prefers_another_commit() -> None:
    releases = [release(1, "a"), release(2, "b"), release(3, "b")]
    assert last_good(releases, releases[2]) == releases[0]


def test_there_may_be_nowhere_to_go_back_to() -> None:
    assert last_good([release(1)], release(1)) is None


def test_a_release_is_found_by_any_of_its_names() -> None:
    releases = [release(1, "abc1234"), release(12, "def5678")]
    for name in ("12", "012", "012-def5678", releases[1].id, "def5678", releases[1].commit.sha):
        assert find(releases, name) == releases[1], name
    for name in ("3", "003-abc", "012-abc", "feed"):
        assert find(releases, name) is None, name


def test_when_room_is_needed_the_one_to_go_back_to_goes_last_and_the_live_one_never() -> None:
    releases = [release(1), release(2), release(3), release(4, good=False), release(5), release(6)]
    parts = expendable(releases, releases[4], keep=4)
    assert numbers(list(parts.superfluous)) == [1, 4]
    assert numbers(list(parts.older)) == [2, 6]
    assert parts.last == releases[2]


def test_a_superfluous_release_to_go_back_to_goes_last_all_the_same() -> None:
    releases = [release(1), release(2), release(3)]
    parts = expendable(releases, releases[1], keep=2)
    assert (parts.superfluous, parts.older, parts.last) == ((), (releases[2],), releases[0])


def test_beyond_the_budget_the_oldest_go_but_neither_the_live_one_nor_the_one_before() -> None:
    releases = [release(number) for number in range(1, 6)]
    sizes = {release.id: 10 for release in releases}
    assert numbers(beyond(releases, releases[4], sizes, 50)) == []
    assert numbers(beyond(releases, releases[4], sizes, 35)) == [1, 2]
    assert numbers(beyond(releases, releases[4], sizes, 5)) == [1, 2, 3]
