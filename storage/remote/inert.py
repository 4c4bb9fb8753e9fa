"""Files that are proven to run nothing when they are read: by their ending, and then by their bytes.

Both are lists of what is known, and both have to agree: an ending says how the file will be
read, its bytes whether that is harmless. What is on neither list needs a trusted signature.
Text is harmless unless a pickle hides in it, for pickles can be written as text.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, Self, cast
from xml.etree import ElementTree

_PIECE_BYTES = 1 << 20
_MOST_TEXT_BYTES = 4 << 30  # of what a compressed text may hold
_MOST_HEADER_BYTES = 100 << 20
_TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".geojson", ".md", ".log", "")
_KNOWN_EXTENSIONS = frozenset(
    (
        "arrow.json",
        "arrow.uuid",
        "arrow.bool8",
        "arrow.fixed_shape_tensor",
        "arrow.opaque",
        "pandas.period",
        "pandas.interval",
    )
)
_PICTURE_TAGS = frozenset(
    [
        "svg",
        "g",
        "defs",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "use",
        "clipPath",
        "style",
        "title",
        "desc",
        "metadata",
        "image",
        "linearGradient",
        "radialGradient",
        "stop",
        "marker",
        "pattern",
        "symbol",
        "RDF",
        "Work",
        "type",
        "date",
        "format",
        "creator",
        "Agent",
    ]
)


_FETCHES = re.compile(r"javascript:|@import|url\(\s*['\"]?(?!#)", re.IGNORECASE)


def may_be_inert(name: str) -> bool:
    """Say whether a file of this name can be proven harmless, once its bytes are here."""
    return _check_for(name) is not None


def is_inert_file(name: str, data: Path | bytes) -> bool:
    """Say whether a file of this name with these bytes is proven to be harmless to read."""
    check = _check_for(name)
    return check is not None and _holds(check, data)


def is_inert_bytes(data: Path | bytes) -> bool:
    """Say whether bytes that were given no name are of a format that is harmless."""
    return any(_holds(check, data) for check in (*dict.fromkeys(_BY_ENDING.values()), _is_text))


def is_inert_table(data: Path | bytes) -> bool:
    """Say whether these bytes are an Arrow or Parquet file of types that Arrow itself knows."""
    return _holds(_is_parquet, data) or _holds(_is_arrow, data)


def is_inert_picture(data: Path | bytes) -> bool:
    return any(_holds(check, data) for check in (_is_image, _is_svg))


class BytesIn(Protocol):
    """A file to read bytes from."""

    def read(self, n: int = -1, /) -> bytes: ...
    def readline(self, n: int = -1, /) -> bytes: ...
    def seek(self, to: int, whence: int = 0, /) -> int: ...


Check = Callable[[Any], bool]


def _check_for(name: str) -> Check | None:
    lower = PurePosixPath(name.lower())
    ending = lower.suffix or (lower.name if lower.name.startswith(".") else "")
    if ending == ".gz":
        inner = PurePosixPath(lower.stem).suffix or (lower.stem if lower.stem.startswith(".") else "")
        return _is_compressed_text if inner in _TEXT_ENDINGS and inner else None
    if ending in _TEXT_ENDINGS:
        return _is_text
    return _BY_ENDING.get(ending)


def _holds(check: Check, data: Path | bytes) -> bool:
    try:
        with _opened(data) as file:
            return check(file)
    except Exception:  # noqa: BLE001  whatever these bytes are, nothing is proven of them
        return False


@contextmanager
def _opened(data: Path | bytes) -> Iterator[BytesIn]:
    with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as file:
        yield file


def _is_text(file: BytesIn) -> bool:
    """Return whether a file is UTF-8 without control characters that text does not have, and no pickle."""
    if _runs_as_pickle(file):
        return False
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    n_left = _MOST_TEXT_BYTES
    while piece := file.read(_PIECE_BYTES):
        n_left -= len(piece)
        if "\0" in decoder.decode(piece) or n_left < 0:
            return False
    decoder.decode(b"", final=True)
    return True


def _is_compressed_text(file: BytesIn) -> bool:
    with gzip.GzipFile(fileobj=file) as text:
        return _is_text(text)


def _runs_as_pickle(file: BytesIn) -> bool:
    """Return whether loading these bytes as a pickle would call something before it ends or fails."""
    try:
        _Probe(file).load()
    except _Called:
        return True
    except Exception:  # noqa: BLE001  no pickle from here on
        return False
    return False


class _Called(Exception):
    """A pickle calls something."""


class _StandIn:
    """What a pickle gets in place of everything that it names: only calling it, or giving it a state, is noticed."""

    def __new__(cls, *_: object) -> Self:
        raise _Called

    @staticmethod
    def __setstate__(_: object) -> None:
        raise _Called


class _Probe(cast("type[Any]", pickle._Unpickler)):  # type: ignore[misc]
    """Goes through a pickle without importing or calling what it names."""

    def find_class(self, module: str, name: str) -> object:
        return _StandIn

    def get_extension(self, code: int) -> None:
        raise _Called


def _is_parquet(file: BytesIn) -> bool:
    import pyarrow.parquet as pq

    return _starts(file, b"PAR1") and _has_known_types(pq.read_schema(file))


def _is_arrow(file: BytesIn) -> bool:
    import pyarrow as pa

    if not _starts(file, b"ARROW1"):
        return False
    with pa.ipc.open_file(file) as reader:
        return _has_known_types(reader.schema)


def _has_known_types(schema: object) -> bool:
    """Return whether a schema names no extension type but those that Arrow and pandas bring.

    Loading another one may call code that registered it. Its name is in the metadata of its
    field, or, where it was registered, its type tells it.
    """
    import pyarrow as pa

    assert isinstance(schema, pa.Schema)
    waiting: list[pa.Field] = list(schema)
    while waiting:
        field = waiting.pop()
        kind = field.type
        name = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode("utf-8", "replace")
        if isinstance(kind, pa.BaseExtensionType):
            name, kind = kind.extension_name, kind.storage_type
        if name and name not in _KNOWN_EXTENSIONS:
            return False
        waiting.extend(kind.field(n) for n in range(kind.num_fields))
    return True


def _is_image(file: BytesIn) -> bool:
    if _runs_as_pickle(file):  # `GIF89a` is the beginning of one too
        return False
    file.seek(0)
    head = file.read(16)
    return head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or (
        head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    )


def _is_svg(file: BytesIn) -> bool:
    """Return whether a file is a picture of shapes and text: no script, no page within, nothing fetched."""
    text = file.read(_MOST_HEADER_BYTES)
    if b"<!ENTITY" in text:
        return False
    for element in ElementTree.fromstring(text).iter():
        if element.tag.rpartition("}")[2] not in _PICTURE_TAGS or not _are_harmless(element.attrib):
            return False
        if _FETCHES.search(element.text or ""):
            return False
    return True


def _are_harmless(attributes: Mapping[str, str]) -> bool:
    for name, value in attributes.items():
        plain = name.rpartition("}")[2].lower()
        if plain.startswith("on") or _FETCHES.search(value):
            return False
        if plain in ("href", "src") and not value.startswith(
            ("#", "data:image/png;base64,", "data:image/jpeg;base64,")
        ):
            return False
    return True


def _is_npy(file: BytesIn) -> bool:
    import numpy as np

    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    read_header = readers[np.lib.format.read_magic(file)]
    _, _, dtype = read_header(file)
    return not dtype.hasobject


def _is_npz(file: BytesIn) -> bool:
    if not _starts(file, b"PK\x03\x04"):
        return False
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                if not name.endswith(".npy") or not _is_npy(member):
                    return False
    return True


def _is_safetensors(file: BytesIn) -> bool:
    if _runs_as_pickle(file):
        return False
    file.seek(0)
    n_bytes = int.from_bytes(file.read(8), "little")
    return n_bytes <= _MOST_HEADER_BYTES and isinstance(json.loads(file.read(n_bytes)), dict)


def _starts(file: BytesIn, magic: bytes) -> bool:
    has_magic = file.read(len(magic)) == magic
    file.seek(0)
    return has_magic


_BY_ENDING: Mapping[str, Check] = {
    **dict.fromkeys((".parquet", ".pq"), _is_parquet),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), _is_arrow),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp"), _is_image),
    ".svg": _is_svg,
    ".npy": _is_npy,
    ".npz": _is_npz,
    ".safetensors": _is_safetensors,
}
