"""Read a file as a table of one library, by that library's own reader: pandas, polars or Arrow.

The format follows from the file's extension. Whatever a reader raises becomes an error that
names the file, and the line where its bytes are not of its encoding.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.read_options import options_text
from assetctl.lineage.facts.ports import Form
from assetctl.storage.codecs.arrow_types import settled_reader, settled_table
from assetctl.storage.sources.arrow_readers import known_options, read_arrow, stream_parquet
from assetctl.storage.sources.formats import EXTENSIONS, is_text, table_format, undecodable
from assetctl.storage.sources.frame_readers import PANDAS, POLARS, read_pandas, read_polars
from assetctl.storage.sources.option_names import nearest
from assetctl.storage.sources.sqlite_tables import OWN_OPTIONS, read_sqlite

__all__ = ["column_names", "open_table", "parse_table", "parse_with_any", "reader_name", "table_format"]

_LIBRARIES = {Form.ARROW: "pyarrow", Form.PANDAS: "pandas", Form.POLARS: "polars"}
_TABLES = {Form.ARROW: "Table", Form.PANDAS: "DataFrame", Form.POLARS: "DataFrame"}
_BESIDES = {Form.ARROW: (), Form.PANDAS: ("numpy", "pyarrow"), Form.POLARS: ("pyarrow",)}
_EXCEL = ("openpyxl", "fastexcel")
_NO_OPTIONS: Mapping[str, Any] = {}


def reader_name(path: Path, family: Form = Form.ARROW, options: Mapping[str, Any] = _NO_OPTIONS) -> str:
    """Name what would read a file: format, libraries with their versions, and options. "" if that cannot be told."""
    format_name = table_format(path)
    libraries = [_LIBRARIES[family], *_BESIDES[family]]
    if format_name == "xlsx":
        libraries += ["pandas", *_EXCEL]
    versions = {name: _version(name) for name in libraries}
    if versions[_LIBRARIES[family]] in (None, "unknown"):
        return ""
    if format_name == "sqlite":
        versions["sqlite"] = importlib.import_module("sqlite3").sqlite_version
    shown = " ".join(f"{name}-{version}" for name, version in versions.items() if version is not None)
    return f"{format_name} {shown} {options_text(options)}".rstrip()


def parse_table(
    path: Path,
    columns: tuple[str, ...] = (),
    family: Form = Form.ARROW,
    options: Mapping[str, Any] = _NO_OPTIONS,
) -> Any:
    """Return the table that a file holds, as `pyarrow.Table`, or as a frame of pandas or polars.

    A `pyarrow.Table` has plain layouts and no metadata, since neither counts in its identity.
    Of a Parquet file just `columns` are read, if it has them all; other files are read as a whole.

    Raises:
        DeclarationError: the extension is not known, the file is not what it says, or the
            library is missing or knows no such option.
    """
    format_name = table_format(path)
    if format_name is None:
        raise _not_a_table(path, "its extension is not one of " + ", ".join(EXTENSIONS))
    _require(_LIBRARIES[family], path)
    with _explained(path, family, options):
        _check_options(path, format_name, family, options)
        if is_text(format_name):
            _check_encoding(path, family, options)
        table = _read(path, format_name, columns, family, options)
    _check_kind(path, table, family, options)
    return settled_table(table) if family is Form.ARROW else table


def open_table(path: Path, columns: tuple[str, ...] = (), options: Mapping[str, Any] = _NO_OPTIONS) -> Any:
    """Return a `RecordBatchReader` over the table a file holds, with just these columns if it has them all.

    A Parquet file is read a batch at a time; others are parsed as a whole.

    Raises:
        DeclarationError: as `parse_table`; while it is read, too.
    """
    if table_format(path) != "parquet" or options or not path.is_file():
        table = parse_table(path, options=options)
        has_all = bool(columns) and set(columns) <= set(table.column_names)
        return (table.select(list(columns)) if has_all else table).to_reader()
    return settled_reader(stream_parquet(path, columns, lambda: _explained(path, Form.ARROW, options)))


def parse_with_any(path: Path, options: Mapping[str, Any]) -> Any:
    """Return a file's table as Arrow, by the first library that is installed and knows all the options.

    Raises:
        DeclarationError: there is none, or the file is not what it says.
    """
    from assetctl.storage.codecs.containers import convert

    format_name = table_format(path)
    for family in _LIBRARIES if format_name is not None and options else (Form.ARROW,):
        is_installed = _version(_LIBRARIES[family]) is not None
        if is_installed and (not options or not set(options) - set(_known(str(format_name), family))):
            return convert(parse_table(path, (), family, options), Form.ARROW)
    return parse_table(path, (), Form.ARROW, options)


def column_names(table: Any) -> list[str]:
    """Return the names of the columns of a table, or of a reader over one; labels of pandas that are no text are none."""
    is_arrow = type(table).__module__.partition(".")[0] == "pyarrow"
    return [name for name in (table.schema.names if is_arrow else table.columns) if isinstance(name, str)]


def _read(path: Path, format_name: str, columns: tuple[str, ...], family: Form, options: Mapping[str, Any]) -> Any:
    if format_name == "xlsx":
        return _read_excel(path, family, options)
    if format_name == "sqlite":
        return read_sqlite(path, _LIBRARIES[family], options)
    match family:
        case Form.PANDAS:
            return read_pandas(path, format_name, columns, options)
        case Form.POLARS:
            return read_polars(path, format_name, columns, options)
        case _:
            return read_arrow(path, format_name, columns, options)


def _read_excel(path: Path, family: Form, options: Mapping[str, Any]) -> Any:
    """Read an Excel sheet; Arrow has no reader for it, so pandas' frame is converted."""
    engine = options.get("engine")
    if family is Form.POLARS:
        if engine is None and _version("fastexcel") is None:  # with openpyxl alone, it takes saying
            options = {**options, "engine": "openpyxl"}
        _require("openpyxl" if options.get("engine") == "openpyxl" else "fastexcel", path)
        return read_polars(path, "xlsx", (), options)
    _require("pandas", path)
    if engine in (None, "openpyxl"):
        _require("openpyxl", path)
    frame = read_pandas(path, "xlsx", (), options)
    if family is Form.PANDAS:
        return frame
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _check_kind(path: Path, table: object, family: Form, options: Mapping[str, Any]) -> None:
    """Refuse what options made of a table: a reader over parts, a dict of sheets, a series."""
    is_frame = (
        type(table).__module__.partition(".")[0] == _LIBRARIES[family] and type(table).__name__ == _TABLES[family]
    )
    if not is_frame:
        close = getattr(table, "close", None)
        if callable(close):
            close()  # a reader over parts holds the file open
        raise _not_a_table(path, f"with the options {options_text(options)} it is a `{type(table).__name__}`")


