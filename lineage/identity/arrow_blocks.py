"""Write a block of Arrow values in canonical form: what the values are, not how they lie in memory.

Validity is written apart from the payload, payload under nulls is zero, every NaN is
one NaN, strings and lists are their lengths followed by their content. Offsets,
slices, dictionaries, run ends, views and 32- or 64-bit offsets leave no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assetctl.lineage.identity.arrays import one_nan
from assetctl.lineage.identity.encode import Framed

_t = pa.types
_SHORT = 1 << 32
_WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def logical_type(kind: pa.DataType) -> str:
    """Return the type's name as identity sees it: encodings and offset widths are gone, units and zones stay."""
    if isinstance(kind, pa.BaseExtensionType):
        return f"extension<{kind.extension_name}{_parameters(kind)}, {logical_type(kind.storage_type)}>"
    if _t.is_dictionary(kind) or _t.is_run_end_encoded(kind):
        return logical_type(kind.value_type)
    if _is_text(kind):
        return "string"
    if _is_binary(kind):
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
    if _is_list(kind):
        return f"list<{logical_type(kind.value_type)}>"
    fields = [kind.field(index) for index in range(kind.num_fields)]
    name = "struct" if _t.is_struct(kind) else "union"
    return name + "<" + ", ".join(f"{len(f.name)}:{f.name}: {logical_type(f.type)}" for f in fields) + ">"


_PLAIN_NAMES = {pa.float16().id: "float16", pa.float32().id: "float32", pa.float64().id: "float64"}


