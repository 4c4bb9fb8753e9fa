"""Which writer turns what kind of value into a file with what ending: one table, and nothing else decides it.

A value's own ending, that of the format it is kept in, is not in the table: its bytes are
handed out as they are kept. `.gz` after an ending of the table compresses what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

COMPRESSED = ".gz"


class Family(StrEnum):
    """What a value is to someone who wants a file of it."""

    TABLE = "a table"
    ARRAY = "an array"
    SPARSE = "a sparse matrix"
    IMAGE = "an image"
    DATA = "plain data"
    TEXT = "text"
    BYTES = "bytes"
    OBJECT = "an object"
    FILE = "a file"
    FOLDER = "a folder of files"


class Writer(StrEnum):
    """A way to write a value."""

    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"
    TSV = "tsv"
    ROWS = "json"
    LINES = "json lines"
    EXCEL = "excel"
    HTML = "html"
    NPY = "npy"
    NPZ = "npz"
    SPARSE_NPZ = "sparse npz"
    MATRIX_MARKET = "matrix market"
    JSON = "json of a value"
    PICTURE = "picture"
    PICKLE = "pickle"
    JOBLIB = "joblib"


_OF_ANYTHING = {".pkl": Writer.PICKLE, ".joblib": Writer.JOBLIB}
_OF_ROWS = {".csv": Writer.CSV, ".tsv": Writer.TSV}

WRITERS: Mapping[Family, Mapping[str, Writer]] = {
    Family.TABLE: {
        ".parquet": Writer.PARQUET,
        ".arrow": Writer.ARROW,
        **_OF_ROWS,
        ".json": Writer.ROWS,
        ".jsonl": Writer.LINES,
        ".xlsx": Writer.EXCEL,
        ".html": Writer.HTML,
        **_OF_ANYTHING,
    },
    Family.ARRAY: {".npy": Writer.NPY, ".npz": Writer.NPZ, **_OF_ROWS, ".json": Writer.JSON, **_OF_ANYTHING},
    Family.SPARSE: {".npz": Writer.SPARSE_NPZ, ".mtx": Writer.MATRIX_MARKET, **_OF_ANYTHING},
    Family.IMAGE: {**dict.fromkeys((".png", ".jpg", ".bmp", ".tiff", ".webp"), Writer.PICTURE), **_OF_ANYTHING},
    Family.DATA: {".json": Writer.JSON, ".txt": Writer.JSON, **_OF_ANYTHING},
    Family.TEXT: _OF_ANYTHING,
    Family.BYTES: _OF_ANYTHING,
    Family.OBJECT: _OF_ANYTHING,
    Family.FILE: {},
    Family.FOLDER: {},
}

_SPELLINGS = {
    ".pickle": ".pkl",
    ".feather": ".arrow",
    ".ipc": ".arrow",
    ".ndjson": ".jsonl",
    ".htm": ".html",
    ".jpeg": ".jpg",
    ".tif": ".tiff",
    ".pq": ".parquet",
    ".text": ".txt",
}


def ending_of(path: PurePath) -> str:
    """Return the ending of a file's name in the spelling that the table has, with `.gz` if it is compressed.

    >>> ending_of(PurePath("out/T.CSV.GZ")), ending_of(PurePath("model.pickle")), ending_of(PurePath("README"))
    ('.csv.gz', '.pkl', '')
    """
    last = path.suffix.lower()
    if last == COMPRESSED:
        return ending_of(path.with_suffix("")) + COMPRESSED
    return _SPELLINGS.get(last, last)


def is_own(path: PurePath, own: str) -> bool:
    """Say whether a name has the ending of the format in which the value is kept, or none at all."""
    ending = ending_of(path)
    return not ending or (bool(own) and ending == ending_of(PurePath(f"x{own}")))


def writer_for(family: Family, ending: str) -> Writer | None:
    """Return what writes a value of a family to a file with an ending; None if nothing does."""
    plain = ending.removesuffix(COMPRESSED)
    return WRITERS[family].get(plain)


def endings_for(family: Family, own: str, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the endings that a value of a family can be written with, its own first."""
    return tuple(dict.fromkeys(ending for ending in (own, *more, *WRITERS[family]) if ending))
