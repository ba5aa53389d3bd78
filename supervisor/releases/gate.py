"""Who may enter a release's directory once it is complete: those who run it, and nobody else.

All releases are run and built by one user, who owns all files. So a complete release's directory becomes root's, open
to a group that is this release's alone, and only its application, its hooks and its checks are put into that group.
What builds the next one, whatever it does, stands before a closed door. It takes nothing but root's usual rights.
"""

from __future__ import annotations

from pathlib import Path

from loguru import logger

from supervisor import files

FIRST_GROUP = 40_000
GROUPS = 10_000
"""Between the numbers that systems give to people and those that they give to services; below 65536, which is all
that some containers have."""


def close(directory: Path, project: Path, number: int) -> None:
    """From now on only the group of this release enters; nor its project, where the application's working directory
    is another way in. A system that does not grant it is told of, and done without."""
    try:
        for place in dict.fromkeys((directory, project)):
            files.give_directory(place, 0, FIRST_GROUP + number % GROUPS, 0o770)
    except PermissionError as error:
        logger.warning("cannot keep other releases out of {}: {}", directory, error.strerror)


def group_of(directory: Path) -> int | None:
    """The group that may enter; None if it is not closed. Raises OSError."""
    owner, group = files.owner(directory)
    return group if owner == 0 and FIRST_GROUP <= group < FIRST_GROUP + GROUPS else None
