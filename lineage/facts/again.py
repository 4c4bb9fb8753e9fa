"""A materialization recorded once more: restored, accepted, renamed or rolled back. The same data; nothing ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from assetctl.lineage.facts.records import MaterializationId, Materialized, RunId


@dataclass(frozen=True, slots=True)
class Recording:
    """Under which id and by which run something is recorded, and when (aware UTC, as ISO text)."""

    id: MaterializationId
    run_id: RunId
    at: str


def again(made: Materialized, recording: Recording, reasons: tuple[Mapping[str, Any], ...]) -> Materialized:
    """Return a materialization as it is recorded once more; it points at the one whose function ran."""
    return replace(
        made,
        id=recording.id,
        run_id=recording.run_id,
        started_at=recording.at,
        duration_s=0.0,
        origin=made.origin or made.id,
        reasons=reasons,
    )
