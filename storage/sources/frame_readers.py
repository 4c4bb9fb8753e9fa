"""Read files as pandas and polars frames: by the reader that the library has for the format, with its options.

A frame is exactly what that reader gives. Files that a reader could not survive are refused
before it sees them: JSON nested too deep, Arrow files with offsets that lead out of them.
"""

from __future__ import annotations

import importlib
import inspect
import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assetctl.storage.sources.arrow_readers import is_ipc_file, read_ipc
from assetctl.storage.sources.formats import content_of
from assetctl.storage.sources.json_depth import refuse_depth

Options = Mapping[str, Any]
_JSON = ("json", "jsonl", "ndjson")
_IPC = ("arrow", "feather", "ipc")


@dataclass(frozen=True, slots=True)
class FrameReader:
    """A reader of a library: the name of its function, and the options that the format implies."""

    function: str
    implied: Mapping[str, Any] = field(default_factory=dict)
    unusable: tuple[str, ...] = ()  # parameters that are not options: what is read, and from where

    def of(self, library: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(importlib.import_module(library), self.function)
        return function

    def known_options(self, library: str) -> tuple[str, ...]:
        """Return the options that the reader has."""
        names = list(inspect.signature(self.of(library)).parameters)[1:]
        if "kwargs" in names:  # what pandas hands on to pyarrow
            names += list(inspect.signature(importlib.import_module("pyarrow.parquet").read_table).parameters)[1:]
        hidden = ("kwargs", *self.unusable)
        return tuple(dict.fromkeys(name for name in names if name not in hidden and not name.startswith("_")))


PANDAS = {
    "csv": FrameReader("read_csv"),
    "tsv": FrameReader("read_csv", {"sep": "\t"}),
    "parquet": FrameReader("read_parquet"),
    "json": FrameReader("read_json"),
    "jsonl": FrameReader("read_json", {"lines": True}),
    "ndjson": FrameReader("read_json", {"lines": True}),
    "arrow": FrameReader("read_feather"),
    "feather": FrameReader("read_feather"),
    "ipc": FrameReader("read_feather"),
    "xlsx": FrameReader("read_excel"),
    "sqlite": FrameReader("read_sql_query", {}, ("con",)),
}
POLARS = {
    "csv": FrameReader("read_csv", {"glob": False}),
    "tsv": FrameReader("read_csv", {"glob": False, "separator": "\t"}),
    "parquet": FrameReader("read_parquet"),
    "json": FrameReader("read_json"),
    "jsonl": FrameReader("read_ndjson"),
    "ndjson": FrameReader("read_ndjson"),
    "arrow": FrameReader("read_ipc"),
    "feather": FrameReader("read_ipc"),
    "ipc": FrameReader("read_ipc"),
    "xlsx": FrameReader("read_excel"),
    "sqlite": FrameReader("read_database", {}, ("connection",)),
}


def read_pandas(path: Path, format_name: str, columns: tuple[str, ...], options: Options) -> Any:
    """Return the frame of a file; of a Parquet file just these columns, if it has them all."""
    reader = PANDAS[format_name]
    given = {**reader.implied, **options}
    subject: Any = path
    if format_name in _JSON:
        refuse_depth(content_of(path))
    elif format_name in _IPC:
        table = read_ipc(path, {})
        if not _is_ipc_file(path) and not options:
            return table.to_pandas()
    elif format_name == "parquet" and _has(path, columns, options):
        given["columns"] = list(columns)
    if path.name.lower().endswith(".lz4"):  # pandas knows the other compressions itself
        subject = io.BytesIO(content_of(path))
    try:
        return reader.of("pandas")(subject, **given)
    except ValueError:
        if format_name != "json" or "lines" in options:
            raise
        with suppress(ValueError):  # a record a line, as the other libraries take it
            return reader.of("pandas")(path, **given, lines=True)
        raise


def read_polars(path: Path, format_name: str, columns: tuple[str, ...], options: Options) -> Any:
    """Return the frame of a file; of a Parquet file just these columns, if it has them all."""
    reader = POLARS[format_name]
    given = {**reader.implied, **options}
    subject: Any = path
    if format_name in _JSON:
        content = content_of(path)
        refuse_depth(content)
        if format_name == "json" and not bytes(memoryview(content)[:64]).lstrip().startswith(b"["):
            reader = POLARS["ndjson"]  # a record a line, as the other libraries take it
        subject = io.BytesIO(content)
    elif format_name in _IPC:
        read_ipc(path, {})
        with path.open("rb") as file:
            subject = io.BytesIO(file.read())  # from a path it would map a file that may change under it
        if not is_ipc_file(subject.getbuffer()):
            reader = FrameReader("read_ipc_stream")
    elif format_name == "parquet" and path.is_file():
        given.setdefault("glob", False)
        if _has(path, columns, options):
            given["columns"] = list(columns)
    elif path.name.lower().endswith((".lz4", ".bz2")):  # polars knows the other compressions itself
        subject = io.BytesIO(content_of(path))
    return reader.of("polars")(subject, **given)


def _has(path: Path, columns: tuple[str, ...], options: Options) -> bool:
    """Say whether just these columns of a Parquet file can be read, with the same result as choosing them later."""
    if not columns or options or not path.is_file():
        return False
    from pyarrow import parquet

    names = parquet.read_schema(path).names
    return all(names.count(name) == 1 for name in columns)


def _is_ipc_file(path: Path) -> bool:
    with path.open("rb") as file:
        return is_ipc_file(file.read(6))
