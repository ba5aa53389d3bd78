"""Who comes from another platform changes nothing: its file is committed, and a real `orbit run` does what it says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from supervisor.sites import nginx
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository

WELL_ONLY_AT_HEALTHZ = """
answer = Handler.do_GET

def do_GET(self):
    if self.path == "/":
        self.send_error(500)
    else:
        answer(self)

Handler.do_GET = do_GET
"""
BUILD = "echo build >> $TRACE && touch built"
RELEASE = "test -f built && echo release >> $TRACE"
START = "GREETED=$GREETING exec python3 serve"

RENDER = f"""services:
- type: worker
  buildCommand: exit 3
- type: web
  runtime: python
  buildCommand: {BUILD}
  preDeployCommand: {RELEASE}
  startCommand: {START}
  healthCheckPath: /healthz
  envVars:
  - key: GREETING
    value: hello
  - key: SESSION_SECRET
    generateValue: true
  - key: DATABASE_URL
    fromDatabase: {{name: db, property: connectionString}}
"""
RAILWAY = f"""[build]
buildCommand = "{BUILD}"
[deploy]
preDeployCommand = ["test -f built", "echo release >> $TRACE"]
startCommand = "GREETING=hello; {START.replace("exec", "GREETING=hello exec")}"
healthcheckPath = "/healthz"
healthcheckTimeout = 9
"""
RAILWAY_JSON = json.dumps(
    {
        "build": {"buildCommand": BUILD},
        "deploy": {"preDeployCommand": RELEASE, "startCommand": "exec python3 serve", "healthcheckPath": "healthz"},
        "environments": {"production": {"deploy": {"startCommand": f"export GREETING=hello; {START}"}}},
    }
)
FLUX = f"""appPort: 3000
envVars:
- name: GREETING
  value: hello
buildCommand: {BUILD}
preDeployCommand: {RELEASE}
startCommand: {START}
healthCheckPath: /healthz
"""
NIXPACKS = f"""[variables]
GREETING = "hello"
[phases.build]
cmds = ["echo build >> $TRACE", "touch built"]
[start]
cmd = "{START}"
"""
HEROKU = f"""setup:
  config:
    GREETING: hello
release:
  command: [echo release >> $TRACE]
run:
  web: {START}
