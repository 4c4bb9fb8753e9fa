"""Write a block of Arrow values in canonical form: what the values are, not how they lie in memory.

Validity is written apart from the payload, payload under nulls is zero, every NaN is
one NaN, strings and lists are their lengths followed by their content. Offsets,
slices, dictionaries, run ends, views and 32- or 64-bit offsets leave no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrays import one_nan
from assetctl.lineage.identity.values.arrow_plain import (
    bare,
    bits,
    entry_type,
    is_binary,
    is_list,
    is_text,
    offsets,
    places_of,
    plain_block,
    taken,
    validity,
    width_of,
)

_t = pa.types
_SHORT = 1 << 32
_NOT_CHOSEN = 255  # a row of a union that is null by what surrounds it; codes end at 127
_WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def logical_type(kind: pa.DataType) -> str:
    """Return the type's name as identity sees it: encodings and offset widths are gone, units and zones stay."""
    if isinstance(kind, pa.BaseExtensionType):
        return f"extension<{kind.extension_name}{_parameters(kind)}, {logical_type(kind.storage_type)}>"
    if _t.is_dictionary(kind) or _t.is_run_end_encoded(kind):
        return logical_type(kind.value_type)
    if is_text(kind):
        return "string"
    if is_binary(kind):
        return "binary"
    if _t.is_nested(kind):
        return _nested_type(kind)
    if _t.is_timestamp(kind):
        return f"timestamp[{kind.unit}]" if kind.tz is None else f"timestamp[{kind.unit}, tz={kind.tz}]"
    if _t.is_decimal(kind):
        return f"decimal{kind.bit_width}({kind.precision}, {kind.scale})"
    if _t.is_fixed_size_binary(kind):
        return f"fixed_size_binary[{kind.byte_width}]"
    return _PLAIN_NAMES.get(kind.id, str(kind))


def _nested_type(kind: pa.DataType) -> str:
    if _t.is_map(kind):
        return f"map<{logical_type(kind.key_type)}, {logical_type(kind.item_type)}>"
    if _t.is_fixed_size_list(kind):
        return f"fixed_size_list<{logical_type(kind.value_type)}>[{kind.list_size}]"
    if is_list(kind):
        return f"list<{logical_type(kind.value_type)}>"
    fields = [kind.field(index) for index in range(kind.num_fields)]
    name = "struct" if _t.is_struct(kind) else "union"
    return name + "<" + ", ".join(f"{len(f.name)}:{f.name}: {logical_type(f.type)}" for f in fields) + ">"


_PLAIN_NAMES = {pa.float16().id: "float16", pa.float32().id: "float32", pa.float64().id: "float64"}


def _parameters(kind: Any) -> str:
    """Return the parameters of an extension type, beyond its storage."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return f"[{kind.shape}, {kind.dim_names}, {kind.permutation}]"
    if isinstance(kind, pa.OpaqueType):
        return f"[{kind.type_name!r}, {kind.vendor_name!r}]"
    serialize = getattr(kind, "__arrow_ext_serialize__", None)
    return "" if serialize is None else f"[{serialize().hex()}]"


_Valid = Any  # a numpy array of bools, or None when all values are valid


def write_block(out: Framed, chunks: Sequence[pa.Array]) -> None:
    """Write the values of consecutive arrays of one type as one block.

    The type is not written: `logical_type` names it, once per column.

    Raises:
        Unencodable: the type has no canonical form.
    """
    write_plain(out, chunks[0].type, plain_block(chunks))


def write_plain(out: Framed, kind: pa.DataType, array: pa.Array, above: _Valid = None) -> None:
    """Write a plain array's values, of an original type; `above`: where what surrounds it is not null."""
    out.length(len(array))
    kind = bare(kind)
    if len(array) == 0 or _t.is_null(kind):
        return
    valid = _both(validity(array), above)
    if _t.is_union(kind):
        _write_union(out, kind, array, valid)
        return
    if valid is None:
        out.none()
    else:
        out.raw(np.packbits(valid, bitorder="little").data)
    _writer(kind)(out, kind, array, valid)


def _both(own: _Valid, above: _Valid) -> _Valid:
    if own is None or above is None:
        return above if own is None else own
    return own & above


def _writer(kind: pa.DataType) -> Callable[[Framed, pa.DataType, pa.Array, _Valid], None]:
    if _t.is_boolean(kind):
        return _write_booleans
    if is_text(kind) or is_binary(kind):
        return _write_texts
    if is_list(kind):
        return _write_lists
    if _t.is_struct(kind):
        return _write_struct
    return _write_fixed


def _write_booleans(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    values = bits(array.buffers()[1], array.offset, len(array))
    out.raw(np.packbits(values if valid is None else values & valid, bitorder="little").data)


def _write_fixed(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    width = width_of(kind)
    if width not in _WORDS:
        values = np.frombuffer(array.buffers()[1], np.uint8, len(array) * width, array.offset * width)
        if valid is not None:
            values = (values.reshape(len(array), width) * valid[:, None]).reshape(-1)
        out.raw(values.data if width else b"")
        return
    values = np.frombuffer(array.buffers()[1], _WORDS[width], len(array), array.offset * width)
    if valid is not None:
        values = values * valid
    if _t.is_floating(kind):
        values = one_nan(values.view(f"f{width}"))
    out.raw(values.view(np.uint8).data)


def _write_lengths(out: Framed, lengths: Any) -> None:
    if lengths.dtype.itemsize == 8 and int(lengths.max()) < _SHORT:
        lengths = lengths.astype(np.uint32)
    out.raw(lengths.view(np.uint8).data)


def _write_texts(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    begins = offsets(array, _t.is_large_binary(array.type))
    lengths = np.diff(begins)
    if valid is not None and lengths[~valid].any():  # garbage under nulls
        lengths[~valid] = 0
        array = taken(array, np.flatnonzero(valid))
        begins = offsets(array, _t.is_large_binary(array.type)) if len(array) else np.zeros(1, np.int64)
    _write_lengths(out, lengths)
    start, stop = int(begins[0]), int(begins[-1])
    out.raw(memoryview(array.buffers()[2])[start:stop] if stop > start else b"")


def _write_lists(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    if _t.is_fixed_size_list(kind):
        lengths = np.full(len(array), kind.list_size, np.int32)
        starts = (array.offset + np.arange(len(array))) * kind.list_size
    else:
        begins = offsets(array, wide=True)
        lengths, starts = np.diff(begins), begins[:-1]
    first, total = int(starts[0]), int(lengths.sum())
    if valid is not None and lengths[~valid].any():  # garbage under nulls
        lengths[~valid] = 0
        values = taken(array.values, places_of(starts, lengths))
    else:
        values = array.values.slice(first, total)
    _write_lengths(out, lengths)
    write_plain(out, entry_type(kind), values)


def _write_struct(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    for index in range(kind.num_fields):  # a child under a null parent is null
        write_plain(out, kind.field(index).type, array.field(index), valid)


def _write_union(out: Framed, kind: pa.DataType, array: pa.Array, valid: _Valid) -> None:
    codes = array.field(0)
    chosen = np.frombuffer(codes.buffers()[1], np.uint8, len(codes), codes.offset)
    if valid is not None:
        chosen = np.where(valid, chosen, np.uint8(_NOT_CHOSEN))
    out.raw(chosen.data)
    for index in range(kind.num_fields):
        write_plain(out, kind.field(index).type, taken(array.field(index + 1), np.flatnonzero(chosen == index)))
