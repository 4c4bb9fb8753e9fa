"""The state of each asset of a plan in one word, and the words by which a selection finds it. Pure."""

from __future__ import annotations

from assetctl.assets.ids import Target
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import LastAttemptFailed, NeverMaterialized, OutputMissing
from assetctl.lineage.deciding.staleness import Fresh, Undecided


def state_words(plan: Plan) -> dict[Target, set[str]]:
    """Return the words by which a selection finds assets in some state: stale, failed, missing, and more."""
    words: dict[Target, set[str]] = {}
    for planned in plan.steps:
        said = {state_of(planned)}
        if planned.reasons:
            said.add("stale")
        if any(isinstance(r, NeverMaterialized | OutputMissing) for r in planned.reasons):
            said.add("missing")
        if any(isinstance(r, LastAttemptFailed) for r in planned.reasons) or planned.action is Action.HELD:
            said.add("failed")
        if planned.action is Action.HELD:
            said.add("held")
        if planned.restorable:
            said.add("restorable")
        if planned.decision.pins:
            said.add("pinned")
        words[planned.target] = said
    return words


def state_of(planned: PlannedAsset) -> str:
    """Return one word for an asset's state: failed, missing, fresh, undecided or stale."""
    if any(isinstance(r, LastAttemptFailed) for r in planned.reasons) or planned.action is Action.HELD:
        return "failed"
    if any(isinstance(r, NeverMaterialized | OutputMissing) for r in planned.reasons):
        return "missing"
    if isinstance(planned.verdict, Fresh):
        return "fresh"
    return "undecided" if isinstance(planned.verdict, Undecided) else "stale"
