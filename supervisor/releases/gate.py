"""Who may enter a release's directory once it is complete: those who run it, and nobody else.

All releases are run and built by one user, who owns all files. So a complete release's directory becomes root's, open
to a group that is this release's alone, and only its application, its hooks and its checks are put into that group.
What builds the next one, whatever it does, stands before a closed door. It takes nothing but root's usual rights.

Sites have groups of their own, few enough for one process to be in all of them: the web server serves one release after
another, and runs nothing of what they bring.
"""

from __future__ import annotations

from pathlib import Path

from loguru import logger

from supervisor import files

FIRST_GROUP = 40_000
GROUPS = 10_000
"""Between the numbers that systems give to people and those that they give to services; below 65536, which is all
that some containers have."""
OF_SITES = range(50_000, 50_100)
"""The groups of releases that are served as files."""
OF_WEB_SERVER = 50_100
"""The group of the web server alone, which no application, hook or build is in."""


def number_of(release: int, is_site: bool) -> int:
    """The group of the release with this number."""
    return OF_SITES[release % len(OF_SITES)] if is_site else FIRST_GROUP + release % GROUPS


def close(directory: Path, project: Path, group: int) -> None:
    """From now on only the group of this release enters; nor its project, where the application's working directory
    is another way in. A system that does not grant it is told of, and done without."""
    try:
        for place in dict.fromkeys((directory, project)):
            files.give_directory(place, 0, group, 0o770)
    except PermissionError as error:
        logger.warning("cannot keep other releases out of {}: {}", directory, error.strerror)


def keep_for_web_server(directory: Path) -> bool:
    """Whether nobody but the web server enters a directory from now on. Raises OSError."""
    try:
        files.give_directory(directory, 0, OF_WEB_SERVER, 0o770)
    except PermissionError:
        return False
    return True


def is_kept_for_web_server(directory: Path) -> bool:
    """Whether that was done to it. Raises OSError."""
    return files.kind(directory) is not None and files.owner(directory) == (0, OF_WEB_SERVER)


def group_of(directory: Path) -> int | None:
    """The group that may enter; None if it is not closed. Raises OSError."""
    owner, group = files.owner(directory)
    ours = FIRST_GROUP <= group < FIRST_GROUP + GROUPS or group in OF_SITES
    return group if owner == 0 and ours else None
