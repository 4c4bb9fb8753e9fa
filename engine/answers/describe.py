"""Say of a value that is no table what it is: an array's shape, a model's parameters, a source's rows.

Nothing is executed that the value brings along: arrays are described by the head of their
file, models are read by skops, which builds known types alone, and of a pickle only those
few classes are built of which sparse matrices are made.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import AssetctlError
from assetctl.engine.answers.plain_json import plain
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.records import Output
from assetctl.lineage.identity.values.walk import type_name
from assetctl.storage.sources.parsing import open_table, parse_with_any, table_format

_LARGEST_BYTES = 100_000_000  # of a value that is read to be described
_LONGEST_PARAMETER = 80
_SPARSE_PARTS = frozenset(
    [
        *(("scipy.sparse._" + kind, f"{kind}_{shape}") for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok") for shape in ("matrix", "array")),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("_codecs", "encode"),
    ]
)  # fmt: skip


def describe_value(workspace: Workspace, output: Output) -> Mapping[str, Any]:
    """Return what is known of a stored value's form, as plain data; nothing, where its codec says nothing."""
    describe = {"numpy": _array, "skops": _model, "pickle": _pickled}.get(output.codec.partition("/")[0])
    if describe is None or output.blob is None:
        return {}
    try:
        return describe(workspace, output)
    except Exception:  # noqa: BLE001  bytes that are not what they should be may raise anything
        return {}  # `get` and `verify` say what is wrong with it


def describe_source(workspace: Workspace, source: SourceDef) -> Mapping[str, Any]:
    """Return what a source is now: rows and columns of a file that holds a table, else files and bytes."""
    path = workspace.root / source.path
    try:
        if source.shape is not SourceShape.FILE:
            files = path.rglob("*") if source.shape is SourceShape.DIRECTORY else workspace.root.glob(source.path)
            sizes = [file.stat().st_size for file in files if file.is_file()]
            return {"n_files": len(sizes), "size_bytes": sum(sizes)}
        size = path.stat().st_size
        if table_format(path) is None or size > _LARGEST_BYTES:
            return {"size_bytes": size}
        table = parse_with_any(path, source.options).to_reader() if source.options else open_table(path)
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        return {"size_bytes": size, "n_rows": sum(batch.num_rows for batch in table), "columns": columns}
    except (AssetctlError, OSError, ValueError, NotImplementedError):
        return {}  # building what reads it says what is wrong with it


def _array(workspace: Workspace, output: Output) -> Mapping[str, Any]:
    with _opened(workspace, output) as file:
        return _head_of_array(file)


def _opened(workspace: Workspace, output: Output) -> BinaryIO:
    if output.inline is not None or output.blob is None:
        return io.BytesIO(output.inline or b"")
    return workspace.stores.data.blobs.path(output.blob).open("rb")


def _head_of_array(file: BinaryIO) -> Mapping[str, Any]:
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return {"shape": list(shape), "dtype": str(dtype)}


def _model(workspace: Workspace, output: Output) -> Mapping[str, Any]:
    if output.size_bytes > _LARGEST_BYTES:
        return {"class": output.value.kind}
    model = workspace.stores.data.load(output, Wanted())
    parameters = {name: _short(value) for name, value in sorted(model.get_params(deep=False).items())}
    features = getattr(model, "n_features_in_", None)
    return {"class": type_name(type(model)), "parameters": parameters} | (
        {"n_features": int(features)} if features else {}
    )


def _short(value: object) -> Any:
    said = plain(value)
    text = repr(value)
    return (
        said
        if isinstance(value, str | int | float | bool | None)
        else text
        if len(text) <= _LONGEST_PARAMETER
        else text[: _LONGEST_PARAMETER - 3] + "..."
    )


def _pickled(workspace: Workspace, output: Output) -> Mapping[str, Any]:
    kind = output.value.kind.removeprefix("object:")
    if not kind.startswith("scipy.sparse."):
        return {"class": kind}
    if output.size_bytes > _LARGEST_BYTES:
        return {"class": kind}
    with _opened(workspace, output) as file:
        matrix = _OfSparse(file).load()
    return {"class": kind, "shape": list(matrix.shape), "dtype": str(matrix.dtype), "n_stored": int(matrix.nnz)}


class _OfSparse(pickle.Unpickler):
    """Builds sparse matrices of numbers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _SPARSE_PARTS:
            raise pickle.UnpicklingError(f"`{module}.{name}` is no part of a sparse matrix")
        return super().find_class(module, name)
