"""Started as root, Orbit runs everything of the repository as another user, who can change nothing but his own."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

NAME = "nobody"
TRIES = """#!/bin/bash
# what may not be done, each in a line of its own; what succeeds is told
shopt -s nullglob
cd "$HOME_OF_ORBIT"
live=$(readlink production/current)
try() { ( eval "$1" ) 2>/dev/null && echo "could: $1" >> "$TOLD"; }
for place in run run/requests deployments production production/releases logs logs/builds runtimes snapshots tools .; do
    try "echo x > $place/planted"
done
for file in run/*.json run/supervisor.lock deployments/*.json production/releases/*.json logs/*.log; do
    try "echo x >> $file"
    try "rm -f $file && [ ! -e $file ]"
done
for file in production/releases/*.json run/requests; do
    try "cat $file"
done
try "ln -sfn /tmp production/current"
if [ -n "$live" ] && [ "$ORBIT_RELEASE" != "${live#releases/}" ]; then
    try "echo x > production/$live/planted"
    try "echo x > production/$live/lib/planted"
    try "rm production/$live/version.txt"
    try "chmod 777 production/$live"
    try "ls production/$live"
fi
try "cat /proc/$(cat run/supervisor.lock)/environ"
cd "$WORK_DIR" || exit 1
echo "$ORBIT_HOOK $(id -un) $(id -u):$(id -g) HOME=$HOME USER=$USER $(git rev-parse HEAD)" >> "$TOLD.who"
echo own > own.txt
# while it is built, the directory itself is the user's as well: tar sets its mode and time
if [ "$ORBIT_HOOK" = pre-deploy.sh ]; then tar -C lib -cf "$TOLD.tar" . && tar -xf "$TOLD.tar"; fi
"""


@pytest.fixture
def told(orbit: Orbit, tmp_path: Path) -> Iterator[Path]:
    """Where the hooks tell what they could do."""
    if os.getuid() != 0:
        pytest.skip("only root can run things as another user")
    if not shutil.which("python3", path="/usr/bin"):
        pytest.skip("there is no Python that another user can run")
    for directory in (tmp_path, *tmp_path.parents):  # pytest keeps its folders to root
        if directory.stat().st_uid == 0 and not directory.stat().st_mode & 0o001:
            directory.chmod(directory.stat().st_mode | 0o011)
    folder = tmp_path / "told"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "told"
    path.write_text("")
    path.chmod(0o666)
    orbit.env |= {"RUN_AS_USER": NAME, "PATH": "/usr/bin:/bin", "TOLD": str(path), "HOME_OF_ORBIT": str(orbit.home)}
    yield path


def files(version: str) -> dict[str, str | None]:
    return {**apps.server(version), "lib/keep": "", "pre-deploy.sh": TRIES, "post-deploy.sh": TRIES}


def listing(orbit: Orbit, release: str) -> str:
    place = orbit.home / "production/releases" / release
    return subprocess.run(["ls", "-lR", str(place)], capture_output=True, text=True, check=True).stdout


def test_what_runs_as_another_user_can_change_nothing_of_orbit_or_of_other_releases(
    orbit: Orbit, repository: Repository, told: Path
) -> None:
    repository.push(files("1"))
    orbit.start()
    assert orbit.wait_idle(1)["outcome"] == "succeeded"
    (first,) = orbit.releases()
    before = listing(orbit, first)
    sha = repository.push({"version.txt": "2"})
    orbit.hup()
    orbit.wait_version("2")
    assert orbit.wait_idle(2)["warnings"] == []
    assert told.read_text() == ""
    assert listing(orbit, first) == before
    user = pwd.getpwnam(NAME)
    lines = (told.parent / "told.who").read_text().splitlines()
    expected = f"{NAME} {user.pw_uid}:{user.pw_gid} HOME={user.pw_dir} USER={NAME} {sha}"
    assert lines[-2:] == [f"pre-deploy.sh {expected}", f"post-deploy.sh {expected}"]


def test_every_process_of_the_repository_has_the_user_his_groups_and_no_rights_of_root(
    orbit: Orbit, repository: Repository, told: Path
) -> None:
    repository.push(apps.server("1"))
    orbit.start()
    assert orbit.wait_idle(1)["outcome"] == "succeeded"
    app = psutil.Process(orbit.status()["app"]["pid"])
    user = pwd.getpwnam(NAME)
    assert set(app.uids()) == {user.pw_uid} and set(app.gids()) == {user.pw_gid}
    status = Path(f"/proc/{app.pid}/status").read_text()
    groups = {int(word) for line in status.splitlines() if line.startswith("Groups:") for word in line.split()[1:]}
    own = {group.gr_gid for group in grp.getgrall() if NAME in group.gr_mem} | {user.pw_gid}
    release = os.stat(orbit.home / "production/current")
    assert groups == own | {release.st_gid}
    assert "CapEff:\t0000000000000000" in status
    assert (release.st_uid, release.st_mode & 0o777) == (0, 0o770)


def test_a_rollback_runs_an_older_release_in_its_own_group(orbit: Orbit, repository: Repository, told: Path) -> None:
    for number in (1, 2):
        repository.push(files(str(number)))
        orbit.hup() if orbit.process else orbit.start()
        orbit.wait_version(str(number))
        orbit.wait_idle(number)
    assert orbit.cli("rollback", "--wait").returncode == 0
    orbit.wait_version("1")
    assert told.read_text() == ""
    assert json.loads((orbit.home / "run/status.json").read_text())["current_release"] == orbit.releases()[0]
    pid = orbit.status()["app"]["pid"]
    os.kill(pid, 9)
    wait_until(lambda: orbit.status()["app"]["pid"] not in (None, pid))
    orbit.wait_version("1")


SWAPS = """
import glob, threading
VICTIM = os.environ["VICTIM"]

def swap():
    # in every release that is being built, the hook becomes a link to somebody else's file again and again
    while True:
        for hook in glob.glob(os.environ["HOME_OF_ORBIT"] + "/production/releases/*/post-deploy.sh"):
            try:
                os.symlink(VICTIM, hook + ".link")
                os.rename(hook + ".link", hook)
            except OSError:
                pass

