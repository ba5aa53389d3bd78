"""Asking a program for its version: the one thing that is run to find a runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from supervisor.model import Command, Runner, User

TIMEOUT_S = 10.0
_HOMES = ("PYENV_ROOT", "NVM_DIR", "COREPACK_HOME", "RUSTUP_HOME", "GOENV_ROOT")
_KEPT = ("PATH", "HOME", "USER", "LANG", "LD_LIBRARY_PATH", *_HOMES)
_WITH_ERRORS = ("/bin/sh", "-c", 'exec "$0" "$@" 2>&1')  # where Java 8 says its version
_QUIET = {  # shims would ask, or download
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "COREPACK_ENABLE_NETWORK": "0",
    "MISE_OFFLINE": "1",
    "MISE_NO_CONFIG": "1",
    "MISE_HIDE_UPDATE_WARNING": "1",
}

_Key = tuple[str, int, int]


class Probe:
    """Remembers the answers for as long as a program's file stays the same.

    Programs are run as `user`, so that one which the application cannot run (below /root) is none; in `/`, so
    that no file of a project has a say; and without the application's own variables.
    """

    def __init__(self, runner: Runner, user: User | None) -> None:
        self._runner = runner
        self._user = user
        self._known: dict[_Key, str | None] = {}

    async def output(
        self, path: Path, environment: Mapping[str, str], asks: tuple[str, ...] = ("--version",)
    ) -> str | None:
        """What a program prints when asked so; None if it is not there, or does not work."""
        key = _key(path)
        if key is None:
            return None
        if key not in self._known:
            self._known[key] = await self._ask(path, environment, asks)
        return self._known[key]

    async def _ask(self, path: Path, environment: Mapping[str, str], asks: tuple[str, ...]) -> str | None:
        env = {name: environment[name] for name in _KEPT if name in environment} | _QUIET
        for argv in ((str(path), *asks), (*_WITH_ERRORS, str(path), *asks)):
            ended = await self._runner.run(Command(argv, Path("/"), env, TIMEOUT_S, user=self._user, capture=True))
            said = ended.output.decode(errors="replace").strip()
            if said or not ended.ok:
                return said if ended.ok else None
        return None


def _key(path: Path) -> _Key | None:
    """What tells a program from the one that an update puts in its place; None if there is none to run."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return (str(path), facts.st_ino, facts.st_mtime_ns) if os.access(path, os.X_OK) else None
