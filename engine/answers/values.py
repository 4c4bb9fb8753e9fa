"""What the front door answers besides plans and runs: plain values that know their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.deciding.plan import PlannedAsset
from assetctl.lineage.deciding.reasons import Reason, describe, to_json
from assetctl.lineage.deciding.staleness import Fresh, Stale
from assetctl.lineage.facts.records import Pinned
from assetctl.lineage.facts.snapshot import Recorded


@dataclass(frozen=True, slots=True)
class RootCause:
    """Where staleness began: `path` leads from the asset asked about up to the asset with reasons of its own."""

    path: tuple[Target, ...]
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        return {"asset": self.path[-1], "path": list(self.path), "reasons": [to_json(r) for r in self.reasons]}


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """A symbol of the asset's code that differs from the recorded one; `path` leads from the asset to it."""

    name: str
    change: str  # "added", "removed" or "changed"
    where: str
    path: tuple[str, ...]
    diff: str  # unified

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": list(self.path)}


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Why an asset has its verdict. `planned` is None for a source; `recorded` None if it was never built."""

    asset: AssetKey
    planned: PlannedAsset | None
    causes: tuple[RootCause, ...]
    symbols: tuple[SymbolChange, ...]
    recorded: Recorded | None
    is_dynamic: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The verdict's word: fresh, stale, undecided, or source."""
        if self.planned is None:
            return "source"
        verdict = self.planned.verdict
        return "fresh" if isinstance(verdict, Fresh) else "stale" if isinstance(verdict, Stale) else "undecided"

    def to_json(self) -> dict[str, Any]:
        planned, recorded = self.planned, self.recorded
        return {
            "schema": "assetctl.why/1",
            "asset": self.asset,
            "verdict": self.verdict,
            "restorable": planned.restorable if planned else False,
            "reasons": [to_json(r) for r in planned.reasons] if planned else [],
            "waiting_on": list(planned.waiting_on) if planned else [],
            "root_causes": [cause.to_json() for cause in self.causes],
            "symbols": [symbol.to_json() for symbol in self.symbols],
            "dynamic": list(self.is_dynamic),
            "last_materialized": recorded.materialization.started_at if recorded else None,
            "data_version": recorded.output.value.version if recorded else None,
            "pinned": pinned_json(planned) if planned else None,
        }

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.asset} is {self.verdict}"]
        lines += [f"  {self.planned.served.describe()}"] if self.planned and self.planned.served else []
        lines += [f"  {describe(r)}" for r in (self.planned.reasons if self.planned else ())]
        lines += [f"  because {' ← '.join(c.path)}: {'; '.join(map(describe, c.reasons))}" for c in self.causes]
        lines += [f"  {s.change} {s.name}  {s.where}" for s in self.symbols]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}{escape(''.join(_diff_text(s) for s in self.symbols))}</pre>"


def pin_json(pin: Pinned) -> dict[str, Any]:
    """Return one pin as JSON."""
    return {
        "asset": pin.target.asset,
        "purpose": pin.purpose.value,
        "data_version": pin.data_version,
        "materialization_id": pin.materialization_id,
        "since": pin.pinned_at,
        "note": pin.note,
    }


def pinned_json(planned: PlannedAsset) -> dict[str, Any] | None:
    """Return the pin that keeps an asset from being built, and what would otherwise be reasons to; None without."""
    pin = planned.decision.pins.get(planned.target)
    if pin is None:
        return None
    served = planned.served
    return {
        "data_version": pin.data_version,
        "since": pin.pinned_at,
        "note": pin.note,
        "would_be_stale": [to_json(reason) for reason in served.would_be] if served is not None else [],
        "output": served.output.value if served is not None else None,
    }


def _diff_text(symbol: SymbolChange) -> str:
    return f"\n\n{symbol.diff}" if symbol.diff else ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One materialization of one asset. `action`: materialized, restored, accepted, or candidate (held back).

    `asset` is the name it had then. `pinned` says for what it is pinned: "keep", "serve".
    """

    asset: AssetKey
    materialization_id: str
    run_id: str
    action: str
    data_version: str
    started_at: str
    duration_s: float
    n_rows: int | None
    size_bytes: int
    reasons: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, float]
    forgotten: bool = False
    pinned: tuple[str, ...] = ()

    @classmethod
    def of(cls, recorded: Recorded, *, forgotten: bool = False, pinned: tuple[str, ...] = ()) -> HistoryEntry:
        fact, output = recorded.materialization, recorded.output
        action = "candidate" if not fact.published else "materialized" if fact.origin is None else "restored"
        if any(reason.get("kind") == "accepted" for reason in fact.reasons):
            action = "accepted"
        return cls(
            asset=output.target.asset,
            materialization_id=fact.id,
            run_id=fact.run_id,
            action=action,
            data_version=output.value.version,
            started_at=fact.started_at,
            duration_s=fact.duration_s,
            n_rows=output.value.n_rows,
            size_bytes=output.size_bytes,
            reasons=fact.reasons,
            metrics=fact.metrics,
            forgotten=forgotten,
            pinned=pinned,
        )

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        more = {"metrics": dict(self.metrics), "pinned": list(self.pinned)}
        return {**found, "reasons": [dict(r) for r in self.reasons], **more}


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """One asset at a glance. `state`: fresh, stale, missing, failed, undecided or source."""

    asset: AssetKey
    state: str
    last_materialized: str | None
    data_version: str | None
    n_rows: int | None
    size_bytes: int | None
    duration_s: float | None
    reasons: tuple[Reason, ...]
    group: str | None
    planned: PlannedAsset | None = None

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "planned"}
        pinned = pinned_json(self.planned) if self.planned is not None else None
        return {**found, "reasons": [to_json(r) for r in self.reasons], "pinned": pinned}


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that was added, removed, has other values ("changed") or another type ("type")."""

    name: str
    change: str
    old_type: str | None
    new_type: str | None


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Two versions of one asset side by side.

    `text` is a unified diff for values that read as text; `row_summary` counts rows that
    are in one version only; `reasons` say what of the definition and the inputs differs.
    """

    asset: AssetKey
    old: HistoryEntry
    new: HistoryEntry
    same: bool
    columns: tuple[ColumnChange, ...]
    text: str | None
    reasons: tuple[Reason, ...]
    row_summary: Mapping[str, int] | None

    @property
    def n_rows(self) -> tuple[int | None, int | None]:
        return self.old.n_rows, self.new.n_rows

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": "assetctl.diff/1",
            "asset": self.asset,
            "same": self.same,
            "old": self.old.to_json(),
            "new": self.new.to_json(),
            "columns": [asdict(column) for column in self.columns],
            "rows": dict(self.row_summary) if self.row_summary is not None else None,
            "reasons": [to_json(r) for r in self.reasons],
            "text": self.text,
        }
