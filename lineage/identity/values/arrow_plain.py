"""Bring Arrow arrays into plain form: the same values without encodings, in the few layouts that identity reads.

Plain are bits, words, fixed and variable bytes, lists, structs and nulls, at every
level. Dictionaries, run ends, views, extensions, maps and unions become those; what
they mean is kept in the original type, which is never changed here. Reads buffers and
uses Arrow's kernels on plain layouts only: what its versions can do with the others
differs, and on some they end the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assetctl.lineage.identity.values.walk import Unencodable

_t = pa.types
_WORDS = {1: pa.uint8(), 2: pa.uint16(), 4: pa.uint32(), 8: pa.uint64()}
_NOTHING = pa.py_buffer(b"")
_REACH = 1 << 31  # of 32-bit offsets


def bare(kind: pa.DataType) -> pa.DataType:
    """Return the type without encodings around it: extensions, dictionaries, run ends."""
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif _t.is_dictionary(kind) or _t.is_run_end_encoded(kind):
            kind = kind.value_type
        else:
            return kind


def is_text(kind: pa.DataType) -> bool:
    return bool(_t.is_string(kind) or _t.is_large_string(kind) or _t.is_string_view(kind))


def is_binary(kind: pa.DataType) -> bool:
    return bool(_t.is_binary(kind) or _t.is_large_binary(kind) or _t.is_binary_view(kind))


def is_list(kind: pa.DataType) -> bool:
    """Say whether values are lists of one type each, a map's entries included."""
    tests = (_t.is_list, _t.is_large_list, _t.is_list_view, _t.is_large_list_view, _t.is_fixed_size_list, _t.is_map)
    return any(test(kind) for test in tests)


def entry_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a list's values; a map's are its entries."""
    if _t.is_map(kind):
        return pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
    return kind.value_type


def width_of(kind: pa.DataType) -> int:
    """Return the bytes of one value of a type of fixed width.

    Raises:
        ArrowNotImplementedError: its values have no fixed width.
    """
    try:
        bits: int = kind.bit_width
    except ValueError as cause:
        raise pa.ArrowNotImplementedError(f"no plain form of {kind}") from cause
    return bits // 8


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the plain type that arrays of a type become."""
    kind = bare(kind)
    if _t.is_null(kind) or _t.is_boolean(kind):
        return kind
    if _t.is_string(kind) or _t.is_binary(kind):
        return pa.binary()
    if is_text(kind) or is_binary(kind):
        return pa.large_binary()
    if _t.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if is_list(kind):
        return pa.large_list(plain_type(entry_type(kind)))
    if _t.is_struct(kind) or _t.is_union(kind):
        fields = [(str(index), plain_type(kind.field(index).type)) for index in range(kind.num_fields)]
        return pa.struct([("code", pa.uint8()), *fields] if _t.is_union(kind) else fields)
    width = width_of(kind)
    return _WORDS.get(width or 1) or pa.binary(width)


def plain(array: pa.Array) -> pa.Array:
    """Return an array in plain form, its nulls where they were.

    Raises:
        ArrowNotImplementedError: the type has no plain form.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(array.storage)
    if len(array) == 0:
        return pa.nulls(0, plain_type(kind))
    if _t.is_dictionary(kind):
        return taken(plain(array.dictionary), array.indices)
    if _t.is_run_end_encoded(kind):
        return _run_ends(array)
    if is_list(kind):
        return _lists(array)
    if _t.is_union(kind):
        return _union(array)
    if _t.is_string_view(kind) or _t.is_binary_view(kind):
        return plain(array.cast(pa.large_string() if _t.is_string_view(kind) else pa.large_binary()))
    target = plain_type(kind)
    if _t.is_null(kind):
        return array
    if _t.is_struct(kind):
        children = [plain(array.field(index)) for index in range(kind.num_fields)]
        return _nested(pa.struct([(str(i), child.type) for i, child in enumerate(children)]), array, [], children)
    buffers = array.buffers()
    if _t.is_fixed_size_binary(kind) and kind.byte_width == 0:
        buffers = [buffers[0], pa.py_buffer(bytes(array.offset + len(array)))]
    buffers[1:] = [_NOTHING if buffer is None else buffer for buffer in buffers[1:]]
    return pa.Array.from_buffers(target, len(array), buffers, array.null_count, array.offset)


def plain_block(chunks: Sequence[pa.Array]) -> pa.Array:
    """Return consecutive arrays of one type as one, in plain form.

    Raises:
        Unencodable: the type has no plain form.
    """
    try:
        return joined([plain(chunk) for chunk in chunks])
    except pa.ArrowNotImplementedError as cause:
        raise Unencodable("", f"arrow.{type_text(chunks[0].type)}") from cause


def type_text(kind: pa.DataType) -> str:
    """Return a type's own name, without asking a person's class for it."""
    name: str = pa.DataType.__str__(kind)
    return name


def joined(arrays: Sequence[pa.Array]) -> pa.Array:
    """Return plain arrays of one original type as one."""
    if len(arrays) == 1:
        return arrays[0]
    if len({array.type for array in arrays}) == 1:
        try:
            return pa.concat_arrays(arrays)
        except pa.ArrowInvalid:  # more content than 32-bit offsets reach
            pass
    return pa.concat_arrays([_widened(array) for array in arrays])


def taken(array: pa.Array, places: Any) -> pa.Array:
    """Return the values of a plain array at some places; a null place gives null."""
    places = places if isinstance(places, pa.Array) else pa.array(places)
    if _most_bytes(array) * len(places) >= _REACH:
        array = _widened(array)
    return array.take(places)


def _most_bytes(array: pa.Array) -> int:
    """Return an upper bound on the bytes of one value; Arrow's kernel does not notice when its offsets overflow."""
    if _t.is_binary(array.type) and len(array):
        return int(np.diff(offsets(array, wide=False)).max())
    return int(array.get_total_buffer_size()) if _wide(array.type) != array.type else 0


