"""Let an asset's history go on under the name that its code has now.

The new name is recorded first, the record under it second: killed in between, the asset is
restored under its new name by the next run, at no cost, and the same command completes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.curation.append import append_run, new_run_id, now, step_keys, steps_at_rest
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.again import Recording, again
from assetctl.lineage.facts.records import (
    CheckRan,
    Fact,
    MaterializationId,
    Materialized,
    Renamed,
    RunId,
    SourceObserved,
)
from assetctl.lineage.facts.retention import name_spans
from assetctl.lineage.facts.snapshot import Recorded, Snapshot
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.lineage_store.history import past_materializations, past_observations, retention_facts


@dataclass(frozen=True, slots=True)
class Moved:
    """`changed` is False if that had been done before."""

    old: AssetKey
    new: AssetKey
    changed: bool
    data_version: str | None


def move(workspace: Workspace, old: AssetKey, new: AssetKey) -> Moved:
    """Record that `old` goes on as `new`, which the code declares already.

    Raises:
        SelectionError: the code says otherwise, nothing is recorded of `old`, or `new` has a record of its own.
        WaitTimeout: another process is building one of them.
    """
    graph = workspace.graph()
    _require_code(graph, old, new)
    workspace.stores.refresh()
    before = workspace.stores.lineage.snapshot([whole(old), whole(new)])
    is_source = new in graph.sources
    makers = {whole(new)} if is_source else step_keys(workspace, new, before.latest.get(whole(old)))
    steps = makers | {whole(old)}
    with steps_at_rest(workspace, steps):
        snapshot = workspace.stores.lineage.snapshot([whole(old), whole(new)])
        is_renamed = old in workspace.stores.lineage.names().get(new, ())[-1:]
        if is_renamed and _version(snapshot, new) is not None:
            return Moved(old, new, changed=False, data_version=_version(snapshot, new))
        run_id = new_run_id()
        if _is_same_history(snapshot, old, new):
            facts: list[Fact] = [Renamed(old, new, now())]
        else:
            _require_free(snapshot, new)
            facts = _facts(workspace, old, new, snapshot, run_id, is_renamed=is_renamed)
        append_run(workspace, run_id, f"mv {old} {new}", (new,), facts)
    return Moved(old, new, changed=True, data_version=_version(workspace.stores.lineage.snapshot([whole(new)]), new))


def _facts(
    workspace: Workspace, old: AssetKey, new: AssetKey, snapshot: Snapshot, run_id: RunId, *, is_renamed: bool
) -> list[Fact]:
    graph = workspace.graph()
    first: list[Fact] = [] if is_renamed else [Renamed(old, new, now())]
    if new in graph.sources:
        seen = snapshot.observed.get(whole(old)) if not is_renamed else _last_observation(workspace, new)
        if seen is None:
            raise _nothing_of(old, "observed")
        return [*first, replace(seen, run_id=run_id, target=whole(new))]
    recorded = snapshot.latest.get(whole(old)) if not is_renamed else _last_record(workspace, new)
    if recorded is None:
        raise _nothing_of(old, "materialized")
    made = _under_new_name(workspace, recorded, {recorded.output.target: whole(new)}, run_id)
    answers = workspace.stores.lineage.snapshot([whole(old)]).checks.values()
    version = recorded.output.value.version
    checks: list[CheckRan] = [
        replace(ran, run_id=run_id, target=whole(new)) for ran in answers if ran.data_version == version
    ]
    return [*first, made, *checks]


def _under_new_name(
    workspace: Workspace, recorded: Recorded, names: Mapping[Target, Target], run_id: RunId
) -> Materialized:
    """Return the record once more, with the outputs that are still its own under the names they have now."""
    made = recorded.materialization
    latest = workspace.stores.lineage.snapshot([o.target for o in made.outputs]).latest
    own = [
        replace(output, target=names.get(output.target, output.target))
        for output in made.outputs
        if output.target in names or (output.target in latest and latest[output.target].materialization.id == made.id)
    ]
    new = next(iter(names.values()))
    step = workspace.graph().steps[new.asset]
    place = {target: n for n, target in enumerate(step.targets)}
    own.sort(key=lambda output: place.get(output.target, len(place)))
    recording = Recording(MaterializationId(new_identifier()), run_id, now())
    reason = {"kind": "renamed", "upstream": recorded.output.target.asset}
    return replace(again(made, recording, (reason,)), step=step.target, outputs=tuple(own))


def _last_record(workspace: Workspace, new: AssetKey) -> Recorded | None:
    """Return what was published last under an earlier name."""
    records = past_materializations(workspace.stores.lineage, new)
    return next((r for r in records if r.output.target != whole(new) and r.materialization.published), None)


def _last_observation(workspace: Workspace, new: AssetKey) -> SourceObserved | None:
    spans = name_spans(retention_facts(workspace.stores.lineage), new)
    return next(past_observations(workspace.stores.lineage, spans[1:]), None)


def _version(snapshot: Snapshot, key: AssetKey) -> str | None:
    target = whole(key)
    if target in snapshot.latest:
        return snapshot.latest[target].output.value.version
    return snapshot.observed[target].value.version if target in snapshot.observed else None


def _require_code(graph: AssetGraph, old: AssetKey, new: AssetKey) -> None:
    problems: list[Problem] = []
    if new not in graph.order:
        hint = f"rename it in the code first (the function, or its `key=`), then run `assetctl mv {old} {new}`"
        problems.append(Problem("unknown-asset", f"the code does not declare `{new}`", hint=hint))
    if old in graph.order:
        problems.append(
            Problem(
                "old-name-declared",
                f"the code still declares `{old}`",
                (("declared in", graph.where[old]),),
                f"rename it to `{new}` there first, then run `assetctl mv {old} {new}`",
            )
        )
    if problems:
        raise SelectionError(*problems)


def _is_same_history(snapshot: Snapshot, old: AssetKey, new: AssetKey) -> bool:
    """Say whether what `new` has was restored from `old`, by a declared alias: then only the name is missing."""
    before, after = snapshot.latest.get(whole(old)), snapshot.latest.get(whole(new))
    if before is None or after is None:
        return False
    was, now_ = before.materialization, after.materialization
    return now_.origin is not None and now_.origin in (was.id, was.origin)


def _require_free(snapshot: Snapshot, new: AssetKey) -> None:
    version = _version(snapshot, new)
    if version is not None:
        raise SelectionError(
            Problem(
                "new-name-taken",
                f"`{new}` has a history of its own",
                (("data version", version),),
                f"forget it first with `assetctl rm {new}`, if the other one is to go on under this name",
            )
        )


def _nothing_of(old: AssetKey, what: str) -> SelectionError:
    return SelectionError(
        Problem(
            "never-materialized",
            f"`{old}` was never {what}, so there is no history to go on",
            hint="see `assetctl history`",
        )
    )
