"""The rules of Go and Rust, one by one, where a sample directory would say less than a line; and broken manifests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.go import constraints
from supervisor.model import Plan
from tests.support.projects import in_time, refusal, write

MAIN = "package main\n\nfunc main() {}\n"
MOD = "module example.org/shop\n\ngo 1.22\n"
CARGO = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'


def go(directory: Path, files: dict[str, str], **options: str) -> Plan:
    return detect(write(directory, {"go.mod": MOD, "main.go": MAIN, **files}), Overrides(**options))


def rust(directory: Path, manifest: str, files: dict[str, str] | None = None, **options: str) -> Plan:
    return detect(write(directory, {"Cargo.toml": manifest, "src/main.rs": "", **(files or {})}), Overrides(**options))


# --- Go ---


def test_go_builds_static_programs_unless_a_module_is_written_in_c(tmp_path: Path) -> None:
    plan = go(tmp_path, {})
    assert plan.environment == (("CGO_ENABLED", "0"),)
    assert plan.runtime_floor
    plan = go(tmp_path, {"go.mod": MOD + "require github.com/mattn/go-sqlite3 v1.14.22 // indirect\n", "go.sum": "x"})
    assert plan.environment == ()
    assert any("go-sqlite3 needs cgo" in note for note in plan.notes)


def test_a_version_of_the_users_is_meant_as_it_is(tmp_path: Path) -> None:
    plan = go(tmp_path, {}, go_version="1.21.5")
    assert (plan.runtime_version, plan.runtime_floor) == ("1.21.5", False)


def test_what_decides_over_the_modules_is_named_where_nothing_else_is_written(tmp_path: Path) -> None:
    assert go(tmp_path, {"go.sum": "x"}).inputs == ("go.mod", "go.sum")
    unsummed = go(tmp_path / "unsummed", {"go.mod": MOD + "require github.com/go-chi/chi/v5 v5.1.0\n"})
    assert (unsummed.install, unsummed.inputs) == ("go mod tidy", ())


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("require github.com/gin-gonic/gin v1.10.0\n", "gin"),
        ("require (\n\tgithub.com/labstack/echo/v4 v4.12.0\n)\n", "echo"),
        ("require(\n\t`github.com/gofiber/fiber/v3` v3.0.0 // a comment\n)\n", "fiber"),
        ("require github.com/gin-gonic/gin v1.10.0 // indirect\n", None),
        ("require github.com/gin-gonic/ginger v1.10.0\n", None),
        ("// require github.com/gin-gonic/gin v1.10.0\n", None),
        ("replace github.com/gin-gonic/gin => ../gin\n", None),
    ],
)
def test_framework_is_what_the_module_requires_itself(tmp_path: Path, text: str, framework: str | None) -> None:
    assert go(tmp_path, {"go.mod": MOD + text}).framework == framework


def test_framework_that_the_program_imports_comes_before_others(tmp_path: Path) -> None:
    both = MOD + "require (\n\tgithub.com/gin-gonic/gin v1.10.0\n\tgithub.com/go-chi/chi/v5 v5.1.0\n)\n"
    main = 'package main\n\nimport chi "github.com/go-chi/chi/v5"\n\nfunc main() { _ = chi.NewRouter }\n'
    assert go(tmp_path, {"go.mod": both, "main.go": main}).framework == "chi"


@pytest.mark.parametrize(
    ("head", "built"),
    [
        ("", True),
        ("//go:build linux\n\n", True),
        ("//go:build ignore\n\n", False),
        ("//go:build !windows && (amd64 || arm64)\n\n", True),
        ("//go:build windows || darwin\n\n", False),
        ("//go:build !(linux && !cgo)\n\n", False),
        ("//go:build !!linux\n\n", True),
        ("//go:build go1.18 && !go1.17\n\n", False),
        ("//go:build mage\n// +build linux\n\n", False),
        ("// +build linux,!cgo darwin\n\n", True),
        ("// +build linux\n// +build tools\n\n", False),
        ("//go:build )(\n\n", True),
        ("//go:build ((linux\n\n", True),
        ("//go:build " + "(" * 100_000 + "\n\n", True),
    ],
)
def test_build_constraints(head: str, built: bool) -> None:
    assert constraints.is_built(head) == built


@pytest.mark.parametrize(
    ("name", "built"),
    [
        ("main.go", True),
        ("main_linux.go", True),
        ("main_linux_amd64.go", True),
        ("main_windows.go", False),
        ("main_darwin_arm64.go", False),
        ("windows.go", True),
        ("main_test.go", False),
        ("_main.go", False),
    ],
)
def test_files_of_other_systems_and_tests_are_not_built(name: str, built: bool) -> None:
    assert constraints.is_built_by_name(name) == built


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("shop", "bin/shop"),
        ("exec bin/shop --port $PORT", "bin/shop"),
        ("GIN_MODE=release PORT=$PORT ./server", "server"),
        ("dist/web -v", "dist/web"),
        ("cd . && ./shop", "shop"),
        ("sleep 1; exec ./shop & wait", "shop"),
        ("./start.sh", "app"),
        ("./scripts/run", "app"),
        ("bundle exec x", "app"),
        ("../evil", "app"),
        ("/usr/bin/env x", "app"),
        ("$HOME/shop", "app"),
        ("'quoted name'", "app"),
        ("A=" * 50_000, "app"),
    ],
)
def test_program_is_made_under_the_name_that_a_command_calls_it_by(tmp_path: Path, command: str, output: str) -> None:
    plan = go(tmp_path, {"scripts/run": "", "Procfile": f"web: {command}\n"})
    assert plan.build == f'go build -ldflags="-w -s" -o {output} .'
    assert plan.start == command


def test_several_programs_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "cmd").mkdir()
    write(tmp_path, {"go.mod": MOD, "cmd/b/main.go": MAIN, "cmd/a/main.go": MAIN})
    assert "cmd/a is the program, not cmd/b: see BUILD_COMMAND" in detect(tmp_path, Overrides()).notes


def test_library_is_no_program(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": MOD, "shop.go": "package shop\n"})
    assert "no main package" in refusal(tmp_path)
    write(tmp_path, {"package.json": '{"scripts": {"start": "node x.js"}}'})
    assert detect(tmp_path, Overrides()).type == "node"


def test_part_of_a_module_above_is_a_project(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": MOD, "go.sum": "x", "services/mail/internal/cmd/mail/main.go": MAIN})
    plan = detect(tmp_path / "services/mail", Overrides(), tmp_path)
    assert plan.build == 'go build -ldflags="-w -s" -o app ./internal/cmd/mail'
    assert plan.inputs == ("../../go.mod", "../../go.sum")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"go.mod": ""}, "no module line"),
        ({"go.mod": "go 1.22\n"}, "no module line"),
        ({"go.mod": MOD + "<<<<<<< HEAD\n"}, "line 4: a merge conflict"),
        ({"go.mod": "x" * 2_000_000}, "larger than"),
        ({"go.mod": "module a\0b\n"}, "binary"),
        ({"go.mod": MOD, "go.work": ">>>>>>> theirs\n"}, "go.work: line 1: a merge conflict"),
    ],
)
def test_broken_go_manifest_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    message = refusal(write(tmp_path, {"main.go": MAIN, **files}))
    assert "go." in message
    assert said in message


@pytest.mark.parametrize("use", ["../outside", "/etc", "nowhere", "link", "a/../../outside", '"'])
def test_workspace_that_leads_out_of_the_repository_is_not_followed(tmp_path: Path, use: str) -> None:
    write(tmp_path, {"outside/go.mod": MOD, "outside/main.go": MAIN, "repository/go.work": f"go 1.22\nuse {use}\n"})
    (tmp_path / "repository/link").symlink_to("../outside")
    assert "no main package" in refusal(tmp_path / "repository")


def test_code_that_is_a_fifo_or_huge_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": MOD, "huge.go": MAIN + "//" + "x" * 1_000_000, "main.go": MAIN})
    os.mkfifo(tmp_path / "a.go")
    (tmp_path / "b.go").symlink_to("/dev/zero")
    assert detect(tmp_path, Overrides()).start == "./app"


def test_a_repository_of_many_packages_is_looked_at_for_a_short_time(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": MOD, **{f"p{i}/q{j}/x.go": f"package q{j}\n" for i in range(80) for j in range(10)}})
    with in_time():
        assert "no main package" in refusal(tmp_path)


# --- Rust ---


def test_rust_keeps_its_target_directory_and_finds_its_programs(tmp_path: Path) -> None:
    plan = rust(tmp_path, CARGO, {"Cargo.lock": "version = 3\n"})
    assert (plan.caches, plan.bin_dirs) == (("target",), ("target/release",))
    assert plan.inputs == ("Cargo.lock", "Cargo.toml")
    assert rust(tmp_path / "unlocked", CARGO).inputs == ()


def test_member_of_a_workspace_is_built_in_the_workspaces_directory(tmp_path: Path) -> None:
    write(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["*"]\n', "Cargo.lock": "version = 3\n"})
    rust(tmp_path / "api", CARGO)
    plan = detect(tmp_path / "api", Overrides(), tmp_path)
    assert plan.caches == ("../target",)
    assert plan.inputs == ("../Cargo.lock", "../Cargo.toml", "Cargo.toml")
    assert plan.start == "../target/release/shop"


def test_excluded_package_is_on_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["*"]\nexclude = ["api"]\n'})
    rust(tmp_path / "api", CARGO)
    assert detect(tmp_path / "api", Overrides(), tmp_path).start == "./target/release/shop"


def test_rocket_and_leptos_are_told_where_to_listen(tmp_path: Path) -> None:
    rocket = rust(tmp_path / "a", CARGO + '[dependencies]\nrocket = "0.5"\n')
    assert rocket.environment == (("ROCKET_ADDRESS", "0.0.0.0"), ("ROCKET_PORT", "$PORT"))
    leptos = rust(tmp_path / "b", CARGO + '[dependencies]\naxum = "0.7"\nleptos_axum = { version = "0.6" }\n')
    assert (leptos.framework, leptos.environment) == ("leptos", (("LEPTOS_SITE_ADDR", "0.0.0.0:$PORT"),))


@pytest.mark.parametrize(
    ("files", "version", "is_floor"),
    [
        ({"rust-toolchain": "[toolchain]\nchannel = '1.76'\n"}, "1.76", False),
        ({"rust-toolchain": "# pinned\nbeta\n"}, "beta", False),
        ({"rust-toolchain.toml": "[toolchain]\npath = '/opt/rust'\n"}, "1.70", True),
        ({".tool-versions": "rust 1.78.0\n"}, "1.78.0", False),
        ({"mise.toml": '[tools]\nrust = { version = "1.79", profile = "minimal" }\n'}, "1.79", False),
        ({}, "1.70", True),
    ],
)
def test_rust_versions(tmp_path: Path, files: dict[str, str], version: str, is_floor: bool) -> None:
    plan = rust(tmp_path, CARGO + 'rust-version = "1.70"\n', files)
    assert (plan.runtime_version, plan.runtime_floor) == (version, is_floor)


@pytest.mark.parametrize(
    ("manifest", "files", "start"),
    [
        (CARGO + "autobins = false\n[[bin]]\nname = 'a'\npath = 'x.rs'\n", {"src/bin/b.rs": ""}, "a"),
        (CARGO + "[[bin]]\nname = 'a'\npath = './src/main.rs'\n", {}, "a"),
        (CARGO + "[[bin]]\nname = 'seed'\npath = 'src/seed.rs'\n", {}, "shop"),
        (CARGO + "default-run = 'gone'\n", {"src/bin/b.rs": ""}, "shop"),
        (CARGO.replace("2021", "2015") + "[[bin]]\nname = 'a'\npath = 'x.rs'\n", {}, "a"),
    ],
)
def test_programs_are_those_that_cargo_makes(tmp_path: Path, manifest: str, files: dict[str, str], start: str) -> None:
    assert rust(tmp_path, manifest, files).start == f"./target/release/{start}"


def test_program_for_a_browser_is_not_started(tmp_path: Path) -> None:
    write(tmp_path, {".cargo/config.toml": '[build]\ntarget = "wasm32-unknown-unknown"\n', "src/main.rs": ""})
    assert "wasm32-unknown-unknown" in refusal(write(tmp_path, {"Cargo.toml": CARGO}))


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("", "neither [package] nor [workspace]"),
        ("[package\n", "not TOML"),
        ("package = 1\n", "[package] is a number"),
        ("[package]\nversion = '1'\n", '"package.name" is missing'),
        ("[package]\nname = 4\n", '"package.name" is a number'),
        ("[package]\nname = '../../etc'\n", "no name for cargo"),
        ("[package]\nname = 'a; rm -rf x'\n", "no name for cargo"),
        (CARGO + "[bin]\nname = 'a'\n", "write [[bin]]"),
        (CARGO + "[[bin]]\npath = 'a'\n", '"bin.name" is missing'),
        (CARGO + "[[bin]]\nname = 'a/../b'\n", "no name for cargo"),
        (CARGO + "dependencies = 4\n", None),
        (CARGO + "[dependencies]\n<<<<<<< HEAD\n", "not TOML"),
        ("dependencies = 4\n" + CARGO, "[dependencies] is a number"),
        ("[workspace]\nmembers = 'a'\n", '"workspace.members" is a text'),
        ("[workspace]\nmembers = [1, 2]\n", "no package has"),
        ("[workspace]\nmembers = ['../..', '/etc', '**/' ]\n", "no package has"),
        ("# " + "x" * 300_000, "larger than"),
    ],
)
def test_broken_cargo_toml_is_named(tmp_path: Path, manifest: str, said: str | None) -> None:
    write(tmp_path, {"Cargo.toml": manifest, "src/main.rs": ""})
    if said is None:
        assert detect(tmp_path, Overrides()).start == "./target/release/shop"
        return
    assert said in refusal(tmp_path)


def test_hostile_patterns_of_members_take_no_time(tmp_path: Path) -> None:
    patterns = ", ".join(f"'{'/'.join(['*[a-z]*'] * 20)}{i}'" for i in range(500))
    write(
        tmp_path, {"Cargo.toml": f"[workspace]\nmembers = [{patterns}]\n", **{f"{'a/' * n}x": "" for n in range(1, 30)}}
    )
    with in_time():
        assert "no package has" in refusal(tmp_path)


def test_forced_type_without_a_manifest_is_said(tmp_path: Path) -> None:
    assert "Cargo.toml" in refusal(tmp_path, Overrides(project_type="rust"))
    with pytest.raises(PlanError, match="no main package"):
        detect(tmp_path, Overrides(project_type="go"))


@pytest.mark.parametrize("written", [".sqlx/query-1.json", "sqlx-data.json"])
def test_queries_that_were_checked_are_not_checked_against_a_database_again(tmp_path: Path, written: str) -> None:
    assert rust(tmp_path, CARGO).environment == ()
    assert rust(tmp_path, CARGO, {written: "{}"}).environment == (("SQLX_OFFLINE", "true"),)


def test_features_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    features = "[features]\ndefault = ['a', 1]\na = ['b']\nb = ['a']\nc = 4\n"
    plan = rust(
        tmp_path, CARGO + features + "[[bin]]\nname = 'shop'\npath = 'src/main.rs'\nrequired-features = ['b', 'c']\n"
    )
    assert plan.build == "cargo build --release --features c"
