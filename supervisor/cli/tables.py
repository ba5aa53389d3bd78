"""Tables for people, on a terminal or in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_IN_A_LOG = 160


def console() -> Console:
    """Standard output; without colours, and wide, where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_LOG, highlight=False)


def show(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; the last column is cut where the line ends. What stands in it is never taken for markup."""
    screen = console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    cells = [[Text(_printable(text)) for text in row] for row in rows]
    widths = [max([len(name), *(row[place].cell_len for row in cells)]) for place, name in enumerate(head)]
    gaps = 2 * (len(widths) - 1)
    widths[-1] = min(widths[-1], max(screen.width - sum(widths[:-1]) - gaps, len(head[-1])))
    for name, width in zip(head, widths, strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        table.add_row(*row)
    _print(screen, table)


def show_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, aligned."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name), Text(_printable(value)))
    _print(console(), table)


def _print(screen: Console, table: Table) -> None:
    """A log gets no blanks at the ends of lines."""
    with screen.capture() as captured:
        screen.print(table)
    text = captured.get()
    sys.stdout.write(text if sys.stdout.isatty() else "".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def _printable(text: str) -> str:
    """A commit's subject may hold anything; a terminal must not obey it."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