def _is_text(kind: pa.DataType) -> bool:
    return bool(_t.is_string(kind) or _t.is_large_string(kind) or _t.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(_t.is_binary(kind) or _t.is_large_binary(kind) or _t.is_binary_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    tests = (_t.is_list, _t.is_large_list, _t.is_list_view, _t.is_large_list_view, _t.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _parameters(kind: Any) -> str:
    """Return the parameters of an extension type, beyond its storage."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return f"[{kind.shape}, {kind.dim_names}, {kind.permutation}]"
    if isinstance(kind, pa.OpaqueType):
        return f"[{kind.type_name!r}, {kind.vendor_name!r}]"
    serialize = getattr(kind, "__arrow_ext_serialize__", None)
    return "" if serialize is None else f"[{serialize().hex()}]"


def write_block(out: Framed, array: pa.Array) -> None:
    """Write an array's values. The type is not written: `logical_type` names it, once per column."""
    out.length(len(array))
    array = decoded(array)
    if len(array) == 0 or _t.is_null(array.type):
        return
    if _t.is_union(array.type):
        _write_union(out, array)
        return
    valid = _validity(array)
    if valid is None:
        out.none()
    else:
        out.raw(np.packbits(valid, bitorder="little").data)
    _writer(array.type)(out, array, valid)


_Valid = Any  # a numpy array of bools, or None when all values are valid


def decoded(array: pa.Array) -> pa.Array:
    """Return an array without the encodings that are not content: extensions, dictionaries, run ends, views."""
    while True:
        kind = array.type
        if isinstance(kind, pa.BaseExtensionType):
            array = array.storage
        elif _t.is_dictionary(kind):
            array = array.dictionary_decode()
        elif _t.is_run_end_encoded(kind):
            array = pc.run_end_decode(array)
        elif _t.is_string_view(kind):
            array = array.cast(pa.large_string())
        elif _t.is_binary_view(kind):
            array = array.cast(pa.large_binary())
        elif _t.is_map(kind):
            entries = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
            array = array.cast(pa.list_(entries))
        else:
            return array


def _bits(buffer: pa.Buffer, offset: int, n_bits: int) -> Any:
    first = offset // 8
    n_bytes = (offset + n_bits + 7) // 8 - first
    packed = np.frombuffer(buffer, np.uint8, n_bytes, first)
    return np.unpackbits(packed, bitorder="little")[offset % 8 : offset % 8 + n_bits].view(np.bool_)


def _validity(array: pa.Array) -> _Valid:
    buffer = array.buffers()[0]
    if buffer is None or array.null_count == 0:
        return None
    return _bits(buffer, array.offset, len(array))


def _writer(kind: pa.DataType) -> Callable[[Framed, pa.Array, _Valid], None]:
    if _t.is_boolean(kind):
        return _write_booleans
    if _is_text(kind) or _is_binary(kind):
        return _write_texts
    if _is_list(kind):
        return _write_lists
    if _t.is_struct(kind):
        return _write_struct
    if _t.is_floating(kind):
        return _write_floats
    return _write_fixed


def _write_booleans(out: Framed, array: pa.Array, valid: _Valid) -> None:
    values = _bits(array.buffers()[1], array.offset, len(array))
    out.raw(np.packbits(values if valid is None else values & valid, bitorder="little").data)


def _write_floats(out: Framed, array: pa.Array, valid: _Valid) -> None:
    dtype = np.dtype(f"f{array.type.bit_width // 8}")
    values = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)
    if valid is not None:
        values = np.where(valid, values, dtype.type(0))
    out.raw(one_nan(values).view(np.uint8).data)


def _write_fixed(out: Framed, array: pa.Array, valid: _Valid) -> None:
    width = array.type.bit_width // 8
    if width in _WORDS:
        values = np.frombuffer(array.buffers()[1], _WORDS[width], len(array), array.offset * width)
        out.raw((values if valid is None else values * valid).view(np.uint8).data)
        return
    values = np.frombuffer(array.buffers()[1], np.uint8, len(array) * width, array.offset * width)
    if valid is not None:
        values = (values.reshape(len(array), width) * valid[:, None]).reshape(-1)
    out.raw(values.data)


def _write_lengths(out: Framed, lengths: Any) -> None:
    if lengths.dtype.itemsize == 8 and int(lengths.max()) < _SHORT:
        lengths = lengths.astype(np.uint32)
    out.raw(lengths.view(np.uint8).data)


def _write_texts(out: Framed, array: pa.Array, valid: _Valid) -> None:
    wide = _t.is_large_string(array.type) or _t.is_large_binary(array.type)
    lengths, start, stop = _spans(array, 8 if wide else 4)
    if valid is not None and lengths[~valid].any():  # garbage under nulls
        lengths[~valid] = 0
        array = array.drop_null()
        _, start, stop = _spans(array, 8 if wide else 4)
    _write_lengths(out, lengths)
    content = array.buffers()[2]
    out.raw(memoryview(content)[start:stop] if content is not None and stop > start else b"")


def _spans(array: pa.Array, width: int) -> tuple[Any, int, int]:
    """Return each value's length, and where the content starts and stops."""
    if len(array) == 0:
        return np.zeros(0, np.uint32), 0, 0
    offsets = np.frombuffer(array.buffers()[1], f"i{width}", len(array) + 1, array.offset * width)
    return np.diff(offsets), int(offsets[0]), int(offsets[-1])


def _write_lists(out: Framed, array: pa.Array, valid: _Valid) -> None:
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    _write_lengths(out, lengths)
    write_block(out, array.flatten())


def _write_struct(out: Framed, array: pa.Array, valid: _Valid) -> None:
    for child in array.flatten():  # a child under a null parent is null
        write_block(out, child)


def _write_union(out: Framed, array: pa.Array) -> None:
    kind = array.type
    codes = np.frombuffer(array.buffers()[1], np.int8, len(array), array.offset)
    places = np.arange(len(array), dtype=np.int32)
    if kind.mode == "dense":
        places = np.frombuffer(array.buffers()[2], np.int32, len(array), array.offset * 4)
    positions = np.full(128, -1, np.int8)
    positions[list(kind.type_codes)] = range(kind.num_fields)
    chosen = positions[codes]
    out.raw(chosen.view(np.uint8).data)
    for index in range(kind.num_fields):
        write_block(out, decoded(array.field(index)).take(pa.array(places[chosen == index])))
