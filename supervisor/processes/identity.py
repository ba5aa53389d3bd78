"""Whom the application, hooks, builds and git run as."""

from __future__ import annotations

import os
import pwd

from supervisor.errors import SettingsError
from supervisor.model import User

DEFAULT_USER = "appuser"


def run_as(name: str | None) -> User | None:
    """The user that `RUN_AS_USER` names, or appuser, if Orbit was started as root; None otherwise: all run as the
    user who started it. Raises SettingsError: never as root unless told so."""
    if os.getuid() != 0:
        if name and name not in (str(os.getuid()), pwd.getpwuid(os.getuid()).pw_name):
            problem = (
                f"RUN_AS_USER: {name!r}; only root can run things as another user: start Orbit as root, or unset it"
            )
            raise SettingsError((problem,))
        return None
    wanted = name or DEFAULT_USER
    try:
        entry = pwd.getpwuid(int(wanted)) if wanted.isdigit() else pwd.getpwnam(wanted)
    except KeyError:
        raise SettingsError((_unknown(name),)) from None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def _unknown(name: str | None) -> str:
    if name:
        return f"RUN_AS_USER: {name!r} is no user of this system; create it, e.g. useradd --create-home {name}"
    return (
        "RUN_AS_USER: not set, Orbit was started as root, and there is no user appuser; create that user "
        "(useradd --create-home appuser), or set RUN_AS_USER=root to run the application as root"
    )
