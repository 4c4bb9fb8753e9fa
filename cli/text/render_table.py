"""Print rows of an Arrow table: as many columns as fit, numbers right, long values cut, NULL dim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assetctl.cli.text.render import text
from assetctl.cli.text.speech import clean, count, one_line

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_CELL = 60


def show_table(console: Console, table: pa.Table, limit: int, *, indent: int = 0) -> None:
    """Print the first `limit` rows; says which columns were left out for want of width."""
    rows = [list(row.values()) for row in _distinct(table.slice(0, limit)).to_pylist()]
    names = [clean(name) for name in table.column_names]
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [min(_LONGEST_CELL, max([len(name), *(row[i].cell_len for row in cells)])) for i, name in enumerate(names)]
    n_fitting = _n_fitting(widths, console.width - indent)
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    if indent:
        shown.add_column(width=indent - 2)
    for name, field in zip(names[:n_fitting], table.schema, strict=False):
        shown.add_column(name, justify="right" if _is_number(field.type) else "left", no_wrap=True, overflow="ellipsis")
    for row in cells:
        shown.add_row(*([""] if indent else []), *row[:n_fitting])
    console.print(shown)
    if n_fitting < len(names):
        left_out = one_line(", ".join(names[n_fitting:]), max(console.width - 20 - indent, 40))
        console.print(text(f"{' ' * indent}{count(len(names) - n_fitting, 'more column')}: {left_out}", "dim"))


def _distinct(table: pa.Table) -> pa.Table:
    """Return the table with distinct column names: rows are read as dicts, and SQL may name two columns alike."""
    names = table.column_names
    return table if len(set(names)) == len(names) else table.rename_columns([str(i) for i in range(len(names))])


def _n_fitting(widths: list[int], width: int) -> int:
    used = 0
    for number, wanted in enumerate(widths):
        used += wanted + 2
        if used - 2 > width and number > 0:
            return number
    return len(widths)


def _cell(value: object) -> Text:
    if value is None:
        return Text("null", "dim")
    if isinstance(value, float):
        return Text(f"{value:.6g}" if abs(value) < 1e15 else repr(value))
    return Text(one_line(str(value), _LONGEST_CELL))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types

    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
