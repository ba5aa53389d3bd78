"""What is printed: a table a section, each value with its ratio to the first row's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

WIDTH = 26
COLUMN = 30


class Table:
    """Rows of figures. The first row is what the others are compared with, unless `ratios` is False."""

    def __init__(self, title: str, columns: Sequence[str], ratios: bool = True) -> None:
        self.title = title
        self.columns = columns
        self.ratios = ratios
        self.rows: list[tuple[str, tuple[float | None, ...]]] = []

    def add(self, name: str, *values: float | None) -> None:
        self.rows.append((name, values))

    def show(self) -> None:
        print(f"\n{self.title}", flush=True)
        print(" " * WIDTH + "".join(f"{column:>{COLUMN}}" for column in self.columns))
        for name, values in self.rows:
            cells = (self._cell(value, base) for value, base in zip(values, self.rows[0][1], strict=True))
            print(f"  {name:{WIDTH - 2}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells), flush=True)

    def _cell(self, value: float | None, base: float | None) -> str:
        if value is None:
            return "–"
        digits = 0 if value == 0 or value >= 100 else 1 if value >= 10 else 2
        ratio = f" ({value / base:.1f} x)" if self.ratios and base else ""
        return f"{value:,.{digits}f}{ratio}"


@contextmanager
def directory_for(name: str) -> Iterator[Path]:
    """A new directory, removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix=f"orbit-bench-{name.split()[0]}-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
