"""Whether bytes are what a file's ending says: for text, bytes and files, which are handed out as they are.

Of a format that is named here the bytes must look like it. An ending that is not named
is the person's word for their own bytes; text has only the endings of text.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

_MAGIC: Mapping[str, tuple[bytes, ...]] = {
    ".arrow": (b"ARROW1",),
    ".avro": (b"Obj\x01",),
    ".bmp": (b"BM",),
    ".bz2": (b"BZh",),
    ".db": (b"SQLite format 3\0",),
    ".gif": (b"GIF8",),
    ".gz": (b"\x1f\x8b",),
    ".h5": (b"\x89HDF\r\n\x1a\n",),
    ".hdf5": (b"\x89HDF\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".npy": (b"\x93NUMPY",),
    ".orc": (b"ORC",),
    ".parquet": (b"PAR1",),
    ".pdf": (b"%PDF-",),
    ".pkl": tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6)),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".sqlite": (b"SQLite format 3\0",),
    ".tiff": (b"II*\0", b"MM\0*"),
    ".xls": (b"\xd0\xcf\x11\xe0",),
    ".xz": (b"\xfd7zXZ\0",),
    ".zst": (b"\x28\xb5\x2f\xfd",),
}
_IN_ARCHIVE: Mapping[str, str] = {
    ".zip": "",
    ".xlsx": "xl/workbook.xml",
    ".docx": "word/document.xml",
    ".pptx": "ppt/presentation.xml",
    ".npz": ".npy",
    ".skops": "schema.json",
}
_FREE_TEXT = frozenset((".txt", ".md", ".rst", ".log", ".sql", ".py", ".r", ".css", ".js", ".tex", ".bib", ".yaml", ".yml", ".ini", ".cfg", ".dot", ".gv", ".mmd", ".sh", ".diff"))  # fmt: skip


def _is_markup(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def _is_xml(text: str, root: str = "") -> bool:
    if "<!DOCTYPE" in text and "[" in text.partition("<!DOCTYPE")[2].partition(">")[0]:
        return False  # it may define entities without end
    try:
        name = ElementTree.fromstring(text).tag
    except ElementTree.ParseError:
        return False
    return name.rpartition("}")[2] == root if root else True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _is_rows(text: str, delimiter: str) -> bool:
    """Say whether every line has the same number of fields, two or more."""
    try:
        widths = {len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row}
    except csv.Error:
        return False
    return len(widths) == 1 and min(widths) > 1


_TEXTS: Mapping[str, Callable[[str], bool]] = {
    ".html": _is_markup,
    ".xml": _is_xml,
    ".svg": lambda text: _is_xml(text, "svg"),
    ".json": _is_json,
    ".jsonl": lambda text: bool(text.strip()) and all(_is_json(line) for line in text.splitlines() if line.strip()),
    ".toml": _is_toml,
    ".mtx": lambda text: text.startswith("%%MatrixMarket"),
    ".csv": lambda text: _is_rows(text, ","),
    ".tsv": lambda text: _is_rows(text, "\t"),
    **dict.fromkeys(_FREE_TEXT, lambda text: True),
}


def is_what_it_says(file: Path, ending: str, *, is_text: bool) -> bool:
    """Say whether a file's bytes may have this ending; `is_text`: they were text when they were returned."""
    last = "." + ending.rpartition(".")[2]
    if last in _MAGIC:
        with file.open("rb") as stream:
            return stream.read(16).startswith(_MAGIC[last])
    if last in _IN_ARCHIVE:
        return _has_member(file, _IN_ARCHIVE[last])
    if last in _TEXTS:
        text = _text_of(file)
        return text is not None and _TEXTS[last](text)
    return not is_text


def is_text(content: bytes) -> bool:
    """Say whether bytes are text that a terminal can show: UTF-8 without NUL."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _has_member(file: Path, ending: str) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return not ending or any(name.endswith(ending) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _text_of(file: Path) -> str | None:
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
