"""Show a plan: one line for each step that is not fresh, saying what happens to it, why, and via whom."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from assetctl.assets.ids import AssetKey
from assetctl.cli.render import columns_table, heading, text, word
from assetctl.cli.speech import count, either, names
from assetctl.lineage.decide import Action
from assetctl.lineage.plan import Plan, PlannedAsset
from assetctl.lineage.reasons import describe

_WORDS = {
    Action.RUN: "run",
    Action.MAYBE: "maybe",
    Action.RESTORE: "restore",
    Action.HELD: "held",
    Action.KEEP: "fresh",
}
_SHOWN_REASONS = 2
_SHOWN_FRESH = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a plan: the outputs of one step, one word, and the clauses that say why."""

    word: str
    assets: tuple[AssetKey, ...]
    why: tuple[str, ...]


def plan_rows(plan: Plan) -> list[Row]:
    """Return the lines of a plan in its order; outputs of one step share a line, fresh ones are left out."""
    by_key = {planned.asset: planned for planned in plan.steps}
    rows: dict[AssetKey, Row] = {}
    for planned in plan.steps:
        named = _word(planned)
        if named == "fresh":
            continue
        step = planned.decision.step.key
        before = rows.get(step)
        why = _why(planned, by_key)
        if before is None or before.word != named:
            rows[planned.asset if before is not None else step] = Row(named, (planned.asset,), why)
        else:
            rows[step] = Row(named, (*before.assets, planned.asset), tuple(dict.fromkeys((*before.why, *why))))
    return list(rows.values())


def show_plan(console: Console, plan: Plan, selection: str, *, explain: bool) -> None:
    """Print the plan and its totals."""
    heading(console, f"Plan for {selection}" if selection else "Plan", count(len(plan.steps), "asset"))
    rows = plan_rows(plan)
    fresh = [planned.asset for planned in plan.steps if _word(planned) == "fresh"]
    lines = [(word(row.word), text(", ".join(row.assets)), _clauses(row.why, explain=explain)) for row in rows]
    if fresh:
        lines.append((word("fresh"), text(count(len(fresh), "asset")), text(names(fresh, _SHOWN_FRESH), "dim")))
    if lines:
        console.print()
        console.print(columns_table(console, lines))
    console.print()
    console.print(text(f"  {totals(plan)}"))


def totals(plan: Plan) -> str:
    """Return how many assets the plan does what with, as a sentence."""
    if plan.is_fresh:
        return f"everything is fresh: nothing to do for {count(len(plan.steps), 'asset')}"
    words = [_word(planned) for planned in plan.steps]
    verbs = {
        "run": "will run",
        "maybe": "may run",
        "restore": "restore",
        "held": "held by a check",
        "check": "to check",
        "fresh": "fresh",
    }
    return ", ".join(f"{verb} {words.count(name)}" for name, verb in verbs.items() if name in words)


def _word(planned: PlannedAsset) -> str:
    return "check" if planned.action is Action.KEEP and planned.checks else _WORDS[planned.action]


def _why(planned: PlannedAsset, by_key: dict[AssetKey, PlannedAsset]) -> tuple[str, ...]:
    match planned.action:
        case Action.KEEP:
            asked = ", ".join(f"`{name}`" for name in planned.checks)
            return (
                f"its data is fresh, but {asked} {'was' if len(planned.checks) == 1 else 'were'} not asked about it",
            )
        case Action.MAYBE:
            return (_condition(planned, by_key),)
        case Action.RESTORE:
            return (*map(describe, planned.reasons), "an earlier result was made from exactly this, so nothing runs")
        case Action.RUN | Action.HELD:
            return tuple(map(describe, planned.reasons)) or ("another output of its function is stale",)


def _condition(planned: PlannedAsset, by_key: dict[AssetKey, PlannedAsset]) -> str:
    waiting = planned.waiting_on
    clause = f"if {either(waiting)} changes" if len(waiting) < 4 else f"if one of {names(waiting, 3)} changes"
    roots = _roots(planned, by_key)
    return clause if not roots or set(roots) <= set(waiting) else f"{clause} (begins at {names(roots, 3)})"


def _roots(planned: PlannedAsset, by_key: dict[AssetKey, PlannedAsset]) -> list[AssetKey]:
    """Return the assets that will run for certain and on which the undecided one waits, near or far."""
    found: list[AssetKey] = []
    waiting, seen = list(planned.waiting_on), set[AssetKey]()
    while waiting:
        key = waiting.pop()
        if key in seen or key not in by_key:
            continue
        seen.add(key)
        upstream = by_key[key]
        if upstream.action is Action.MAYBE:
            waiting.extend(upstream.waiting_on)
        else:
            found.append(key)
    return sorted(found)


def _clauses(why: tuple[str, ...], *, explain: bool) -> Text:
    if explain:
        return text("\n".join(why))
    more = len(why) - _SHOWN_REASONS
    shown = "; ".join(why[:_SHOWN_REASONS])
    return text(shown if more <= 0 else f"{shown} (and {count(more, 'more reason', 'more reasons')})")
