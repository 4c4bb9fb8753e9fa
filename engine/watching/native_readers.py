"""Readers that open files in native code, where Python raises no event: noted by wrapping their Python names.

A module's readers are wrapped when it is loaded, for good; a wrapper does nothing while no
watch is on. Not seen: C extensions that are not listed.
"""

from __future__ import annotations

import builtins
import functools
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from enum import Enum
from types import ModuleType
from typing import Any

from assetctl.engine.watching.file_systems import local_path, wrap_datasets, wrap_file_systems
from assetctl.engine.watching.given import note_database, note_given, note_sql, note_written
from assetctl.engine.watching.taken_names import stands_for


class _Takes(Enum):
    """What the first argument of a function is."""

    PATHS = "paths"
    SQL = "sql"
    DATABASE = "database"
    TARGET = "target"  # it is written


# Functions and classes of modules, and "Class.method"s.
_READERS: dict[_Takes, dict[str, tuple[str, ...]]] = {
    _Takes.PATHS: {
        "pyarrow": ("OSFile", "memory_map"),
        "pyarrow.parquet": (
            "ParquetFile", "ParquetDataset", "read_table", "read_pandas", "read_metadata", "read_schema",
        ),
        "pyarrow.csv": ("read_csv", "open_csv"),
        "pyarrow.json": ("read_json", "open_json"),
        "pyarrow.feather": ("read_table", "read_feather"),
        "pyarrow.dataset": ("dataset", "parquet_dataset"),
        "pyarrow.orc": ("read_table", "ORCFile"),
        "pyarrow.fs": ("copy_files",),
        "polars": (
            "read_csv", "read_parquet", "read_json", "read_ndjson", "read_ipc", "read_avro", "read_excel",
            "scan_csv", "scan_parquet", "scan_ndjson", "scan_ipc",
            "read_ipc_schema", "read_ipc_stream", "read_lines", "read_ods", "read_parquet_metadata",
            "read_parquet_schema", "read_delta", "scan_lines", "scan_delta", "scan_lance", "scan_iceberg",
        ),
        "duckdb": (
            "read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet",
            "DuckDBPyConnection.read_csv", "DuckDBPyConnection.read_parquet", "DuckDBPyConnection.read_json",
            "DuckDBPyConnection.from_csv_auto", "DuckDBPyConnection.from_parquet",
        ),
        "h5py": ("File",),
        "netCDF4": ("Dataset", "MFDataset"),
        "xarray": ("open_dataset", "open_dataarray", "open_mfdataset", "open_zarr", "load_dataset", "load_dataarray",
                   "open_datatree"),
        "zarr": ("open", "open_group", "open_array", "load"),
        "tables": ("open_file",),
        "pyreadstat": ("read_sav", "read_dta", "read_sas7bdat", "read_xport", "read_por"),
        "pyogrio": ("read_dataframe", "read_arrow", "read_info"),
        "fiona": ("open",),
        "rasterio": ("open",),
        "cv2": ("imread",),
        "fastexcel": ("read_excel",),
        "python_calamine": ("load_workbook",),
        "safetensors": ("safe_open",),
        "onnxruntime": ("InferenceSession",),
        "xgboost": ("DMatrix", "Booster.load_model"),
        "lightgbm": ("Dataset",),
        "deltalake": ("DeltaTable",),
    },
    _Takes.SQL: {
        "duckdb": (
            "sql", "query", "execute", "from_query", "query_df", "DuckDBPyConnection.execute", "DuckDBPyConnection.sql",
            "DuckDBPyConnection.executemany", "DuckDBPyConnection.query", "DuckDBPyConnection.from_query",
        ),
        "polars": ("sql", "SQLContext.execute"),
    },
    _Takes.DATABASE: {"duckdb": ("connect",)},
    _Takes.TARGET: {
        "pyarrow.parquet": ("write_table", "write_metadata", "ParquetWriter"),
        "pyarrow.feather": ("write_feather",),
        "pyarrow.orc": ("write_table", "ORCWriter"),
        "pyarrow.dataset": ("write_dataset",),
        "polars": tuple(f"DataFrame.write_{kind}" for kind in ("parquet", "csv", "ipc", "ndjson", "json", "avro"))
        + tuple(f"LazyFrame.sink_{kind}" for kind in ("parquet", "csv", "ipc", "ndjson")),
        "duckdb": tuple(f"DuckDBPyRelation.{name}" for name in ("to_parquet", "to_csv", "write_parquet", "write_csv")),
    },
}  # fmt: skip
_NAMES_OF_PATHS = frozenset({
    "source", "sources", "path", "paths", "where", "filename", "filenames", "path_or_paths", "filepath",
    "file", "file_name", "fname", "name", "url", "database", "path_or_buf", "root_path", "base_dir", "dest",
    "target",
})  # fmt: skip
_MODULES = {module for table in _READERS.values() for module in table}
_MARK = "__assetctl_notes_reads__"


