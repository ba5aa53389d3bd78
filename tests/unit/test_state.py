"""Orbit's own state is touched through `files` alone, so that a fault can be put into every step."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.unit.test_imports import MODULES, top

PARTS = ("control", "deploy", "releases", "loop", "report", "assembly", "processes")
# fmt: off
METHODS = {
    "unlink", "rename", "mkdir", "rmdir", "touch", "chmod", "symlink_to", "hardlink_to", "readlink", "iterdir", "glob",
    "rglob", "write_text", "write_bytes", "read_text", "read_bytes", "exists", "is_file", "is_dir", "is_symlink",
    "stat", "lstat",
}
OF_OS = {
    "open", "rename", "replace", "unlink", "remove", "mkdir", "makedirs", "rmdir", "symlink", "link", "chown", "chmod",
    "write", "pwrite", "ftruncate", "truncate", "readlink", "listdir", "scandir", "walk", "stat", "lstat",
}
# fmt: on
REASONS = {
    "assembly._assure_entrance": "the folders above ORBIT_HOME are not Orbit's",
    "control.status.supervisor_pid": "a command asks; it changes nothing",
    "deploy.caches": "what package managers keep, and can get again",
    "deploy.logs": "logs, which no decision depends on",
    "deploy.hooks": "in a release",
    "processes.container": "the kernel's lists of control groups",
    "processes.environment.for_project": "in a release",
    "processes.hold.__init__": "a lock on a folder, which nothing is written to",
    "processes.init": "the kernel's lists of processes",
    "processes.strays": "the kernel's lists of processes",
    "processes.users": "the kernel's lists of processes",
    "processes.terminal._can_be_opened": "a terminal",
}


def touches(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The function that each call is in which touches the disk, and what is called."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "open":
                yield function.name, "open"
            elif isinstance(called, ast.Attribute):
                owner = called.value.id if isinstance(called.value, ast.Name) else ""
                if owner == "shutil" and called.attr != "which":
                    yield function.name, f"shutil.{called.attr}"
                elif called.attr in OF_OS and owner == "os":
                    yield function.name, f"os.{called.attr}"
                elif called.attr in METHODS and owner != "files":
                    yield function.name, called.attr


@pytest.mark.parametrize("name", [name for name in MODULES if top(name) in PARTS])
def test_state_is_touched_through_files(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text())
    found = {f"{name}.{place}": called for place, called in touches(tree) if not {name, f"{name}.{place}"} & {*REASONS}}
    assert not found, "use supervisor/files.py, or say in REASONS why not"


def test_every_exception_is_still_needed() -> None:
    found = set()
    for name, path in MODULES.items():
        for place, _ in touches(ast.parse(path.read_text())):
            found |= {name, f"{name}.{place}"}
    assert REASONS.keys() <= found


@pytest.mark.parametrize(
    ("line", "found"),
    [("path.unlink()", 1), ("os.open(path, 0)", 1), ("open(path)", 1), ("files.remove(path)", 0), ("os.getpid()", 0)],
)
def test_the_reading_of_calls(line: str, found: int) -> None:
    assert len(list(touches(ast.parse(f"def f(path: Path):\n    {line}")))) == found
