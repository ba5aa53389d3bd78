"""The project's directory inside a checkout: inside, whatever the repository holds."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from supervisor.errors import SourceError

MOST_SUGGESTIONS = 3


def project_directory(checkout: Path, project_path: str | None) -> Path:
    """The directory that PROJECT_PATH means, without symlinks in it.

    Raises SourceError where there is none, naming what is near, or where it would leave the checkout: an
    absolute path, `..`, a symlink that leads out.
    """
    root = checkout.resolve()
    wanted = (project_path or "").strip()
    parts = [part for part in wanted.split("/") if part not in ("", ".")]
    if wanted.startswith("/"):
        raise _error(wanted, "it is an absolute path; give it relative to the repository's root")
    if ".." in parts or "\0" in wanted:
        raise _error(wanted, "it must not contain '..'; give it relative to the repository's root")
    if any(part.lower() == ".git" for part in parts):
        raise _error(wanted, "that is git's own directory")
    here = root
    for position, part in enumerate(parts):
        try:
            here = (here / part).resolve(strict=True)
        except FileNotFoundError:
            raise _error(wanted, _missing(here, parts[:position], part)) from None
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symlinks, before Python 3.13
            raise _error(wanted, f"it cannot be followed ({error})") from None
        if not here.is_relative_to(root):
            raise _error(wanted, "a symlink leads out of the repository")
        if ".git" in here.relative_to(root).parts:
            raise _error(wanted, "that is git's own directory")
        if not here.is_dir():
            raise _error(wanted, "it is no directory")
    return here


def _missing(parent: Path, above: list[str], name: str) -> str:
    """What to say of a directory that is not there."""
    # unlike Path.is_dir, this does not raise for a symlink to what may not be looked at
    names = sorted(entry.name for entry in parent.iterdir() if os.path.isdir(entry))  # noqa: PTH112
    names = [other for other in names if other != ".git"]
    folded = {other.casefold(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, MOST_SUGGESTIONS)
    suggestions = [folded[other] for other in near] or names[:MOST_SUGGESTIONS]
    what = "the repository has no such directory"
    if not suggestions:
        return what
    return f"{what}; there is {', '.join('/'.join([*above, other]) for other in suggestions)}"


def _error(wanted: str, why: str) -> SourceError:
    shown = "".join(c if c.isprintable() else "?" for c in wanted)
    return SourceError(f"cannot use PROJECT_PATH {shown}: {why}")
