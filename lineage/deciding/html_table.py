"""A small HTML table whose rows begin with what is done to an asset, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_COLOURS = {
    "run": "#b45309",
    "maybe": "#6b7280",
    "restore": "#1d4ed8",
    "held": "#b91c1c",
    "keep": "#15803d",
    "materialized": "#15803d",
    "restored": "#1d4ed8",
    "fresh": "#6b7280",
    "failed": "#b91c1c",
    "skipped": "#6b7280",
}
_WORDS = {"keep": "fresh"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; the first cell of a row is an action word, shown in its colour."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in header)
    lines = [f"<tr>{_word(row[0])}{''.join(map(_cell, row[1:]))}</tr>" for row in rows]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _word(action: str) -> str:
    colour = _COLOURS.get(action, "inherit")
    word = escape(_WORDS.get(action, action))
    return f"<td style='text-align:left;font-weight:600;color:{colour}'>{word}</td>"


def _cell(text: str) -> str:
    return f"<td style='text-align:left'>{escape(text)}</td>"
