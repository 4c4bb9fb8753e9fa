"""Gather what `assetctl show` says of one asset, and a look at its value.

A preview never unpickles: only tables, JSON and text are opened, the first rows of a
table without reading the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.documents import assets_json, recorded_json
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.answers.plain_json import plain
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.storage.lineage_store.history import last_check_answers
from assetctl.storage.state.in_use import in_use

if TYPE_CHECKING:
    import pyarrow as pa


N_PREVIEW = 10
_TABLES = ("parquet", "arrow-ipc", "csv")
_TEXTS = ("json", "text", "html", "svg")
_LONGEST_TEXT = 2000
_LARGEST_TEXT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One asset, declared and recorded; either half may be missing, not both."""

    asset: AssetKey
    declared: dict[str, Any] | None
    recorded: Recorded | None
    checks: tuple[dict[str, Any], ...]
    table: pa.Table | None
    text: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as schema `assetctl.show/1`."""
        preview = plain(self.table.to_pylist()) if self.table is not None else self.text
        return {
            "schema": "assetctl.show/1",
            "asset": self.asset,
            "declared": self.declared,
            "materialization": recorded_json(self.recorded) if self.recorded is not None else None,
            "checks": list(self.checks),
            "preview": preview,
        }


def look_at(workspace: Workspace, key: str, version: str | None) -> Shown:
    """Return what is known of an asset.

    Raises:
        SelectionError: it is neither declared nor recorded, or has no such version.
    """
    declared = _declared(workspace, key)
    try:
        recorded = find_recorded(workspace, AssetKey(key), version)
    except SelectionError:
        if declared is None or version is not None:
            raise
        return Shown(AssetKey(key), declared, None, (), None, None)
    with in_use(workspace.layout):
        table, text = _preview(workspace, recorded.output)
    return Shown(AssetKey(key), declared, recorded, _checks(workspace, recorded.output), table, text)


def _declared(workspace: Workspace, key: str) -> dict[str, Any] | None:
    graph = workspace.graph()
    found = [known for known in graph.order if known == key]
    declared: list[dict[str, Any]] = assets_json(workspace, found)["assets"]
    return declared[0] if declared else None


def _checks(workspace: Workspace, output: Output) -> tuple[dict[str, Any], ...]:
    """Return the last answer of each check about this version."""
    answers = last_check_answers(workspace.stores.lineage, output.target.asset, output.value.version)
    return tuple({**answer, "ran_at": str(answer["ran_at"])} for answer in answers)


def _preview(workspace: Workspace, output: Output) -> tuple[pa.Table | None, str | None]:
    codec = output.codec.partition("/")[0]
    data = workspace.stores.data
    if data.state(output) is not OutputState.PRESENT:
        return None, None
    if codec in _TABLES:
        return _first_rows(data.load(output, Wanted(Form.READER))), None
    if codec in _TEXTS and output.size_bytes <= _LARGEST_TEXT_BYTES:
        value = data.load(output, Wanted())
        text = value if isinstance(value, str) else json.dumps(plain(value), indent=2, ensure_ascii=False)
        return None, text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"
    return None, None


def _first_rows(reader: pa.RecordBatchReader) -> pa.Table:
    import pyarrow as pa

    batches, n_rows = [], 0
    for batch in reader:
        batches.append(batch.slice(0, N_PREVIEW - n_rows))
        n_rows += batches[-1].num_rows
        if n_rows >= N_PREVIEW:
            break
    return pa.Table.from_batches(batches, reader.schema)
