"""The look of everything printed with rich: tables without lines, words in a colour, cleaned text.

Names are never broken where they can stand whole; colour only repeats what a word says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assetctl.cli.text.speech import clean

STYLES = {
    "run": "bold red",
    "maybe": "yellow",
    "restore": "blue",
    "held": "magenta",
    "check": "cyan",
    "fresh": "green",
    "stale": "bold red",
    "undecided": "yellow",
    "missing": "bold red",
    "failed": "bold red",
    "source": "dim",
    "materialized": "green",
    "restored": "blue",
    "accepted": "blue",
    "candidate": "magenta",
    "skipped": "yellow",
    "added": "green",
    "removed": "red",
    "changed": "yellow",
}
_NAMES_SHARE = 0.45  # of the width: a longer name is folded rather than squeezing the rest


def word(text: str) -> Text:
    """Return one of our words in its colour."""
    return Text(clean(text), style=STYLES.get(text, ""))


def text(value: object, style: str = "") -> Text:
    """Return cleaned text; nothing in it is markup."""
    return Text(clean(str(value)), style=style)


def columns_table(console: Console, rows: Iterable[Sequence[Text]], *, name_column: int = 1, indent: int = 2) -> Table:
    """Return rows as columns without lines; the last column wraps, the name column folds only when it must."""
    kept = [list(row) for row in rows]
    n_columns = max((len(row) for row in kept), default=0)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False, expand=False)
    longest = max((row[name_column].cell_len for row in kept if len(row) > name_column), default=0)
    name_width = min(longest, int(console.width * _NAMES_SHARE))
    table.add_column(width=indent - 2 if indent > 2 else None, no_wrap=True)
    for column in range(n_columns):
        if column == name_column:
            table.add_column(width=name_width, overflow="fold")
        else:
            table.add_column(no_wrap=column != n_columns - 1, overflow="fold")
    for row in kept:
        table.add_row("", *row)
    return table


def headed_table(headings: Sequence[str], rows: Iterable[Sequence[Text]], right: Sequence[str] = ()) -> Table:
    """Return rows under headings; columns named in `right` are numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def facts_table(facts: Iterable[tuple[str, object]]) -> Table:
    """Return (label, value) lines; those without a value are left out."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, value in facts:
        if value is not None and value != "":
            table.add_row(label, value if isinstance(value, Text) else text(value))
    return table


def heading(console: Console, title: str, aside: str = "") -> None:
    """Print a heading, and beside it what belongs to it."""
    console.print(Text.assemble((clean(title), "bold"), (f"  {clean(aside)}" if aside else "", "dim")))
