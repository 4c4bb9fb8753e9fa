"""Identity of numpy values: dtype without byte order, shape, and elements in C order.

Views, Fortran order, strides and padding between fields leave no trace; every NaN is
one NaN. Object arrays count by their elements' values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import FORMAT, Child, Encoder, Walk, is_of

_GRANULE_BYTES = 1 << 23
COPIED_BYTES = 1 << 26  # larger views are brought into C order granule by granule
_USER_DEFINED = 2  # what `dtype.isbuiltin` says of them


def array_digest(values: Any) -> Digest:
    """Return the digest of a plain (not object, not structured) array's dtype, shape and elements.

    Raises:
        TypeError: the dtype is not numpy's.
    """
    out = Framed(FORMAT).tag("ndarray")
    _write_plain(out, np.asarray(values))
    return out.hexdigest()


def _write_plain(out: Framed, values: Any) -> None:
    out.text(dtype_name(values.dtype)).length(values.ndim)
    for extent in values.shape:
        out.integer(extent)
    small = values.nbytes <= COPIED_BYTES
    flat = np.ascontiguousarray(values).reshape(-1) if small or values.flags.c_contiguous else values.flat
    per_granule = max(1, _GRANULE_BYTES // max(1, values.dtype.itemsize))
    starts = range(0, values.size, per_granule)
    out.length(len(starts))

    def hash_part(start: int) -> str:
        return _granule(flat[start : start + per_granule])

    if len(starts) == 1:
        out.child(hash_part(0))
    else:
        from assetctl.lineage.identity.values.threads import hashing_threads

        for digest in hashing_threads().map(hash_part, starts):
            out.child(digest)


def _granule(flat: Any) -> str:
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    out = Framed(FORMAT).tag("granule")
    kind, width = flat.dtype.kind, flat.dtype.itemsize
    if _is_long(flat.dtype):
        flat = _long_doubles(flat.view(np.longdouble))
    elif kind in "fc":
        flat = one_nan(flat.view(f"f{width // (2 if kind == 'c' else 1)}"))
    elif kind == "b" and flat.view(np.uint8).max(initial=0) > 1:
        flat = flat.view(np.uint8) != 0  # a bool read from foreign bytes
    out.raw(flat.view(np.uint8).data if width and len(flat) else b"")
    return out.hexdigest()


def _is_long(dtype: Any) -> bool:
    return bool(dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16))


def _long_doubles(values: Any) -> Any:
    """Return long doubles as doubles that add up to the mantissa, and the exponent: their own bytes hold padding."""
    finite = np.isfinite(values)
    mantissa, exponent = np.frexp(np.where(finite, values, 0))
    parts = np.zeros((len(values), 4), "<f8")
    for column in range(3):
        parts[:, column] = mantissa
        mantissa = mantissa - parts[:, column]
    parts[:, 3] = exponent
    parts[~finite, 0] = values[~finite]
    return one_nan(parts.reshape(-1))


def one_nan(values: Any) -> Any:
    """Return floats with every NaN replaced by the same NaN; a copy only when there is one."""
    if _has_nan(values):
        values = values.copy()
        np.copyto(values, np.nan, where=np.isnan(values))
    return values


def _has_nan(values: Any) -> bool:
    if values.dtype.kind != "f" or values.size == 0:
        return bool(np.isnan(values).any())
    with np.errstate(
        invalid="ignore"
    ):  # the least of values among which one is NaN is NaN: one pass, no array of answers
        return bool(np.isnan(values.min()))


def dtype_name(dtype: Any) -> str:
    """Return a plain dtype's name without byte order ("<f8", "<M8[ns]", "|b1").

    Raises:
        TypeError: the dtype is somebody's own: its bytes can mean anything.
    """
    if dtype.isbuiltin == _USER_DEFINED or not dtype.type.__module__.startswith("numpy"):
        raise TypeError(f"{dtype} is not numpy's")
    if _is_long(dtype):
        return f"long{dtype.kind}{np.finfo(dtype).nmant}"
    name: str = dtype.newbyteorder("<").str
    return name


def _write_dtype(out: Framed, dtype: Any) -> None:
    if dtype.names is not None:
        out.tag("fields").length(len(dtype.names))
        for name in dtype.names:
            out.text(name)
            _write_dtype(out, dtype.fields[name][0])
    elif dtype.subdtype is not None:
        out.tag("subarray").text(str(dtype.shape))
        _write_dtype(out, dtype.base)
    else:
        out.text(dtype_name(dtype) if dtype.kind != "T" else "T")


def _write_array(walk: Walk, out: Framed, values: Any) -> Iterator[Child]:
    out.tag("numpy")
    if values is np.ma.masked:
        out.tag("masked constant")
    elif type(values) is np.ma.MaskedArray:
        yield from _write_masked(walk, out, values)
    elif type(values) is np.ndarray or type(values) is np.memmap:
        yield from _write_elements(walk, out, np.asarray(values))
    elif type(values) is np.recarray or type(values) is np.matrix:
        out.tag(type(values).__name__)
        yield from _write_elements(walk, out, values.view(np.ndarray))
    else:
        walk.refuse(values)


def _write_elements(walk: Walk, out: Framed, values: Any) -> Iterator[Child]:
    dtype = values.dtype
    if dtype.names is not None:
        try:
            _write_dtype(out.tag("structured"), dtype)
        except TypeError:
            walk.refuse(values)
        out.text(str(values.shape))
        for name in dtype.names:
            yield out, np.asarray(values[name]), f"[{name!r}]"
    elif dtype.kind in "OT":
        out.tag("objects" if dtype.kind == "O" else "strings").text(str(values.shape))
        yield out, values.reshape(-1).tolist() if values.ndim else [values.item()], ""
    else:
        try:
            _write_plain(out, values)
        except TypeError:
            walk.refuse(values)


def _write_masked(walk: Walk, out: Framed, values: Any) -> Iterator[Child]:
    out.tag("masked")
    mask = np.ma.getmaskarray(values)
    content = np.array(values.data, order="C")
    _blank(content, mask)
    yield out, mask, ".mask"
    yield out, content, ".data"
    yield out, np.asarray(values.fill_value), ".fill_value"


def _blank(content: Any, mask: Any) -> None:
    """Put zeros under a mask; records are masked field by field."""
    if content.dtype.names is None:
        content[mask] = np.zeros((), content.dtype)
        return
    for name in content.dtype.names:
        _blank(content[name], mask[name])


def _write_scalar(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "numpy"):
        walk.refuse(value)
    out.tag("numpy.scalar")
    yield out, np.asarray(value), ""


def _write_random(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "numpy"):
        walk.refuse(value)
    out.tag("random").text(type(value).__name__)
    state = value.get_state(legacy=False) if isinstance(value, np.random.RandomState) else _state(value)
    yield out, state, ".state"


def _state(value: Any) -> Any:
    return value.bit_generator.state if isinstance(value, np.random.Generator) else value.state


def _dtype(walk: Walk, out: Framed, value: Any) -> None:
    try:
        _write_dtype(out.tag("numpy.dtype"), value)
    except TypeError:
        walk.refuse(value)


def _ufunc(walk: Walk, out: Framed, value: Any) -> None:
    walk.named(out, value, ("numpy" if getattr(np, value.__name__, None) is value else "scipy.special", value.__name__))


def _function(walk: Walk, out: Framed, value: Any) -> None:
    walk.named(out, value, (value.__module__, value.__qualname__))


def encoders() -> dict[type, Encoder]:
    """Return how numpy's classes are written."""
    return {
        np.ndarray: Encoder(_write_array, is_compound=True, whole=True),
        np.generic: Encoder(_write_scalar, is_compound=True, whole=True),
        np.dtype: Encoder(_dtype, whole=True),
        np.ufunc: Encoder(_ufunc, whole=True),
        type(np.mean): Encoder(_function, whole=True),
        np.random.Generator: Encoder(_write_random, is_compound=True),
        np.random.RandomState: Encoder(_write_random, is_compound=True),
        np.random.BitGenerator: Encoder(_write_random, is_compound=True, whole=True),
    }
