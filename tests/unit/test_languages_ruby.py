"""The rules of Ruby, one by one, where a sample directory would say less than a line."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.ruby.gems import MOST_LINE
from supervisor.model import Plan
from tests.support.projects import in_time, write

RU = "run ->(env) { [200, {}, []] }\n"


def ruby(directory: Path, gemfile: str, files: dict[str, str] | None = None, **options: str) -> Plan:
    write(directory, {"Gemfile": gemfile, "config.ru": RU, **(files or {})})
    return detect(directory, Overrides(**options))


def settings(plan: Plan) -> dict[str, str]:
    return dict(plan.environment)


def lockfile(*platforms: str) -> str:
    listed = "".join(f"  {name}\n" for name in platforms)
    return f"GEM\n  specs:\n    rack (2.2.8)\n\nPLATFORMS\n{listed}\nDEPENDENCIES\n  rack\n\nBUNDLED WITH\n   2.5.22\n"


@pytest.mark.parametrize(
    ("line", "constraint"),
    [
        ("ruby '3.2.1'", "3.2.1"),
        ('ruby "ruby-3.2.1"', "3.2.1"),
        ('ruby("~> 3.1")', "~> 3.1"),
        ('ruby ">= 2.7", "< 4"', ">= 2.7, < 4"),
        ('ruby ENV["RUBY"] || "3.1"', "3.1"),
        ('ruby "2.5.3", engine: "jruby", engine_version: "9.2.5.0"', "jruby-9.2.5.0"),
        ('ruby file: "versions/ruby"', "3.3.0"),
        ('ruby File.read("versions/ruby").strip', "3.3.0"),
        ('ruby file: ".tool-versions"', "3.0.6"),
        ('ruby file: "../outside"', None),
        ('# ruby "3.2.1"', None),
        ("ruby RUBY_VERSION", None),
    ],
)
def test_gemfile_tells_the_version(tmp_path: Path, line: str, constraint: str | None) -> None:
    write(tmp_path, {"versions/ruby": "ruby-3.3.0\n"})
    files = {".tool-versions": "ruby 3.0.6\n"} if "tool-versions" in line else {}
    assert ruby(tmp_path, f"{line}\n", files).runtime_version == constraint


@pytest.mark.parametrize(
    ("files", "options", "constraint"),
    [
        ({".ruby-version": "3.3.0\n"}, {"ruby_version": "3.4"}, "3.4"),
        ({".ruby-version": "ruby-3.3.0\n", "mise.toml": '[tools]\nruby = "3"\n'}, {}, "3.3.0"),
        ({".ruby-version": "system\n"}, {}, "3.1.0"),
        ({"Gemfile.lock": lockfile("ruby") + "\nRUBY VERSION\n   ruby 3.2.1p31\n"}, {}, "3.1.0"),
    ],
)
def test_nearest_word_on_the_version_counts(
    tmp_path: Path, files: dict[str, str], options: dict[str, str], constraint: str
) -> None:
    assert ruby(tmp_path, 'ruby "3.1.0"\n', files, **options).runtime_version == constraint


@pytest.mark.parametrize(
    ("line", "constraint"),
    [("ruby 3.2.1p31", "3.2.1"), ("ruby 3.4.0.preview2", "3.4.0"), ("ruby 2.5.3p0 (jruby 9.2.5.0)", "jruby-9.2.5.0")],
)
def test_lockfile_tells_the_version(tmp_path: Path, line: str, constraint: str) -> None:
    plan = ruby(tmp_path, "gem 'rack'\n", {"Gemfile.lock": lockfile("ruby") + f"\nRUBY VERSION\n   {line}\n"})
    assert plan.runtime_version == constraint


def test_bundler_is_frozen_where_the_lockfile_is_for_this_platform(tmp_path: Path) -> None:
    here = f"{platform.machine()}-linux"
    for number, (platforms, frozen) in enumerate(
        [((here,), True), (("ruby",), True), (("arm64-darwin-22", f"{here}-gnu"), True), (("arm64-darwin-22",), False)]
    ):
        plan = ruby(tmp_path / str(number), "gem 'rack'\n", {"Gemfile.lock": lockfile(*platforms)})
        assert ("BUNDLE_FROZEN" in settings(plan)) is frozen
        assert plan.package_manager_version == "2.5.22"
        assert plan.inputs == ("Gemfile", "Gemfile.lock")


def test_without_a_lockfile_each_release_installs_anew(tmp_path: Path) -> None:
    plan = ruby(tmp_path, "gem 'rack'\n")
    assert "BUNDLE_FROZEN" not in settings(plan)
    assert settings(plan)["GEM_HOME"] == "$WORK_DIR/vendor/bundle"
    assert plan.inputs == ()


def test_local_install_takes_the_gems_of_the_system(tmp_path: Path) -> None:
    plan = ruby(tmp_path, "gem 'rack'\n", {"Gemfile.lock": ""}, install_command="bundle install --local")
    assert not {"GEM_HOME", "BUNDLE_FROZEN"} & settings(plan).keys()
    assert plan.install == "bundle install --local"


@pytest.mark.parametrize(
    ("gemfile", "served_by"),
    [
        ("gem 'puma'\n", "puma"),
        ("gem 'puma', group: :development\n", "rackup"),
        ("gem 'puma', groups: [:development, :test]\n", "rackup"),
        ("gem 'puma', groups: [:production, :test]\n", "puma"),
        ("gem 'puma', :group => 'test'\n", "rackup"),
        ("group :development, :test do\n  gem 'puma'\nend\n", "rackup"),
        ("group(:production) do\n  gem 'puma'\nend\n", "puma"),
        ("group :test do\n  if true\n    gem 'x'\n  end\n  gem 'puma'\nend\n", "rackup"),
        ("group :test do\n  gem 'x'\nend\ngem 'puma'\n", "puma"),
        ("group :development, optional: true do # tools\n  gem 'puma'\nend\n", "rackup"),
        ("source 'https://gems' do\n  gem 'puma'\nend\n", "puma"),
        ("# gem 'puma'\n", "rackup"),
        ("gem 'thin'\n", "thin"),
        ("gem 'passenger'\n", "passenger"),
        ("gem 'iodine'\n", "iodine"),
    ],
)
def test_server_among_the_gems_that_are_installed_serves(tmp_path: Path, gemfile: str, served_by: str) -> None:
    start = ruby(tmp_path, gemfile).start
    assert start is not None and start.startswith(f"bundle exec {served_by} ") and "$PORT" in start


def test_gem_that_another_brings_counts(tmp_path: Path) -> None:
    lock = (
        "GEM\n  specs:\n    uglifier (4.2.0)\n      execjs (>= 0.3.0)\n    execjs (2.8.1)\n\nDEPENDENCIES\n  uglifier\n"
    )
    assert [need.runtime for need in ruby(tmp_path / "a", "gem 'uglifier'\n", {"Gemfile.lock": lock}).helpers] == [
        "node"
    ]
    with_engine = ruby(tmp_path / "b", "gem 'uglifier'\ngem 'mini_racer'\n", {"Gemfile.lock": lock})
    assert with_engine.helpers == ()


def test_gem_of_the_project_itself_brings_its_gems(tmp_path: Path) -> None:
    own = "PATH\n  remote: .\n  specs:\n    shop (0.1.0)\n      puma\n\n"
    lock = own + "GEM\n  specs:\n    puma (6.4.2)\n\nDEPENDENCIES\n  shop!\n"
    plan = ruby(tmp_path, "gemspec\n", {"Gemfile.lock": lock})
    assert plan.start == "bundle exec puma -b tcp://0.0.0.0:$PORT"


@pytest.mark.parametrize(
    ("application", "files", "compiles"),
    [
        ("require 'rails/all'\n", {"app/assets/x.css": ""}, True),
        ("require 'rails/all'\n", {}, False),
        ("require 'rails/all'\nconfig.api_only = true\n", {"app/assets/x.css": ""}, False),
        ("require 'rails/all'\n# config.api_only = true\n", {"app/assets/x.css": ""}, True),
        ("require 'action_controller/railtie'\n# require 'sprockets/railtie'\n", {"app/assets/x.css": ""}, False),
        ("require 'sprockets/railtie'\n", {"app/assets/x.css": ""}, True),
        ("require 'rails/all'\n", {"app/assets/x.css": "", "public/assets/manifest-0a.json": "{}"}, False),
    ],
)
def test_assets_are_compiled_where_rails_has_them(
    tmp_path: Path, application: str, files: dict[str, str], compiles: bool
) -> None:
    lock = (
        "GEM\n  specs:\n    rails (6.1.7.10)\n      railties (= 6.1.7.10)\n      sprockets-rails (>= 2.0.0)\n"
        "    railties (6.1.7.10)\n    sprockets-rails (3.4.2)\n\nDEPENDENCIES\n  rails\n"
    )
    code = f"{application}class Application < Rails::Application\nend\n"
    plan = ruby(tmp_path, "gem 'rails'\n", {"Gemfile.lock": lock, "config/application.rb": code, **files})
    assert plan.framework == "rails"
    assert (plan.build is not None) is compiles
    assert settings(plan)["RAILS_ENV"] == "production"


def test_migrations_and_secrets_of_the_build_do_not_reach_the_application(tmp_path: Path) -> None:
    files = {"config/application.rb": "class A < Rails::Application\nend\n", "app/assets/x.css": ""}
    plan = ruby(tmp_path, "gem 'rails'\ngem 'propshaft'\n", files)
    assert plan.build == "SECRET_KEY_BASE_DUMMY=1 bundle exec rake assets:precompile"
    assert not {"SECRET_KEY_BASE", "SECRET_KEY_BASE_DUMMY"} & settings(plan).keys()


@pytest.mark.parametrize("tool", ["fastlane", "cocoapods", "danger"])
def test_gemfile_of_tools_gives_way_to_the_project(tmp_path: Path, tool: str) -> None:
    write(
        tmp_path, {"Gemfile": f"gem '{tool}'\n", "Rakefile": "", "package.json": '{"main": "index.js"}', "index.js": ""}
    )
    assert detect(tmp_path, Overrides()).type == "node"


def test_site_of_hexo_is_none_of_jekyll(tmp_path: Path) -> None:
    write(tmp_path, {"_config.yml": "theme: landscape\n", "scaffolds/post.md": "", "source/_posts/a.md": ""})
    write(tmp_path, {"package.json": '{"dependencies": {"hexo": "7"}, "scripts": {"build": "hexo generate"}}'})
    plan = detect(tmp_path, Overrides())
    assert (plan.type, plan.framework, plan.output_dir) == ("node", "hexo", "public")


@pytest.mark.parametrize("destination", ["/etc", "../outside", ".", "./"])
def test_pages_that_would_leave_the_project_are_served_from_the_usual_place(tmp_path: Path, destination: str) -> None:
    plan = ruby(tmp_path, "gem 'jekyll'\n", {"_config.yml": f"destination: {destination}\n"})
    assert (plan.serve, plan.output_dir) == ("static", "_site")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"Gemfile": "<<<<<<< HEAD\ngem 'a'\n"}, "merge conflict"),
        ({"Gemfile": "gem 'a'\n", "Gemfile.lock": ""}, "it is empty"),
        ({"Gemfile": "gem 'a'\n", "Gemfile.lock": "GEM\n>>>>>>> branch\n"}, "merge conflict"),
        ({"Gemfile": "gem 'a'\n" * 200_000}, "larger than"),
        ({"Gemfile": "gem 'a\0'\n"}, "binary"),
    ],
)
def test_broken_file_is_one_clear_line(tmp_path: Path, files: dict[str, str], why: str) -> None:
    with pytest.raises(PlanError, match=why) as caught:
        detect(write(tmp_path, files), Overrides())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "group " + ":a, " * 200_000,
        "gem 'a'" + ", groups: [" * 80_000,
        "ruby " + "'1" * 400_000,
        "group :a do\n" * 80_000,
        "end\n" * 200_000,
        "gem 'a'\n" * 120_000,
        "gem 'x', " + "a" * (MOST_LINE - 20) + "\n" + "\n".join("ruby " + "." * (MOST_LINE - 10) for _ in range(400)),
    ],
)
def test_hostile_gemfile_takes_no_time(tmp_path: Path, text: str) -> None:
    with in_time():
        assert ruby(tmp_path, text[: 256 * 1024]).type == "ruby"


def test_hostile_lockfile_takes_no_time(tmp_path: Path) -> None:
    circle = "".join(f"    g{i} (1)\n      g{(i + 1) % 50_000}\n" for i in range(50_000))
    spaces = "".join(" " * 5000 + "\n" for _ in range(400))
    lock = f"GEM\n  specs:\n{circle}{spaces}\nDEPENDENCIES\n  g0\n\nRUBY VERSION\n   ruby {'1.' * 100_000}\n"
    with in_time():
        assert ruby(tmp_path, "gem 'g0'\n", {"Gemfile.lock": lock}).type == "ruby"
