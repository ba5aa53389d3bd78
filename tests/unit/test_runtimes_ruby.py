"""Ruby and site generators on a system: what projects write, and which version meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import RuntimeMissing
from supervisor.runtimes import ruby
from supervisor.runtimes.program import HUGO, MDBOOK, ZOLA, Program


@pytest.mark.parametrize(
    ("text", "fitting", "not_fitting"),
    [
        ("3.2", ("3.2.0", "3.2.9"), ("3.1.9", "3.20.0")),
        ("3.2.1", ("3.2.1",), ("3.2.10", "3.2.0")),
        ("ruby-3.2.1", ("3.2.1",), ("3.2.2",)),
        ("3.2.1p31", ("3.2.1",), ("3.2.2",)),
        ("2.6.6-p146", ("2.6.6",), ("2.6.7",)),
        ("3", ("3.0.0", "3.4.1"), ("2.7.8", "30.0.0")),
        ("~> 3.1", ("3.1.0", "3.4.0"), ("3.0.9", "4.0.0")),
        ("~> 3.1.2", ("3.1.2", "3.1.9"), ("3.1.1", "3.2.0")),
        (">= 2.7, < 4", ("2.7.0", "3.4.1"), ("2.6.9", "4.0.0")),
        (">=3.0,!=3.1.0", ("3.0.0", "3.1.1"), ("3.1.0",)),
        ("> 3.1", ("3.2.0",), ("3.1.5",)),
        ("<= 3.1", ("3.1.5", "2.7.0"), ("3.2.0",)),
        ("= 3.1.2", ("3.1.2",), ("3.1.3",)),
        ("latest", ("3.4.1",), ()),
    ],
)
def test_constraint_is_understood(text: str, fitting: tuple[str, ...], not_fitting: tuple[str, ...]) -> None:
    wanted = ruby.requirement(text)
    assert wanted is not None
    assert all(wanted.fits(version) for version in fitting)
    assert not any(wanted.fits(version) for version in not_fitting)


def test_exact_version_is_nearly_met_by_its_line_alone() -> None:
    wanted = ruby.requirement("3.2.1")
    assert wanted is not None and wanted.nearly is not None
    assert wanted.nearly("3.2.4") and not wanted.nearly("3.3.0")
    ranged = ruby.requirement(">= 3.2.1")
    assert ranged is not None and ranged.nearly is None


@pytest.mark.parametrize("text", ["", "three", "3.x.y", ">= ", "^3.1", "3..1", "3.2.1; rm -rf /"])
def test_what_is_no_version_is_not_understood(text: str) -> None:
    assert ruby.requirement(text) is None


@pytest.mark.parametrize("text", ["jruby-9.4.5.0", "JRuby", "truffleruby-23.1"])
def test_another_ruby_is_a_clear_error(text: str) -> None:
    with pytest.raises(RuntimeMissing, match="is not supported"):
        ruby.requirement(text)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]", "3.1.2"),
        ("ruby 3.4.0preview1 (2024-05-16 master) [x86_64-linux]", "3.4.0preview1"),
        ("ruby 3.3.0 (2023-12-25 revision 5124f9ac75) +YJIT [aarch64-linux]", "3.3.0"),
        ("jruby 9.4.5.0 (3.1.4) 2023-11-02 OpenJDK", None),
        ("rbenv: version `3.2.0' is not installed", None),
    ],
)
def test_version_is_read(output: str, version: str | None) -> None:
    assert ruby.version(output) == version


def test_versions_of_managers_are_found(tmp_path: Path) -> None:
    places = (
        ".rbenv/versions/3.2.1/bin/ruby",
        ".rvm/rubies/ruby-3.1.0/bin/ruby",
        ".rubies/ruby-2.7.8/bin/ruby",
        ".asdf/installs/ruby/3.3.0/bin/ruby",
        ".local/share/mise/installs/ruby/3.4.1/bin/ruby",
    )
    for place in (*places, ".rvm/rubies/jruby-9.4/bin/ruby"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    found = [path for path in ruby.elsewhere({"HOME": str(tmp_path)}) if path.is_relative_to(tmp_path)]
    assert sorted(found) == sorted(tmp_path / place for place in places)


def test_shim_of_rbenv_stands_for_the_version_that_it_said(tmp_path: Path) -> None:
    shim, real = tmp_path / ".rbenv/shims/ruby", tmp_path / ".rbenv/versions/3.2.1/bin/ruby"
    real.parent.mkdir(parents=True)
    real.touch()
    assert ruby.resolved(shim, "3.2.1", {"HOME": str(tmp_path)}) == real
    assert ruby.resolved(shim, "3.3.0", {"HOME": str(tmp_path)}) == shim


@pytest.mark.parametrize(
    ("program", "output", "version"),
    [
        (HUGO, "hugo v0.111.3+extended linux/amd64 BuildDate=2023-03-16T08:41:31Z VendorInfo=debian", "0.111.3"),
        (HUGO, "Hugo Static Site Generator v0.40.1 linux/amd64 BuildDate: 2018", "0.40.1"),
        (HUGO, "hugo v0.121-DEV linux/amd64", "0.121.0"),
        (ZOLA, "zola 0.19.2", "0.19.2"),
        (MDBOOK, "mdbook v0.4.36", "0.4.36"),
        (MDBOOK, "command not found", None),
    ],
)
def test_site_generators_say_their_version(program: Program, output: str, version: str | None) -> None:
    assert program.version(output) == version


def test_extended_hugo_is_a_version_of_hugo() -> None:
    wanted = HUGO.requirement("extended_0.111.3")
    assert wanted is not None and wanted.fits("0.111.3") and not wanted.fits("0.110.0")