threading.Thread(target=swap, daemon=True).start()
"""


def test_a_hook_that_is_exchanged_for_a_link_makes_root_touch_nothing(
    orbit: Orbit, repository: Repository, told: Path
) -> None:
    victim = told.parent / "victim"
    victim.write_bytes(b"root's own\r\n")
    victim.chmod(0o600)
    orbit.env["VICTIM"] = str(victim)
    hook = "#!/bin/bash\r\n" + "true\r\n" * 10_000
    repository.push({**apps.server("1", before=SWAPS), "pre-deploy.sh": hook, "post-deploy.sh": hook})
    for number in range(1, 5):
        orbit.start() if number == 1 else orbit.hup()
        orbit.wait_idle(number)
        assert victim.read_bytes() == b"root's own\r\n"
        assert victim.stat().st_mode & 0o777 == 0o600


def test_a_mirror_that_the_application_has_filled_with_traps_stops_nothing(
    orbit: Orbit, repository: Repository, told: Path
) -> None:
    traps = "mkdir -p $HOME_OF_ORBIT/repo.git/worktrees/w1; mkfifo $HOME_OF_ORBIT/repo.git/worktrees/w1/gitdir"
    more = "cd $HOME_OF_ORBIT/repo.git; rm HEAD config; mkfifo HEAD config"
    repository.push({**apps.server("1"), "post-deploy.sh": f"#!/bin/bash\n{traps}\n{more}\n"})
    orbit.start()
    orbit.wait_idle(1)
    repository.push({"version.txt": "2"})
    orbit.hup()
    orbit.wait_version("2")
    orbit.wait_idle(2)
    assert orbit.stop() == 0
