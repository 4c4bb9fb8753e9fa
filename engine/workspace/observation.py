"""Observe sources: what their bytes are now, and their tables where an asset reads one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from assetctl.assets.collect import relative
from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.deciding.decide import Observation
from assetctl.lineage.facts.ports import Form
from assetctl.lineage.facts.records import DataVersion, ValueIdentity
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.blobs.file_digests import FileDigests, digest_directory
from assetctl.storage.sources.observing import glob_files, observe_source, source_path, table_identity
from assetctl.storage.sources.parsing import table_format


class Observer:
    """Looks at the sources of one project."""

    def __init__(self, root: Path, digests: FileDigests, cache: Path) -> None:
        self._root = root
        self._digests = digests
        self._cache = cache

    def observe_all(self, graph: AssetGraph, keys: Collection[AssetKey]) -> dict[Target, Observation]:
        """Return what the sources among `keys` hold now.

        Raises:
            DeclarationError: with every source that is not there or cannot be read.
        """
        tables: dict[AssetKey, dict[Form, AssetKey]] = {}  # sources read as tables: by which library, for which asset
        for key in sorted(keys):
            for binding in graph.steps[key].bindings if key in graph.steps else ():
                if binding.reads_table and binding.is_source:
                    tables.setdefault(binding.upstream, {}).setdefault(binding.family, key)
        observations: dict[Target, Observation] = {}
        problems: list[Problem] = []
        for key in sorted(keys):
            declaration = graph.sources.get(key)
            if declaration is None:
                continue
            try:
                value, size_bytes = observe_source(declaration, self._root, self._digests)
            except DeclarationError as error:
                reader = (("read by", next(iter(tables[key].values()))),) if key in tables else ()
                problems.extend(self._located(problem, *reader) for problem in error.problems)
                continue
            identities: dict[Form, ValueIdentity] = {}
            for family, read_by in tables.get(key, {}).items():
                try:
                    identities[family] = self._table(key, declaration, family)
                except DeclarationError as error:
                    problems.extend(self._located(problem, ("read by", read_by)) for problem in error.problems)
            observations[whole(key)] = Observation(value, size_bytes, identities)
        if problems:
            raise DeclarationError(*problems)
        return observations

    def _table(self, key: AssetKey, declaration: SourceDef, family: Form) -> ValueIdentity:
        """Return the identity of the table that a library reads from one source now."""
        path = source_path(declaration, self._root)
        is_folder = declaration.shape is SourceShape.DIRECTORY and table_format(path) == "parquet"
        if declaration.shape is not SourceShape.FILE and not is_folder:
            raise DeclarationError(
                Problem(
                    "source-not-a-table",
                    f"source `{key}` is a {declaration.shape}, and a parameter asks for it as a table",
                    (("declared in", declaration.where),),
                    "annotate the parameter with `Path`, and read the files in the function",
                )
            )
        digest = digest_directory(path, self._digests)[0] if is_folder else self._digests.of(path)
        return table_identity(path, digest, self._cache, family, declaration.options)

    def _located(self, problem: Problem, *facts: tuple[str, str]) -> Problem:
        known = [(k, relative(text, self._root) if k == "declared in" else text) for k, text in problem.facts]
        return replace(problem, facts=(*known, *facts))

    def version(self, declaration: SourceDef) -> DataVersion | None:
        """Return a source's data version now, or None if it is gone."""
        try:
            return observe_source(declaration, self._root, self._digests)[0].version
        except DeclarationError:
            return None

    def paths(self, declaration: SourceDef) -> tuple[str, ...]:
        """Return the absolute paths that a consumer is handed; sorted for a glob."""
        if declaration.shape is SourceShape.GLOB:
            return tuple(map(str, glob_files(declaration, self._root)))
        return (str(source_path(declaration, self._root)),)
