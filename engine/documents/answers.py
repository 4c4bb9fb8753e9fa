"""What is true and why, as JSON: plan, status, why, history, diff, show, logs, and files handed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assetctl.engine.answers.logs import Log
from assetctl.engine.answers.plain_json import plain
from assetctl.engine.answers.read import Written
from assetctl.engine.answers.show import Shown
from assetctl.engine.answers.values import (
    AssetStatus,
    Explanation,
    HistoryEntry,
    RootCause,
    SymbolChange,
    VersionDiff,
)
from assetctl.engine.documents.declared import declared_json
from assetctl.engine.documents.parts import pinned_json, planned_json, recorded_json
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.deciding.reasons import to_json


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as schema `assetctl.plan/1`."""
    return {"schema": "assetctl.plan/1", "fresh": plan.is_fresh, "steps": [planned_json(p) for p in plan.steps]}


def status_json(states: Sequence[AssetStatus]) -> dict[str, Any]:
    """Return one state per asset as schema `assetctl.status/1`."""
    return {"schema": "assetctl.status/1", "assets": [_state(state) for state in states]}


def _state(state: AssetStatus) -> dict[str, Any]:
    own = {name: getattr(state, name) for name in state.__dataclass_fields__ if name != "planned"}
    pinned = pinned_json(state.planned) if state.planned is not None else None
    return {**own, "reasons": [to_json(r) for r in state.reasons], "pinned": pinned}


def why_json(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation of a verdict as schema `assetctl.why/1`."""
    planned, recorded = explanation.planned, explanation.recorded
    return {
        "schema": "assetctl.why/1",
        "asset": explanation.asset,
        "verdict": explanation.verdict,
        "restorable": planned.restorable if planned else False,
        "reasons": [to_json(r) for r in planned.reasons] if planned else [],
        "waiting_on": list(planned.waiting_on) if planned else [],
        "root_causes": [_cause(cause) for cause in explanation.causes],
        "symbols": [_symbol(symbol) for symbol in explanation.symbols],
        "dynamic": list(explanation.is_dynamic),
        "unseen": list(planned.unseen) if planned else [],
        "last_materialized": recorded.materialization.started_at if recorded else None,
        "data_version": recorded.output.value.version if recorded else None,
        "pinned": pinned_json(planned) if planned else None,
    }


def _cause(cause: RootCause) -> dict[str, Any]:
    return {"asset": cause.path[-1], "path": list(cause.path), "reasons": [to_json(r) for r in cause.reasons]}


def _symbol(symbol: SymbolChange) -> dict[str, Any]:
    return {**asdict(symbol), "path": list(symbol.path)}


def history_json(entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Return materializations as schema `assetctl.history/1`."""
    return {"schema": "assetctl.history/1", "entries": [_entry(entry) for entry in entries]}


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    own = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    more = {"metrics": dict(entry.metrics), "pinned": list(entry.pinned)}
    return {**own, "reasons": [dict(r) for r in entry.reasons], **more}


def diff_json(diff: VersionDiff) -> dict[str, Any]:
    """Return two versions side by side as schema `assetctl.diff/1`."""
    return {
        "schema": "assetctl.diff/1",
        "asset": diff.asset,
        "same": diff.same,
        "old": _entry(diff.old),
        "new": _entry(diff.new),
        "columns": [asdict(column) for column in diff.columns],
        "rows": dict(diff.row_summary) if diff.row_summary is not None else None,
        "reasons": [to_json(r) for r in diff.reasons],
        "text": diff.text,
    }


def show_json(shown: Shown) -> dict[str, Any]:
    """Return everything about one asset as schema `assetctl.show/1`."""
    checks = [
        {
            "check": check.name,
            "passed": check.passed,
            "blocking": check.blocking,
            "message": check.message,
            "ran_at": check.ran_at,
        }
        for check in shown.checks
    ]
    return {
        "schema": "assetctl.show/1",
        "asset": shown.asset,
        "declared": declared_json(shown.declared) if shown.declared is not None else None,
        "materialization": recorded_json(shown.recorded) if shown.recorded is not None else None,
        "checks": checks,
        "preview": plain(shown.table.to_pylist()) if shown.table is not None else shown.text,
        "form": plain(shown.form),
    }


def logs_json(logs: Sequence[Log]) -> dict[str, Any]:
    """Return what steps printed as schema `assetctl.logs/1`."""
    return {"schema": "assetctl.logs/1", "logs": [asdict(log) for log in logs]}


def get_json(written: Written) -> dict[str, Any]:
    """Return what was written to a file as schema `assetctl.get/1`."""
    return {
        "schema": "assetctl.get/1",
        "asset": written.asset,
        "path": str(written.path),
        "data_version": written.data_version,
        "size_bytes": written.size_bytes,
    }
