"""What `orbit detect` tells people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli.detect import SHOWN, detect

APPS = Path(__file__).parents[1] / "apps"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROJECT_PATH", "NODE_VERSION", "PYTHON_VERSION", "APP_PORT", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def told(directory: Path, **variables: str) -> list[str]:
    result = CliRunner(env=variables).invoke(detect, [str(directory)])
    assert result.exit_code == 0, result.exception
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_steps_are_in_the_order_of_a_deployment_with_where_they_come_from() -> None:
    lines = told(APPS / "platform-render")
    first = lines.index("What would run, in this order:")
    assert lines[first + 1 : first + 7] == [
        "runtime node 20.10 (NODE_VERSION in render.yaml)",
        "install npm ci (render.yaml)",
        "build npm run build (render.yaml)",
        "release npx prisma migrate deploy (render.yaml)",
        "start node server.js (render.yaml)",
        "health check GET /healthz (render.yaml)",
    ]


def test_hooks_stand_where_they_run(tmp_path: Path) -> None:
    for name in ("pre-deploy.sh", "post-deploy.sh", ".flux-pod/health-check"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch(0o755)
    (tmp_path / "Procfile").write_text("web: ./x\nrelease: ./migrate\n")
    lines = told(tmp_path, BUILD_COMMAND="make", POST_BUILD_COMMAND="make check")
    first = lines.index("install nothing")
    assert lines[first + 1 : first + 7] == [
        "pre-deploy pre-deploy.sh (a hook in the repository)",
        "build make (BUILD_COMMAND)",
        "make check (POST_BUILD_COMMAND)",
        "start ./x (Procfile)",
        "health check .flux-pod/health-check ends with 0 (a script in the repository)",
        "post-deploy post-deploy.sh (a hook in the repository)",
    ]


def test_it_says_what_else_would_fit_and_how_to_choose_it() -> None:
    lines = told(APPS / "mixed-flask-react")
    assert "type python (flask) (requirements.txt is there)" in lines
    assert "not taken node (package.json: a project); PROJECT_TYPE=node takes it" in lines
    assert "type node (cra) (PROJECT_TYPE)" in told(APPS / "mixed-flask-react", PROJECT_TYPE="node")


def test_it_says_what_is_left_to_do() -> None:
    assert "set DATABASE_URL: render.yaml takes it from the database db" in told(APPS / "platform-render")
    lines = told(APPS / "platform-render", DATABASE_URL="sqlite://", APP_PORT="3000", LOG_LEVEL="info")
    assert not any("DATABASE_URL" in line or "APP_PORT" in line for line in lines)
    assert "LOG_LEVEL as you have set it" in lines


def test_what_is_left_for_a_site_is_where_to_serve_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    (tmp_path / "vercel.json").write_text('{"rewrites": [{"source": "/(.*)", "destination": "/index.html"}]}')
    lines = told(tmp_path)
    assert "set APP_PORT, where the files are to be served" in lines
    assert "serve the files in ., with index.html for every path that is no file (vercel.json)" in lines


def test_what_cannot_be_started_is_not_said_to_be_deployed_next(tmp_path: Path) -> None:
    for member in ("api", "web"):
        (tmp_path / "apps" / member).mkdir(parents=True)
        (tmp_path / "apps" / member / "package.json").write_text('{"scripts": {"start": "node x.js"}}')
    (tmp_path / "package.json").write_text('{"private": true, "workspaces": ["apps/*"]}')
    lines = told(tmp_path)
    assert lines[lines.index("Next:") + 1 :] == [
        "set PROJECT_PATH to one of apps/api, apps/web; or add a Procfile with a web: line, or set RUN_COMMAND",
        "orbit detect tells whether that will do: as it is, a deployment would fail",
    ]


def test_columns_are_aligned_and_plain_without_a_terminal() -> None:
    text = CliRunner().invoke(detect, [str(APPS / "platform-render")]).stdout
    rows = [line for line in text.splitlines() if line.startswith(("  type", "  install", "  health check"))]
    assert len({line.index(word) for line, word in zip(rows, ("node (", "npm ci", "GET"), strict=True)}) == 1
    assert "\x1b" not in text


def test_a_manifest_cannot_give_orders_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: ./x \x1b[31m\n")
    assert "start ./x ?[31m (Procfile)" in told(tmp_path)


def test_secrets_among_the_users_variables_are_not_shown(tmp_path: Path) -> None:
    lines = told(tmp_path, RUN_COMMAND="serve --key hunter2secret", API_TOKEN="hunter2secret")
    assert "start serve --key *** (RUN_COMMAND)" in lines


def test_secrets_in_the_repositorys_own_files_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "flux.yaml").write_text(
        "envVars:\n  API_KEY: hunter2secret\n  DATABASE_URL: postgres://u:hunter3secret@h/db\n"
        "  COLOUR: green and blue\n"
        "buildCommand: DATABASE_URL=postgres://u:hunter4secret@h/db API_KEY=hunter2secret ./build --token=$TOKEN\n"
        "startCommand: ./run --token=hunter5secret\n"
    )
    lines = told(tmp_path)
    assert not any("hunter" in line for line in lines)
    assert "API_KEY *** (flux.yaml)" in lines
    assert "COLOUR green and blue (flux.yaml)" in lines
    assert "start ./run --token=*** (flux.yaml)" in lines
    assert any(line.startswith("build DATABASE_URL=") and "--token=$TOKEN" in line for line in lines)


def test_json_has_nine_fields_and_in_full_all_others() -> None:
    nine = CliRunner().invoke(detect, ["--json", str(APPS / "platform-render")])
    assert tuple(json.loads(nine.stdout)) == SHOWN
    full = json.loads(CliRunner().invoke(detect, ["--json", "--full", str(APPS / "platform-render")]).stdout)
    assert tuple(full)[: len(SHOWN)] == SHOWN
    assert full["origins"]["start"] == "render.yaml"
    assert full["generated"] == ["SESSION_SECRET"]


def test_an_unknown_directory_is_told_what_was_looked_for(tmp_path: Path) -> None:
    result = CliRunner().invoke(detect, [str(tmp_path)])
    assert all(file in str(result.exception) for file in ("package.json", "Procfile", "render.yaml", "RUN_COMMAND"))


def test_an_unknown_directory_names_the_projects_in_it_before_all_else(tmp_path: Path) -> None:
    for file in ("client/index.html", "client/package.json", "server/package.json", "docs/index.html"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text('{"scripts": {"build": "x"}}')
    (tmp_path / "docs").rename(tmp_path / "manual")  # pages alone, beside projects
    said = str(CliRunner().invoke(detect, [str(tmp_path)]).exception)
    assert "root: there is package.json in client and package.json in server: set PROJECT_PATH to one of" in said
    assert "manual" not in said


def test_a_page_of_a_project_that_is_built_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").touch()
    assert "serve the files in web" in told(tmp_path)
    (tmp_path / "web" / "package.json").write_text('{"scripts": {"build": "vite build"}}')
    said = str(CliRunner().invoke(detect, [str(tmp_path)]).exception)
    assert "there is package.json in web: set PROJECT_PATH=web" in said
