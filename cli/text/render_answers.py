"""Show what `why`, `status`, `history` and `diff` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from assetctl.cli.text.render import facts_table, headed_table, heading, text, word
from assetctl.cli.text.speech import clean, count, duration, either, moment, one_line, size
from assetctl.cli.text.typed import Words
from assetctl.engine.answers.values import AssetStatus, Explanation, HistoryEntry, RootCause, SymbolChange, VersionDiff
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import PlannedAsset
from assetctl.lineage.deciding.reasons import CodeChanged, LastAttemptFailed, Reason, SourceChanged, describe
from assetctl.lineage.facts.records import Pinned, Purpose

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_DIFF_LINES = 60
_LONGEST_LINE = 200
_BEFORE_DIFFERENCE = 40
_UNEXPLAINED = "what of its code differs is not known: what was recorded of it then is not there, or reads the same"


def short(digest: str | None) -> str:
    """Return the eight characters by which people name a version."""
    return (digest or "").removeprefix("b3:")[:8]


def show_explanation(console: Console, explanation: Explanation, typed: Words = str) -> None:
    """Print verdict, reasons, where they began, and the code that changed."""
    recorded = explanation.recorded
    last = f"last materialized {moment(recorded.materialization.started_at)}" if recorded else "never materialized"
    if explanation.planned is None:
        heading(console, f"{explanation.asset} is a source: it is observed, not computed")
        return
    console.print(Text.assemble((explanation.asset, "bold"), " is ", word(explanation.verdict), (f"   {last}", "dim")))
    planned = explanation.planned
    if planned.served is not None:
        console.print(text(f"  {planned.served.describe()}"))
        console.print(
            text(typed(f"  lift the pin with `assetctl rollback {explanation.asset} --lift`"), "dim"), soft_wrap=True
        )
    _show_reasons(console, planned.reasons, explanation, typed)
    if planned.decision.refused is not None:
        console.print(
            text(typed(f"  what it said no to: `assetctl show {planned.decision.refused}`"), "dim"), soft_wrap=True
        )
    if planned.waiting_on:
        console.print(text(f"  it runs only if {either(planned.waiting_on)} changes"))
    if planned.restorable:
        console.print(text("  an earlier result was made from exactly this: it is restored, nothing runs"))
    for name in planned.checks if planned.action is Action.KEEP else ():
        console.print(text(f"  check `{name}` was not asked about this data yet"))
    for cause in explanation.causes:
        _show_cause(console, cause, typed)
    for symbol in explanation.symbols:
        _show_symbol(console, symbol)
    if explanation.is_code_unexplained:
        console.print(text(f"  {_UNEXPLAINED}", "dim"))
    _show_unseen(console, explanation, planned)


def _show_unseen(console: Console, explanation: Explanation, planned: PlannedAsset) -> None:
    """Print what may count though nothing compares it."""
    for place in explanation.is_dynamic:
        console.print(text(f"  cannot be followed: {place}", "yellow"))
    for name in planned.unseen:
        console.print(text(f"  not seen when it was made: {name}", "yellow"))


def _show_reasons(console: Console, reasons: Sequence[Reason], explanation: Explanation, typed: Words) -> None:
    for number, reason in enumerate(reasons, start=1):
        console.print(text(f"  {number}. {describe(reason)}"))
        for line in _more_of(reason, explanation):
            console.print(text(typed(f"     {line}"), "dim"), soft_wrap=True)


def _more_of(reason: Reason, explanation: Explanation) -> Iterator[str]:
    """Say of a reason what its clause has no room for: where to look."""
    match reason:
        case SourceChanged(source) if source in explanation.sources:
            yield f"it is read from {explanation.sources[source]}"
        case LastAttemptFailed(error_type, message):
            first = one_line(message)[:_LONGEST_LINE]
            yield f"{error_type}: {first}" if first and not first.startswith(error_type) else first or error_type
            yield f"what it printed: `assetctl logs {explanation.asset}`"


def _show_cause(console: Console, cause: RootCause, typed: Words) -> None:
    path = " ← ".join(cause.path)
    console.print(Text.assemble("\n  ", ("begins at ", "dim"), (clean(cause.path[-1]), "bold")))
    console.print(text(f"    {path}", "dim"))
    for reason in cause.reasons:
        console.print(text(f"    {describe(reason)}"))
    if any(isinstance(reason, CodeChanged) for reason in cause.reasons):
        asset = cause.path[-1].asset
        console.print(text(typed(f"    what of it: `assetctl why {asset}`"), "dim"), soft_wrap=True)


def _show_symbol(console: Console, symbol: SymbolChange) -> None:
    console.print(Text.assemble("\n  ", word(symbol.change), " ", (clean(symbol.name), "bold"), (f"   {clean(symbol.where)}", "dim")))  # fmt: skip
    if len(symbol.path) > 1:
        console.print(text(f"    {' → '.join(symbol.path)}", "dim"))
    if not symbol.diff:
        console.print(text("    its content differs; what is recorded of it reads the same", "dim"))
    _show_unified(console, symbol.diff, indent=4)


def _show_unified(console: Console, unified: str, indent: int = 2) -> None:
    lines = _windowed([line for line in clean(unified).splitlines() if not line.startswith(("--- ", "+++ "))])
    for line in lines[:_DIFF_LINES]:
        console.print(Text(" " * indent + line, _DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
    if len(lines) > _DIFF_LINES:
        console.print(text(f"{' ' * indent}{count(len(lines) - _DIFF_LINES, 'more line')}; --json has all", "dim"))


def _windowed(lines: Sequence[str]) -> list[str]:
    """Return lines of a diff with the very long ones cut to what is around the first difference in its neighbour."""
    shown = list(lines)
    for place, line in enumerate(lines):
        if len(line) <= _LONGEST_LINE:
            continue
        after = lines[place + 1] if place + 1 < len(lines) else ""
        before = lines[place - 1] if place else ""
        other = after if line[:1] == "-" and after[:1] == "+" else before if line[:1] == "+" else ""
        same = _n_alike(line[1:], other[1:]) if other[:1] in ("-", "+") else 0
        start = max(1, same + 1 - _BEFORE_DIFFERENCE)
        cut = line[start : start + _LONGEST_LINE]
        end = "…" if start + len(cut) < len(line) else ""
        shown[place] = f"{line[0]}{'…' if start > 1 else ''}{cut}{end}"
    return shown


def _n_alike(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def show_status(console: Console, states: Sequence[AssetStatus]) -> None:
    """Print one line per asset, and how many are in which state."""
    is_wide = console.width >= 100
    headings = ["state", "asset", "materialized", "rows", "size", "took", *(["why"] if is_wide else [])]
    rows = []
    for state in states:
        cells = [
            word(state.state),
            text(state.asset, "bold"),
            text(moment(state.last_materialized), "dim"),
            text("" if state.n_rows is None else f"{state.n_rows:,}"),
            text(size(state.size_bytes)),
            text("" if state.duration_s is None else duration(state.duration_s)),
        ]
        served = state.planned.served if state.planned is not None else None
        why = "; ".join(describe(reason) for reason in state.reasons[:2]) if served is None else served.describe()
        rows.append([*cells, text(why)] if is_wide else cells)
    console.print(headed_table(headings, rows, right=("rows", "size", "took")))
    held = [state.state for state in states]
    console.print(text("\n" + ", ".join(f"{held.count(name)} {name}" for name in dict.fromkeys(held)), "dim"))


def show_history(console: Console, entries: Sequence[HistoryEntry]) -> None:
    """Print one line per materialization."""
    is_wide = console.width >= 100
    headings = ["when", "asset", "version", "how", "rows", "size", "took", *(["why"] if is_wide else [])]
    rows = []
    for entry in entries:
        cells = [
            text(moment(entry.started_at), "dim"),
            text(entry.asset, "bold"),
            text(short(entry.data_version)),
            word(entry.action),
            text("" if entry.n_rows is None else f"{entry.n_rows:,}"),
            text(size(entry.size_bytes)),
            text("" if entry.action == "restored" else duration(entry.duration_s)),
        ]
        rows.append([*cells, text(_remarks(entry))] if is_wide else cells)
    console.print(headed_table(headings, rows, right=("rows", "size", "took")))


def _remarks(entry: HistoryEntry) -> str:
    pins = {"keep": "pinned: gc keeps it", "serve": "pinned: it is served"}
    marks = ["forgotten"] if entry.forgotten else []
    return "; ".join([*marks, *(pins[name] for name in entry.pinned), recorded_why(entry.reasons)]).removesuffix("; ")


def show_pins(console: Console, pins: Sequence[Pinned]) -> None:
    """Print one line per pin in force."""
    what = {Purpose.KEEP: "gc keeps it", Purpose.SERVE: "served"}
    rows = [
        (
            text(pin.target, "bold"),
            text(short(pin.data_version)),
            text(what[pin.purpose]),
            text(moment(pin.pinned_at), "dim"),
            text(pin.note),
        )
        for pin in pins
    ]
    console.print(headed_table(("asset", "version", "for", "since", "note"), rows))


def recorded_why(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Return recorded reasons (JSON of a kind) as words, one clause per kind."""
    clauses: dict[str, list[str]] = {}
    for reason in reasons:
        about = clauses.setdefault(str(reason.get("kind", "")).replace("_", " "), [])
        about += [str(reason[name]) for name in ("upstream", "source", "check") if reason.get(name)]
        about += [str(change.get("name")) for change in reason.get("changes", ())]
    return "; ".join(f"{kind} ({', '.join(about)})" if about else kind for kind, about in clauses.items())


