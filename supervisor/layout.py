"""Every path of ORBIT_HOME, named once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie below `home` (ORBIT_HOME, an absolute path)."""

    home: Path

    @property
    def mirror(self) -> Path:
        return self.home / "repo.git"

    @property
    def production(self) -> Path:
        return self.home / "production"

    @property
    def releases(self) -> Path:
        return self.production / "releases"

    @property
    def current(self) -> Path:
        return self.production / "current"

    @property
    def deployments(self) -> Path:
        return self.home / "deployments"

    @property
    def generated_key(self) -> Path:
        return self.home / "generated.json"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def runtimes(self) -> Path:
        return self.home / "runtimes"

    @property
    def tools(self) -> Path:
        """Programs that Orbit brings along for builds, which nobody else may change."""
        return self.home / "tools"

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def status(self) -> Path:
        return self.run / "status.json"

    @property
    def requests(self) -> Path:
        return self.run / "requests"

    @property
    def app(self) -> Path:
        return self.run / "app.json"

    @property
    def app_exit(self) -> Path:
        return self.run / "app.exit.json"

    @property
    def web(self) -> Path:
        """The web server's own folder, where there is a site."""
        return self.run / "web"

    @property
    def web_configuration(self) -> Path:
        return self.web / "nginx.conf"

    @property
    def web_live(self) -> Path:
        """The link to the files that are served."""
        return self.web / "live"

    @property
    def web_written(self) -> Path:
        """What the web server itself writes."""
        return self.web / "tmp"

    @property
    def lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def setup_log(self) -> Path:
        return self.logs / "setup.log"

    @property
    def app_log(self) -> Path:
        return self.logs / "app.log"

    @property
    def hooks_log(self) -> Path:
        return self.logs / "hooks.log"

    @property
    def build_logs(self) -> Path:
        return self.logs / "builds"