def wrap_readers() -> None:
    """Wrap the readers of modules that are loaded, and of the others once they are."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for module_name in _MODULES:
        if module_name in sys.modules:
            _wrap(sys.modules[module_name])


class _ReaderFinder(importlib.abc.MetaPathFinder):
    """Lets the usual finder find a module of readers, and wraps them once it has been executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _MODULES:
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
    if module.__name__ == "pyarrow.fs":
        wrap_file_systems(module, _MARK)
    if module.__name__ == "pyarrow.dataset":
        wrap_datasets(module, _MARK)
    for takes, table in _READERS.items():
        for dotted in table.get(module.__name__, ()):
            owner, _, name = dotted.rpartition(".")
            holder = getattr(module, owner, None) if owner else module
            reader = getattr(holder, name, None)
            if holder is not None and callable(reader) and not hasattr(reader, _MARK):
                _wrap_one(module, holder, name, reader, takes)


def _wrap_one(module: ModuleType, holder: Any, name: str, reader: Any, takes: _Takes) -> None:
    if not isinstance(reader, type):
        setattr(holder, name, _twin(reader, module, takes, is_method=isinstance(holder, type)))
        return
    try:
        reader.__init__ = _twin(reader.__init__, module, takes, is_method=True)  # type: ignore[misc]
        setattr(reader, _MARK, True)
    except TypeError:  # a class of native code cannot be changed
        setattr(module, name, _heir(reader, takes))


def _twin(reader: Callable[..., Any], home: ModuleType, takes: _Takes, *, is_method: bool) -> Callable[..., Any]:
    """Return a function that notes and calls the reader; whoever identifies code takes it for the reader."""

    def read(*arguments: Any, **keywords: Any) -> Any:
        note(takes, arguments[1:] if is_method else arguments, keywords)
        return reader(*arguments, **keywords)

    note = _note
    code = read.__code__.replace(co_filename=getattr(home, "__file__", None) or read.__code__.co_filename)
    space = {"__name__": home.__name__, "__builtins__": builtins}
    twin = types.FunctionType(code, space, reader.__name__, None, read.__closure__)
    functools.update_wrapper(twin, reader)
    setattr(twin, _MARK, True)
    is_taken = not isinstance(reader, types.FunctionType) and not is_method
    stands_for(twin, reader, is_taken=is_taken)
    return twin


def _heir(kind: type, takes: _Takes) -> type:
    """Return a class that stands for one of native code, and notes what it is made with."""

    class Meta(type(kind)):  # type: ignore[misc]
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, kind)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, kind)

        def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
            _note(takes, arguments, keywords)
            return kind(*arguments, **keywords) if cls is heir else super().__call__(*arguments, **keywords)

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__, _MARK: True}
    heir: type = Meta(kind.__name__, (kind,), names)
    stands_for(heir, kind, is_taken=False)
    return heir


def _note(takes: _Takes, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    if takes is _Takes.SQL:
        text, *rest = (*arguments, *keywords.values(), None)
        note_sql(text, rest)
        return
    given = [*arguments[:1], *(value for name, value in keywords.items() if name in _NAMES_OF_PATHS)]
    file_system = keywords.get("filesystem")
    if file_system is not None and not isinstance(file_system, str):
        given = [local_path(file_system, value) for value in _each(given)]
    notes: dict[_Takes, Callable[[object], None]] = {
        _Takes.PATHS: note_given,
        _Takes.DATABASE: note_database,
        _Takes.TARGET: note_written,
    }
    for value in given:
        notes[takes](value)


def _each(values: list[Any]) -> list[Any]:
    """Return values, and what is in those that are lists."""
    return [one for value in values for one in (value if isinstance(value, list | tuple) else [value])]