"""
APP = {"env": {"GREETING": {"value": "hello"}, "SESSION_SECRET": {"generator": "secret"}, "TOKEN": {}}}


def deploy(orbit: Orbit, repository: Repository, files: dict[str, str | None], path: str = "/") -> dict[str, str]:
    """Deploy a server with these files beside it; the environment that it then has."""
    orbit.env["TRACE"] = str(trace(orbit))
    files = {**apps.server("1", before=WELL_ONLY_AT_HEALTHZ if path != "/" else ""), "Procfile": None, **files}
    repository.push({name: text for name, text in files.items() if text is not None})
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["outcome"] == "succeeded", record["reason"]
    answer = orbit.ask(path)
    assert answer is not None
    return dict(answer["env"])


def trace(orbit: Orbit) -> Path:
    return orbit.home.parent / "trace"


@pytest.mark.parametrize(
    ("file", "text"),
    [("render.yaml", RENDER), ("railway.toml", RAILWAY), ("railway.json", RAILWAY_JSON), ("flux.yaml", FLUX)],
)
def test_build_release_start_variables_and_health_path_come_true(
    orbit: Orbit, repository: Repository, file: str, text: str
) -> None:
    env = deploy(orbit, repository, {file: text}, "/healthz")
    assert trace(orbit).read_text().split() == ["build", "release"]
    assert (env["GREETED"], env["PORT"]) == ("hello", str(orbit.port))
    assert f"Running hook: release ({file})" in orbit.log("hooks.log")


def test_nixpacks(orbit: Orbit, repository: Repository) -> None:
    env = deploy(orbit, repository, {"nixpacks.toml": NIXPACKS})
    assert trace(orbit).read_text() == "build\n"
    assert env["GREETED"] == "hello"


def test_heroku_yml(orbit: Orbit, repository: Repository) -> None:
    env = deploy(orbit, repository, {"heroku.yml": HEROKU})
    assert trace(orbit).read_text() == "release\n"
    assert env["GREETED"] == "hello"


def test_procfile_with_app_json(orbit: Orbit, repository: Repository) -> None:
    files: dict[str, str | None] = {"Procfile": "web: python3 serve\n", "app.json": json.dumps(APP)}
    env = deploy(orbit, repository, files)
    assert env["GREETING"] == "hello"
    assert "TOKEN is not set: app.json requires it" in orbit.records()[-1]["warnings"]


def test_railpack(orbit: Orbit, repository: Repository) -> None:
    steps = {"build": {"commands": ["echo build >> $TRACE"]}}
    file = {"steps": steps, "deploy": {"startCommand": START, "variables": {"GREETING": "hello"}}}
    env = deploy(orbit, repository, {"railpack.json": json.dumps(file)})
    assert trace(orbit).read_text() == "build\n"
    assert env["GREETED"] == "hello"


def test_a_secret_that_is_made_up_stays_the_same_and_is_hidden(orbit: Orbit, repository: Repository) -> None:
    told = RENDER.replace("touch built", "touch built && echo secret=$SESSION_SECRET")
    first = deploy(orbit, repository, {"render.yaml": told}, "/healthz")["SESSION_SECRET"]
    assert len(first) == 44
    assert (orbit.home / "generated.json").stat().st_mode & 0o777 == 0o600
    repository.push({"version.txt": "2"})
    orbit.stop()
    orbit.start()
    orbit.wait_idle(2)
    answer = orbit.ask("/healthz")
    assert answer is not None and answer["version"] == "2"
    assert answer["env"]["SESSION_SECRET"] == first
    assert "secret=***" in orbit.output()
    assert first not in orbit.output()


def test_the_users_variables_stand_over_the_files(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"GREETING": "mine", "SESSION_SECRET": "mine", "DATABASE_URL": "sqlite://", "BUILD_COMMAND": "true"}
    orbit.env |= {"HEALTH_CHECK_PATH": "/healthz?mine"}
    env = deploy(orbit, repository, {"render.yaml": RENDER.replace("test -f built && ", "")}, "/healthz")
    assert trace(orbit).read_text() == "release\n"
    assert (env["GREETED"], env["SESSION_SECRET"]) == ("mine", "mine")
    assert orbit.records()[-1]["warnings"] == []


def test_a_hook_stands_over_the_files_and_runs_before_the_build(orbit: Orbit, repository: Repository) -> None:
    hook = "#!/bin/bash\ntest ! -f built && echo hook >> $TRACE\n"
    deploy(orbit, repository, {"render.yaml": RENDER, "pre-deploy.sh": hook}, "/healthz")
    assert trace(orbit).read_text().split() == ["hook", "build"]


def test_a_failed_release_command_touches_nothing_live(orbit: Orbit, repository: Repository) -> None:
    deploy(orbit, repository, {"render.yaml": RENDER}, "/healthz")
    current = orbit.current
    repository.push({"render.yaml": RENDER.replace(RELEASE, "exit 5")})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("failed", "pre_deploy")
    assert record["reason"].startswith("release (render.yaml) failed")
    assert orbit.current == current


@pytest.mark.skipif(not nginx.find(os.environ["PATH"]), reason="there is no nginx")
def test_a_site_of_render_is_built_and_served_from_where_it_says(orbit: Orbit, repository: Repository) -> None:
    service = {
        "type": "web",
        "runtime": "static",
        "buildCommand": 'mkdir -p out && echo \'{"version": "1"}\' > out/index.html',
        "staticPublishPath": "./out",
        "routes": [{"type": "rewrite", "source": "/*", "destination": "/index.html"}],
    }
    repository.push({"render.yaml": json.dumps({"services": [service]})})
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["outcome"] == "succeeded", record["reason"]
    assert orbit.ask("/any/path") == {"version": "1"}
