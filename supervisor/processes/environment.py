"""The environment that the application, its hooks and its builds get. All of them get the same."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from supervisor.model import User

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OURS = ("VIRTUAL_ENV", "PYTHONHOME")
"""What is meant for the Python environment that Orbit runs in."""


def base(environ: Mapping[str, str], withheld: Iterable[str], user: User | None) -> dict[str, str]:
    """What Orbit was given, less its own secrets, as `user` would have it."""
    hidden = {*withheld, *OURS}
    env = {name: value for name, value in environ.items() if name not in hidden}
    env["PATH"] = _without_our_own(env.get("PATH") or DEFAULT_PATH)
    name, home = (user.name, user.home) if user else _whoever_runs_this()
    env.update(HOME=home if user else env.get("HOME", home), USER=name, LOGNAME=name)
    env.setdefault("LANG", "C.UTF-8")
    return env


def for_project(
    base_env: Mapping[str, str],
    project: Path,
    search_path: Iterable[str],
    defaults: Iterable[tuple[str, str]],
    additions: Mapping[str, str],
) -> dict[str, str]:
    """The application's whole environment: `search_path` first on PATH, the plan's `defaults` where the user has
    not set them, and `additions` in any case. `WORK_DIR` is the deployed project's directory."""
    env = {**dict(defaults), **base_env, **additions}
    env["PATH"] = os.pathsep.join([*search_path, base_env["PATH"]])
    env["WORK_DIR"] = str(project)
    env["PWD"] = str(project)
    if (project / ".venv").is_dir():
        env["VIRTUAL_ENV"] = str(project / ".venv")
    return env


def trusting_git(base_env: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Variables with which git works in a directory of another owner (safe.directory, git-config(1)), beside what
    the user has set in the same way."""
    count = base_env.get("GIT_CONFIG_COUNT", "0")
    number = int(count) if count.isdigit() else 0
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": "safe.directory",
        f"GIT_CONFIG_VALUE_{number}": str(directory),
    }


def _without_our_own(path: str) -> str:
    """PATH without the virtual environment that Orbit itself runs in: an application must not find our Python."""
    if sys.prefix == sys.base_prefix:
        return path
    own = str(Path(sys.prefix) / "bin")
    return os.pathsep.join(part for part in path.split(os.pathsep) if part and part != own) or DEFAULT_PATH


def _whoever_runs_this() -> tuple[str, str]:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return str(os.getuid()), "/"  # a container that was given a bare number as its user
    return entry.pw_name, entry.pw_dir
