"""Puts the parts of a supervisor together; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from loguru import logger

from supervisor import files, log
from supervisor.control.requests import Spool
from supervisor.control.status import Lock, StatusFile
from supervisor.deploy.build import Builder
from supervisor.deploy.context import Context
from supervisor.deploy.pipeline import Deployer
from supervisor.deploy.records import Records
from supervisor.deploy.source import Source
from supervisor.deploy.switch import Switch
from supervisor.deploy.vigil import Vigil
from supervisor.deploy.web import WebServer
from supervisor.errors import OrbitError
from supervisor.git import Git, Remote
from supervisor.layout import Layout
from supervisor.model import User
from supervisor.processes import environment, identity, init, strays
from supervisor.processes.app import App
from supervisor.processes.command import CommandRunner
from supervisor.processes.hold import Hold
from supervisor.processes.spawner import Spawner
from supervisor.redact import Redactor, environment_secrets
from supervisor.releases import retention
from supervisor.releases.store import ReleaseStore
from supervisor.settings import Settings

CONTAINER_STOP_S = 8.0
"""`docker stop` waits 10 s before it kills PID 1, and everything with it; ours is the better end."""


class Assembly:
    """Every part of one supervisor. `on_change` is called whenever something that the status tells of changes.

    Raises OrbitError: another supervisor uses ORBIT_HOME, or it cannot be used.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.settings = settings
        self.layout = Layout(settings.orbit_home)
        self.secrets = (*settings.secrets, *environment_secrets(environ))
        self._redactor = Redactor(self.secrets)
        self.user = identity.run_as(settings.run_as_user)
        in_container = init.is_above() and "STOP_TIMEOUT" not in settings.given
        self.stops_in_s = CONTAINER_STOP_S if in_container else None
        """A stop that has not ended by then ends at once."""
        self.remote = Remote.parse(
            settings.git_repo_url,
            settings.git_username,
            settings.git_token,
            settings.git_ssh_key,
            settings.git_ssh_known_hosts,
        )
        prepare_home(self.layout, self.user)
        self.lock = Lock(self.layout)
        self.hold = Hold(self.layout.run)
        self.owner = strays.owner_of(self.layout.home)
        self.spawner = Spawner(settings.log_policy, self._redactor.texts, self.owner, self.hold)
        runner = CommandRunner(self.spawner)
        base_env = environment.base(environ, settings.withheld, self.user)
        base_env["GIT_REPO_URL"] = self.remote.url
        self.context = Context(settings, self.layout, runner, self.user, base_env, self._redactor, self._hide)
        git = Git(
            runner,
            self.layout,
            self.remote,
            self.user,
            base_env,
            settings.git_depth,
            settings.deployment_timeout_s,
            logger.warning,
        )
        self.source = Source(git, settings)
        self.store = ReleaseStore(self.layout, self.user)
        self.records = self._records()
        self.spool = Spool(self.layout)
        self.status = StatusFile(self.layout, self.context.redact)
        self.app = App(self.spawner, self.layout, self._changed)
        web = WebServer(self.context, self.store)
        self.switch = Switch(self.context, self.store, self.app, web)
        self.builder = Builder(self.context, self.store, git, self.source, web)
        self.deployer = Deployer(self.context, self.store, self.records, self.builder, self.switch, self._changed)
        self.vigil = Vigil(self.context, self.store, self.records, self.deployer, self.switch, self.app)

    def _hide(self, secrets: tuple[str, ...]) -> None:
        """Secrets that turn up while Orbit runs: those that it makes up, and what a repository has in its files."""
        if self._redactor.add(secrets):
            log.hide(secrets)
            self.spawner.hide(self._redactor.texts)

    def _changed(self) -> None:
        self.on_change()

    @property
    def local_repository(self) -> Path | None:
        """The repository's git directory, if it lies on this machine."""
        return self.remote.git_directory

    def _records(self) -> Records:
        try:
            return Records(self.layout, self.context.redact)
        except OSError as error:
            raise OrbitError(f"cannot start: cannot list {self.layout.deployments}: {error.strerror}") from error

    def recover(self) -> None:
        """Undo what the last supervisor left half done: a release that went live but was never found healthy.

        What cannot be undone now, on a full disk for instance, is told of; it must not keep a release from serving.
        """
        try:
            for directory in _written(self.layout):
                files.sweep(directory)
            for path in self.store.broken():
                logger.warning("{} cannot be read, or has no directory; the release is passed over", path)
            for record in self.records.close_interrupted():
                logger.warning("deployment {} was interrupted in an earlier run", record["number"])
            self._go_back_to_good()
        except (OSError, OrbitError) as error:
            logger.error("cannot undo what an earlier run left half done: {}", error)

    def _go_back_to_good(self) -> None:
        live = self.store.current()
        if live and live.good:
            return
        previous = retention.last_good(self.store.all(), live)
        if live is None and previous is None:
            return
        if previous is None and self.store.unreadable():
            raise OrbitError("a release cannot be read, and may be the one to go back to")
        what = f"release {live.id} was never found healthy" if live else f"{self.layout.current} leads to no release"
        logger.warning("{}; going back to {}", what, previous.id if previous else "none")
        if previous:
            self.store.activate(previous)
        else:
            self.store.deactivate()

    def close(self) -> None:
        """Let go of everything but the application's tree."""
        self.spawner.close()
        self.hold.close()
        self.lock.release()


def prepare_home(layout: Layout, user: User | None) -> None:
    """Make the folders of ORBIT_HOME. The user whom things run as owns the mirror and the caches, and nothing else.

    Raises OrbitError.
    """
    _assure_entrance(layout.home, user)
    closed = (layout.requests, layout.snapshots)
    try:
        for directory in (layout.home, *_written(layout), layout.logs, layout.build_logs):
            files.make_directory(directory, mode=0o700 if directory in closed else 0o755)
        for directory in (layout.mirror, layout.cache):
            files.make_directory(directory, user=user)
    except OSError as error:
        raise OrbitError(
            f"cannot use ORBIT_HOME {layout.home}: {error.filename}: {error.strerror}; "
            "make it writable for the user who runs Orbit, or set another ORBIT_HOME"
        ) from error


def _written(layout: Layout) -> tuple[Path, ...]:
    """Where Orbit keeps its state."""
    home = (layout.production, layout.releases, layout.deployments, layout.runtimes, layout.tools, layout.snapshots)
    return (*home, layout.run, layout.requests)


def _assure_entrance(home: Path, user: User | None) -> None:
    """Raises OrbitError if the user whom things run as cannot come to ORBIT_HOME."""
    for parent in reversed(home.parents) if user and user.uid else ():
        if not parent.exists():
            return
        facts = parent.stat()
        assert user is not None
        shift = 6 if facts.st_uid == user.uid else 3 if facts.st_gid in (user.gid, *user.groups) else 0
        if not facts.st_mode >> shift & 1:
            raise OrbitError(
                f"cannot use ORBIT_HOME {home}: {user.name} cannot enter {parent}; set another ORBIT_HOME, or another "
                "RUN_AS_USER"
            )
