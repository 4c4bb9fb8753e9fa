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
from assetctl.lineage.facts.records import DataVersion
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.blobs.file_digests import FileDigests
from assetctl.storage.sources.observing import glob_files, observe_source, source_path, table_identity


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
        tables: dict[AssetKey, AssetKey] = {}  # each source read as a table, with an asset that asks for that
        for key in sorted(keys):
            for binding in graph.steps[key].bindings if key in graph.steps else ():
                if binding.reads_table:
                    tables.setdefault(binding.upstream, key)
        observations: dict[Target, Observation] = {}
        problems: list[Problem] = []
        for key in sorted(keys):
            declaration = graph.sources.get(key)
            if declaration is None:
                continue
            try:
                observations[whole(key)] = self.observe(key, declaration, as_table=key in tables)
            except DeclarationError as error:
                reader = (("read by", tables[key]),) if key in tables else ()
                problems.extend(
                    _relative(replace(problem, facts=(*problem.facts, *reader)), self._root)
                    for problem in error.problems
                )
        if problems:
            raise DeclarationError(*problems)
        return observations

    def observe(self, key: AssetKey, declaration: SourceDef, *, as_table: bool) -> Observation:
        """Return what one source holds now."""
        value, size_bytes = observe_source(declaration, self._root, self._digests)
        if not as_table:
            return Observation(value, size_bytes)
        if declaration.shape is not SourceShape.FILE:
            raise DeclarationError(
                Problem(
                    "source-not-a-table",
                    f"source `{key}` is a {declaration.shape}, and a parameter asks for it as a table",
                    (("declared in", declaration.where),),
                    "annotate the parameter with `Path`, and read the files in the function",
                )
            )
        path = source_path(declaration, self._root)
        return Observation(value, size_bytes, table_identity(path, self._digests.of(path), self._cache))

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


def _relative(problem: Problem, root: Path) -> Problem:
    facts = tuple((label, relative(text, root) if label == "declared in" else text) for label, text in problem.facts)
    return replace(problem, facts=facts)
