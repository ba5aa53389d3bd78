"""Files of other platforms: what is taken of them, in which order, and what a broken or hostile one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.platforms import commands
from supervisor.model import Plan

APPS = Path(__file__).parents[1] / "apps"


def plan_of(directory: Path, **files: str) -> Plan:
    for name, text in files.items():
        (directory / name).write_text(text)
    return detect(directory, Overrides())


def sample(name: str) -> Plan:
    return detect(APPS / name, Overrides())


def test_render_says_variables_secrets_and_what_is_left_to_the_user() -> None:
    plan = sample("platform-render")
    assert dict(plan.environment)["LOG_LEVEL"] == "warn"
    assert plan.generated == ("SESSION_SECRET",)
    assert [name for name, _ in plan.unset] == ["DATABASE_URL", "STRIPE_KEY"]
    assert (plan.release, plan.health_path) == ("npx prisma migrate deploy", "/healthz")
    origins = dict(plan.origins)
    assert {origins[name] for name in ("install", "build", "start", "release", "health_path")} == {"render.yaml"}
    assert origins["runtime_version"] == "NODE_VERSION in render.yaml"


def test_development_dependencies_are_there_for_a_build_that_installs_by_itself() -> None:
    assert dict(sample("platform-render").environment)["npm_config_include"] == "dev"
    assert "npm_config_include" not in dict(sample("platform-heroku-yml").environment)


def test_railway_says_how_long_the_health_check_may_take() -> None:
    plan = sample("platform-railway-toml")
    assert (plan.health_path, plan.health_timeout_s) == ("/health", 100.0)
    assert plan.release == "npm run migrate && npm run warm"


def test_app_json_makes_secrets_and_names_what_is_required() -> None:
    plan = sample("platform-heroku-app-json")
    assert plan.generated == ("SECRET_KEY",)
    assert plan.unset == (("API_TOKEN", "app.json requires it"),)
    assert {("GREETING", "hello"), ("WORKERS", "2")} <= set(plan.environment)
    assert any("scripts.postdeploy" in note for note in plan.notes)


def test_an_add_on_names_its_variable() -> None:
    plan = sample("platform-heroku-yml")
    assert plan.unset == (("DATABASE_URL", "heroku.yml takes it from the add-on heroku-postgresql"),)
    assert plan.release == "./migrate && ./seed"
    assert any("Dockerfile" in note for note in plan.notes)


def test_of_several_files_each_field_comes_from_the_first_that_has_it() -> None:
    origins = dict(sample("platform-several").origins)
    assert origins["start"] == "Procfile"
    assert origins["health_path"] == "railway.json"
    assert origins["build"] == "render.yaml"


def test_flux_says_port_variables_and_what_is_misspelt(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, **{"flux.yaml": "appPort: 3000\nenvVars: [A=1]\nrunCommand: ./x\nbuildComand: y\n"})
    assert (plan.port, plan.environment) == (3000, (("A", "1"),))
    assert "flux.yaml: buildComand is not known; did you mean buildCommand?" in plan.notes


def test_what_the_language_wants_made_up_gives_way_to_a_value_alone(tmp_path: Path) -> None:
    (tmp_path / "Gemfile").write_text('gem "rails"\ngem "puma"\n')
    (tmp_path / "Gemfile.lock").write_text("GEM\n  specs:\n    puma (6.4.0)\n    rails (7.1.0)\n")
    (tmp_path / "config.ru").write_text("run App\n")
    plan = plan_of(tmp_path, **{"flux.yaml": "envVars: {A: 1}\n"})
    assert plan.generated == ("SECRET_KEY_BASE",)
    plan = plan_of(tmp_path, **{"flux.yaml": "envVars: {SECRET_KEY_BASE: x}\n"})
    assert plan.generated == ()
    assert ("SECRET_KEY_BASE", "x") in plan.environment


def test_the_kind_that_flux_says_counts_unless_a_variable_says_another(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node x"}}')
    (tmp_path / "app.py").write_text("print(1)\n")
    assert plan_of(tmp_path, **{"flux.yaml": "projectType: python\n"}).type == "python"
    assert detect(tmp_path, Overrides(project_type="node")).type == "node"


def test_a_port_among_the_variables_is_orbits_to_set(tmp_path: Path) -> None:
    render = "services:\n- type: web\n  startCommand: ./x\n  envVars:\n  - {key: PORT, value: 10000}\n"
    plan = plan_of(tmp_path, **{"render.yaml": render})
    assert (plan.port, plan.environment) == (10000, ())


def test_a_service_elsewhere_is_passed_over_and_named(tmp_path: Path) -> None:
    render = "services:\n- {type: web, rootDir: api, startCommand: ./api}\n"
    plan = plan_of(tmp_path, **{"render.yaml": render, "Procfile": "web: ./x"})
    assert plan.start == "./x"
    assert "render.yaml is for api and was passed over; set PROJECT_PATH=api" in plan.notes


def test_services_elsewhere_are_all_named(tmp_path: Path) -> None:
    render = "services:\n- {type: web, rootDir: web}\n- {type: web, rootDir: api}\n"
    plan = plan_of(tmp_path, **{"render.yaml": render, "Procfile": "web: ./x"})
    assert "render.yaml is for api, web and was passed over; set PROJECT_PATH to one of them" in plan.notes


@pytest.mark.parametrize(
    ("line", "install", "build"),
    [
        ("npm ci && npm run build", ("npm ci",), ("npm run build",)),
        ("yarn; yarn build", ("yarn",), ("yarn build",)),
        ("pip install -r requirements.txt", ("pip install -r requirements.txt",), ()),
        ("pip install -U pip && poetry install --only main", ("pip install -U pip", "poetry install --only main"), ()),
        ("corepack enable && pnpm i --frozen-lockfile && pnpm build", ("pnpm i --frozen-lockfile",), ("pnpm build",)),
        ("bundle install; bundle exec rake assets", ("bundle install",), ("bundle exec rake assets",)),
        ("./build.sh", None, ("./build.sh",)),
        ("cd web && npm ci && npm run build", None, ("cd web && npm ci && npm run build",)),
        ("npm ci || npm install", None, ("npm ci || npm install",)),
        ("npm install express && node x", None, ("npm install express && node x",)),
        ("if [ -f x ]; then\n  npm ci\nfi", None, ("set -e\nif [ -f x ]; then\n  npm ci\nfi",)),
        ("a\n\nb\n", None, ("a && b",)),
        (None, None, None),
    ],
)  # fmt: skip
def test_what_installs_is_told_from_what_builds(
    line: str | None, install: tuple[str, ...] | None, build: tuple[str, ...] | None
) -> None:
    assert commands.split(line) == (install, build)


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("npm ci && npm install --legacy-peer-deps", True),
        ("npm ci && ./fetch-models", False),
        ("pip install -r other.txt", False),
    ],
)
def test_of_an_install_of_ones_own_only_what_its_inputs_say_is_kept(tmp_path: Path, command: str, kept: bool) -> None:
    files = {"package.json": '{"scripts": {"start": "node x"}, "dependencies": {"a": "1"}}', "package-lock.json": "{}"}
    plan = plan_of(tmp_path, **files, **{"flux.yaml": f"installCommand: {command}\n"})
    assert plan.install == command
    assert bool(plan.inputs) == kept


MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  k{n}: 1\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 900))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("render.yaml", "services:\n- type: web\n  startCommand: [\n", "line 4: not YAML"),
        ("render.yaml", "services:\n- type: web\n  startCommand: {a: b}\n", "services[0].startCommand is an object"),
        ("render.yaml", "services: web\n", "services is a text, not a list"),
        ("render.yaml", "services: [web]\n", "services[0] is a text, not an object"),
        ("render.yaml", "- a\n", "its YAML is a list, not an object"),
        ("render.yaml", "a: *b\n", "line 1: not YAML: found undefined alias"),
        ("render.yaml", "a: 1\n---\nb: 2\n", "line 2: a second document begins"),
        ("render.yaml", "[" * 100, "nested more than 40 deep"),
        ("render.yaml", "&a [*a]", "not YAML"),
        ("render.yaml", MERGES, "are merged into others"),
        ("render.yaml", "- a\n" * 40_000, "is larger than"),
        ("heroku.yml", "a: [" + "1," * 60_000 + "]", "more than 50000 values"),
        ("flux.yaml", "<<<<<<< HEAD\na: 1\n", "a merge conflict is left in it"),
        ("flux.yaml", "appPort: eighty\n", "appPort is 'eighty', not a port"),
        ("flux.yaml", "projectType: nodejs\n", "projectType is 'nodejs'; use one of auto, node"),
        ("flux.json", '{"envVars": [3]}', "envVars[0] is neither NAME=value nor an object"),
        ("flux.json", '{"appPort": 3000,\n "envVars" {}}', "line 2, column 12: not JSON"),
        ("railway.json", '{"deploy": []}', "deploy is a list, not an object"),
        ("railway.json", '{"deploy": {"preDeployCommand": [1, {}]}}', "preDeployCommand is an object, not a list"),
        ("railway.toml", "[build\n", "not TOML"),
        ("nixpacks.toml", "phases = 3\n", "phases is a number, not an object"),
        ("app.json", "[" * 100_000, "not JSON that anyone would write"),
    ],
)  # fmt: skip
def test_a_broken_or_hostile_file_is_one_clear_line(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / "Procfile").write_text("web: ./x\n")
    with pytest.raises(PlanError) as error:
        plan_of(tmp_path, **{file: text})
    assert said in str(error.value)
    assert str(error.value).startswith(f"cannot read {file}: ")
    assert "\n" not in str(error.value)


def test_rules_that_nobody_has_to_understand_are_passed_over(tmp_path: Path) -> None:
    rules = '{"rewrites": [{"source": "/api", "destination": {"service": "api"}}, 3], "outputDirectory": "out"}'
    (tmp_path / "Procfile").write_text("web: ./x\n")
    assert plan_of(tmp_path, **{"vercel.json": rules}).start == "./x"


@pytest.mark.parametrize(
    ("file", "text", "notes"),
    [
        (
            "netlify.toml",
            '[[redirects]]\nfrom = "/*"\nto = "/index.html"\nstatus = 200\n[[redirects]]\nfrom = "/a"\nto = "/b"\n'
            '[[headers]]\nfor = "/*"\n',
            ("redirects were passed over (1); write them into _redirects", "headers were passed over (1); write them"),
        ),
        (
            "vercel.json",
            '{"rewrites": [{"source": "/(.*)", "destination": "/"}],'
            ' "redirects": [{"source": "/a", "destination": "/b"}]}',
            ("redirects were passed over (1); write them into _redirects among the pages",),
        ),
        (
            "render.yaml",
            "services:\n- type: web\n  runtime: static\n  routes:\n  - {type: redirect, source: /a, destination: /b}\n",
            ("routes were passed over (1); write them into _redirects among the pages",),
        ),
    ],
)
def test_rules_of_a_site_that_are_passed_over_are_named(
    tmp_path: Path, file: str, text: str, notes: tuple[str, ...]
) -> None:
    (tmp_path / "index.html").touch()
    told = [note for note in plan_of(tmp_path, **{file: text}).notes if "passed over" in note]
    assert len(told) == len(notes)
    assert all(note.startswith(f"{file}: {said}") for note, said in zip(told, notes, strict=True))


def test_files_for_sites_do_not_touch_an_application() -> None:
    plan = sample("platform-netlify-of-a-server")
    assert "build" not in dict(plan.origins)
    assert (plan.start, plan.output_dir) == ("npm start", None)


def test_tags_of_yaml_construct_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    text = f"services:\n- type: web\n  startCommand: !!python/object/apply:os.mkdir ['{made}']\n"
    with pytest.raises(PlanError, match="is a list, not a text"):
        plan_of(tmp_path, **{"render.yaml": text})
    assert not made.exists()


def test_what_cannot_be_a_variable_is_passed_over_with_a_remark(tmp_path: Path) -> None:
    file = '{"runCommand": "./x", "envVars": {"A B": 1, "C": "\\ud800", "D": "\\u0000", "E": "fine", "F": {}}}'
    plan = plan_of(tmp_path, **{"flux.json": file})
    assert plan.environment == (("E", "fine"),)
    assert len(plan.notes) == 4


def test_a_directory_that_leads_out_of_the_project_is_not_served(tmp_path: Path) -> None:
    render = "services:\n- {type: web, runtime: static, staticPublishPath: ../../etc}\n"
    plan = plan_of(tmp_path, **{"render.yaml": render})
    assert (plan.type, plan.serve, plan.output_dir) == ("static", "static", ".")
