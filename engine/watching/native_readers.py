"""Readers that open files in native code, where Python raises no event: noted by wrapping their Python names.

Seen: pyarrow's Parquet, CSV, JSON, Feather and memory-map readers, polars' `read_*` and
`scan_*`, DuckDB's `read_*`. Not seen: file names inside SQL text, C extensions that open
files themselves (HDF5, netCDF, SQLite), child processes, and names that were imported
from these modules before the first watch and called by that name.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from assetctl.engine.watching.touched import note_read

_READERS = {
    "pyarrow": ("memory_map", "OSFile"),
    "pyarrow.parquet": ("read_table", "read_pandas", "read_metadata", "read_schema"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json", "open_json"),
    "pyarrow.feather": ("read_table", "read_feather"),
    "polars": (
        "read_csv", "read_parquet", "read_json", "read_ndjson", "read_ipc", "read_avro", "read_excel",
        "scan_csv", "scan_parquet", "scan_ndjson", "scan_ipc",
    ),
    "duckdb": ("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet"),
}  # fmt: skip
_MARK = "__assetctl_notes_reads__"


def wrap_readers() -> None:
    """Wrap the readers of modules that are loaded, and of the others once they are."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for module_name in _READERS:
        if module_name in sys.modules:
            _wrap(sys.modules[module_name])


class _ReaderFinder(importlib.abc.MetaPathFinder):
    """Lets the usual finder find a module of readers, and wraps them once it has been executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _READERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _WrappingLoader(fullname, spec.loader.path)
        return spec


class _WrappingLoader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _wrap(module)


_finder = _ReaderFinder()


def _wrap(module: ModuleType) -> None:
    for name in _READERS[module.__name__]:
        reader = getattr(module, name, None)
        if callable(reader) and not isinstance(reader, type) and not hasattr(reader, _MARK):
            setattr(module, name, _noting(reader))


def _noting(reader: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(reader)
    def read(*arguments: Any, **keywords: Any) -> Any:
        for given in (*arguments[:1], *keywords.values()):
            note_read(given)
        return reader(*arguments, **keywords)

    setattr(read, _MARK, True)
    return read
