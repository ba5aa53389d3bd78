"""The virtual environment of a Python project, and uv, which makes and fills it."""

from __future__ import annotations

from pathlib import Path

import uv

from supervisor.runtimes.runtime import Runtime
from supervisor.runtimes.tools import Tool

DIRECTORY = ".venv"


def command(runtime: Runtime) -> tuple[str, ...]:
    """The command that makes `.venv` in its working directory, the project's.

    With pip in it, for hooks and for INSTALL_COMMAND; anew, should the repository carry one; and whatever the
    project's own files say of a version, since that is decided by now.
    """
    interpreter = str(runtime.executable)
    return (uv.find_uv_bin(), "venv", "--seed", "--clear", "--no-project", "--python", interpreter, DIRECTORY)


def uv_tool(cache: Path) -> Tool:
    """uv and uvx for the install commands, in a directory without the rest of Orbit's own virtual environment."""
    program = Path(uv.find_uv_bin())
    bin_dir = cache / "tools" / "uv"
    links = [(bin_dir / name, program.with_name(name)) for name in ("uv", "uvx")]
    there = all(link.is_symlink() and link.readlink() == target for link, target in links)
    script = 'mkdir -p "$1" && ln -sfn "$2" "$1/uv" && ln -sfn "$3" "$1/uvx"'
    argv = ("sh", "-c", script, "sh", str(bin_dir), *(str(target) for _, target in links))
    return Tool("uv", None, bin_dir, () if there else argv)
