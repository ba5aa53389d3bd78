"""Copying the caches of one build to the next, as the program that may enter both releases does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.shim.programs.copy import copy


@pytest.mark.parametrize("link", [".next", "packages", "packages/web"])
def test_a_link_of_the_new_release_leads_no_cache_into_the_live_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    live, draft = tmp_path / "001-live", tmp_path / "002-next"
    (live / "public").mkdir(parents=True)
    paths = (".next/cache", "packages/web/.next/cache", "target")
    for path in paths:
        (live / path).mkdir(parents=True)
        (live / path / "planted").write_text("planted")
    (draft / link).parent.mkdir(parents=True)
    (draft / link).symlink_to(live / "public")
    before = sorted(live.rglob("*"))
    monkeypatch.chdir(draft)
    told = {"source": str(live), "target": str(draft), "paths": paths, "limit": 1 << 30}
    answer = copy(told)
    assert sorted(live.rglob("*")) == before
    assert answer["paths"] == [path for path in paths if not path.startswith(f"{link}/")]
    assert (draft / "target/planted").read_text() == "planted"
