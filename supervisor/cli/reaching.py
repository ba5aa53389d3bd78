"""Asking the repository whether a deployment could begin."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from supervisor.git import Git, Remote, project_directory
from supervisor.layout import Layout
from supervisor.model import User
from supervisor.processes import environment, identity
from supervisor.processes.command import CommandRunner
from supervisor.processes.spawner import Spawner
from supervisor.redact import forms
from supervisor.settings import Settings


class Reached:
    """What was found so far, and what is being looked for."""

    def __init__(self) -> None:
        self.looking_for = "user"
        self.findings: list[tuple[str, str]] = []

    def add(self, detail: str, next_one: str = "") -> None:
        self.findings.append((self.looking_for, detail))
        self.looking_for = next_one


async def reach(settings: Settings, environ: Mapping[str, str], reached: Reached) -> None:
    """Look for the repository, the branch and the path, without touching ORBIT_HOME. Raises OrbitError."""
    user = identity.run_as(settings.run_as_user)
    reached.add(user.name if user else "whoever starts Orbit", "repository")
    remote = Remote.parse(
        settings.git_repo_url,
        settings.git_username,
        settings.git_token,
        settings.git_ssh_key,
        settings.git_ssh_known_hosts,
    )
    spawner = Spawner(settings.log_policy, forms(settings.secrets))
    with tempfile.TemporaryDirectory(prefix="orbit-check-") as name:
        home = Path(name)
        _give(home, user)
        env = environment.base(environ, settings.withheld, user)
        git = Git(CommandRunner(spawner), Layout(home), remote, user, env, depth=1)
        try:
            await _ask(git, settings, home, reached)
        finally:
            spawner.close()


async def _ask(git: Git, settings: Settings, home: Path, reached: Reached) -> None:
    branch, path = await git.locate()
    name, sha = await git.head(settings.git_branch or branch)
    reached.add(git.remote.redacted, "branch")
    reached.add(f"{name}, at {sha[:7]}", "path")
    wanted = settings.project_path or path
    if wanted:
        commit = await git.fetch(settings.git_branch or branch)
        await git.checkout(commit, home / "checkout")
        project_directory(home / "checkout", wanted)
        reached.add(wanted)


def _give(directory: Path, user: User | None) -> None:
    if user:
        os.chown(directory, user.uid, user.gid)