def show_diff(console: Console, diff: VersionDiff) -> None:
    """Print two versions side by side: why they differ, then how."""
    heading(console, diff.asset, f"{short(diff.old.data_version)} → {short(diff.new.data_version)}")
    console.print(
        facts_table(
            (
                ("  old", f"{moment(diff.old.started_at)}, {_measures(diff.old)}"),
                ("  new", f"{moment(diff.new.started_at)}, {_measures(diff.new)}"),
                (
                    "  made from",
                    "; ".join(describe(reason) for reason in diff.reasons) or "the same definition and inputs",
                ),
            )
        )
    )
    if diff.same:
        console.print(text("  equal: both versions have the same content"))
    if diff.row_summary is not None:
        only = ", ".join(f"{n:,} {name}" for name, n in diff.row_summary.items())
        console.print(text(f"  rows: {only}"))
    if diff.columns:
        console.print()
    for column in diff.columns:
        types = {"added": column.new_type, "removed": column.old_type, "type": f"{column.old_type} → {column.new_type}"}
        name = "changed type" if column.change == "type" else column.change
        line = Text.assemble("  ", word(name), " column ", (clean(column.name), "bold"))
        console.print(line.append(f"  {clean(str(types.get(column.change) or ''))}", "dim"))
    if diff.text:
        console.print()
        _show_unified(console, diff.text)


def _measures(entry: HistoryEntry) -> str:
    rows = [] if entry.n_rows is None else [count(entry.n_rows, "row")]
    return ", ".join([*rows, size(entry.size_bytes), one_line(recorded_why(entry.reasons), 80)]).rstrip(", ")
