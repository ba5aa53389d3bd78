"""Every sentence of the users' page about hooks."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_updates import deploy_first

BASH = "#!/bin/bash\nset -e\n"


def push(orbit: Orbit, repository: Repository, **hooks: str) -> str:
    files = {name.replace("_", "-") + ".sh": text for name, text in hooks.items()}
    sha = repository.push({"version.txt": "2", **files})
    orbit.hup()
    return sha


def test_hooks_run_in_their_order_are_made_executable_and_logged(orbit: Orbit, repository: Repository) -> None:
    trace = orbit.home.parent / "trace"
    orbit.env |= {"BUILD_COMMAND": f"echo build >> {trace}", "TRACE": str(trace)}
    deploy_first(
        orbit,
        repository,
        **{
            "pre-deploy.sh": BASH + 'echo "pre" >> "$TRACE"\necho migrating\n',
            "post-deploy.sh": BASH
            + 'curl -sf "http://localhost:${APP_PORT}/" > /dev/null || exit 4\necho post >> "$TRACE"\n',
        },
    )
    wait_until(lambda: trace.read_text().split() == ["pre", "build", "post"])
    log = orbit.log("hooks.log")
    assert "Running hook: pre-deploy.sh\nmigrating\nHook completed successfully\nRunning hook: post-deploy.sh\n" in log
    for phrase in ("Running hook: pre-deploy.sh", "Hook completed successfully", "[HOOKS] migrating"):
        assert phrase in orbit.output()


def test_a_hook_knows_its_commit_its_folder_and_the_application_environment(
    orbit: Orbit, repository: Repository
) -> None:
    report = orbit.home.parent / "report"
    orbit.env |= {"DATABASE_URL": "postgresql://u:p@db/x", "REPORT": str(report), "API_KEY": "key-of-the-app"}
    hook = BASH + (
        '{ git rev-parse --short HEAD; git rev-parse HEAD; pwd; echo "$WORK_DIR"; echo "$DATABASE_URL";'
        ' echo "$APP_PORT"; echo "$API_KEY"; } > "$REPORT"\n'
    )
    deploy_first(orbit, repository, **{"pre-deploy.sh": hook})
    short, sha, cwd, work_dir, database, port, key = report.read_text().split()
    assert orbit.current == f"001-{sha}"
    assert sha.startswith(short)
    assert cwd == work_dir == str(orbit.home / "production/releases" / str(orbit.current))
    assert (database, port, key) == ("postgresql://u:p@db/x", str(orbit.port), "key-of-the-app")


@pytest.mark.parametrize(
    ("body", "status", "signal"),
    [("echo 'migration 7 failed' >&2\nexit 3\n", 3, None), ("echo 'migration 7 failed'\nkill -KILL $$\n", None, 9)],
)
def test_a_failed_pre_deploy_touches_nothing_live(
    orbit: Orbit, repository: Repository, body: str, status: int | None, signal: int | None
) -> None:
    pid = deploy_first(orbit, repository)
    current = orbit.current
    push(orbit, repository, pre_deploy=BASH + body)
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("failed", "pre_deploy")
    failed = orbit.status()["last_failed_deployment"]
    assert (failed["stage"], failed["exit_status"], failed["signal"]) == ("pre_deploy", status, signal)
    assert failed["tail"] == ["migration 7 failed"]
    assert orbit.status()["app"]["pid"] == pid
    assert orbit.current == current
    assert orbit.version() == "1"
    if status:
        assert f"Hook failed with exit code {status}" in orbit.log("hooks.log")


def test_a_pre_deploy_that_hangs_is_killed_with_everything_that_it_started(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    orbit.env["HOOK_TIMEOUT"] = "1.5"
    pid = deploy_first(orbit, repository)
    pids = tmp_path / "pids"
    hook = (
        "#!/bin/bash\ntrap '' TERM HUP\n"
        f"(setsid env -i bash -c 'trap \"\" TERM; echo $$ >> {pids}; exec sleep 1000') &\n"
        f"(setsid bash -c '(setsid bash -c \"echo \\$\\$ >> {pids}; exec sleep 1000\") &') &\n"
        "echo waiting for a lock\nsleep 1000 & wait; sleep 1000\n"
    )
    push(orbit, repository, pre_deploy=hook)
    record = orbit.wait_idle(2)
    assert record["outcome"] == "failed"
    failed = orbit.status()["last_failed_deployment"]
    assert (failed["stage"], failed["timed_out"], failed["tail"]) == ("pre_deploy", True, ["waiting for a lock"])
    assert "HOOK_TIMEOUT" in failed["reason"]
    assert len(pids.read_text().split()) == 2
    assert not any(psutil.pid_exists(int(line)) for line in pids.read_text().split())
    assert orbit.status()["app"]["pid"] == pid


def test_a_failed_build_touches_nothing_live_and_its_log_is_kept(orbit: Orbit, repository: Repository) -> None:
    orbit.env["BUILD_COMMAND"] = "bash build.sh"
    pid = deploy_first(orbit, repository, **{"build.sh": "exit 0\n"})
    sha = repository.push({"build.sh": "echo 'no such module'; exit 2\n"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["stage"]) == ("failed", "building")
    assert record["failure"]["tail"] == ["no such module"]
    assert "no such module" in (orbit.home / f"logs/builds/{sha[:7]}-FAILED.log").read_text()
    assert "no such module" in orbit.cli("logs", "build", sha[:7]).stdout
    assert orbit.status()["app"]["pid"] == pid


@pytest.mark.parametrize("body", ["exit 5\n", "sleep 1000\n"])
def test_a_failed_post_deploy_is_a_warning(orbit: Orbit, repository: Repository, body: str) -> None:
    orbit.env["HOOK_TIMEOUT"] = "1"
    deploy_first(orbit, repository)
    sha = push(orbit, repository, post_deploy=BASH + body)
    record = orbit.wait_idle(2)
    assert record["outcome"] == "succeeded"
    assert "post-deploy.sh failed" in record["warnings"][0]
    assert orbit.current == f"002-{sha}"
    assert orbit.version() == "2"
    assert "WARNING" in orbit.log("setup.log")


def test_skip_hooks_skips_them(orbit: Orbit, repository: Repository) -> None:
    orbit.env["SKIP_HOOKS"] = "true"
    deploy_first(orbit, repository, **{"pre-deploy.sh": "#!/bin/bash\nexit 1\n"})


def test_a_project_hook_comes_before_the_root_hook_and_each_runs_where_it_lies(
    orbit: Orbit, repository: Repository
) -> None:
    report = orbit.home.parent / "report"
    orbit.env |= {"PROJECT_PATH": "apps/web", "REPORT": str(report)}
    say = BASH + 'echo "$0 $PWD $WORK_DIR" >> "$REPORT"\n'
    files: dict[str, str | None] = {f"apps/web/{name}": text for name, text in apps.server("1").items()}
    repository.push({**files, "pre-deploy.sh": say, "post-deploy.sh": say, "apps/web/pre-deploy.sh": say})
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    root = orbit.home / "production/releases" / str(orbit.current)
    project = root / "apps/web"
    assert report.read_text().splitlines() == [
        f"{project}/pre-deploy.sh {project} {project}",
        f"{root}/post-deploy.sh {root} {project}",
    ]


def test_a_hook_without_a_shebang_and_with_windows_line_ends_runs_with_warnings(
    orbit: Orbit, repository: Repository
) -> None:
    deploy_first(orbit, repository, **{"pre-deploy.sh": "echo plain | grep -q plain\n"})
    (repository.work / "post-deploy.sh").write_bytes(b"#!/bin/bash\r\nset -e\r\nif true; then\r\n  echo fine\r\nfi\r\n")
    repository.push({"version.txt": "2"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert (record["outcome"], record["warnings"]) == ("succeeded", [])
    setup = orbit.log("setup.log")
    assert "pre-deploy.sh does not start with a shebang" in setup
    assert "post-deploy.sh has Windows line ends" in setup
    assert "fine" in orbit.log("hooks.log")


def test_the_release_command_of_a_procfile_runs_where_pre_deploy_would(orbit: Orbit, repository: Repository) -> None:
    trace = orbit.home.parent / "trace"
    orbit.env["TRACE"] = str(trace)
    procfile = 'release: echo released >> "$TRACE"\nweb: python3 serve\n'
    repository.push(apps.server("1", procfile=procfile))
    orbit.start()
    orbit.wait_version("1")
    orbit.wait_idle(1)
    assert trace.read_text() == "released\n"
    repository.push({"version.txt": "2", "pre-deploy.sh": BASH + 'echo hook >> "$TRACE"\n'})
    orbit.hup()
    orbit.wait_idle(2)
    assert trace.read_text() == "released\nhook\n"


def test_a_hook_that_leads_out_of_the_repository_is_not_run(orbit: Orbit, repository: Repository) -> None:
    deploy_first(orbit, repository)
    os.symlink("/bin/true", repository.work / "pre-deploy.sh")
    repository.push({"version.txt": "2"})
    orbit.hup()
    record = orbit.wait_idle(2)
    assert record["outcome"] == "failed"
    assert "leads out of the repository" in record["reason"]