def bits(buffer: pa.Buffer, offset: int, n_bits: int) -> Any:
    """Return bits of a buffer as bools."""
    first = offset // 8
    packed = np.frombuffer(buffer, np.uint8, (offset + n_bits + 7) // 8 - first, first)
    return np.unpackbits(packed, bitorder="little")[offset % 8 : offset % 8 + n_bits].view(np.bool_)


def validity(array: pa.Array) -> Any:
    """Return which values are not null, as bools; None when all are."""
    buffer = array.buffers()[0]
    return None if buffer is None or array.null_count == 0 else bits(buffer, array.offset, len(array))


def offsets(array: pa.Array, wide: bool) -> Any:
    """Return where each value of variable size begins, and where the last one ends."""
    dtype = np.dtype("i8" if wide else "i4")
    return np.frombuffer(array.buffers()[1], dtype, len(array) + 1, array.offset * dtype.itemsize)


def places_of(starts: Any, lengths: Any) -> Any:
    """Return the places that some ranges cover, one after the other."""
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)


def _run_ends(array: pa.Array) -> pa.Array:
    ends = array.run_ends.to_numpy(zero_copy_only=False)
    first, last = np.searchsorted(ends, [array.offset, array.offset + len(array) - 1], side="right").tolist()
    runs = np.minimum(ends[first : last + 1].astype(np.int64) - array.offset, len(array))
    values = plain(array.values.slice(first, last + 1 - first))
    return taken(values, np.repeat(np.arange(len(runs)), np.diff(runs, prepend=0)))


def _lists(array: pa.Array) -> pa.Array:
    kind, n_rows = array.type, len(array)
    if _t.is_fixed_size_list(kind):
        child = plain(array.values.slice(array.offset * kind.list_size, n_rows * kind.list_size))
        return _nested(pa.list_(child.type, kind.list_size), array, [], [child])
    wide = _t.is_large_list(kind) or _t.is_large_list_view(kind)
    if _t.is_list_view(kind) or _t.is_large_list_view(kind):
        dtype = np.dtype("i8" if wide else "i4")
        starts, lengths = (
            np.frombuffer(buffer, dtype, n_rows, array.offset * dtype.itemsize).astype(np.int64)
            for buffer in array.buffers()[1:3]
        )
        valid = validity(array)
        lengths = lengths if valid is None else lengths * valid
        child = _spanned(array.values, starts, lengths)
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    else:
        begins = offsets(array, wide)
        child = plain(array.values.slice(begins[0], begins[-1] - begins[0]))
        begins = begins.astype(np.int64) - begins[0]
    return _nested(pa.large_list(child.type), array, [pa.py_buffer(begins)], [child])


def _spanned(values: pa.Array, starts: Any, lengths: Any) -> pa.Array:
    """Return the values of list views, in order; only the span that they reach is made plain."""
    used = lengths > 0
    if not used.any():
        return plain(values.slice(0, 0))
    low, high = int(starts[used].min()), int((starts + lengths)[used].max())
    return taken(plain(values.slice(low, high - low)), places_of(starts - low, lengths))


def _union(array: pa.Array) -> pa.Array:
    """Return a struct: which field a row has, and each field with a row for every one of the union's."""
    kind, n_rows = array.type, len(array)
    positions = np.zeros(128, np.uint8)
    positions[list(kind.type_codes)] = range(kind.num_fields)
    chosen = positions[np.frombuffer(array.buffers()[1], np.int8, n_rows, array.offset)]
    children = [plain(array.field(index)) for index in range(kind.num_fields)]
    if kind.mode == "dense":
        places = np.frombuffer(array.buffers()[2], np.int32, n_rows, array.offset * 4)
        children = [
            taken(child, pa.array(places, mask=chosen != index)) for index, child in enumerate(children)
        ]  # fmt: skip
    codes = pa.Array.from_buffers(pa.uint8(), n_rows, [None, pa.py_buffer(chosen)], 0)
    return pa.StructArray.from_arrays([codes, *children], ["code", *map(str, range(len(children)))])


def _nested(target: pa.DataType, array: pa.Array, places: list[pa.Buffer], children: list[pa.Array]) -> pa.Array:
    """Return children under the nulls of an array."""
    valid = validity(array)
    packed = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    n_nulls = 0 if packed is None else array.null_count
    return pa.Array.from_buffers(target, len(array), [packed, *places], n_nulls, 0, children)


def _widened(array: pa.Array) -> pa.Array:
    return array.cast(_wide(array.type))


def _wide(kind: pa.DataType) -> pa.DataType:
    if _t.is_binary(kind):
        return pa.large_binary()
    if _t.is_fixed_size_list(kind):
        return pa.list_(_wide(kind.value_type), kind.list_size)
    if _t.is_large_list(kind):
        return pa.large_list(_wide(kind.value_type))
    if _t.is_struct(kind):
        return pa.struct([(field.name, _wide(field.type)) for field in kind])
    return kind
