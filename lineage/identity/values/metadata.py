"""What tables have beside their columns' values, where a reader can see it: metadata that a person set, nullability.

What libraries write for themselves does not count: pandas' block (but for its `attrs`), Arrow's, Parquet's, polars'.
A table without any of it has no marks, and the identity of its values alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrow_plain import is_list
from assetctl.lineage.identity.values.walk import FORMAT

_OWN = (b"assetctl.", b"ARROW:", b"PARQUET:", b"_PL_")
_t = pa.types


def set_by_persons(metadata: Mapping[bytes, bytes] | None) -> dict[bytes, bytes]:
    """Return the part of a schema's or field's metadata that no library wrote for itself, sorted by key."""
    kept = {key: item for key, item in (metadata or {}).items() if not key.startswith(_OWN) and key != b"pandas"}
    attributes = _attributes((metadata or {}).get(b"pandas"))
    if attributes:
        kept[b"pandas"] = attributes
    return dict(sorted(kept.items()))


def _attributes(block: bytes | None) -> bytes:
    """Return the `attrs` of a frame, which `to_pandas` gives back, from pandas' block."""
    if block is None:
        return b""
    try:
        attributes = json.loads(block).get("attributes")
    except (ValueError, AttributeError):
        return block  # no block of pandas' own
    return json.dumps(attributes).encode() if attributes else b""


def schema_digest(schema: pa.Schema) -> Digest | None:
    """Return the digest of a schema's metadata, None if it has none that counts."""
    kept = set_by_persons(schema.metadata)
    if not kept:
        return None
    out = Framed(FORMAT).tag("schema metadata")
    _write(out, kept)
    return out.hexdigest()


def field_digest(field: pa.Field) -> Digest | None:
    """Return the digest of what a field, or one inside of its type, has beside name and type; None if nothing."""
    marks = list(_marks(field, ""))
    if not marks:
        return None
    out = Framed(FORMAT).tag("fields").length(len(marks))
    for path, nullable, kept in marks:
        out.text(path).boolean(nullable)
        _write(out, kept)
    return out.hexdigest()


def metadata_digest(field: pa.Field) -> Digest | None:
    """Return the digest of the metadata of a field and of those inside of its type; None if there is none."""
    return field_digest(field) if any(kept for _, _, kept in _marks(field, "")) else None


def _write(out: Framed, kept: dict[bytes, bytes]) -> None:
    out.length(len(kept))
    for key, item in kept.items():
        out.raw(key).raw(item)


def _marks(field: pa.Field, path: str) -> Iterator[tuple[str, bool, dict[bytes, bytes]]]:
    kept = set_by_persons(field.metadata)
    if kept or not field.nullable:
        yield path, field.nullable, kept
    for place, inner in enumerate(_inside(field.type)):
        yield from _marks(inner, f"{path}/{place}")


def _inside(kind: Any) -> list[pa.Field]:
    """Return the fields inside of a type; a map's key, which is never null, is left out."""
    if isinstance(kind, pa.BaseExtensionType):
        return []
    if _t.is_dictionary(kind) or _t.is_run_end_encoded(kind):
        return _inside(kind.value_type)
    if _t.is_map(kind):
        return [kind.item_field]
    if is_list(kind):
        return [kind.value_field]
    return [kind.field(place) for place in range(kind.num_fields)] if _t.is_struct(kind) or _t.is_union(kind) else []
