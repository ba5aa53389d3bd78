"""A private repository: its token opens it, and is nowhere else."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.gitserver import GitServer
from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

USER = "deployer"
LEAK = (
    "#!/bin/bash\n"
    '{ env; git config --list --show-origin; git remote -v; cat "$(git rev-parse --git-common-dir)/config";\n'
    "  git ls-remote 2>&1; git -c credential.helper= fetch --dry-run 2>&1;\n"
    "  for fd in {3..255}; do [ ! -f /proc/$$/fd/$fd ] || head -c 4096 /proc/$$/fd/$fd; done;\n"
    '} > "$REPORT.$1" 2>&1 || true\n'
)


@pytest.fixture
def token() -> str:
    """A token that needs quoting wherever there is quoting, and is not like any other."""
    return f"tk+/=%41:@&{secrets.token_hex(8)}"


@pytest.fixture
def server(tmp_path: Path, token: str) -> Iterator[GitServer]:
    with GitServer(tmp_path, token=token) as instance:
        yield instance


def forms(token: str) -> list[bytes]:
    """The token as it may stand in a file: plain, in an address, in a header, in JSON, and the part that no quoting
    changes."""
    basic = base64.b64encode(f"{USER}:{token}".encode()).decode()
    texts = (token, quote(token, safe=""), quote(token), basic, json.dumps(token)[1:-1], token[-16:])
    return [text.encode() for text in texts]


def assert_nowhere(orbit: Orbit, token: str, *texts: str) -> None:
    """The token is in no file of Orbit's, no argument of any process, no environment below `orbit run`."""
    wanted = forms(token)
    places = {f"text {number}": text.encode() for number, text in enumerate((orbit.output(), *texts))}
    for path in [*orbit.home.rglob("*"), *orbit.home.parent.glob("report*")]:
        if path.is_file():
            places[str(path)] = path.read_bytes()
    assert str(orbit.home / "logs/setup.log") in places
    for process in psutil.process_iter():
        places[f"arguments of {process.pid}"] = _read(Path(f"/proc/{process.pid}/cmdline"))
    for pid in below(orbit):
        places[f"environment of {pid}"] = _read(Path(f"/proc/{pid}/environ"))
    assert {place: form for place, content in places.items() for form in wanted if form in content} == {}


