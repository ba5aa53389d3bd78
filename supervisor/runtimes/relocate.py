"""Run by a virtual environment's own Python, in the project's directory: puts right what `.venv` says of where it is.

Its programs begin with the interpreter's path, and what is installed editable is a path. Standard library only, and
nothing that an old Python does not know.
"""

import os
import re
import sys
from pathlib import Path

PLACES = (
    "pyvenv.cfg",
    "bin/*",
    "lib/python*/site-packages/*.pth",
    "lib/python*/site-packages/*.egg-link",
    "lib/python*/site-packages/__editable__*.py",
    "lib/python*/site-packages/*.dist-info/direct_url.json",
)
MOST_BYTES = 1024 * 1024


def relocate(environment: Path, was: bytes, now: bytes) -> None:
    """Put `now` in the place of the directory `was` in all that names it."""
    pattern = re.compile(re.escape(was) + rb"(?![\w.-])")
    for place in PLACES:
        for path in environment.glob(place):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
                continue
            text = path.read_bytes()
            moved = pattern.sub(lambda _: now, text)
            if moved != text:
                replace(path, moved)


def replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".moved")
    temporary.write_bytes(content)
    temporary.chmod(path.stat().st_mode & 0o7777)
    temporary.replace(path)


if __name__ == "__main__":
    relocate(Path(".venv"), os.fsencode(sys.argv[1]), os.fsencode(Path.cwd()))
