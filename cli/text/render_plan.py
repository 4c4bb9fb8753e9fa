"""Show a plan: one line for each step that is not fresh, saying what happens to it, why, and via whom."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from assetctl.assets.ids import Target
from assetctl.cli.text.render import columns_table, heading, text, word
from assetctl.cli.text.speech import count, either, names
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import describe

_WORDS = {
    Action.RUN: "run",
    Action.MAYBE: "maybe",
    Action.RESTORE: "restore",
    Action.HELD: "held",
    Action.KEEP: "fresh",
}
_SHOWN_REASONS = 2
_SHOWN_FRESH = 8
_SHOWN_ROOTS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a plan: the outputs of one step, one word, and the clauses that say why."""

    word: str
    assets: tuple[Target, ...]
    why: tuple[str, ...]


def plan_rows(plan: Plan) -> list[Row]:
    """Return the lines of a plan in its order; outputs of one step share a line, fresh ones are left out.

    What is fresh because it is pinned has a line: the pin is part of the verdict.
    """
    roots = _roots(plan)
    rows: dict[Target, Row] = {}
    for planned in plan.steps:
        named = _word(planned)
        if named == "fresh" and planned.served is None:
            continue
        step = planned.decision.target
        before = rows.get(step)
        why = _why(planned, roots.get(planned.target, ()))
        if before is None or before.word != named:
            rows[planned.target if before is not None else step] = Row(named, (planned.target,), why)
        else:
            rows[step] = Row(named, (*before.assets, planned.target), tuple(dict.fromkeys((*before.why, *why))))
    return list(rows.values())


def show_plan(console: Console, plan: Plan, selection: str, *, explain: bool, limit: int = 200) -> None:
    """Print the plan, at most `limit` lines of it (0: all), and its totals."""
    heading(console, f"Plan for {selection}" if selection else "Plan", count(len(plan.steps), "asset"))
    rows = plan_rows(plan)
    fresh = [planned.target for planned in plan.steps if _word(planned) == "fresh" and planned.served is None]
    shown = rows[:limit] if limit else rows
    lines = [(word(row.word), text(", ".join(row.assets)), _clauses(row.why, explain=explain)) for row in shown]
    if len(rows) > len(shown):
        lines.append((text("..."), text(f"{len(rows) - len(shown):,} more"), text("--limit 0 shows them all", "dim")))
    if fresh:
        lines.append((word("fresh"), text(count(len(fresh), "asset")), text(names(fresh, _SHOWN_FRESH), "dim")))
    if lines:
        console.print()
        console.print(columns_table(console, lines))
    console.print()
    console.print(text(f"  {totals(plan)}"))
    unseen = [f"`{planned.target}` ({', '.join(planned.unseen)})" for planned in plan.steps if planned.unseen]
    if unseen:
        console.print(text(f"  not seen when they were made: {names(unseen, _SHOWN_FRESH)}", "dim"))


def totals(plan: Plan) -> str:
    """Return how many assets the plan does what with, as a sentence."""
    if plan.is_fresh:
        return f"everything is fresh: nothing to do for {count(len(plan.steps), 'asset')}"
    words = [_word(planned) for planned in plan.steps]
    verbs = {
        "run": "will run",
        "maybe": "may run",
        "restore": "restore",
        "held": "held",
        "check": "to check",
        "fresh": "fresh",
    }
    return ", ".join(f"{verb} {words.count(name)}" for name, verb in verbs.items() if name in words)


def _word(planned: PlannedAsset) -> str:
    return "check" if planned.action is Action.KEEP and planned.checks else _WORDS[planned.action]


def _why(planned: PlannedAsset, roots: tuple[Target, ...]) -> tuple[str, ...]:
    if planned.served is not None:
        return (planned.served.describe(),)
    match planned.action:
        case Action.HELD if planned.decision.pins:
            version = next(iter(planned.decision.pins.values())).data_version.removeprefix("b3:")[:8]
            return (f"pinned to b3:{version}, so it is not built", *map(describe, planned.reasons))
        case Action.KEEP:
            asked = ", ".join(f"`{name}`" for name in planned.checks)
            return (
                f"its data is fresh, but {asked} {'was' if len(planned.checks) == 1 else 'were'} not asked about it",
            )
        case Action.MAYBE:
            return (_condition(planned.waiting_on, roots),)
        case Action.RESTORE:
            return (*map(describe, planned.reasons), "an earlier result was made from exactly this, so nothing runs")
        case Action.RUN | Action.HELD:
            return tuple(map(describe, planned.reasons)) or ("another output of its function is stale",)


def _condition(waiting: tuple[Target, ...], roots: tuple[Target, ...]) -> str:
    clause = f"if {either(waiting)} changes" if len(waiting) < 4 else f"if one of {names(waiting, 3)} changes"
    if not roots or set(roots) <= set(waiting):
        return clause
    more = " and others" if len(roots) > _SHOWN_ROOTS else ""
    return f"{clause} (begins at {', '.join(roots[:_SHOWN_ROOTS])}{more})"


def _roots(plan: Plan) -> dict[Target, tuple[Target, ...]]:
    """Return for each undecided asset the first assets that act for certain and on which it waits, near or far.

    At most one more than are shown: a plan of 10,000 assets has no use for all.
    """
    roots: dict[Target, tuple[Target, ...]] = {}
    for planned in plan.steps:  # upstreams come first
        if planned.action is Action.MAYBE:
            near = {root for key in planned.waiting_on for root in roots.get(key, (key,))}
            roots[planned.target] = tuple(sorted(near)[: _SHOWN_ROOTS + 1])
    return roots


def _clauses(why: tuple[str, ...], *, explain: bool) -> Text:
    if explain:
        return text("\n".join(why))
    more = len(why) - _SHOWN_REASONS
    shown = "; ".join(why[:_SHOWN_REASONS])
    return text(shown if more <= 0 else f"{shown} (and {count(more, 'more reason', 'more reasons')})")
