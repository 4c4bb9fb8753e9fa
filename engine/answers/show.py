"""Gather what `assetctl show` says of one asset, and a look at its value.

A preview never unpickles: only tables, JSON and text are opened, the first rows of a
table without reading the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.declared import DeclaredAsset, describe_declared
from assetctl.engine.answers.describe import describe_source, describe_value
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
class CheckAnswer:
    """What a check said last of a version."""

    name: str
    passed: bool
    blocking: bool
    message: str | None
    ran_at: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One asset, declared and recorded; either half may be missing, not both.

    The look at its value is the first rows of a table, or (the beginning of) a text, or
    neither. `form` says what else the value is: shape, class, parameters; of a source, rows.
    """

    asset: AssetKey
    declared: DeclaredAsset | None
    recorded: Recorded | None
    checks: tuple[CheckAnswer, ...]
    table: pa.Table | None
    text: str | None
    form: Mapping[str, Any] = field(default_factory=dict)


def look_at(workspace: Workspace, key: AssetKey, version: str | None) -> Shown:
    """Return what is known of an asset.

    Raises:
        SelectionError: it is neither declared nor recorded, or has no such version.
    """
    declared = _declared(workspace, key)
    try:
        recorded = find_recorded(workspace, key, version)
    except SelectionError:
        if declared is None or version is not None:
            raise
        source = workspace.graph().sources.get(key)
        form = describe_source(workspace, source) if source is not None else {}
        return Shown(key, declared, None, (), None, None, form)
    with in_use(workspace.layout):
        table, text = _preview(workspace, recorded.output)
        is_there = workspace.stores.data.state(recorded.output) is OutputState.PRESENT
        form = describe_value(workspace, recorded.output) if is_there else {}
    return Shown(key, declared, recorded, _checks(workspace, recorded.output), table, text, form)


def _declared(workspace: Workspace, key: AssetKey) -> DeclaredAsset | None:
    known = [known for known in workspace.graph().order if known == key]
    return next(iter(describe_declared(workspace, known)), None)


def _checks(workspace: Workspace, output: Output) -> tuple[CheckAnswer, ...]:
    """Return the last answer of each check about this version."""
    rows = last_check_answers(workspace.stores.lineage, output.target.asset, output.value.version)
    return tuple(
        CheckAnswer(row["check"], row["passed"], row["blocking"], row["message"], str(row["ran_at"])) for row in rows
    )


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