def _read(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""  # it has ended


def below(orbit: Orbit) -> list[int]:
    assert orbit.process is not None
    return [process.pid for process in psutil.Process(orbit.process.pid).children(recursive=True)]


def shown(orbit: Orbit) -> list[str]:
    """All that the commands say."""
    commands = (
        ("status",),
        ("status", "--json"),
        ("releases", "--json"),
        ("check",),
        ("check", "--json"),
        ("logs", "setup"),
    )
    done = [orbit.cli(*words) for words in commands]
    assert [one.returncode for one in done] == [0] * len(done)
    return [one.stdout + one.stderr for one in done]


@pytest.mark.parametrize("place", ["variable", "address"])
def test_a_private_repository_is_deployed_and_its_token_is_nowhere(
    server: GitServer, orbit: Orbit, repository: Repository, token: str, place: str
) -> None:
    name = repository.origin.name
    if place == "variable":
        orbit.env |= {"GIT_REPO_URL": server.url(name), "GIT_TOKEN": token, "GIT_USERNAME": USER}
    else:
        orbit.env["GIT_REPO_URL"] = server.url(name, user=f"{USER}:{quote(token, safe='')}")
    orbit.env |= {"REPORT": str(orbit.home.parent / "report"), "BUILD_COMMAND": "bash leak.sh build"}
    hooks = {f"{hook}-deploy.sh": LEAK.replace("$1", hook) for hook in ("pre", "post")}
    deploy_first(orbit, repository, **{"leak.sh": LEAK}, **hooks)
    assert {seen.credential for seen in server.seen} == {None, f"{USER}:{token}"}

    stall = server.stall_next_pack()
    repository.push({"version.txt": "2"})
    orbit.hup()
    assert stall.reached.wait(20)
    names = {psutil.Process(pid).name() for pid in below(orbit)}
    assert "git-remote-http" in names  # the very process that has it now
    assert_nowhere(orbit, token)
    stall.release()
    orbit.wait_version("2")
    orbit.wait_idle(2)

    answer = orbit.ask()
    assert answer is not None
    assert answer["env"]["GIT_REPO_URL"] == server.url(name)
    assert sorted(path.name for path in orbit.home.parent.glob("report.*")) == [
        "report.build",
        "report.post",
        "report.pre",
    ]
    assert_nowhere(orbit, token, json.dumps(answer), *shown(orbit))
    with pytest.raises(AssertionError):
        assert_nowhere(orbit, server.host)  # which is everywhere: the search finds what is there


def test_a_wrong_token_is_said_plainly_not_shown_and_not_tried_again(
    server: GitServer, orbit: Orbit, repository: Repository, token: str
) -> None:
    wrong = f"wrong-{secrets.token_hex(8)}"
    server.echo_secrets = True
    orbit.env |= {"GIT_REPO_URL": server.url(repository.origin.name), "GIT_TOKEN": wrong, "GIT_USERNAME": USER}
    repository.push(apps.server("1"))
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["outcome"] == "failed"
    assert "the token was refused; check GIT_TOKEN" in record["reason"]
    assert [seen.credential for seen in server.seen if seen.credential] == [f"{USER}:{wrong}"]
    assert "trying again" not in orbit.output()
    done = orbit.cli("update", "--wait")
    assert done.returncode == 1
    assert_nowhere(orbit, wrong, done.stderr, orbit.cli("status").stdout, orbit.cli("check").stdout)
    orbit.stop()
    orbit.env["GIT_TOKEN"] = token
    orbit.start()
    orbit.wait_version("1")


def test_without_a_token_it_is_said_that_one_is_needed(server: GitServer, orbit: Orbit, repository: Repository) -> None:
    orbit.env["GIT_REPO_URL"] = server.url(repository.origin.name)
    repository.push(apps.server("1"))
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["outcome"] == "failed"
    assert "set GIT_TOKEN" in record["reason"]


def test_secrets_of_orbit_reach_neither_the_application_nor_hooks_nor_builds(
    orbit: Orbit, repository: Repository
) -> None:
    body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9u"
    key = f"-----BEGIN OPENSSH PRIVATE KEY-----\\n{body}\\n-----END OPENSSH PRIVATE KEY-----"
    ours = {
        "GIT_TOKEN": "token-of-orbit-0123456789",
        "WEBHOOK_SECRET": "webhook-of-orbit-0123456789",
        "ORBIT_API_KEY": "api-of-orbit-0123456789",
        "GIT_SSH_KEY": key,
    }
    theirs = {"API_KEY": "key-of-the-application-0123456789", "DATABASE_URL": "postgresql://u:pw-of-app@db/x"}
    orbit.env |= {**ours, **theirs, "REPORT": str(orbit.home.parent / "report"), "BUILD_COMMAND": "bash leak.sh build"}
    hooks = {f"{hook}-deploy.sh": LEAK.replace("$1", hook) for hook in ("pre", "post")}
    deploy_first(orbit, repository, **{"leak.sh": LEAK}, **hooks)
    answer = orbit.ask()
    assert answer is not None
    assert answer["env"].keys() & ours.keys() == set()
    assert answer["env"].items() >= theirs.items()
    for name in ("pre", "build", "post"):
        report = (orbit.home.parent / f"report.{name}").read_text()
        variables = dict(line.split("=", 1) for line in report.splitlines() if "=" in line)
        assert variables.keys() & ours.keys() == set()
        assert variables.items() >= theirs.items()
    said = shown(orbit)
    for secret in (ours["GIT_TOKEN"], ours["WEBHOOK_SECRET"], ours["ORBIT_API_KEY"], body):
        assert_nowhere(orbit, secret, *said)


def test_a_secret_that_the_application_prints_is_hidden_in_its_log(orbit: Orbit, repository: Repository) -> None:
    orbit.env["API_KEY"] = "key-of-the-application-0123456789"
    prints = "\nprint('key', os.environ['API_KEY'], 'end', flush=True)\n"
    deploy_first(orbit, repository, **apps.server("1", before=prints))
    wait_until(lambda: "key *** end" in orbit.log("app.log"))
    assert "[APP] key *** end" in orbit.output()
    assert "key-of-the-application" not in orbit.log("app.log") + orbit.output()


def test_what_may_hold_secrets_is_read_by_its_owner_alone(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    readable = {
        str(path.relative_to(orbit.home)): oct(path.stat().st_mode & 0o777)
        for path in (orbit.home / "run/requests", *(orbit.home / "logs").rglob("*.log"))
        if path.stat().st_mode & 0o007
    }
    assert readable == {}
    assert os.access(orbit.home / "run/status.json", os.R_OK)
