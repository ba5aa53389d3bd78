"""mise, which knows how every kind of runtime is installed (https://mise.jdx.dev).

It is run as the user of the application, reads no configuration of the repository or of anybody's home, writes below
`runtimes/` and `cache/` alone, and gets none of the application's variables. Which version is installed is decided
here, not by it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from supervisor.model import UNLIMITED, Command, Exit, Limits, Runner, User
from supervisor.runtimes.recipes import PLACES, Recipe

QUICK_TIMEOUT_S = 120.0
ALLOWED = re.compile(
    r"(?:PATH|LANG|LC_\w+|USER|LOGNAME|TMPDIR|GITHUB_TOKEN|GITHUB_API_TOKEN"
    r"|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy"
    r"|SSL_CERT_\w+|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_\w+"
    r"|(?:npm_config|NPM_CONFIG)_\w+"
    r"|MISE_\w+|RUSTUP_(?:DIST_SERVER|UPDATE_ROOT)|RUBY_(?:BUILD|CONFIGURE)_\w+|MAKE_OPTS|MAKEOPTS)"
)
_OURS = re.compile(
    r"MISE_(?:\w+_DIR|ENV|ENV_FILE|\w*CONFIG\w*|SHELL|PROFILE|HOOK\w*|TRUSTED\w+|DEFAULT_\w+|\w+_PACKAGES_FILE|\w+_VERSION)"
)
"""What would lead mise to other places, or to somebody's configuration."""


class MiseFailed(Exception):
    """mise, or what took its place, could not do what was asked of it; the message is what it said, in one line."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where the output of an installation goes, and what it may take."""

    log: Path | None = None
    mark: str | None = None
    timeout_s: float = 1800.0
    limits: Limits = UNLIMITED


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be installed, or listed: `program` does it (mise), `directory` is the user's, and empty at first;
    `environment` is the application's."""

    program: Path
    recipe: Recipe
    directory: Path
    environment: Mapping[str, str]
    console: Console


Supplier = Callable[[Mapping[str, str], Console], Awaitable[Path]]


class Source(Protocol):
    """Where runtimes can be installed from."""

    async def program(self, environment: Mapping[str, str], console: Console) -> Path: ...

    async def versions(self, job: Job) -> list[str]: ...

    async def install(self, job: Job, version: str) -> Path: ...


class Mise:
    """Runs mise, which comes from `supply`; `cache` belongs to `user`."""

    def __init__(self, runner: Runner, supply: Supplier, cache: Path, user: User | None) -> None:
        self._supply = supply
        self._runner = runner
        self._cache = cache / "mise"
        self._user = user

    async def program(self, environment: Mapping[str, str], console: Console) -> Path:
        """mise itself. Raises MiseFailed, OSError."""
        return await self._supply(environment, console)

    async def versions(self, job: Job) -> list[str]:
        """All that can be installed, oldest first. Raises MiseFailed."""
        return (await self._output(job, "ls-remote", job.recipe.tool)).split()

    async def install(self, job: Job, version: str) -> Path:
        """Install into the job's directory; where the programs are then. Raises MiseFailed."""
        console, recipe = job.console, job.recipe
        command = replace(
            self._command(job, "install", f"{recipe.tool}@{version}"),
            timeout_s=console.timeout_s,
            background=True,
            limits=console.limits,
        )
        await self._run(command)
        if recipe.bin is None:
            return await self._told(job, version)
        pattern = recipe.bin.format(tool=recipe.tool, version=version)
        return next(iter(job.directory.glob(pattern)), job.directory / pattern)

    async def _told(self, job: Job, version: str) -> Path:
        lines = (await self._output(job, "bin-paths", f"{job.recipe.tool}@{version}")).splitlines()
        if not lines or not Path(lines[0]).is_relative_to(job.directory):
            raise MiseFailed(f"it does not say where the programs of {job.recipe.tool} are")
        return Path(lines[0])

    async def _output(self, job: Job, *words: str) -> str:
        ended = await self._run(replace(self._command(job, *words), capture=True))
        return ended.output.decode(errors="replace")

    def _command(self, job: Job, *words: str) -> Command:
        return Command(
            (str(job.program), *words),
            job.directory,
            self._environment(job.recipe, job.directory, job.environment),
            min(QUICK_TIMEOUT_S, job.console.timeout_s),
            user=self._user,
            log=job.console.log,
            mark=job.console.mark,
        )

    async def _run(self, command: Command) -> Exit:
        ended = await self._runner.run(command)
        if not ended.ok:
            raise MiseFailed(said(ended))
        return ended

    def _environment(self, recipe: Recipe, directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
        given = {name: value for name, value in allowed(environment).items() if not _OURS.fullmatch(name)}
        private = directory / "home"
        places = {name: str(directory / value) for name, value in recipe.settings if name in PLACES}
        return {
            **dict(recipe.settings),
            **given,
            "HOME": str(private),  # packages that its owner wants with every version are listed there
            "MISE_DATA_DIR": str(directory),
            "MISE_CACHE_DIR": str(self._cache),
            "MISE_CONFIG_DIR": str(private / "config"),
            "MISE_STATE_DIR": str(private / "state"),
            "MISE_SYSTEM_CONFIG_DIR": str(private / "system"),
            "MISE_SYSTEM_DATA_DIR": str(private / "system"),
            "MISE_NO_CONFIG": "1",
            "MISE_NO_ENV": "1",
            "MISE_NO_HOOKS": "1",
            "MISE_CEILING_PATHS": str(directory),
            "MISE_YES": "1",
            "MISE_COLOR": "0",
            "MISE_USE_VERSIONS_HOST_TRACK": "0",
            "NO_COLOR": "1",
            **places,
        }


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that have to do with installing."""
    return {name: value for name, value in environment.items() if ALLOWED.fullmatch(name)}


def said(ended: Exit) -> str:
    """Why a command failed, in one line: what it said, or how it ended."""
    if ended.timed_out:
        return "it took too long"
    if ended.error:
        return ended.error
    lines = [line for line in ended.tail.splitlines() if line.strip()]
    errors = [text for line in lines if (text := _error(line))]
    unique = list(dict.fromkeys(errors))
    if unique:
        return ": ".join(unique)[:500]
    how = f"signal {ended.signal}" if ended.signal else f"exit status {ended.status}"
    return f"{lines[-1].strip()[:300]} ({how})" if lines else how


def _error(line: str) -> str | None:
    """What a line of mise's, of npm's or of our download says is wrong."""
    match = re.search(r"(?:mise |npm |^)(?:ERROR|error) (.+)", line)
    text = match[1].strip() if match else ""
    passing = text.startswith(
        ("Version: ", "Run with ", "code E", "errno ", "network If you", "network This is", "A complete log")
    )
    return None if passing else text or None


def version_of(output: str) -> str | None:
    """The version in what `mise --version` prints."""
    match = re.search(r"\b(20\d\d\.\d+\.\d+)\b", output)
    return match[1] if match else None
