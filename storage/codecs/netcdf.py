"""Arrays and datasets of xarray as netCDF, with what that format would change: attributes, resolution of times."""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
from typing import Any

_ARRAY = "value"
_ABOUT = "assetctl"


def netcdf_bytes(value: Any) -> bytes:
    """Return the bytes of a file; HDF5 needs h5py, and without it there is the classic format, which has fewer types."""
    is_array = not hasattr(value, "data_vars")
    dataset = value.to_dataset(name=_ARRAY) if is_array else value.copy()
    about = {
        "name": value.name if is_array else None,
        "attrs": {
            str(name): dict(each.attrs) for name, each in (*dataset.variables.items(), ("", dataset)) if each.attrs
        },
        "times": {str(name): str(each.dtype) for name, each in dataset.variables.items() if each.dtype.kind in "mM"},
    }
    dataset.attrs = {**dataset.attrs, _ABOUT: json.dumps(about)}
    engine = "h5netcdf" if importlib.util.find_spec("h5py") and importlib.util.find_spec("h5netcdf") else "scipy"
    return bytes(dataset.to_netcdf(engine=engine))


def from_netcdf(data: bytes, kind: str) -> Any:
    """Return the array or dataset of a file that `netcdf_bytes` wrote."""
    dataset = importlib.import_module("xarray").load_dataset(io.BytesIO(data))
    about = json.loads(dataset.attrs.pop(_ABOUT))
    for name, dtype in about["times"].items():
        dataset = dataset.assign({name: (dataset[name].dims, dataset[name].values.astype(dtype), dataset[name].attrs)})
    for name, attrs in about["attrs"].items():
        (dataset[name] if name else dataset).attrs = attrs
    return dataset[_ARRAY].rename(about["name"]) if kind.endswith(".DataArray") else dataset
