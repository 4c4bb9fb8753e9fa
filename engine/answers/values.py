"""What the front door answers besides plans and runs: plain values. Their JSON is made in `engine/documents/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.deciding.plan import PlannedAsset
from assetctl.lineage.deciding.reasons import Reason, describe
from assetctl.lineage.deciding.staleness import Fresh, Stale
from assetctl.lineage.facts.snapshot import Recorded


@dataclass(frozen=True, slots=True)
class RootCause:
    """Where staleness began: `path` leads from the asset asked about up to the asset with reasons of its own."""

    path: tuple[Target, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """A symbol of the asset's code that differs from the recorded one; `path` leads from the asset to it."""

    name: str
    change: str  # "added", "removed" or "changed"
    where: str
    path: tuple[str, ...]
    diff: str  # unified


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Why an asset has its verdict. `planned` is None for a source; `recorded` None if it was never built.

    `sources` says of each source that it reads directly where that is.

    `is_code_unexplained`: its code changed, and no symbol of it differs from those that were recorded.
    """

    asset: AssetKey
    planned: PlannedAsset | None
    causes: tuple[RootCause, ...]
    symbols: tuple[SymbolChange, ...]
    recorded: Recorded | None
    is_dynamic: tuple[str, ...]
    is_code_unexplained: bool = False
    sources: Mapping[AssetKey, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The verdict's word: fresh, stale, undecided, or source."""
        if self.planned is None:
            return "source"
        verdict = self.planned.verdict
        return "fresh" if isinstance(verdict, Fresh) else "stale" if isinstance(verdict, Stale) else "undecided"

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.asset} is {self.verdict}"]
        lines += [f"  {self.planned.served.describe()}"] if self.planned and self.planned.served else []
        lines += [f"  {describe(r)}" for r in (self.planned.reasons if self.planned else ())]
        lines += [f"  because {' ← '.join(c.path)}: {'; '.join(map(describe, c.reasons))}" for c in self.causes]
        lines += [f"  {s.change} {s.name}  {s.where}" for s in self.symbols]
        lines += [f"  not seen when it was made: {name}" for name in (self.planned.unseen if self.planned else ())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}{escape(''.join(_diff_text(s) for s in self.symbols))}</pre>"


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

    @property
    def is_fresh(self) -> bool:
        """Say whether nothing is to be done about it; a source is only observed."""
        return self.state in {"fresh", "source"}


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
