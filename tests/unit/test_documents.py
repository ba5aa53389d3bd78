"""The table of variables, the example file and the reference page say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor.settings import load
from supervisor.variable import Kind, Variable
from supervisor.variables import BY_NAME, VARIABLES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "conf/orbit.env.example"
REFERENCE = ROOT / "docs/settings.md"

GROUPS = list(dict.fromkeys(variable.group for variable in VARIABLES))


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def reference_row(variable: Variable) -> str:
    """A variable's line in the reference page."""
    kind = f"{variable.kind}, secret" if variable.secret else str(variable.kind)
    default = f"`{variable.default}`" if variable.default else variable.otherwise
    if variable.required:
        default = "**required**"
    allowed = variable.allowed.replace("\\", "\\\\").replace("<", "\\<")
    cells = (
        f"`{variable.name}`",
        sentence(variable.meaning),
        kind,
        default,
        allowed,
        f"`{variable.example}`",
    )
    return f"| {' | '.join(cells)} |"


def example_entry(variable: Variable) -> str:
    """A variable's lines in the example file: a required one is set, the others are commented out."""
    default = "Required." if variable.required else f"Default: {variable.default or variable.otherwise}."
    line = f"{variable.name}={variable.example if variable.required else variable.default or variable.example}"
    comment = f"# {sentence(variable.meaning)}\n# Allowed: {variable.allowed}. {default}\n"
    return comment + (line if variable.required else f"#{line}") + "\n"


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_reference_page_has_the_line_of(variable: Variable) -> None:
    assert reference_row(variable) in REFERENCE.read_text().splitlines()


def test_reference_page_has_no_other_lines_and_keeps_the_order() -> None:
    names = re.findall(r"^\| `([^`]+)`", REFERENCE.read_text(), re.MULTILINE)
    assert names == [variable.name for variable in VARIABLES]
    assert re.findall(r"^## (.+)", REFERENCE.read_text(), re.MULTILINE)[: len(GROUPS)] == GROUPS


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_example_file_has_the_entry_of(variable: Variable) -> None:
    assert f"\n{example_entry(variable)}" in EXAMPLE.read_text()


def test_example_file_has_no_other_entries_and_keeps_the_order() -> None:
    names = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE)
    assert names == [variable.name for variable in VARIABLES]


def test_example_file_as_it_is_loads() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    loaded = load(dict(line.split("=", 1) for line in lines))
    assert loaded.given == {variable.name for variable in VARIABLES if variable.required}


def test_every_example_is_allowed() -> None:
    assert load({variable.name: variable.example for variable in VARIABLES}).given == BY_NAME.keys()


def test_numbers_and_choices_have_a_default() -> None:
    """Without a default in the table, the loader has nothing to read: numbers and choices must have one."""
    for variable in VARIABLES:
        if variable.kind in (Kind.WHOLE, Kind.SECONDS, Kind.SIZE, Kind.BOOLEAN, Kind.CHOICE):
            assert variable.default, variable.name
