"""Errors that a user may see: one line that says what is wrong, where, and what to do."""

from __future__ import annotations


class OrbitError(Exception):
    """Any error whose message is meant for the user. `exit_code` is what the command line ends with."""

    exit_code = 1


class SettingsError(OrbitError):
    """One or more variables are wrong; `problems` holds a line for each."""

    exit_code = 2

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NotRunning(OrbitError):
    """No supervisor runs on this ORBIT_HOME."""

    exit_code = 3


class SourceError(OrbitError):
    """The repository, the branch or the path cannot be had, and trying again would not help."""


class SourceUnreachable(SourceError):
    """The repository did not answer: a matter of the network, worth another try."""


class PlanError(OrbitError):
    """The source cannot be understood: no known kind of project, or a broken manifest."""


class RuntimeMissing(OrbitError):
    """No installed runtime satisfies the project's constraint."""
