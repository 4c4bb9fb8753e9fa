"""Answer a person's SQL: the lineage tables, and every table asset as a view of its own name.

`features` is what is published, `"features@9f3a1c"` a version of it, `"clean/shuttles"`
and `clean__shuttles` are one asset; case is ignored unless two names differ by it alone. A Parquet
file is read in place, after it was verified, and only as far as the query asks. A source
is the table that its file holds now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from assetctl.assets.definition import SourceShape
from assetctl.assets.errors import AssetctlError, AssetFailed, DeclarationError, Problem, SelectionError
from assetctl.assets.hints import similar, suggestion
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output
from assetctl.storage.codecs.registry import FILE
from assetctl.storage.lineage_store.duck import split_statements, tables_in
from assetctl.storage.lineage_store.history import assets_recorded
from assetctl.storage.lineage_store.readable import Readable
from assetctl.storage.lineage_store.user_sql import TABLES_QUERY, Answer, UnknownTable
from assetctl.storage.schema.views import AS_OF, sections
from assetctl.storage.sources.observing import source_path
from assetctl.storage.sources.parsing import parse_with_any, table_format
from assetctl.storage.state.in_use import in_use
from assetctl.storage.state.modes import open_as_any
from assetctl.storage.state.whole import whole_file

__all__ = [  # with what a prompt and a writer of rows need besides
    "TABLES_QUERY",
    "Answer",
    "NotATable",
    "answer",
    "asset_named",
    "file_for_rows",
    "split_statements",
]


class NotATable(SelectionError):
    """An asset that a query names holds something else."""


@contextmanager
def answer(workspace: Workspace, query: str, read: Sequence[Path] = ()) -> Iterator[Answer]:
    """Give the answer to a query, for as long as its rows are read.

    It may read the files of the project that it names, but for those of the state folder, and
    the files of the folders `read`.

    Raises:
        SelectionError: the query cannot be understood; the message says where.
        CorruptionError: what it asks is not what was recorded.
    """
    with in_use(workspace.layout):
        workspace.stores.refresh()
        views = _Views(workspace)
        tables = {name: table for name in tables_in(query) if (table := views.find(name)) is not None}
        layout = workspace.layout
        readable = Readable((workspace.root, *read), tuple({layout.state, layout.store, *layout.earlier}))
        reply = _answered(workspace, query, views, tables, readable)
        try:
            yield reply
        finally:
            reply.close()


def file_for_rows(target: Path) -> AbstractContextManager[BinaryIO]:
    """Give a file to write the rows of an answer to; it takes the place of `target` once all of them are written."""
    return whole_file(target, durable=False, opener=open_as_any)


def _answered(workspace: Workspace, query: str, views: _Views, tables: dict[str, object], readable: Readable) -> Answer:
    while True:
        try:
            return workspace.stores.lineage.answer(query, tables, readable)
        except UnknownTable as missing:  # it may be one that DuckDB could not tell of before
            if missing.name in tables:
                raise
            tables[missing.name] = views.require(missing.name)


class _Views:
    """The tables that names in a query stand for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def assets(self) -> Mapping[AssetKey, bool]:
        """Every asset and source that was ever recorded; whether it is a source."""
        return assets_recorded(self._workspace.stores.lineage)

    @cached_property
    def declared(self) -> tuple[AssetKey, ...]:
        """Every declared asset and source; none if the person's code cannot be imported."""
        try:
            return self._workspace.graph().order
        except AssetctlError:
            return ()

    def find(self, name: str) -> object | None:
        """Return the table of a recorded asset, or None: the name may be a file, or one of DuckDB's own."""
        asked, _, version = name.partition("@")
        key = asset_named(asked, self.assets)
        try:
            return None if key is None else self._table(key, version)
        except NotATable:
            return None

    def require(self, name: str) -> object:
        """Return the table that a name stands for.

        Raises:
            SelectionError: there is none; the message says what was meant, or how to list what there is.
        """
        asked, _, version = name.partition("@")
        key = asset_named(asked, self.assets) or asset_named(asked, self.declared)
        if key is None:
            raise self._unknown(asked)
        return self._table(key, version)

    def _table(self, key: AssetKey, version: str) -> object:
        if not self.assets.get(key, key not in self.assets and key in self._workspace.graph().sources):
            return self._output(find_recorded(self._workspace, key, version or None).output)
        if version:
            hint = f"`{key}` alone is the table that its file holds now"
            raise SelectionError(
                Problem("unknown-version", f"source `{key}` is not stored: it has no version to ask", (), hint)
            )
        return self._source(key)

    def _source(self, key: AssetKey) -> object:
        """Return the table that a source's file holds now."""
        declaration = self._workspace.graph().sources.get(key)
        if declaration is None:
            raise NotATable(
                Problem(
                    "unknown-asset", f"source `{key}` is not declared any more", (), "only what is declared can be read"
                )
            )
        path = source_path(declaration, self._workspace.root)
        if declaration.shape is not SourceShape.FILE or not path.is_file():
            what = f"a {declaration.shape}" if declaration.shape is not SourceShape.FILE else "a file that is not there"
            raise NotATable(
                Problem("source-not-a-table", f"source `{key}` is {what}, not a table", (("path", declaration.path),))
            )
        if table_format(path) == "parquet" and path.suffix == ".parquet" and not declaration.options:
            return path
        try:
            return parse_with_any(path, declaration.options)
        except DeclarationError as cause:
            raise NotATable(*cause.problems) from cause

    def _output(self, output: Output) -> object:
        """Return what DuckDB can read: a Parquet file itself where there is one, else the table."""
        data = self._workspace.stores.data
        if output.blob is not None and output.inline is None and _is_parquet(output.codec):
            return data.blobs.open_verified(output.blob)
        try:
            return data.load(output, Wanted(Form.ARROW))
        except (AssetFailed, DeclarationError) as cause:
            raise _not_a_table(output) from cause

    def _unknown(self, name: str) -> SelectionError:
        lineage = [f"lineage.{table}" for table in {*AS_OF, *sections("view")}]
        plain = {
            **{str(key): str(key) for key in (*self.assets, *self.declared)},
            **{t.split(".")[1]: t for t in lineage},
        }
        listing = "`assetctl ls` lists assets, `docs/lineage-schema.md` the tables of lineage"
        meant = suggestion(_quoted(plain[near]) for near in similar(name, plain))
        return SelectionError(
            Problem("unknown-table", f"there is no table `{name}`", (), f"{meant} {listing}" if meant else listing)
        )


def asset_named(name: str, keys: Collection[AssetKey]) -> AssetKey | None:
    """Return the asset that a name means: exactly, by its Python name, or but for case if only one is."""
    exact = [key for key in keys if name in (key, key.name)]
    near = exact or [key for key in keys if name.lower() in (key.lower(), key.name.lower())]
    matches = dict.fromkeys(near)
    return next(iter(matches)) if len(matches) == 1 else None


def _quoted(name: str) -> str:
    is_plain = name.replace("_", "a").replace("lineage.", "", 1).isalnum()
    return name if is_plain else f'"{name}"'


def _is_parquet(codec: str) -> bool:
    return codec.startswith("parquet") or (codec.startswith(FILE) and Path(codec).suffix == ".parquet")


def _not_a_table(output: Output) -> NotATable:
    key = output.target
    hint = f"`assetctl show {key}` shows what it is, `assetctl get {key} -o FILE` writes it to a file"
    return NotATable(Problem("not-a-table", f"`{key}` is not a table", (("it is", output.value.kind),), hint))