def _known(format_name: str, family: Form) -> tuple[str, ...]:
    if format_name == "sqlite" and family is Form.ARROW:
        return OWN_OPTIONS
    if family is Form.POLARS or family is Form.PANDAS or format_name == "xlsx":
        readers, library = (POLARS, "polars") if family is Form.POLARS else (PANDAS, "pandas")
        own = OWN_OPTIONS if format_name == "sqlite" else ()
        return (*own, *readers[format_name].known_options(library))
    return known_options(format_name)


def _check_options(path: Path, format_name: str, family: Form, options: Mapping[str, Any]) -> None:
    if not options:
        return
    known = _known(format_name, family)
    problems = [_unknown_option(path, name, known, family) for name in options if name not in known]
    if problems:
        raise DeclarationError(*problems)


def _unknown_option(path: Path, name: str, known: tuple[str, ...], family: Form) -> Problem:
    library = _LIBRARIES[family]
    near = nearest(name, known)
    meant = f"did you mean `{near}`? " if near else ""
    return Problem(
        "bad-option",
        f"`{library}` reads `{path.name}` for a parameter, and has no option `{name}` for that",
        (("file", str(path)), ("its options", ", ".join(known))),
        f"{meant}Options are those of the library that a parameter asks for; for parameters of two libraries, "
        "declare two sources of the file",
    )


def _check_encoding(path: Path, family: Form, options: Mapping[str, Any]) -> None:
    """Refuse bytes that are not of the encoding; pandas finds them itself, the others would give other values."""
    says_bytes = "binary" in options_text(options)
    tolerates = options.get("check_utf8") is False or options.get("encoding") == "utf8-lossy"
    if family is not Form.PANDAS and not says_bytes and not tolerates and not options.get("ignore_errors"):
        _refuse_undecodable(path, family, options)


def _refuse_undecodable(path: Path, family: Form, options: Mapping[str, Any]) -> None:
    encoding = str(options.get("encoding") or "utf-8")
    bad = undecodable(path, encoding)
    if bad is None:
        return
    line, byte = bad
    hint = "save it in UTF-8, or annotate the parameter as `pathlib.Path` and read the file in the asset"
    if "encoding" in _known(str(table_format(path)), family):
        other = "utf-16" if byte in (0xFE, 0xFF) and line == 1 else "latin-1"
        hint = f'if it is another encoding, say so where it is declared: `options={{"encoding": "{other}"}}`'
    raise DeclarationError(
        Problem(
            "source-not-a-table",
            f"`{path.name}` cannot be read as a table: line {line} has the byte 0x{byte:02X}, which is not {encoding}",
            (("file", f"{path}:{line}"),),
            hint,
        )
    )


@contextmanager
def _explained(path: Path, family: Form, options: Mapping[str, Any]) -> Iterator[None]:
    """Turn what parsers raise into what a person reads."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError, DeclarationError):
        raise
    except UnicodeError as cause:
        _refuse_undecodable(path, family, options)
        raise _not_a_table(path, str(cause)) from cause
    except BaseException as cause:  # a parser raises whatever its library has for it, polars a panic
        if not isinstance(cause, Exception) and type(cause).__name__ != "PanicException":
            raise
        text = str(cause).strip()
        raise _not_a_table(path, text.splitlines()[0] if text else type(cause).__name__) from cause


def _not_a_table(path: Path, reason: str) -> DeclarationError:
    return DeclarationError(
        Problem(
            "source-not-a-table",
            f"`{path.name}` cannot be read as a table: {reason}",
            (("file", str(path)),),
            "annotate the parameter as `pathlib.Path` and read the file in the asset",
        )
    )


def _require(library: str, path: Path) -> None:
    if _version(library) is None:
        extra = {"openpyxl": "excel", "fastexcel": "excel"}.get(library, library)
        raise DeclarationError(
            Problem(
                "library-missing",
                f"`{path.name}` is read with `{library}`, which is not installed",
                (("file", str(path)),),
                f"pip install 'assetctl[{extra}]'",
            )
        )


def _version(library: str) -> str | None:
    """Return the version of a library, which is imported only if nothing else tells; None if it is not there."""
    loaded = getattr(sys.modules.get(library), "__version__", None)
    if isinstance(loaded, str):
        return loaded
    with suppress(Exception):  # it is not installed, or its metadata is damaged in any way
        recorded: str | None = importlib.metadata.version(library)
        if recorded:
            return recorded
    try:
        return str(getattr(importlib.import_module(library), "__version__", "unknown"))
    except ImportError:
        return None
