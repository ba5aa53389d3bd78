"""The rules of detection, one by one, where a sample directory would say less than a line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli.detect import detect as command
from supervisor.errors import PlanError, SettingsError
from supervisor.languages import LANGUAGES, Overrides, detect
from supervisor.languages.node.start import PREVIEW
from supervisor.languages.python.django import COLLECT, COLLECT_IF
from supervisor.model import Plan
from tests.support.projects import write

EXPRESS: dict[str, object] = {"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}


def node(directory: Path, package: dict[str, object], **files: str) -> Plan:
    named = {name.replace("__", "."): text for name, text in files.items()}
    write(directory, {"package.json": json.dumps(package), **named})
    return detect(directory, Overrides())


def python(directory: Path, requirements: str, files: dict[str, str]) -> Plan:
    write(directory, {"requirements.txt": requirements, **files})
    return detect(directory, Overrides())


# package managers


@pytest.mark.parametrize(
    ("lockfile", "text", "manager", "version"),
    [
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", "pnpm", "7"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", "pnpm", "8"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm", "9"),
        ("pnpm-lock.yaml", "lockfileVersion: '99.0'\n", "pnpm", None),
        ("yarn.lock", "# yarn lockfile v1\n", "yarn", "1"),
        ("yarn.lock", "#\n\n__metadata:\n  version: 6\n", "yarn", ">=3.2.0 <4.0.0"),
        ("yarn.lock", "#\n\n__metadata:\n  version: 8\n", "yarn", ">=4.0.0 <4.14.0"),
        ("yarn.lock", "#\n\n__metadata:\n  version: 10\n", "yarn", "4"),
        ("bun.lock", "{}\n", "bun", None),
        ("bun.lockb", "\0binary\0", "bun", None),
        ("package-lock.json", "{}", "npm", None),
        ("npm-shrinkwrap.json", "{}", "npm", None),
    ],
)
def test_lockfile_tells_the_manager_and_its_version(
    tmp_path: Path, lockfile: str, text: str, manager: str, version: str | None
) -> None:
    write(tmp_path, {lockfile: text})
    plan = node(tmp_path, EXPRESS)
    assert (plan.package_manager, plan.package_manager_version) == (manager, version)
    assert plan.install


@pytest.mark.parametrize(
    ("field", "manager", "version"),
    [
        ("pnpm@9.12.0", "pnpm", "9.12.0"),
        ("pnpm@10.1.0+sha512.abc", "pnpm", "10.1.0"),
        ("yarn@4.5.1", "yarn", "4.5.1"),
        ("yarn@stable", "yarn", "1"),
        ("bun", "bun", None),
        ("cnpm@9.0.0", "npm", None),
    ],
)
def test_package_manager_field_decides(tmp_path: Path, field: str, manager: str, version: str | None) -> None:
    plan = node(tmp_path, {**EXPRESS, "packageManager": field})
    assert (plan.package_manager, plan.package_manager_version) == (manager, version)


@pytest.mark.parametrize(
    ("engines", "files", "manager", "version"),
    [
        ({"bun": ">=1.0.0"}, {}, "bun", ">=1.0.0"),
        ({"node": ">=18", "pnpm": "9.x"}, {}, "pnpm", "9.x"),
        ({"npm": "please-use-yarn", "yarn": ">=1"}, {}, "yarn", "1"),
        ({"bun": ">=1.0.0"}, {"package-lock__json": "{}"}, "npm", None),
        ({"npm": ">=9", "pnpm": "please-use-npm"}, {}, "npm", ">=9"),
        ({"pnpm": ">=8", "yarn": ">=1"}, {}, "npm", None),
    ],
)
def test_engines_name_a_manager_where_nothing_else_does(
    tmp_path: Path, engines: dict[str, str], files: dict[str, str], manager: str, version: str | None
) -> None:
    plan = node(tmp_path, {**EXPRESS, "engines": engines}, **files)
    assert (plan.package_manager, plan.package_manager_version) == (manager, version)


def test_development_engines_name_a_manager_too(tmp_path: Path) -> None:
    engines = {"packageManager": {"name": "pnpm", "version": "^9.0.0"}}
    plan = node(tmp_path, {**EXPRESS, "devEngines": engines})
    assert (plan.package_manager, plan.package_manager_version) == ("pnpm", "^9.0.0")


def test_yarn_that_the_repository_carries_is_the_one_that_is_wanted(tmp_path: Path) -> None:
    lock = "#\n\n__metadata:\n  version: 8\n"
    plan = node(tmp_path, EXPRESS, yarn__lock=lock, __yarnrc__yml="yarnPath: .yarn/releases/yarn-4.3.1.cjs\n")
    assert plan.package_manager_version == "4.3.1"


def test_settings_of_pnpm_in_its_workspace_file_make_no_monorepo(tmp_path: Path) -> None:
    lock = "lockfileVersion: '9.0'\n"
    plan = node(
        tmp_path, EXPRESS, **{"pnpm-workspace__yaml": "onlyBuiltDependencies:\n  - esbuild\n", "pnpm-lock__yaml": lock}
    )
    assert plan.package_manager_version == "10"


@pytest.mark.parametrize(
    ("pattern", "is_member"),
    [
        ("apps/*", True),
        ("apps/web", True),
        ("./apps/*", True),
        ("**", True),
        ("apps/**", True),
        ("*", False),
        ("apps", False),
        ("apps/w?b", True),
        ("packages/*", False),
    ],
)
def test_member_of_a_workspace_installs_from_its_root(tmp_path: Path, pattern: str, is_member: bool) -> None:
    write(tmp_path, {"package.json": json.dumps({"workspaces": [pattern]}), "package-lock.json": "{}"})
    write(tmp_path, {"apps/web/package.json": json.dumps(EXPRESS)})
    plan = detect(tmp_path / "apps/web", Overrides(), tmp_path)
    assert (plan.install == "cd ../.. && npm ci --include=dev") == is_member


@pytest.mark.parametrize(
    "text", ["packages: ['apps/*', \"packages/*\"]\n", "packages:\n- apps/*\n", '"packages":\n  - apps/*\n']
)
def test_patterns_of_pnpm_are_read_in_every_form(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"package.json": "{}", "pnpm-workspace.yaml": text, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"})
    write(tmp_path, {"apps/web/package.json": json.dumps(EXPRESS)})
    plan = detect(tmp_path / "apps/web", Overrides(), tmp_path)
    assert (plan.install or "").startswith("cd ../.. && pnpm install --frozen-lockfile")


# starts


@pytest.mark.parametrize(
    ("script", "is_passed_over"),
    [
        ("react-scripts start", True),
        ("PORT=3000 react-scripts start", True),
        ("cross-env BROWSER=none react-scripts start", True),
        ("serve -s build", False),
        ("node server.js", False),
        ("react-scripts build && serve -s build", False),
        ("concurrently 'react-scripts start' 'node api.js'", False),
    ],
)
def test_start_script_of_a_site_is_passed_over_if_it_is_for_development(
    tmp_path: Path, script: str, is_passed_over: bool
) -> None:
    package: dict[str, object] = {"scripts": {"start": script, "build": "x"}, "dependencies": {"react-scripts": "5"}}
    plan = node(tmp_path, package)
    assert (plan.serve, plan.start) == (("static", None) if is_passed_over else ("app", "npm start"))


@pytest.mark.parametrize(
    ("main", "files", "start"),
    [
        ("./lib/app.js", ["lib/app.js"], "node lib/app.js"),
        ("lib/app", ["lib/app.js"], "node lib/app.js"),
        ("lib", ["lib/index.js"], "node lib/index.js"),
        ("lib/app.mjs", ["lib/app.mjs"], "node lib/app.mjs"),
        ("index.js", ["server.js"], "node server.js"),
    ],
)
def test_main_is_found_as_node_finds_it(tmp_path: Path, main: str, files: list[str], start: str) -> None:
    write(tmp_path, dict.fromkeys(files, ""))
    assert node(tmp_path, {"main": main}).start == start


@pytest.mark.parametrize(
    ("packages", "start", "advice"),
    [
        (("@sveltejs/kit", "@sveltejs/adapter-auto"), PREVIEW, "@sveltejs/adapter-node"),
        (("@sveltejs/kit", "@sveltejs/adapter-node"), "node build", None),
        (("@tanstack/react-start",), PREVIEW, "nitro"),
        (("@tanstack/react-start", "nitro"), "node .output/server/index.mjs", None),
    ],
)
def test_server_of_a_framework_is_preferred_to_the_preview_of_vite(
    tmp_path: Path, packages: tuple[str, ...], start: str, advice: str | None
) -> None:
    plan = node(tmp_path, {"dependencies": dict.fromkeys(("vite", *packages), "*")})
    assert plan.start == start
    assert [note.rpartition(" ")[2] for note in plan.notes] == ([advice] if advice else [])


def test_root_of_a_monorepo_asks_for_a_project(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="set PROJECT_PATH"):
        node(tmp_path, {"workspaces": ["apps/*"]})


@pytest.mark.parametrize(
    ("code", "start"),
    [
        ("import flask as f\nx = f.Flask('x')\n", "gunicorn app:x --bind 0.0.0.0:$PORT"),
        ("from flask import Flask as F\nx: F = F('x')\n", "gunicorn app:x --bind 0.0.0.0:$PORT"),
        ("import flask\ntry:\n    x = flask.Flask('x')\nfinally:\n    pass\n", "gunicorn app:x --bind 0.0.0.0:$PORT"),
        ("from flask import Flask\nif True:\n    x = Flask('x')\n", "gunicorn app:x --bind 0.0.0.0:$PORT"),
        ("from shop import create_app\napp = create_app('x')\n", "gunicorn app:app --bind 0.0.0.0:$PORT"),
        ("import flask\ndef create_app(a=1, *, b=2):\n    ...\n", "gunicorn 'app:create_app()' --bind 0.0.0.0:$PORT"),
        ("from flask import Flask\ndef create_app(a):\n    ...\n", "python app.py"),
        ("from flask import Flask\ndef create_app(*, a):\n    ...\n", "python app.py"),
        ("from flask import Flask\nif __name__ == '__main__':\n    x = Flask('x')\n", "python app.py"),
    ],
)  # fmt: skip
def test_flask_application_is_found_in_code(tmp_path: Path, code: str, start: str) -> None:
    assert python(tmp_path, "flask\ngunicorn\n", {"app.py": code}).start == start


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"src/main.py": "APP"}, "PYTHONPATH=src:$PYTHONPATH uvicorn main:app"),
        ({"src/main.py": "from src.db import x\nAPP"}, "uvicorn src.main:app"),
        ({"src/main.py": "from .db import x\nAPP"}, "uvicorn src.main:app"),
        ({"src/__init__.py": "APP"}, "uvicorn src:app"),
        ({"app/main.py": "APP"}, "uvicorn app.main:app"),
        ({"app/main.py": "import db\nAPP", "app/db.py": ""}, "PYTHONPATH=app:$PYTHONPATH uvicorn main:app"),
        ({"app/main.py": "import db\nAPP", "app/db.py": "", "app/__init__.py": ""}, "uvicorn app.main:app"),
        ({"src/app/main.py": "APP"}, "PYTHONPATH=src:$PYTHONPATH uvicorn app.main:app"),
    ],
)
def test_application_is_imported_the_way_its_files_import_each_other(
    tmp_path: Path, files: dict[str, str], target: str
) -> None:
    made = {name: text.replace("APP", "from fastapi import FastAPI\napp = FastAPI()\n") for name, text in files.items()}
    assert python(tmp_path, "fastapi\nuvicorn\n", made).start == f"{target} --host 0.0.0.0 --port $PORT"


@pytest.mark.parametrize(("server", "notes"), [("", 1), ("gunicorn\n", 0)])
def test_server_of_flask_for_development_is_remarked_upon(tmp_path: Path, server: str, notes: int) -> None:
    plan = python(tmp_path, f"flask\n{server}", {"app.py": "from flask import Flask\napp = Flask('x')\n"})
    assert [note for note in plan.notes if "add gunicorn" in note] == list(plan.notes)
    assert len(plan.notes) == notes


def test_fasthtml_brings_its_server(tmp_path: Path) -> None:
    plan = python(tmp_path, "python-fasthtml\n", {"main.py": "from fasthtml.common import *\napp = FastHTML()\n"})
    assert (plan.framework, plan.start) == ("fasthtml", "uvicorn main:app --host 0.0.0.0 --port $PORT")


@pytest.mark.parametrize(
    ("settings", "collects"),
    [
        ("STATIC_ROOT = 'x'\n", "always"),
        ("if not DEBUG:\n    STATIC_ROOT = 'x'\n", "if it is set"),
        ("STATIC_ROOT = 'x'\nif DEBUG:\n    STATIC_ROOT = 'y'\n", "always"),
        ("STATIC_URL = 'x'\n", "never"),
    ],
)
def test_static_files_of_django_are_collected_where_there_is_a_place(
    tmp_path: Path, settings: str, collects: str
) -> None:
    manage = "import django, os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    plan = python(tmp_path, "django\n", {"manage.py": manage, "shop/settings.py": settings})
    assert plan.build == {"always": COLLECT, "if it is set": COLLECT_IF, "never": None}[collects]


def test_framework_without_a_server_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="api:app has no server among the dependencies; add uvicorn"):
        python(tmp_path, "fastapi\n", {"api.py": "from fastapi import FastAPI\napp = FastAPI()\n"})


@pytest.mark.parametrize(
    ("line", "is_there"),
    [
        ("gunicorn", True),
        ("Gunicorn[gevent]==22.0 ; python_version > '3' # comment", True),
        ("gunicorn @ https://example.org/gunicorn.whl", True),
        ("git+https://github.com/benoitc/gunicorn.git@master#egg=gunicorn", True),
        ("# gunicorn", False),
        ("./gunicorn", False),
        ("--extra-index-url https://example.org/gunicorn", False),
        ("gunicorn-extras", False),
    ],
)
def test_requirement_is_recognised(tmp_path: Path, line: str, is_there: bool) -> None:
    code = {"app.py": "from flask import Flask\napp = Flask('x')\n"}
    assert ("gunicorn" in (python(tmp_path, f"flask\n{line}\n", code).start or "").split()) == is_there


# mixtures


@pytest.mark.parametrize(
    ("requirements", "procfile", "note"),
    [
        ("django\n", None, "no server is among the dependencies: Django's own, for development, is used; add gunicorn"),
        ("flask\n", None, "no server is among the dependencies: Flask's own, for development, is used; add gunicorn"),
        ("django\n", "web: gunicorn x", "gunicorn, which the start command calls, is not among the dependencies"),
        ("flask\n", "web: gunicorn x", "gunicorn, which the start command calls, is not among the dependencies"),
        ("django\n", "web: ./serve", None),
        ("django\ngunicorn\n", "web: gunicorn x", None),
    ],
)
def test_a_server_that_is_missing_is_told_by_what_is_started(
    tmp_path: Path, requirements: str, procfile: str | None, note: str | None
) -> None:
    app = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    files = {"manage.py": "import django\n"} if "django" in requirements else app
    plan = python(tmp_path, requirements, files | ({"Procfile": procfile} if procfile else {}))
    assert [told for told in plan.notes if "server" in told or "gunicorn" in told] == ([note] if note else [])


DJANGO = {"manage.py": "import django\n", "requirements.txt": "django\n"}
FLASK = {"app.py": "from flask import Flask\napp = Flask('x')\n", "requirements.txt": "flask\n"}


@pytest.mark.parametrize(
    ("package", "files", "kind"),
    [
        ({}, DJANGO, "python"),
        ({"scripts": {"build": "tailwindcss"}}, DJANGO, "python"),
        ({"scripts": {"start": "webpack --watch", "build": "webpack"}}, DJANGO, "python"),
        ({"scripts": {"start": "node server.js"}}, DJANGO, "node"),
        ({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}, FLASK, "python"),
        (EXPRESS, FLASK, "node"),
        ({"dependencies": {"express": "4"}}, FLASK, "python"),
        ({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}, {"requirements.txt": "x\n"}, "node"),
        ({"devDependencies": {"eslint": "9"}}, {"requirements.txt": "x\n", "main.py": ""}, "python"),
        ({"scripts": {"start": "node x"}}, {"pyproject.toml": "[tool.black]\n"}, "node"),
    ],
)
def test_the_better_fit_wins(tmp_path: Path, package: dict[str, object], files: dict[str, str], kind: str) -> None:
    write(tmp_path, files)
    assert node(tmp_path, package).type == kind


# versions


@pytest.mark.parametrize(
    ("files", "constraint"),
    [
        ({".nvmrc": "\n# for us\nv20.11.0 # iron\n", ".node-version": "18\n"}, "v20.11.0"),
        ({".nvmrc": "\n", ".node-version": "18\r\n"}, "18"),
        ({".tool-versions": "nodejs system\n"}, None),
        ({".tool-versions": "# x\npython 3.12\nnodejs 20.1.0\n"}, "20.1.0"),
    ],
)
def test_version_files_of_node(tmp_path: Path, files: dict[str, str], constraint: str | None) -> None:
    write(tmp_path, files)
    assert node(tmp_path, EXPRESS).runtime_version == constraint


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"engines": {"node": ">=18"}, "volta": {"node": "20.1.0"}}, ">=18"),
        ({"engines": {"node": 20}}, "20"),
        ({"engines": ["node >= 0.8"]}, None),
        ({"volta": {"node": "20.1.0"}}, "20.1.0"),
    ],
)
def test_versions_in_package_json(tmp_path: Path, fields: dict[str, object], constraint: str | None) -> None:
    assert node(tmp_path, {**EXPRESS, **fields}).runtime_version == constraint


@pytest.mark.parametrize(
    ("files", "constraint"),
    [
        ({".python-version": "3.12\n", "runtime.txt": "python-3.11.4"}, "3.12"),
        ({"runtime.txt": "python-3.11.4\n"}, "3.11.4"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\n'}, "^3.11"),
        ({"pyproject.toml": '[tool.poetry]\npython = "^3.11"\n'}, "^3.11"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9"\n'}, ">=3.9"),
        ({"Pipfile": '[requires]\npython_full_version = "3.11.2"\npython_version = "3.11"\n'}, "3.11.2"),
        ({".tool-versions": "python 3.12.1\n"}, "3.12.1"),
    ],
)
def test_versions_of_python(tmp_path: Path, files: dict[str, str], constraint: str) -> None:
    write(tmp_path, files)
    assert python(tmp_path, "flask\n", {"app.py": ""}).runtime_version == constraint


# variables


def test_empty_variables_count_as_unset() -> None:
    assert Overrides(project_type=" ", run_command="", node_version="  ") == Overrides()


def test_project_type_is_not_case_sensitive(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": ""})
    assert detect(tmp_path, Overrides(project_type="Python")).type == "python"


def test_procfile_can_be_forced(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": json.dumps(EXPRESS), "Procfile": "web: ./serve\n"})
    plan = detect(tmp_path, Overrides(project_type="procfile"))
    assert (plan.type, plan.install, plan.start) == ("procfile", None, "./serve")


def test_run_command_stands_over_the_procfile(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": json.dumps(EXPRESS), "Procfile": "web: ./serve\nrelease: ./migrate\n"})
    plan = detect(tmp_path, Overrides(run_command="./mine"))
    assert (plan.start, plan.release) == ("./mine", "./migrate")


@pytest.mark.parametrize("line", ["web ./serve", ": x", "web:", "we b: x"])
def test_line_of_a_procfile_that_is_none_is_told_of(tmp_path: Path, line: str) -> None:
    write(tmp_path, {"package.json": json.dumps(EXPRESS), "Procfile": f"# x\n{line}\n"})
    plan = detect(tmp_path, Overrides())
    assert plan.start == "npm start"
    assert any(note.startswith("Procfile: line 2") for note in plan.notes)


def test_every_language_has_a_name_and_markers_of_its_own() -> None:
    assert len({language.name for language in LANGUAGES}) == len(LANGUAGES)
    assert all(language.markers for language in LANGUAGES)


# the command


@pytest.mark.parametrize("path", ["../x", "/etc", "nowhere", "a/../../x"])
def test_project_path_has_to_be_a_directory_inside(tmp_path: Path, path: str) -> None:
    result = CliRunner(env={"PROJECT_PATH": path}).invoke(command, [str(tmp_path)])
    assert isinstance(result.exception, SettingsError)
    assert "PROJECT_PATH" in str(result.exception)


def test_errors_are_left_to_the_command_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--json", str(tmp_path)])
    assert isinstance(result.exception, PlanError)
    assert result.stdout == ""


def test_control_characters_of_a_manifest_do_not_reach_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, {"Procfile": "web: echo \x1b[31m\u202e\n"})
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_help_has_an_example() -> None:
    assert "orbit detect --json" in CliRunner().invoke(command, ["--help"]).stdout


def test_command_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys, supervisor.cli.detect\n"
        "print(*sorted({'asyncio', 'psutil', 'loguru', 'rich', 'watchdog', 'packaging'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


# what runs it, and where it listens


@pytest.mark.parametrize(
    ("dependency", "variable"), [("astro", "HOST"), ("fastify", "FASTIFY_ADDRESS"), ("express", None), ("next", None)]
)
def test_framework_that_listens_for_its_own_machine_is_told_to_listen_for_others(
    tmp_path: Path, dependency: str, variable: str | None
) -> None:
    dependencies = {dependency: "*", "@astrojs/node": "*"}
    plan = node(tmp_path, {"scripts": {"start": "node server.js"}, "dependencies": dependencies})
    others = dict(plan.environment)
    assert others.pop("NODE_ENV") == "production"
    assert others == ({variable: "0.0.0.0"} if variable else {})


@pytest.mark.parametrize(
    ("package", "needs"),
    [
        ({"dependencies": {"elysia": "1"}, "module": "index.ts"}, ()),
        ({"dependencies": {"next": "15"}, "scripts": {"build": "next build", "start": "next start"}}, ("node",)),
        ({"scripts": {"start": "bun x.ts", "build": "node make.js"}}, ("node",)),
    ],
)
def test_bun_has_node_beside_it_where_something_calls_node(
    tmp_path: Path, package: dict[str, object], needs: tuple[str, ...]
) -> None:
    plan = node(tmp_path, {**package, "engines": {"node": ">=20"}}, bun__lock="{}", index__ts="")
    assert plan.type == "bun"
    assert tuple(need.runtime for need in plan.helpers) == needs
    assert all(need.version == ">=20" for need in plan.helpers)


def test_node_has_bun_beside_it_where_the_start_script_calls_it(tmp_path: Path) -> None:
    plan = node(tmp_path, {"scripts": {"start": "bun index.ts"}, "packageManager": "pnpm@9.15.9"})
    assert (plan.type, [need.runtime for need in plan.helpers]) == ("node", ["bun"])


@pytest.mark.parametrize(
    "script",
    [
        "vite preview --port 3000",
        "vite build && vite preview",
        "npm run dev",
        "gatsby serve",
        "NODE_ENV=production astro preview",
    ],
)
def test_preview_for_developers_is_no_start(tmp_path: Path, script: str) -> None:
    plan = node(tmp_path, {"scripts": {"start": script, "dev": "vite", "build": "x"}, "devDependencies": {"vite": "7"}})
    assert (plan.serve, plan.start, plan.output_dir) == ("static", None, "dist")


def test_server_of_files_among_the_scripts_stays(tmp_path: Path) -> None:
    plan = node(tmp_path, {"scripts": {"start": "serve -s dist", "build": "x"}, "devDependencies": {"vite": "7"}})
    assert (plan.serve, plan.start) == ("app", "npm start")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('[tools]\nnode = "22"\n', "22"),
        ('[tools]\nnode = ["20.1", "18"]\n', "20.1"),
        ('[tools]\nnode = { version = "lts" }\n', "lts"),
        ("[tools]\nnode = []\n", None),
        ("[tools]\nnode = 22\n", None),
        ('tools = "node"\n', None),
        ('[tools]\npython = "3"\n', None),
    ],
)
def test_version_in_mise_toml(tmp_path: Path, text: str, version: str | None) -> None:
    assert node(tmp_path, EXPRESS, mise__toml=text).runtime_version == version
