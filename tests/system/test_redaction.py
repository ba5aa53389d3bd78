"""No secret reaches a log, the status, a record, an error or an argument list."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_updates import deploy_first

SECRETS = {
    "STRIPE_SECRET_KEY": "sk_live_sentinel_one",
    "DATABASE_URL": "postgresql://shop:sentinel-two-pw@db:5432/shop",
    "API_KEY": "sentinel-three-api-key",
    "GIT_TOKEN": "sentinel-four-git-token",
    "WEBHOOK_SECRET": "sentinel-five-webhook",
    "ORBIT_API_KEY": "sentinel-six-orbit-key",
    "STRIPE_KEY": "sentinel-seven-stripe",
    "REDIS_PASS": "sentinel-eight-redis",
    "ANALYTICS": "https://example.org/in?site=1&token=sentinel-nine-query",
    "LEGACY_DB": "Server=db;User Id=sa;Password=sentinel-ten-dsn;",
    "GOOGLE_JSON": '{"private_key": "-----BEGIN PRIVATE KEY-----\\nsentinel-eleven-pem\\n-----END"}',
    "NOTE": "ghp_sentinelTwelve0123456789",
}
OWN = ("sentinel-four", "sentinel-five", "sentinel-six")
"""Orbit's alone: no process has a use for them."""
WORDS = ("two-pw", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
SENTINELS = ("sk_live_sentinel_one", "ghp_sentinelTwelve", *(f"sentinel-{word}" for word in WORDS))
TELL_ALL = "env | cut -c1-40; env; env >&2; echo $STRIPE_SECRET_KEY | rev; printf %s $STRIPE_SECRET_KEY; sleep 0.1; env"


def places(orbit: Orbit) -> list[Path]:
    folders = [orbit.home / name for name in ("run", "deployments", "logs", "repo.git")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [*files, *(orbit.home / "production/releases").glob("*.json"), orbit.console]


def assert_hidden(orbit: Orbit) -> None:
    for path in places(orbit):
        text = path.read_bytes()
        assert not [word for word in SENTINELS if word.encode() in text], path
    assert orbit.process is not None
    root = psutil.Process(orbit.process.pid)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
            assert not [word for word in SENTINELS if word in line], line
            if process != root:
                ours = process.name().startswith("orbit-")
                known = str(process.environ())
                assert not [word for word in (SENTINELS if ours else OWN) if word in known], line


def test_what_hooks_builds_and_the_application_print_is_kept_without_secrets(
    orbit: Orbit, repository: Repository
) -> None:
    orbit.env |= {**SECRETS, "BUILD_COMMAND": TELL_ALL, "HEALTH_CHECK_TIMEOUT": "2"}
    say = "\nfor name, value in os.environ.items():\n    print(name, value, flush=True)\n"
    hook = f"#!/bin/bash\n{TELL_ALL}\n"
    deploy_first(orbit, repository, **apps.server("1", before=say), **{"pre-deploy.sh": hook, "post-deploy.sh": hook})
    assert "STRIPE_SECRET_KEY=***" in orbit.log("hooks.log")
    assert "postgresql://shop:***@db:5432/shop" in orbit.log("hooks.log")
    assert "STRIPE_SECRET_KEY ***" in orbit.log("app.log")
    assert_hidden(orbit)
    # The beginning of what a version answers that is not well is told; this one begins with a secret.
    secret = 'STATUS = 500\nVERSION = os.environ["STRIPE_SECRET_KEY"]\n'
    repository.push({**apps.server("2", before=say + secret)})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "rolled_back"
    assert "***" in record["failure"]["health"]["text"]
    assert not [word for word in SENTINELS if word in orbit.cli("why").stdout]
    repository.push({"pre-deploy.sh": hook + "exit 1\n"})
    orbit.hup()
    orbit.wait_idle(3)
    assert_hidden(orbit)
    shown = orbit.cli("status").stdout + orbit.cli("status", "--json").stdout + orbit.cli("check").stdout
    assert not [word for word in SENTINELS if word in shown]


def test_the_supervisors_own_secrets_do_not_reach_the_application_and_its_own_do(
    orbit: Orbit, repository: Repository
) -> None:
    orbit.env |= SECRETS
    deploy_first(orbit, repository)
    answer = orbit.ask()
    assert answer is not None
    env = answer["env"]
    assert not {"GIT_TOKEN", "WEBHOOK_SECRET", "ORBIT_API_KEY"} & set(env)
    assert (env["API_KEY"], env["STRIPE_SECRET_KEY"]) == (SECRETS["API_KEY"], SECRETS["STRIPE_SECRET_KEY"])


def test_what_others_write_about_a_deployment_is_kept_without_secrets(orbit: Orbit, repository: Repository) -> None:
    told = " ".join(SECRETS.values())
    orbit.env |= SECRETS
    deploy_first(orbit, repository)
    repository.push({"version.txt": "2"}, message=f"rotate {told}")
    orbit.hup()
    orbit.wait_idle(2)
    assert "***" in orbit.records()[1]["commit_message"]
    ask = {"action": "update", "ref": "sentinel-eight-redis", "cause": "night shift, sentinel-seven-stripe"}
    (orbit.home / "run/requests/ask.json").write_text(json.dumps(ask))
    orbit.hup()
    record = orbit.wait_idle(3)
    assert record["cause"] == "night shift, ***"
    assert record["outcome"] == "failed" and "***" in record["reason"]
    hook = f"#!/bin/bash\necho '{told}' >&2\nexit 1\n"
    repository.push({"post-deploy.sh": hook})
    orbit.hup()
    orbit.wait_idle(4)
    repository.push({**apps.server("4", before=f"\nraise RuntimeError({told!r})\n"), "post-deploy.sh": None})
    orbit.hup()
    record = orbit.wait_idle(5)
    assert record["outcome"] == "rolled_back" and "***" in str(record["failure"]["tail"])
    assert_hidden(orbit)
    commands = (("why",), ("why", "--json"), ("why", "2"), ("status",), ("status", "--json"), ("releases",), ("check",))
    for words in (*commands, ("logs", "setup"), ("logs", "hooks"), ("logs", "app")):
        done = orbit.cli(*words)
        assert not [word for word in SENTINELS if word in done.stdout + done.stderr], words


def test_a_failed_command_is_told_without_secrets(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {**SECRETS, "BUILD_COMMAND": "test ! -f bad || curl -H 'X: sentinel-eight-redis' --unknown"}
    deploy_first(orbit, repository)
    repository.push({"bad": ""})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["failure"]["command"] == "test ! -f bad || curl -H 'X: ***' --unknown"
    shown = orbit.cli("why").stdout + orbit.output() + orbit.log("setup.log")
    assert "sentinel-eight" not in shown and "curl" in shown


def test_what_a_repositorys_own_commands_hold_of_secrets_is_not_logged(orbit: Orbit, repository: Repository) -> None:
    app = apps.server("one")
    app["Procfile"] = f"{(app['Procfile'] or '').strip()} --token=sentinel-ten-dsn\n"
    repository.push({**app, "flux.yaml": "buildCommand: DB=postgres://u:sentinel-nine@h/db env\n"})
    orbit.start()
    orbit.wait_version("one")
    orbit.wait_idle(1)
    assert "detected" in orbit.log("setup.log")
    for path in places(orbit):
        if path.parent.name not in ("releases", "pack"):  # the plan itself, which nobody else may read
            assert b"sentinel" not in path.read_bytes(), path
