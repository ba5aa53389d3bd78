"""What every part of a deployment works with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from supervisor.deploy import generated
from supervisor.deploy.memory_options import Option, options_for
from supervisor.languages import Overrides
from supervisor.layout import Layout
from supervisor.model import UNLIMITED, Limits, Plan, Release, Runner, User
from supervisor.processes import container, environment
from supervisor.processes.shell import argv_of
from supervisor.processes.spawner import Spec
from supervisor.redact import environment_secrets
from supervisor.releases import gate
from supervisor.runtimes import homes, venv
from supervisor.settings import Settings

APP_MARK = "APP"

_COPYING = (
    # Not hard links from the cache: who changes such a file in one release changes it in every other, the live one too.
    ("UV_LINK_MODE", "copy"),
    ("pnpm_config_package_import_method", "clone-or-copy"),  # pnpm's since 11
)
_OWN_SETTINGS = re.compile(r"\s(?:-s|--settings)[ =]|-Dmaven\.repo\.local=")  # say themselves where Maven's files are
_COPYING_OF_OLD_PNPM = (("npm_config_package_import_method", "clone-or-copy"),)  # npm 11 warns of it each time
_STORE_OF_OLD_PNPM = "npm_config_store_dir"
_CACHE_OF_OLD_YARN = "YARN_CACHE_FOLDER"


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, places, and whom things run as. `base_env` is the user's environment without Orbit's secrets."""

    settings: Settings
    layout: Layout
    runner: Runner
    user: User | None
    base_env: Mapping[str, str]
    redact: Callable[[str], str]
    """What anybody may read of a text: without the secrets."""
    hide: Callable[[tuple[str, ...]], object] = tuple
    """Takes secrets that turn up only now."""

    @property
    def build_limits(self) -> Limits:
        """What builds and hooks may take of the machine."""
        return Limits(self.settings.build_memory_limit_bytes, self.settings.build_cpu_limit)

    def health_path(self, release: Release) -> str:
        """The path that has to answer: the user's, or the one that the project's files name."""
        settings = self.settings
        own = "HEALTH_CHECK_PATH" in settings.given or release.plan.health_path is None
        return settings.health_check_path if own else str(release.plan.health_path)

    def health_window_s(self, release: Release) -> float:
        """How long a release has until its first good answer."""
        own = self.settings.given & {"HEALTH_CHECK_TIMEOUT", "HEALTH_CHECK_RETRIES", "HEALTH_CHECK_DELAY"}
        return self.settings.health_window_s if own else release.plan.health_timeout_s or self.settings.health_window_s

    @property
    def overrides(self) -> Overrides:
        """What the user's variables say about the project's plan."""
        return Overrides(**{field.name: getattr(self.settings, field.name) for field in fields(Overrides)})

    def environment(self, release: Release, limits: Limits = UNLIMITED) -> dict[str, str]:
        """The environment of a release's application, its hooks and its builds, which may take `limits`."""
        plan = release.plan
        commands = (plan.package_manager, plan.install, plan.build, self.settings.pre_build_command)
        pnpm = any("pnpm" in command for command in commands if command)
        memory = (option.setting for option in self.memory_options(plan, limits))
        made_up = generated.values(self.layout, plan.generated)
        self.hide((*(value for _, value in made_up), *environment_secrets(dict(plan.environment))))
        defaults = (*memory, *plan.environment, *made_up, *(self._of_old_pnpm() if pnpm else ()))
        if plan.package_manager == "yarn" and (plan.package_manager_version or "1").startswith("1"):
            defaults = (*defaults, (_CACHE_OF_OLD_YARN, str(self.layout.cache / "yarn")))
        if plan.package_manager == "maven" and not any(_OWN_SETTINGS.search(line) for line in commands if line):
            defaults = (*defaults, *self._maven())
        return self.environment_of(release.project, release.search_path, defaults, release)

    def memory_options(self, plan: Plan, limits: Limits = UNLIMITED) -> tuple[Option, ...]:
        """What the plan's runtimes are told about memory, where the container or `limits` bound it."""
        bounds = [bound for bound in (container.memory_bytes(), limits.memory_bytes) if bound]
        return options_for(plan, self.base_env, min(bounds, default=None))

    def environment_of(
        self,
        project: Path,
        search_path: tuple[str, ...],
        defaults: tuple[tuple[str, str], ...],
        release: Release | None = None,
    ) -> dict[str, str]:
        """The same, for one that is still being built."""
        port = str(self.settings.app_port)
        additions = {"PORT": port, "APP_PORT": port}
        additions |= {name: value for name, value in defaults if name in homes.NAMES}
        told = tuple(
            (name, value.replace("$PORT", port).replace("$WORK_DIR", str(project))) for name, value in defaults
        )
        defaults = (*told, *_COPYING, *self._caches(), *venv.settings_of_pip(self.base_env))
        if release:
            additions |= {"ORBIT_RELEASE": release.id, "ORBIT_COMMIT": release.commit.sha}
            if self.user and self.user.uid:  # its directory is root's once it is complete, which git would not trust
                additions |= environment.trusting_git(self.base_env, release.directory)
        return environment.for_project(self.base_env, project, search_path, defaults, additions)

    def user_of(self, release: Release) -> User | None:
        """Whom a release's application, hooks and checks run as: in the group that may enter its directory."""
        group = gate.group_of(release.directory) if self.user else None
        return replace(self.user, groups=(*self.user.groups, group)) if self.user and group is not None else self.user

    def _caches(self) -> tuple[tuple[str, str], ...]:
        """Package managers keep what they download in ORBIT_HOME, which outlives the container's other folders."""
        cache = self.layout.cache
        return (
            ("UV_CACHE_DIR", str(cache / "uv")),
            ("PIP_CACHE_DIR", str(cache / "pip")),
            ("npm_config_cache", str(cache / "npm")),
            ("pnpm_config_store_dir", str(cache / "pnpm")),
            ("YARN_GLOBAL_FOLDER", str(cache / "yarn")),  # not its cache folder: the repository may carry that
            ("BUN_INSTALL_CACHE_DIR", str(cache / "bun")),
            ("POETRY_CACHE_DIR", str(cache / "poetry")),
            ("PIPENV_CACHE_DIR", str(cache / "pipenv")),
            ("PDM_CACHE_DIR", str(cache / "pdm")),
            ("BUNDLE_USER_CACHE", str(cache / "bundler")),
            ("GOMODCACHE", str(cache / "go-mod")),
            ("GOCACHE", str(cache / "go-build")),
            ("GOFLAGS", "-modcacherw"),  # directories that nobody may write to could not be removed from the cache
            ("CARGO_HOME", str(cache / "cargo")),
            ("GRADLE_USER_HOME", str(cache / "gradle")),
            ("COMPOSER_CACHE_DIR", str(cache / "composer")),
            ("NUGET_PACKAGES", str(cache / "nuget")),
        )

    def _of_old_pnpm(self) -> tuple[tuple[str, str], ...]:
        return (*_COPYING_OF_OLD_PNPM, (_STORE_OF_OLD_PNPM, str(self.layout.cache / "pnpm")))

    def _maven(self) -> tuple[tuple[str, str], ...]:
        """The same for Maven and its wrapper; MAVEN_ARGS is understood since 3.9, MAVEN_OPTS by all."""
        repository = f"-Dmaven.repo.local={self.layout.cache / 'maven/repository'}"
        return (
            ("MAVEN_ARGS", repository),
            ("MAVEN_OPTS", repository),
            ("MAVEN_USER_HOME", str(self.layout.cache / "maven")),
        )

    def app_spec(self, release: Release) -> Spec:
        """How to start a release's application; `RUN_COMMAND` wins over what was planned when it was built."""
        command = self.settings.run_command or release.plan.start
        assert command is not None  # a plan without one does not become a release
        return Spec(
            argv=argv_of(command),
            cwd=release.project,
            env=self.environment(release),
            user=self.user_of(release),
            log=self.layout.app_log,
            mark=APP_MARK,
            exit_file=self.layout.app_exit,
            grace_s=self.settings.stop_timeout_s,
        )
