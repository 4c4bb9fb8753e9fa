"""Formats of table files, by their extensions, and the bytes inside of compressed ones."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_COMPRESSIONS = (".gz", ".zst", ".bz2", ".lz4")
_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "ndjson",
    ".arrow": "arrow",
    ".feather": "feather",
    ".ipc": "ipc",
    ".xlsx": "xlsx",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}
EXTENSIONS = tuple(_FORMATS)
_SHUT = ("xlsx", "sqlite")  # their libraries read them from the disk as they are
_TEXT = ("csv", "tsv", "json", "jsonl", "ndjson")
_BLOCK_BYTES = 1 << 20


def table_format(path: Path) -> str | None:
    """Return the name of the format a file's extension stands for, or None."""
    name = path.name.lower()
    plain = name
    for compression in _COMPRESSIONS:
        plain = plain.removesuffix(compression)
    format_name = next((known for extension, known in _FORMATS.items() if plain.endswith(extension)), None)
    return None if format_name in _SHUT and plain != name else format_name


def is_text(format_name: str) -> bool:
    """Say whether files of a format are text, in some encoding."""
    return format_name in _TEXT


def content_of(path: Path) -> Any:
    """Return the bytes of a file as a `pyarrow.Buffer`, decompressed if its name says that it is compressed."""
    import pyarrow as pa

    with pa.input_stream(str(path)) as stream:
        return stream.read_buffer()


def undecodable(path: Path, encoding: str) -> tuple[int, int] | None:
    """Return the line and the value of the first byte of a text file that is not of an encoding, or None."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    for block in _blocks(path):
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "replace")
            return line + before.count("\n"), error.object[error.start]
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    with pa.input_stream(str(path)) as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block
    yield b""
