"""The nouns of Orbit: facts that pass between its parts, all of them frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

LEAST_LOG_BYTES = 64 * 1024
"""A log's file is not made smaller than this to have more of them."""


class Stage(StrEnum):
    """Where a deployment is; the values are those of the public status API."""

    STARTING = "starting"
    GIT_PULL = "git_pull"
    DETECTING = "detecting"
    INSTALLING_RUNTIME = "installing_runtime"
    INSTALLING_DEPENDENCIES = "installing_dependencies"
    PRE_DEPLOY = "pre_deploy"
    BUILDING = "building"
    STOPPING_APP = "stopping_app"
    STARTING_APP = "starting_app"
    HEALTH_CHECK = "health_check"
    POST_DEPLOY = "post_deploy"
    COMPLETED = "completed"


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # nothing live was touched
    ROLLED_BACK = "rolled_back"  # the previous release serves again
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # a newer request took its place
    INTERRUPTED = "interrupted"  # the supervisor ended in it


class Action(StrEnum):
    """What somebody can ask of a running supervisor."""

    UPDATE = "update"
    ROLLBACK = "rollback"
    RESTART = "restart"
    CANCEL = "cancel"


class AppState(StrEnum):
    """Life of the application's process, in the words of Supervisor."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    EXITED = "EXITED"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants something. `target` is a ref for an update, a release for a rollback; None means the
    branch's head, or the last good release."""

    id: str
    action: Action
    cause: str
    created_at: datetime
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as git tells of it. `authored_at` is in UTC."""

    sha: str
    subject: str
    author: str
    authored_at: datetime

    @property
    def short(self) -> str:
        return self.sha[:7]


@dataclass(frozen=True, slots=True)
class Site:
    """What a release serves as files. `root` is their directory, relative to the release's, no link in it.

    `single_page`: a path that is no file is index.html's to answer. `links`: symbolic links may be followed, since none
    leads out of the release. `utf8`: its pages are in UTF-8. `stamp` is the time that its files have, in seconds since
    the epoch, and no other release's.
    """

    root: str
    single_page: bool
    links: bool
    utf8: bool
    stamp: int


@dataclass(frozen=True, slots=True)
class Release:
    """A commit's directory under `production/releases`, complete and never changed once it is live.

    `project` is the project's directory inside it (they differ when `PROJECT_PATH` is set).
    """

    number: int
    commit: Commit
    directory: Path
    project: Path
    plan: Plan
    built_at: datetime
    build_duration_s: float
    search_path: tuple[str, ...] = ()  # directories that stand first on PATH: the project's programs, the runtime
    good: bool = False  # it has been live and healthy
    site: Site | None = None  # if it is served as files

    @property
    def id(self) -> str:
        return self.directory.name


@dataclass(frozen=True, slots=True)
class Need:
    """A runtime that a project needs beside its own: Node for the style sheets of a Rails application.

    `version` is the constraint as the project writes it, None if any does.
    """

    runtime: str
    version: str | None = None
    package_manager: str | None = None
    package_manager_version: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a directory of source needs. Commands are shell command lines; None means that there is none.

    `runtime_version` is the constraint as the project writes it; with `runtime_floor` it is the lowest version that
    will do, and a later one is as good (go.mod's `go`, Cargo.toml's `rust-version`). `release` is a Procfile's
    `release:` command, or what another platform calls so, run after the build unless there is a `pre-deploy.sh`.
    `bin_dirs` are directories of the project's
    own programs, relative to it, put first on PATH. `environment` is what the project's kind wants set; the user's own
    variables win, and `$PORT` in a value stands for the application's port, `$WORK_DIR` for the project's directory.
    `notes` are remarks for the user (a file that was passed over, a guess that was made).

    `inputs` are the files that decide what the install makes (lockfiles and their manifests), `dependencies` the
    directories that it makes, `caches` those that a build may find as the last one left them; all relative to the
    project, `../..` leads to a monorepo's root. Where `inputs` is empty every release installs anew. An input may be
    a directory, which stands for all files below it; all of them are there when the plan is made. Of the dependencies
    (a few are files) the install may leave some out. A cache may lie inside of one of them. `after_restore` is run
    where dependencies were restored instead of installed: it does what an install does with the project's own source
    (its lifecycle scripts, its own package); it may run long, and may need the network.

    A site's pages are the files in `output_dir`; with `single_page`, a path that is no file is index.html's to answer.
    `health_path`, `health_timeout_s` and `port` are what the project's files say where the user's variables are silent.
    `origins` tells of a field, or of a variable in `environment`, where its value was written: ("start", "Procfile").
    What is not named was detected. `generated` are variables whose values are made up once and kept, `unset` those that
    a file leaves to the user, and why. `extensions` are those that the runtime has to have.
    """

    type: str
    framework: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    runtime_floor: bool = False
    package_manager: str | None = None
    package_manager_version: str | None = None
    install: str | None = None
    build: str | None = None
    start: str | None = None
    serve: str = "app"
    output_dir: str | None = None
    release: str | None = None
    bin_dirs: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    helpers: tuple[Need, ...] = ()
    inputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    after_restore: str | None = None
    single_page: bool = False
    health_path: str | None = None
    port: int | None = None
    origins: tuple[tuple[str, str], ...] = ()
    health_timeout_s: float | None = None
    generated: tuple[str, ...] = ()
    unset: tuple[tuple[str, str], ...] = ()
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """Whom a process runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command and all that it starts may take: bytes of memory, and processors (1.5 is one and a half); 0 is
    no limit."""

    memory_bytes: int = 0
    cpus: float = 0.0


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Command:
    """A command that ends by itself, run under a shim: its whole tree is gone when the run is over.

    argv[0] is looked up on the PATH of `env`. Output goes to `log` (None: nowhere) and, if `mark` is set, to the
    console with that mark before each line; with `capture`, standard output is returned instead. `files` maps a
    descriptor number in the command to one of the supervisor's own, for what must not stand in an argument or a
    variable. `user` None means: as whoever runs Orbit. With `background` it
    leaves processor, disk and memory to the application first. `own`: it is one of `shim.programs`, and argv[1] is what
    that is told.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float
    user: User | None = None
    log: Path | None = None
    mark: str | None = None
    capture: bool = False
    files: Mapping[int, int] = field(default_factory=dict)
    grace_s: float = 2.0
    background: bool = False
    limits: Limits = UNLIMITED
    own: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended: exactly one of `status` and `signal` is set, unless it could not be started (`error`).

    `out_of_memory`: the kernel ended it for lack of memory; `over_limit`: of what it was limited to. `tail` are its
    last lines of output, secrets removed;
    `output` is what was captured (at most 1 MiB).
    """

    status: int | None = None
    signal: int | None = None
    timed_out: bool = False
    error: str | None = None
    out_of_memory: bool = False
    over_limit: bool = False
    tail: str = ""
    output: bytes = b""
    duration_s: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """How a log is kept: the size of one file in bytes, and how many older ones stay beside it."""

    max_bytes: int = 10_000_000
    backups: int = 5

    def within(self, total_bytes: int) -> LogPolicy:
        """The same for a log that may take `total_bytes` with its backups: rather fewer than tiny ones."""
        backups = min(self.backups, max(total_bytes // LEAST_LOG_BYTES - 1, 0))
        return LogPolicy(min(self.max_bytes, total_bytes // (backups + 1)), backups)


class Runner(Protocol):
    """Runs one-shot commands. Cancelling the call empties the command's tree before it returns."""

    async def run(self, command: Command) -> Exit: ...
