"""Load what a step reads: stored outputs, and sources, which are found on this machine by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import AssetFailed
from assetctl.assets.ids import AssetKey
from assetctl.engine.steps.tasks import OutputInput, SourceInput
from assetctl.lineage.facts.ports import DataStore, Form
from assetctl.lineage.facts.records import DataVersion
from assetctl.storage.sources.parsing import column_names, open_table, parse_table


class SourceFiles(Protocol):
    """The files of sources on this machine."""

    def version(self, declaration: SourceDef) -> DataVersion | None: ...

    def paths(self, declaration: SourceDef) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads inputs from this machine's data store and from its sources."""

    data: DataStore
    sources: Mapping[AssetKey, SourceDef]
    files: SourceFiles

    def load(self, needed: OutputInput | SourceInput) -> Any:
        """Return the value of a parameter, in the form that it asks for."""
        if isinstance(needed, OutputInput):
            return self.data.load(needed.output, needed.wanted)
        declaration, wanted = self.sources[needed.key], needed.wanted
        paths = [Path(path) for path in self.paths(needed)]
        if declaration.shape is SourceShape.GLOB:
            return paths
        if wanted.form is Form.PATH:
            return paths[0]
        if wanted.form is Form.READER:
            return _checked(open_table(paths[0], wanted.columns, declaration.options), needed, paths[0])
        table = parse_table(paths[0], wanted.columns, wanted.form.family, declaration.options)
        return _as_wanted(table, needed, paths[0])

    def paths(self, needed: SourceInput) -> tuple[str, ...]:
        """Return the absolute paths of a source on this machine, sorted for a glob."""
        return self.files.paths(self.sources[needed.key])

    def are_as_planned(self, inputs: Sequence[OutputInput | SourceInput]) -> bool:
        """Say whether every source holds on this machine what the plan was made with."""
        sources = (needed for needed in inputs if isinstance(needed, SourceInput))
        return all(self.files.version(self.sources[needed.key]) == needed.version for needed in sources)


def _as_wanted(table: Any, needed: SourceInput, path: Path) -> Any:
    """Return a source's table in the form, and with the columns, that its parameter asks for."""
    from assetctl.storage.codecs.containers import convert, project

    return convert(project(_checked(table, needed, path), needed.wanted.columns), needed.wanted.form)


def _checked(table: Any, needed: SourceInput, path: Path) -> Any:
    """Return a source's table, or a reader over it, if it has the columns that its parameter asks for."""
    available = column_names(table)
    missing = [name for name in needed.wanted.columns if available.count(name) != 1]
    if missing:
        raise AssetFailed.of(
            "unknown-column",
            f"source `{needed.key}` has {_how_many(missing, available)}",
            ("columns", ", ".join(available)),
            ("file", str(path)),
            hint=f"correct `columns(...)` of the parameter `{needed.parameter}`",
        )
    return table


def _how_many(missing: Sequence[str], available: Sequence[str]) -> str:
    """Say of which columns there is none, or more than one."""
    repeated = [name for name in missing if name in available]
    names = ", ".join(f"`{name}`" for name in repeated or missing)
    return f"more than one column {names}" if repeated else f"no column {names}"
