"""`orbit` and its commands, of which only the one that is asked for is imported."""

from __future__ import annotations

from typing import NamedTuple

import click

from supervisor import __version__
from supervisor.cli import load


class Entry(NamedTuple):
    """Where a command is, as `module:name`, and what `orbit --help` says of it."""

    target: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("supervisor.cli.run:run", "Deploy the repository and keep its application running."),
    "update": Entry("supervisor.cli.update:update", "Deploy the newest commit."),
    "rollback": Entry("supervisor.cli.rollback:rollback", "Go back to an older release."),
    "restart": Entry("supervisor.cli.restart:restart", "Restart the application."),
    "cancel": Entry("supervisor.cli.cancel:cancel", "Give up the deployment that is under way."),
    "status": Entry("supervisor.cli.status:status", "Show what is live and what is being done."),
    "why": Entry("supervisor.cli.why:why", "Say what went wrong last, and what to try."),
    "releases": Entry("supervisor.cli.releases:releases", "List the releases."),
    "logs": Entry("supervisor.cli.logs:logs", "Show or follow a log."),
    "detect": Entry("supervisor.cli.detect:detect", "Show what a directory of source needs."),
    "check": Entry("supervisor.cli.check:check", "Show the settings, and whether they work."),
}


class _Commands(click.Group):
    """A group that knows its commands from the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = load(entry.target)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orbit", message="%(prog)s %(version)s")
def orbit() -> None:
    """Runs an application straight from its git repository.

    Settings are environment variables; `orbit check` shows them. Each command has a --help with an example.
    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 no supervisor runs.

    \b
    Example:
      GIT_REPO_URL=https://github.com/user/app APP_PORT=3000 ORBIT_HOME=~/orbit orbit run
    """
