"""Compare two versions of an asset: columns, rows, text, and what of their making differs."""

from __future__ import annotations

import difflib
import json
from contextlib import closing
from typing import Any

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.answers.values import ColumnChange, HistoryEntry, VersionDiff
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.reasons import Reason
from assetctl.lineage.deciding.staleness import Demand, Memory, Stale, judge
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Inputs, ValueIdentity
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.storage.lineage_store.history import past_materializations
from assetctl.storage.state.in_use import in_use

_TEXT_CODECS = ("json", "text")
_LONGEST_TEXT = 2_000_000


def compare_versions(workspace: Workspace, key: AssetKey, old: str | None, new: str | None) -> VersionDiff:
    """Return how two versions differ; by default the latest published one and the one before it.

    Raises:
        SelectionError: there are not two versions to compare.
    """
    with in_use(workspace.layout):
        return _compare(workspace, key, old, new)


def _compare(workspace: Workspace, key: AssetKey, old: str | None, new: str | None) -> VersionDiff:
    after = find_recorded(workspace, key, new)
    before = find_recorded(workspace, key, old) if old is not None else _before(workspace, key, after)
    same = before.output.value.version == after.output.value.version
    return VersionDiff(
        asset=key,
        old=HistoryEntry.of(before),
        new=HistoryEntry.of(after),
        same=same,
        columns=() if same else tuple(_column_changes(before.output.value, after.output.value)),
        text=None if same else _text_diff(workspace, before, after),
        reasons=_reasons(before, after),
        row_summary=None if same else _row_summary(workspace, before, after),
    )


def _before(workspace: Workspace, key: AssetKey, after: Recorded) -> Recorded:
    for recorded in past_materializations(workspace.stores.lineage, key, 1000):
        is_other = recorded.output.value.version != after.output.value.version
        if recorded.position < after.position and recorded.materialization.published and is_other:
            return recorded
    times = [r for r in past_materializations(workspace.stores.lineage, key, 1000) if r.materialization.published]
    often = f": its content was the same each of the {len(times)} times" if len(times) > 1 else ""
    raise SelectionError(
        Problem(
            "only-one-version",
            f"`{key}` has only one version{often}",
            hint=f"`assetctl why {key}` says what has changed since it was made",
        )
    )


def _column_changes(old: ValueIdentity, new: ValueIdentity) -> list[ColumnChange]:
    was, now = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    changes: list[ColumnChange] = []
    for name in dict.fromkeys((*now, *was)):
        before, after = was.get(name), now.get(name)
        if before is None or after is None:
            change = "added" if before is None else "removed"
        elif before.type != after.type:
            change = "type"
        elif before.digest != after.digest:
            change = "changed"
        else:
            continue
        changes.append(ColumnChange(name, change, before.type if before else None, after.type if after else None))
    return changes


def _reasons(before: Recorded, after: Recorded) -> tuple[Reason, ...]:
    made = after.materialization.provenance
    seen = {(used.kind, used.name): used.digest for used in before.materialization.undeclared}
    now = after.materialization.undeclared
    changed = [u for u in now if seen.get((u.kind, u.name), u.digest) != u.digest]
    memory = Memory(
        before,
        observed_changed=tuple(u.name.rstrip(":") for u in changed),
        observed_kinds=tuple(u.kind for u in changed),
    )
    verdict = judge(Inputs(made.definition, made.inputs), memory, Demand())
    return verdict.reasons if isinstance(verdict, Stale) else ()


def _is_readable(workspace: Workspace, *recorded: Recorded) -> bool:
    return all(workspace.stores.data.state(r.output) is OutputState.PRESENT for r in recorded)


def _text_diff(workspace: Workspace, before: Recorded, after: Recorded) -> str | None:
    outputs = (before.output, after.output)
    if not all(o.codec.startswith(_TEXT_CODECS) and o.size_bytes < _LONGEST_TEXT for o in outputs):
        return None
    if not _is_readable(workspace, before, after):
        return None
    old, new = (_as_lines(workspace.stores.data.load(o, Wanted())) for o in outputs)
    names = (before.output.value.version[:11], after.output.value.version[:11])
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))


def _as_lines(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text.splitlines()


def _row_summary(workspace: Workspace, before: Recorded, after: Recorded) -> dict[str, int] | None:
    """Count rows (over the columns both versions have) that are in one version only."""
    old, new = before.output.value, after.output.value
    types = {c.name: c.type for c in old.columns}
    shared = [c.name for c in new.columns if types.get(c.name) == c.type and not c.name.startswith("index:")]
    if not shared or not _is_readable(workspace, before, after):
        return None
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in shared)
    tables = {
        "before_rows": workspace.stores.data.load(before.output, Wanted(Form.ARROW)),
        "after_rows": workspace.stores.data.load(after.output, Wanted(Form.ARROW)),
    }
    rows = f"""
        SELECT (SELECT count(*) FROM (SELECT {quoted} FROM after_rows EXCEPT ALL SELECT {quoted} FROM before_rows)),
               (SELECT count(*) FROM (SELECT {quoted} FROM before_rows EXCEPT ALL SELECT {quoted} FROM after_rows))"""
    with closing(workspace.stores.lineage.answer(rows, tables)) as answer:
        added, removed = answer.table().to_pylist()[0].values()
    return {"added": added, "removed": removed}
