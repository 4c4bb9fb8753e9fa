"""Identity of xarray's values: dimensions, coordinates, variables and attributes; not how they were read or kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import xarray as xr

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of


def _write_variable(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "xarray"):
        walk.refuse(value)
    out.tag("xarray.Variable").boolean(isinstance(value, xr.IndexVariable))
    yield out, tuple(value.dims), ".dims"
    yield out, value.values, ".values"
    yield out, dict(value.attrs), ".attrs"


def _write_array(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "xarray"):
        walk.refuse(value)
    out.tag("xarray.DataArray")
    yield out, value.name, ".name"
    yield out, value.variable, ".variable"
    yield from _write_coordinates(out, value)


def _write_dataset(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "xarray"):
        walk.refuse(value)
    out.tag("xarray.Dataset")
    yield out, dict(value.attrs), ".attrs"
    yield out, {name: value.variables[name] for name in value.data_vars}, ".data_vars"
    yield from _write_coordinates(out, value)


def _write_coordinates(out: Framed, value: Any) -> Iterator[Child]:
    names = sorted(value.coords, key=repr)  # nobody chooses their order, and no file keeps it
    yield out, {name: value.coords[name].variable for name in names}, ".coords"
    yield out, sorted(map(str, value.xindexes)), ".xindexes"


def encoders() -> dict[type, Encoder]:
    """Return how xarray's classes are written."""
    return {
        xr.Variable: Encoder(_write_variable, is_compound=True, whole=True, after_code=True),
        xr.DataArray: Encoder(_write_array, is_compound=True, whole=True, after_code=True),
        xr.Dataset: Encoder(_write_dataset, is_compound=True, whole=True, after_code=True),
    }
