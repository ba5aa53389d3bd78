"""The virtual environment of a Python project, and uv, which makes and fills it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import uv

from supervisor.runtimes.runtime import Runtime

DIRECTORY = ".venv"

_OF_PIP = (
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    ("PIP_CERT", "SSL_CERT_FILE"),
    ("PIP_CERT", "POETRY_CERTIFICATES_PYPI_CERT"),
)


def command(runtime: Runtime, with_pip: bool) -> tuple[str, ...]:
    """The command that makes `.venv` in its working directory, the project's.

    `with_pip`: for whatever installs something, and for its hooks. Pip comes from the package index, so a project
    without dependencies does without it, and without a network. Anew, should the repository carry one; and whatever
    the project's own files say of a version, since that is decided by now.
    """
    seed = ("--seed",) if with_pip else ()
    return ("uv", "venv", *seed, "--clear", "--no-project", "--python", str(runtime.executable), DIRECTORY)


def provide_uv(tools: Path) -> Path:
    """A directory for PATH with uv and uvx, and without the rest of Orbit's own virtual environment. It lies in
    `tools`, which no other user may write to.

    Copies where those are in a place that others cannot enter (below /root, say). Raises OSError.
    """
    program = Path(uv.find_uv_bin())
    bin_dir = tools / "uv"
    bin_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in ("uv", "uvx"):
        _provide(program.with_name(name), bin_dir / name)
    return bin_dir


def settings_of_pip(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the user has set for pip, for uv and poetry, which read nothing of pip's."""
    for pip, ours in _OF_PIP:
        if environment.get(pip) and not environment.get(ours):
            yield ours, environment[pip]


def _provide(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime_ns == source.stat().st_mtime_ns:
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in source.parents):
        temporary.symlink_to(source)
    else:
        shutil.copy2(source, temporary)
    temporary.rename(target)
