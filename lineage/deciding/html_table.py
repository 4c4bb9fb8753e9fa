"""Plans, runs and explanations as small HTML tables, for notebooks. Pure text; says the same words as the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import describe

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


def plan_html(plan: Plan) -> str:
    """Return a table with a row per asset: what would happen to it, and why."""
    rows = [(p.action.value, p.asset, why(p)) for p in plan.steps]
    return table(("", "asset", "why"), rows)


def why(planned: PlannedAsset) -> str:
    """Return why an asset would be built, in one line; "" if it would not."""
    parts = [planned.served.describe()] if planned.served is not None else []
    parts += [describe(reason) for reason in planned.reasons]
    if planned.waiting_on:
        parts.append(f"if {' or '.join(planned.waiting_on)} changes")
    if planned.checks and planned.action.is_keep:
        parts.append(f"checks to ask: {', '.join(planned.checks)}")
    return "; ".join(parts)


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
