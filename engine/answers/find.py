"""Find recorded versions of an asset, also of one that is gone from the code."""

from __future__ import annotations

from collections.abc import Sequence

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey, whole
from assetctl.engine.answers.values import HistoryEntry
from assetctl.engine.answers.versions import CANDIDATE
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.records import Pinned
from assetctl.lineage.facts.retention import Span, forgotten_spans
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.lineage_store.history import Queryable, past_materializations, retention_facts

_SHORTEST_PREFIX = 6


def find_recorded(workspace: Workspace, key: AssetKey, version: str | None = None) -> Recorded:
    """Return the latest published version of an asset, or the newest one that `version` names.

    Raises:
        SelectionError: there is none; the message says whether the asset is known at all.
    """
    stores = workspace.stores
    stores.refresh()
    if version is None:
        latest = stores.lineage.snapshot([whole(key)]).latest.get(whole(key))
        if latest is not None:
            return latest
        raise nothing_recorded(workspace, key)
    recorded = list(past_materializations(stores.lineage, key))
    if not recorded:
        raise nothing_recorded(workspace, key)
    if version == CANDIDATE:
        return _candidate(key, recorded[0])
    named = next((r for r in recorded if is_named(r, version)), None)
    if named is None:
        raise SelectionError(
            Problem(
                "unknown-version",
                f"`{key}` has no version `{version}`",
                hint=f"see `assetctl history {key}` for its versions",
            )
        )
    return named


def _candidate(key: AssetKey, newest: Recorded) -> Recorded:
    if not newest.materialization.published:
        return newest
    raise SelectionError(
        Problem(
            "unknown-version",
            f"no candidate of `{key}` is held back",
            (("latest published", newest.output.value.version),),
            f"see `assetctl history {key}` for its versions",
        )
    )


def history_of(workspace: Workspace, key: AssetKey | None, limit: int) -> list[HistoryEntry]:
    """Return materializations, newest first."""
    stores = workspace.stores
    stores.refresh()
    gone = forgotten_spans(retention_facts(stores.lineage))
    pins = stores.lineage.pins()
    entries = [_entry(recorded, gone, pins) for recorded in past_materializations(stores.lineage, key, limit)]
    if key is not None and not entries and not _is_declared(workspace, key):
        raise nothing_recorded(workspace, key)
    return entries


def _entry(recorded: Recorded, gone: Sequence[Span], pins: Sequence[Pinned]) -> HistoryEntry:
    target, made = recorded.output.target, recorded.materialization.id
    version = recorded.output.value.version
    held = [pin for pin in pins if pin.materialization_id == made and pin.data_version == version]
    return HistoryEntry.of(
        recorded,
        forgotten=any(span.covers(target, recorded.position) for span in gone),
        pinned=tuple(dict.fromkeys(pin.purpose.value for pin in held)),
    )


def is_named(recorded: Recorded, version: str) -> bool:
    """Say whether a text names this record: its materialization id, or 6 or more digits of its data version."""
    if recorded.materialization.id == version:
        return True
    digits = version.removeprefix("b3:").lower()
    return len(digits) >= _SHORTEST_PREFIX and recorded.output.value.version.startswith(f"b3:{digits}")


def _is_declared(workspace: Workspace, key: AssetKey) -> bool:
    try:
        return key in workspace.known_keys()
    except AssetctlError:
        return False  # what is recorded can be asked about even while the code is broken


def _is_held_back(store: Queryable, key: AssetKey) -> bool:
    """Say whether the newest record of an asset is one that was never published, and is not forgotten."""
    newest = next(past_materializations(store, key, 1), None)
    if newest is None or newest.materialization.published:
        return False
    gone = forgotten_spans(retention_facts(store))
    return not any(span.covers(newest.output.target, newest.position) for span in gone)


def nothing_recorded(workspace: Workspace, key: AssetKey) -> SelectionError:
    """Return the error for an asset without a record; it says whether the asset is known at all, or has a new name."""
    if _is_held_back(workspace.stores.lineage, key):
        return SelectionError(
            Problem(
                "never-materialized",
                f"nothing of `{key}` is published: a check held back what was built",
                hint=f"look at it with `assetctl show {key}@{CANDIDATE}`",
            )
        )
    if _is_declared(workspace, key):
        return SelectionError(
            Problem(
                "never-materialized",
                f"`{key}` was never materialized",
                hint=f"build it with `assetctl materialize {key}`",
            )
        )
    now = [name for name, former in workspace.stores.lineage.names().items() if key in former]
    if now:
        return SelectionError(
            Problem("asset-renamed", f"there is no asset `{key}`", hint=f"it was renamed to `{now[0]}`")
        )
    try:
        meant = did_you_mean(key, workspace.known_keys())
    except AssetctlError:
        meant = None
    hint = meant or "see `assetctl ls`, or `assetctl history` for assets that are gone"
    return SelectionError(Problem("unknown-asset", f"there is no asset `{key}`", hint=hint))
