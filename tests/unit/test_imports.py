"""Imports go down the house, never up, and neighbours on one floor do not know each other."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "supervisor"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("loop",),
    ("report", "queue"),
    ("assembly",),
    ("triggers", "api"),
    ("control", "deploy"),
    ("releases", "health", "sites"),
    ("processes",),
    ("languages", "runtimes"),
    ("git", "settings", "log"),
    ("disk", "files", "layout", "memory", "variables", "variable", "redact", "errors", "model", "background"),
    ("shim",),
)
"""Top to bottom. A module imports from lower floors and from its own package."""

GROUND = FLOORS[-2]
"""Here modules may import each other, without a cycle."""

ALONE = ("shim", "disk", "variable", "errors", "model", "layout", "redact")
"""These import nothing of ours."""

MAY_IMPORT_LOOP = ("cli.supervise",)
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def imports(name: str, path: Path) -> Iterator[str]:
    """Absolute names of all that a module imports, wherever in it; `from a import b` counts as a.b too."""
    package = ["supervisor", *name.split(".")]
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def ours(name: str, path: Path) -> set[str]:
    """What a module imports of ours, as names in MODULES. `supervisor` itself is not one: all may read it."""
    found = set()
    for imported in imports(name, path):
        parts = imported.split(".")[1:] if imported.split(".")[0] == "supervisor" else []
        while parts and ".".join(parts) not in MODULES:
            parts.pop()
        if parts:
            found.add(".".join(parts))
    return found


def top(name: str) -> str:
    return name.partition(".")[0]


def test_every_part_has_its_floor() -> None:
    assert {top(name) for name in MODULES} <= set(LEVEL), "say in FLOORS where it belongs"


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name: str) -> None:
    part = top(name)
    for imported in ours(name, MODULES[name]):
        other = top(imported)
        if other == part or (part in GROUND and other in GROUND):
            continue
        assert LEVEL[other] > LEVEL[part], f"{name} imports {imported}, which is not below it"


@pytest.mark.parametrize("name", [name for name in MODULES if top(name) in ALONE])
def test_some_import_nothing_of_ours(name: str) -> None:
    assert {top(imported) for imported in ours(name, MODULES[name])} <= {top(name)}


@pytest.mark.parametrize("name", [name for name in MODULES if top(name) == "shim"])
def test_shim_imports_the_standard_library_alone(name: str) -> None:
    for imported in imports(name, MODULES[name]):
        assert imported.startswith("supervisor.shim") or imported.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("name", [name for name in MODULES if top(name) in ("cli", "api")])
def test_commands_and_the_api_reach_the_supervisor_through_control(name: str) -> None:
    if name not in MAY_IMPORT_LOOP:
        assert "loop" not in {top(imported) for imported in ours(name, MODULES[name])}


def test_the_ground_has_no_cycle() -> None:
    waiting = {name: ours(name, MODULES[name]) for name in MODULES if top(name) in GROUND}
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        assert free, f"a cycle among {sorted(waiting)}"
        for name in free:
            del waiting[name]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("deploy.build", "from supervisor import log, __version__", {"log"}),
        ("deploy.build", "import supervisor.loop", {"loop"}),
        ("deploy.build", "from ..control import requests", {"control.requests"}),
        ("deploy.build", "from . import hooks", {"deploy.hooks"}),
        ("deploy.build", "def f():\n    from supervisor.cli.run import run", {"cli.run"}),
        ("loop", "from .deploy.build import Builder", {"deploy.build"}),
        ("deploy.build", "import os.path, json", set[str]()),
    ],
)
def test_the_reading_of_imports(tmp_path: Path, name: str, text: str, found: set[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert ours(name, path) == found
