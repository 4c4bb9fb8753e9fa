"""Forget assets: record that nothing recorded about them answers any more. Bytes go with the next clean-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.answers.find import nothing_recorded
from assetctl.engine.curation.append import append, now, step_keys, steps_at_rest
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.records import Forgotten, Pinned, Purpose
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.lineage_store.history import blobs_of_others, past_materializations


@dataclass(frozen=True, slots=True)
class ForgottenAsset:
    """What forgetting one asset means.

    `n_versions` were recorded; `size_bytes` of stored bytes belong to no other asset.
    `runs_again` is the step that will run again for it, though it makes others too.
    """

    asset: AssetKey
    n_versions: int
    size_bytes: int
    is_declared: bool
    runs_again: AssetKey | None


@dataclass(frozen=True, slots=True)
class ForgottenAssets:
    """What was forgotten, or (`recorded` is False) would be."""

    assets: tuple[ForgottenAsset, ...]
    recorded: bool


def forget(workspace: Workspace, keys: Sequence[AssetKey], *, dry_run: bool) -> ForgottenAssets:
    """Record that everything recorded about these assets is to answer nothing any more.

    Raises:
        SelectionError: one of them was never recorded, or is pinned; nothing was recorded.
        WaitTimeout: another process is building one of them.
    """
    wanted = list(dict.fromkeys(keys))
    targets = tuple(map(whole, wanted))
    workspace.stores.refresh()
    assets = tuple(_describe(workspace, key) for key in wanted)
    _refuse_pinned(workspace, wanted)
    if dry_run:
        return ForgottenAssets(assets, recorded=False)
    latest = workspace.stores.lineage.snapshot(targets).latest
    steps = {step for key in wanted for step in _steps(workspace, key, latest.get(whole(key)))}
    with steps_at_rest(workspace, steps):
        _refuse_pinned(workspace, wanted)
        append(workspace, [Forgotten(targets, now(), f"rm {' '.join(wanted)}")])
    return ForgottenAssets(assets, recorded=True)


def _steps(workspace: Workspace, key: AssetKey, recorded: Recorded | None) -> set[Target]:
    try:
        return step_keys(workspace, key, recorded)
    except AssetctlError:  # what is recorded can be forgotten even while the code is broken
        return {whole(key)} if recorded is None else {whole(key), recorded.materialization.step}


def _describe(workspace: Workspace, key: AssetKey) -> ForgottenAsset:
    versions = list(past_materializations(workspace.stores.lineage, key))
    if not versions and whole(key) not in workspace.stores.lineage.snapshot([whole(key)]).observed:
        raise nothing_recorded(workspace, key)
    try:
        graph = workspace.graph()
        step, is_declared = graph.steps.get(key), key in graph.order
    except AssetctlError:
        step, is_declared = None, False
    own = {v.output.blob: v.output.size_bytes for v in versions if v.output.blob and v.output.inline is None}
    names = {v.output.target.asset for v in versions}  # also those that it had before
    shared = blobs_of_others(workspace.stores.lineage, names) if names else set()
    several = step is not None and len(step.outputs) > 1
    return ForgottenAsset(
        asset=key,
        n_versions=len(versions),
        size_bytes=sum(size for blob, size in own.items() if blob not in shared),
        is_declared=is_declared,
        runs_again=step.key if several and step is not None else None,
    )


def _refuse_pinned(workspace: Workspace, keys: Sequence[AssetKey]) -> None:
    pinned = [pin for pin in workspace.stores.lineage.pins() if pin.target.asset in keys]
    if pinned:
        raise SelectionError(*(_pinned(pin) for pin in pinned))


def _pinned(pin: Pinned) -> Problem:
    is_served = pin.purpose is Purpose.SERVE
    lift = f"assetctl rollback {pin.target} --lift" if is_served else f"assetctl pin {pin.target} --remove"
    return Problem(
        "pinned",
        f"`{pin.target}` is pinned, so it is not forgotten",
        (("version", pin.data_version), ("pinned", pin.pinned_at), *((("note", pin.note),) if pin.note else ())),
        f"lift the pin first with `{lift}`",
    )
