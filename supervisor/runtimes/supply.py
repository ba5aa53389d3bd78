"""Where mise itself comes from: PATH, an earlier deployment, npm's registry, or its own releases."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from supervisor.model import Command, Runner, User
from supervisor.runtimes.mise import Console, MiseFailed, allowed, said, version_of
from supervisor.runtimes.probe import Probe
from supervisor.runtimes.requirement import numbers
from supervisor.runtimes.shelf import INSTALLER, Installed, Shelf

NAME, VERSION = INSTALLER
LEAST = (2025, 1)
"""An older one on PATH is passed over: it would read configuration that is not ours."""
SHA256 = {"linux-x64": "09ea631d6f3e7031d63606a0892dc4c796f9fb57f493bc45937f9f7113c88216"}
"""Of the program, which npm's package and the release have alike."""
PACKAGE = "@jdxcode/mise-{platform}"
RELEASES = "https://github.com/jdx/mise/releases/download"
TIMEOUT_S = 600.0
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "armv7"}


class Supply:
    """Provides the program. `address` is where releases are downloaded from, as RELEASES; `cache` is the user's."""

    def __init__(self, runner: Runner, shelf: Shelf, cache: Path, user: User | None, address: str = RELEASES) -> None:
        self._runner = runner
        self._shelf = shelf
        self._cache = cache
        self._user = user
        self._probe = Probe(runner, user)
        self._address = address.rstrip("/")

    async def program(self, environment: Mapping[str, str], console: Console) -> Path:
        """mise, ready to run. Raises MiseFailed, OSError."""
        found = shutil.which(NAME, path=environment.get("PATH", ""))
        version = version_of(await self._probe.output(Path(found), environment) or "") if found else None
        if found and version and numbers(version) >= LEAST:
            return Path(found)
        there = next((one for one in self._shelf.all(NAME) if one.version == VERSION), None)
        if there and await self._probe.output(there.bin_dir / NAME, environment) and self._shelf.take(there):
            return there.bin_dir / NAME
        return (await self._fetch(environment, console)).bin_dir / NAME

    async def _fetch(self, environment: Mapping[str, str], console: Console) -> Installed:
        machine = _MACHINES.get(os.uname().machine)
        if machine is None:
            raise MiseFailed(f"there is no mise for {os.uname().machine}")
        platform = f"linux-{machine}"
        problems = []
        for source in (self._from_npm, self._from_its_releases):
            try:
                return await source(platform, environment, console)
            except MiseFailed as error:
                problems.append(str(error))
        raise MiseFailed(f"mise, which installs runtimes, cannot be had ({'; '.join(filter(None, problems))})")

    async def _from_npm(self, platform: str, environment: Mapping[str, str], console: Console) -> Installed:
        """npm checks what it downloads against its registry, and obeys the user's settings of it."""
        npm = shutil.which("npm", path=environment.get("PATH", ""))
        if npm is None:
            raise MiseFailed("")
        package = PACKAGE.format(platform=platform)
        options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        async with self._shelf.begun(NAME, VERSION, self._user) as directory:
            argv = (npm, "install", "--prefix", str(directory), *options, f"{package}@{VERSION}")
            await self._run(argv, directory, environment, console, self._user)
            bin_dir = directory / "node_modules" / package / "bin"
            return await asyncio.to_thread(self._checked, directory, bin_dir, platform)

    async def _from_its_releases(self, platform: str, environment: Mapping[str, str], console: Console) -> Installed:
        """As whoever runs Orbit, into a directory that nobody else can write to."""
        platform += "-musl" if _is_musl() else ""
        address, name = f"{self._address}/v{VERSION}", f"mise-v{VERSION}-{platform}"
        async with self._shelf.begun(NAME, VERSION, None) as directory:
            program = str(directory / NAME)
            argv = (sys.executable, "-I", "-m", "supervisor.runtimes.download", address, name, program)
            await self._run(argv, directory, environment, console, None)
            return await asyncio.to_thread(self._checked, directory, directory, platform)

    async def _run(
        self, argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str], console: Console, user: User | None
    ) -> None:
        timeout_s = min(TIMEOUT_S, console.timeout_s)
        cache = {"npm_config_cache": str(self._cache / "npm")}
        env = cache | allowed(environment) | {"HOME": environment.get("HOME", "/")}  # where .npmrc is
        ended = await self._runner.run(
            Command(argv, cwd, env, timeout_s, user=user, log=console.log, mark=console.mark)
        )
        if not ended.ok:
            raise MiseFailed(f"npm: {said(ended)}" if argv[0] != sys.executable else said(ended))

    def _checked(self, directory: Path, bin_dir: Path, platform: str) -> Installed:
        """The program, once it is known to be the right one; it takes a while to read. Raises MiseFailed, OSError."""
        import hashlib  # OpenSSL: memory that is not to be held where nothing is installed

        expected = SHA256.get(platform)
        with (bin_dir / NAME).open("rb") as file:
            if expected and hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise MiseFailed(f"{bin_dir / NAME} is not mise {VERSION}: its checksum is another")
        return self._shelf.complete(NAME, VERSION, directory, bin_dir)


def _is_musl() -> bool:
    """Whether the system's C library is Alpine's."""
    return any(Path("/lib").glob("ld-musl-*"))
