"""Say what would heal damaged bytes: which command makes them anew, or that nothing can.

Only words come from here; nothing is run. What can be rebuilt is asked of a plan: an
earlier version comes back only while its provenance is the present one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from assetctl.assets.errors import AssetctlError
from assetctl.assets.ids import Target
from assetctl.engine.planning.planner import deliberate
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.records import ProvenanceDigest
from assetctl.storage.care.verify import Damage, Use


@dataclass(frozen=True, slots=True)
class Present:
    """What the project's code says now: None where it cannot be asked (it does not import)."""

    declared: Collection[Target] | None
    provenance: Callable[[Target], ProvenanceDigest | None]


def present_of(workspace: Workspace) -> Present:
    """Look at the code and plan with it, if that works."""
    try:
        steps = {planned.target: planned.decision for planned in deliberate(workspace).plan.steps}
    except AssetctlError:
        return Present(None, lambda _key: None)

    def provenance(key: Target) -> ProvenanceDigest | None:
        current = steps[key].provenance if key in steps else None
        return None if current is None else current.digest

    return Present(steps.keys(), provenance)


def healing(damage: Damage, use: Use, present: Present) -> str:
    """Return what would give one asset its bytes back."""
    key = use.target
    if present.declared is not None and key not in present.declared:
        return f"nothing can rebuild it: `{key}` is no longer declared"
    if present.declared is not None and present.provenance(key) != use.provenance:
        build = f"; `assetctl materialize {key}` makes the present one" if use.is_latest else ""
        drop = "" if use.is_latest else "; `assetctl gc --keep-last 1` shows what drops it"
        return (
            f"nothing can rebuild this version, unless the code and inputs that it was made of come back{build}{drop}"
        )
    if use.is_latest and damage.is_plain:
        return f"`assetctl materialize {key}` builds it again"
    return f"`assetctl materialize {key} --force` builds it again"
