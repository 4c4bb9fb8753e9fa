"""Arrow types as the codecs need them: which ones a writer may be given, and in which layout a table comes back.

A writer is only given types that were tried on it: on some others it ends the process instead of raising.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from assetctl.lineage.identity.values.arrow_plain import is_binary, is_list, is_text
from assetctl.storage.codecs.base import NotEncodable


def refuse_for_parquet(schema: Any) -> None:
    """Refuse types that the Parquet writer was not tried on, wherever they are nested.

    Raises:
        NotEncodable: there is such a type.
    """
    from pyarrow import types

    for field in schema:
        kind = field.type
        if types.is_dictionary(kind) and _is_restored(kind.value_type):
            kind = kind.value_type
        _refuse(kind, field.name, "Parquet", _is_parquet_leaf, _is_bytes_or_text)


def refuse_for_ipc(schema: Any) -> None:
    """Refuse types that the writer of Arrow files was not tried on, wherever they are nested.

    Raises:
        NotEncodable: there is such a type.
    """
    for field in schema:
        _refuse(field.type, field.name, "Arrow IPC", _is_ipc_leaf, _is_simple)


def _refuse(kind: Any, column: str, writer: str, is_leaf: Callable[[Any], bool], in_dictionary: Any) -> None:
    from pyarrow import types

    if types.is_dictionary(kind):
        fits = in_dictionary(kind.value_type)
    else:
        parts = list(_parts(kind))
        for part in parts:
            _refuse(part, column, writer, is_leaf, in_dictionary)
        fits = bool(parts) or is_leaf(kind) or types.is_struct(kind)
    if not fits:
        raise NotEncodable(f"{writer} does not take the type of column {column!r}: {kind}")


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the types directly inside of a nested type, and what an extension is stored as."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(kind, pa.BaseExtensionType):
        yield kind.storage_type
    elif types.is_map(kind):
        yield from (kind.key_type, kind.item_type)
    elif is_list(kind) or types.is_run_end_encoded(kind):
        yield kind.value_type
    elif types.is_struct(kind) or types.is_union(kind):
        yield from (kind.field(place).type for place in range(kind.num_fields))


def _is_parquet_leaf(kind: Any) -> bool:
    from pyarrow import types

    tests = (
        types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_date,
        types.is_time, types.is_timestamp, types.is_duration, types.is_fixed_size_binary,
    )  # fmt: skip
    return _is_bytes_or_text(kind) or any(test(kind) for test in tests)


def _is_restored(value_type: Any) -> bool:
    from pyarrow import types

    return _is_parquet_leaf(value_type) and not types.is_null(value_type)


def dictionaries_restored(table: Any, file_metadata: dict[bytes, bytes] | None) -> Any:
    """Return a table read from Parquet with dictionaries where the one written had them: Parquet keeps those of text."""
    import base64

    import pyarrow as pa
    from pyarrow import types

    described = (file_metadata or {}).get(b"ARROW:schema")
    if described is None:
        return table
    written = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(described)))
    for place, field in enumerate(table.schema):
        at = written.get_all_field_indices(field.name)
        kind = written.field(at[0]).type if len(at) == 1 else None
        if kind is not None and types.is_dictionary(kind) and kind.value_type == field.type:
            encoded = table.column(place).dictionary_encode().cast(kind)
            table = table.set_column(place, field.with_type(kind), encoded)
    return table


def _is_bytes_or_text(kind: Any) -> bool:
    from pyarrow import types

    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary))


def _is_ipc_leaf(kind: Any) -> bool:
    from pyarrow import types

    return is_text(kind) or is_binary(kind) or types.is_interval(kind) or _is_parquet_leaf(kind)


def _is_simple(kind: Any) -> bool:
    """Say whether nothing in a type is a dictionary or an extension."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType):
        return False
    parts = list(_parts(kind))
    return all(map(_is_simple, parts)) if parts else _is_ipc_leaf(kind) or types.is_struct(kind)


def without_views(table: Any) -> Any:
    """Return a table with large strings and bytes in place of views, which Parquet does not take."""
    return _cast(table, lambda kind: _rebuilt(kind, _view_as_large))


def settled(table: Any) -> Any:
    """Return a table with plain strings, bytes and lists in place of large ones, and of views of strings and bytes.

    They are layouts of the same values, which a data version does not tell apart; so whoever reads a table must not
    either. Views of lists stay: what Arrow 25 makes of them has too small a buffer.
    """
    return _cast(table, lambda kind: _rebuilt(kind, _as_plain))


def settled_schema(schema: Any) -> Any:
    """Return the schema that `settled` gives a table."""
    import pyarrow as pa

    return pa.schema([field.with_type(_rebuilt(field.type, _as_plain)) for field in schema], schema.metadata)


def settled_reader(reader: Any) -> Any:
    """Return a `RecordBatchReader` over the same rows, of plain layouts, without metadata: what a stream's identity is of."""
    import pyarrow as pa

    schema = pa.schema([(field.name, field.type) for field in settled_schema(reader.schema)])

    def batches() -> Iterator[Any]:
        for batch in reader:
            yield from settled(pa.Table.from_batches([batch])).cast(schema).to_batches()

    return (
        reader
        if schema.equals(reader.schema, check_metadata=True)
        else pa.RecordBatchReader.from_batches(schema, batches())
    )


def settled_table(table: Any) -> Any:
    """Return a table of the same rows, of plain layouts, without metadata: what a source's identity is of."""
    return settled_reader(table.to_reader()).read_all()


def _view_as_large(kind: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if types.is_binary_view(kind) else kind


def _as_plain(kind: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if is_text(kind):
        return pa.string()
    if is_binary(kind):
        return pa.binary()
    return pa.list_(kind.value_field) if types.is_large_list(kind) else kind


def _rebuilt(kind: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return a type with its strings, bytes and lists replaced, at every level that a cast can reach."""
    import pyarrow as pa
    from pyarrow import types

    def field(one: Any) -> Any:
        return one.with_type(_rebuilt(one.type, leaf))

    if isinstance(kind, pa.BaseExtensionType):
        return kind
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _rebuilt(kind.value_type, leaf), kind.ordered)
    if types.is_struct(kind):
        return pa.struct([field(kind.field(place)) for place in range(kind.num_fields)])
    if types.is_map(kind):
        return pa.map_(field(kind.key_field), field(kind.item_field), kind.keys_sorted)
    if types.is_fixed_size_list(kind):
        return pa.list_(field(kind.value_field), kind.list_size)
    if types.is_list(kind):
        return pa.list_(field(kind.value_field))
    if types.is_large_list(kind):
        return leaf(pa.large_list(field(kind.value_field)))
    return leaf(kind)


def _cast(table: Any, target_of: Callable[[Any], Any]) -> Any:
    for place, field in enumerate(table.schema):
        target = target_of(field.type)
        if target != field.type:
            table = table.set_column(place, field.with_type(target), _cast_column(table.column(place), target))
    return table


def _cast_column(column: Any, target: Any) -> Any:
    import pyarrow as pa

    pieces: list[Any] = []
    for chunk in column.chunks:
        pieces.extend(_cast_pieces(chunk, target))
    return pa.chunked_array(pieces, target)


def _cast_pieces(chunk: Any, target: Any) -> Iterator[Any]:
    """Cast an array, in parts where it holds more than 32-bit offsets reach."""
    import pyarrow as pa

    try:
        yield chunk.cast(target)
    except pa.ArrowInvalid:
        if len(chunk) < 2:
            raise
        yield from _cast_pieces(chunk[: len(chunk) // 2], target)
        yield from _cast_pieces(chunk[len(chunk) // 2 :], target)
