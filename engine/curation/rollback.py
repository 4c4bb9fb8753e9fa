"""Serve an earlier version: publish it again and pin it, until the pin is lifted.

The record is written first, the pins second: killed in between, an earlier version is
published and not pinned, which the next `materialize` puts right and the same command
completes. A pin without its record would hold an asset that nobody can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.curation.append import append, append_run, new_run_id, now, step_keys, steps_at_rest
from assetctl.engine.curation.pin import published_version, require_bytes
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.again import Recording, again
from assetctl.lineage.facts.records import (
    Fact,
    MaterializationId,
    Materialized,
    Pinned,
    Position,
    Purpose,
    RunId,
    Unpinned,
)
from assetctl.lineage.facts.retention import name_now
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.lineage.graph.asset_graph import Step
from assetctl.storage.lineage_store.history import retention_facts


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What is served from now on (`pins`), or whose pins were `lifted`."""

    asset: AssetKey
    pins: tuple[Pinned, ...]
    lifted: tuple[Pinned, ...] = ()
    origin: MaterializationId | None = None


def roll_back_or_lift(workspace: Workspace, key: AssetKey, version: str | None, note: str) -> RolledBack:
    """Roll an asset back to a version; without one, lift the pin that an earlier call has set."""
    return lift(workspace, key) if version is None else roll_back(workspace, key, version, note)


def roll_back(workspace: Workspace, key: AssetKey, version: str, note: str = "") -> RolledBack:
    """Publish an earlier version of an asset again, with all outputs of its materialization, and pin it.

    Raises:
        SelectionError: no such version was published, its bytes are gone, or the code
            does not declare its outputs any more.
        WaitTimeout: another process is building it.
    """
    recorded = published_version(workspace, key, version)
    require_bytes(workspace, recorded)
    step = _declared_step(workspace, key)
    with steps_at_rest(workspace, {step.target, *step_keys(workspace, key, recorded)}):
        made = _under_present_names(workspace, step, recorded)
        run_id = new_run_id()
        latest = workspace.stores.lineage.snapshot(step.targets).latest
        is_latest = all(t in latest and latest[t].materialization.id == made.id for t in step.targets)
        again = made if is_latest else _published_again(made, run_id)
        when = now()
        pins = [Pinned(o.target, again.id, o.value.version, Purpose.SERVE, when, note) for o in again.outputs]
        facts: list[Fact] = [*pins] if is_latest else [again, *pins]
        append_run(workspace, run_id, f"rollback {key}@{version}", step.outputs, facts)
    return RolledBack(key, tuple(pins), origin=made.origin or made.id)


def lift(workspace: Workspace, key: AssetKey) -> RolledBack:
    """Lift the pin that serves a version of an asset, and those of the outputs that were pinned with it.

    Raises:
        SelectionError: there is no such pin.
    """
    workspace.stores.refresh()
    served = [pin for pin in workspace.stores.lineage.pins() if pin.purpose is Purpose.SERVE]
    own = next((pin for pin in served if pin.target == whole(key)), None)
    if own is None:
        raise SelectionError(
            Problem("not-pinned", f"`{key}` is not pinned to a version", hint="`assetctl pin` lists the pins in force")
        )
    lifted = tuple(pin for pin in served if pin.materialization_id == own.materialization_id)
    when = now()
    facts: list[Fact] = [Unpinned(pin.target, Purpose.SERVE, pin.materialization_id, when) for pin in lifted]
    append(workspace, facts)
    return RolledBack(key, (), lifted)


def _declared_step(workspace: Workspace, key: AssetKey) -> Step:
    step = workspace.graph().steps.get(key)
    if step is None:
        raise SelectionError(
            Problem(
                "unknown-asset",
                f"`{key}` is not declared as an asset, so nothing would serve it",
                hint=f"get the version as a file with `assetctl get {key}@VERSION`",
            )
        )
    return step


def _under_present_names(workspace: Workspace, step: Step, recorded: Recorded) -> Materialized:
    """Return a materialization with the names its outputs have now.

    Raises:
        SelectionError: the step does not make exactly these outputs any more.
    """
    names = _names_now(workspace, recorded.materialization, recorded.position)
    if set(names.values()) != set(step.targets):
        raise SelectionError(
            Problem(
                "outputs-changed",
                f"that version was made together with outputs that `{step.key}` does not declare alike now",
                (("then", ", ".join(names.values())), ("now", ", ".join(step.outputs))),
                f"get it as a file with `assetctl get {recorded.output.target}@{recorded.materialization.id}`",
            )
        )
    outputs = {names[o.target]: replace(o, target=names[o.target]) for o in recorded.materialization.outputs}
    return replace(
        recorded.materialization, step=step.target, outputs=tuple(outputs[target] for target in step.targets)
    )


def _names_now(workspace: Workspace, made: Materialized, position: Position) -> Mapping[Target, Target]:
    facts = retention_facts(workspace.stores.lineage)
    return {o.target: Target(name_now(facts, o.target.asset, position), o.target.partition_key) for o in made.outputs}


def _published_again(made: Materialized, run_id: RunId) -> Materialized:
    recording = Recording(MaterializationId(new_identifier()), run_id, now())
    return replace(again(made, recording, ({"kind": "rolled_back"},)), published=True)
