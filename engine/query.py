"""Answer a person's SQL: the lineage tables, and every table asset as a view of its own name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetctl.assets.errors import CorruptionError, Problem
from assetctl.assets.ids import AssetKey
from assetctl.lineage.ports import Wanted
from assetctl.lineage.records import Output, OutputState

if TYPE_CHECKING:
    import pyarrow as pa

    from assetctl.engine.project import Project

_WORD = re.compile(r'"((?:[^"]|"")*)"|([A-Za-z_][A-Za-z0-9_]*)')


def run_sql(project: Project, query: str) -> pa.Table:
    """Return the answer as an Arrow table.

    A table asset is a view under its key (`"clean/shuttles"` in quotes) and under its
    Python name (`clean__shuttles`), as published last.

    Raises:
        SelectionError: the query cannot be understood; the message says where.
    """
    stores = project.stores
    stores.refresh()
    words = {quoted.replace('""', '"') or plain for quoted, plain in _WORD.findall(query)}
    known = stores.lineage.query("SELECT asset FROM lineage.assets WHERE NOT is_source").column("asset").to_pylist()
    named = {AssetKey(k): {k, AssetKey(k).name} & words for k in known if {k, AssetKey(k).name} & words}
    tables: dict[str, object] = {}
    for key, recorded in stores.lineage.snapshot(named.keys()).latest.items():
        if recorded.output.value.columns and stores.data.state(recorded.output) is OutputState.PRESENT:
            tables.update(dict.fromkeys(named[key], _table(project, recorded.output)))
    return stores.lineage.query(query, (), tables)


def _table(project: Project, output: Output) -> object:
    """Return what DuckDB can read: the Parquet file itself where there is one, else the table."""
    if output.codec.startswith("parquet") and output.blob is not None and output.inline is None:
        if project.stores.sharing.lacking([output]):
            raise CorruptionError(Problem(f"the table `{output.asset}` is not here, and cannot be fetched"))
        return project.layout.blob(output.blob)
    return project.stores.data.load(output, Wanted("arrow"))
