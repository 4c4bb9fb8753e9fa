"""Are two values the same to whoever reads them? Asked in each library's own terms, without the product's identity."""

# mypy: ignore-errors

from __future__ import annotations

import enum
import math
import re
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assetctl.lineage.identity.values.walk import type_name

_CHANGEABLE = (list, dict, set, bytearray, np.ndarray)


def difference(one: Any, other: Any, *, sharing: bool = True) -> str:
    """Return where and how two values differ, "" if they do not; `sharing`: also in which parts are one object."""
    return next(_Comparison(sharing).differ(one, other, ""), "")


class _Comparison:
    def __init__(self, sharing: bool) -> None:
        self._sharing = sharing
        self._partners: dict[int, tuple[Any, Any]] = {}
        self._of_other: dict[int, Any] = {}

    def differ(self, one: Any, other: Any, at: str) -> Iterator[str]:
        if isinstance(one, types.GeneratorType | pa.RecordBatchReader):
            one = pa.concat_tables([one.read_all()] if isinstance(one, pa.RecordBatchReader) else list(one))
        if type(one) is not type(other):
            yield f"{at or 'it'}: {type_name(type(one))} and {type_name(type(other))}"
            return
        if id(one) in self._partners:
            if self._sharing and self._partners[id(one)][1] is not other and isinstance(one, _CHANGEABLE):
                yield f"{at}: shared there, and not here"
            return
        if isinstance(one, _CHANGEABLE) or hasattr(one, "__dict__"):
            self._partners[id(one)] = (one, other)
            if self._sharing and isinstance(one, _CHANGEABLE):
                if self._of_other.setdefault(id(other), one) is not one:
                    yield f"{at}: shared here, and not there"
        yield from self._parts(one, other, at)

    def _parts(self, one: Any, other: Any, at: str) -> Iterator[str]:
        special = _special(one)
        if special is not None:
            said = special(one, other)
            if said is False or (isinstance(said, str) and said):
                yield f"{at or 'it'}: {said or ''} {one!r:.200} and {other!r:.200}"
        elif isinstance(one, types.FunctionType) and "<" in one.__qualname__:
            if one.__code__.co_code != other.__code__.co_code:
                yield f"{at}: other code"
        elif isinstance(one, enum.Enum | type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
            if one is not other:
                yield f"{at}: {one} and {other}"
        elif isinstance(one, np.ndarray):
            yield from self._arrays(one, other, at)
        else:
            yield from self._plain(one, other, at)

    def _arrays(self, one: Any, other: Any, at: str) -> Iterator[str]:
        if one is np.ma.masked or other is np.ma.masked:
            if one is not other:
                yield f"{at}: masked"
            return
        if isinstance(one, np.ma.MaskedArray):
            yield from self.differ(np.ma.getmaskarray(one), np.ma.getmaskarray(other), at + ".mask")
            yield from self.differ(one.fill_value, other.fill_value, at + ".fill_value")
            one, other = one.filled(), other.filled()
        if _native(one.dtype) != _native(other.dtype) or one.shape != other.shape:
            yield f"{at}: {one.dtype} {one.shape} and {other.dtype} {other.shape}"
        elif one.dtype.hasobject:
            yield from self.differ(one.tolist(), other.tolist(), at + ".tolist()")
        elif one.dtype.kind in "fc":
            if not np.array_equal(one, other, equal_nan=True) or not np.array_equal(
                np.signbit(one.real), np.signbit(other.real)
            ):
                yield f"{at}: {one} and {other}"
        elif one.dtype.kind == "T":
            yield from self.differ(one.tolist(), other.tolist(), at + ".tolist()")
        elif str(one) != str(other) if one.dtype.names else one.tolist() != other.tolist() and str(one) != str(other):
            yield f"{at}: {one} and {other}"

    def _plain(self, one: Any, other: Any, at: str) -> Iterator[str]:
        if isinstance(one, float | np.floating) and not isinstance(one, np.ndarray):
            if not (one == other or (math.isnan(one) and math.isnan(other))) or np.signbit(one) != np.signbit(other):
                yield f"{at}: {one!r} and {other!r}"
        elif isinstance(one, dict):
            if list(map(_shown, one)) != list(map(_shown, other)):
                yield f"{at}: keys {list(one)} and {list(other)}"
            for (key, a), b in zip(one.items(), other.values(), strict=False):
                yield from self.differ(a, b, f"{at}[{key!r}]")
        elif isinstance(one, set | frozenset):
            if sorted(map(_shown, one)) != sorted(map(_shown, other)):
                yield f"{at}: {one} and {other}"
        elif isinstance(one, int) and not isinstance(one, bool):
            if one != other:
                yield f"{at}: another number"
        elif (
            hasattr(one, "__iter__") and hasattr(type(one), "__len__") and not isinstance(one, str | bytes | memoryview)
        ):
            if len(one) != len(other):
                yield f"{at}: {len(one)} and {len(other)} items"
            for place, (a, b) in enumerate(zip(one, other, strict=False)):
                if a is not one:
                    yield from self.differ(a, b, f"{at}[{place}]")
        elif (
            not hasattr(one, "__dict__") and not _slots(one) and repr(one) != repr(other) and " at 0x" not in repr(one)
        ):
            yield f"{at}: {one!r} and {other!r}"
        yield from self._attributes(one, other, at)

    def _attributes(self, one: Any, other: Any, at: str) -> Iterator[str]:
        names = {name for name in getattr(one, "__dict__", {}) if not name.startswith(("_cache", "__"))}
        for name in sorted(names | _slots(one)):
            if name not in {
                "_repr",
                "refit_time_",
                "cv_results_",
                "_random_state",
                "_warned_capturable_if_run_uncaptured",
            }:
                yield from self.differ(getattr(one, name, None), getattr(other, name, None), f"{at}.{name}")


def _native(dtype: Any) -> Any:
    return dtype if dtype.kind == "T" else dtype.newbyteorder("=")


def _slots(value: Any) -> set[str]:
    if not type(value).__module__.startswith("tests."):
        return set()
    return {name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()) if not name.startswith("__")}


def _shown(value: Any) -> str:
    return f"{type(value)}{sorted(map(_shown, value)) if isinstance(value, set | frozenset) else repr(value)}"


def _special(value: Any) -> Any:
    """Return how a library itself compares values of this type: an answer, or the text of what differs."""
    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        return _pandas
    if isinstance(value, pa.Table | pa.RecordBatch):
        return _arrow
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return lambda a, b: a.type == _plain(b.type, a.type) and a.to_pylist() == b.to_pylist()
    name = "" if type(value).__name__ == "method_descriptor" else type_name(type(value))
    return next((compare for prefix, compare in _BY_NAME.items() if name.startswith(prefix)), None)


def _pandas(one: Any, other: Any) -> str:
    kind = "frame" if isinstance(one, pd.DataFrame) else "series" if isinstance(one, pd.Series) else "index"
    compare = getattr(pd.testing, f"assert_{kind}_equal")
    try:
        if kind == "index":
            compare(one, other, exact=True)
            return "" if getattr(one, "freq", None) == getattr(other, "freq", None) else "freq"
        if kind == "frame":
            one, other = one.copy(), other.copy()
            one.index, other.index = _without_layout(one.index), _without_layout(other.index)
        elif isinstance(one.dtype, pd.StringDtype) and one.dtype.na_value is pd.NA:
            one, other = one.astype("string"), other.astype("string")
        compare(
            one,
            other,
            check_exact=True,
            check_freq=True,
            check_flags=True,
            **({"check_column_type": True} if kind == "frame" else {}),
        )
    except AssertionError as said:
        return " ".join(str(said).split())
    return "" if one.attrs == other.attrs else "attrs"


def _without_layout(index: Any) -> Any:
    """Return an index without the frequencies that the levels of a MultiIndex may have."""
    return pd.MultiIndex.from_frame(index.to_frame(), names=index.names) if isinstance(index, pd.MultiIndex) else index


def _arrow(one: Any, other: Any) -> str:
    from assetctl.lineage.identity.values.metadata import set_by_persons

    if one.schema.names != other.schema.names or (
        [str(c) for c in one.to_pydict()] and one.to_pylist() != other.to_pylist()
    ):
        return "values"
    for a, b in zip(one.schema, other.schema, strict=True):
        if (
            (b.type != a.type and _plain(a.type, b.type) != b.type)
            or a.nullable != b.nullable
            or set_by_persons(a.metadata) != set_by_persons(b.metadata)
        ):
            return f"{a} and {b}"
    return "" if set_by_persons(one.schema.metadata) == set_by_persons(other.schema.metadata) else "metadata"


def _plain(kind: Any, other: Any) -> Any:
    """Return a type with large and viewed layouts replaced by plain ones: what a reader is promised."""
    from assetctl.storage.codecs.arrow_types import settled_schema

    return settled_schema(pa.schema([("c", kind)])).field(0).type if kind != other else kind


def _polars(one: Any, other: Any) -> str:
    from polars import testing

    name = "frame" if hasattr(one, "columns") else "series"
    if "Object" in str(getattr(one, "dtypes", one)):
        return "" if one.rows() == other.rows() else "values"
    try:
        getattr(testing, f"assert_{name}_equal")(one, other, check_exact=True)
    except AssertionError as said:
        return " ".join(str(said).split())
    return ""


def _tensor(one: Any, other: Any) -> bool:
    import torch

    if one.dtype != other.dtype or one.shape != other.shape or one.requires_grad != other.requires_grad:
        return False
    a, b = (t.detach().to_dense() if t.layout is not torch.strided else t.detach() for t in (one, other))
    return bool(torch.equal(a.to(torch.complex128), b.to(torch.complex128)))


def _image(one: Any, other: Any) -> bool:
    return bool(
        one.mode == other.mode
        and one.size == other.size
        and one.tobytes() == other.tobytes()
        and one.info == other.info
    )


def _graph(one: Any, other: Any) -> bool:
    import networkx

    return bool(networkx.utils.graphs_equal(one, other)) and list(one) == list(other)


def _booster(one: Any, other: Any) -> bool:
    if hasattr(one, "save_raw"):
        return bool(one.save_raw() == other.save_raw())
    return bool(one.model_to_string() == other.model_to_string())


def _learned(one: Any, other: Any) -> bool:
    x = np.arange(10.0).reshape(5, 2)
    try:
        mine = one.predict(x)
    except Exception:  # noqa: BLE001  not fitted, or fitted on something else
        return _shown_without_places(one) == _shown_without_places(other)
    return bool(np.array_equal(mine, other.predict(x))) and _shown_without_places(one) == _shown_without_places(other)


def _shown_without_places(value: Any) -> str:
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def _drawn(one: Any, other: Any) -> bool:
    return repr(one).partition(" at 0x")[0] == repr(other).partition(" at 0x")[0]


def _by_state(one: Any, other: Any) -> bool:
    def state(value: Any) -> Any:
        return (
            value.get_state(legacy=False)
            if hasattr(value, "get_state")
            else getattr(value, "bit_generator", value).state
        )

    return not difference(state(one), state(other))


_BY_NAME = {
    "polars.dataframe": _polars,
    "polars.series": _polars,
    "polars.": lambda a, b: str(a) == str(b),
    "torch.Tensor": _tensor,
    "torch.nn.parameter": _tensor,
    "torch.Generator": lambda a, b: a.get_state().equal(b.get_state()),
    "torch.utils.data.dataloader": lambda a, b: a.batch_size == b.batch_size and list(a.dataset)[0][0] == list(b.dataset)[0][0],
    "PIL.": _image,
    "networkx.": _graph,
    "xarray.": lambda a, b: a.identical(b),
    "xgboost.core": _booster,
    "lightgbm.basic": _booster,
    "xgboost.": _learned,
    "lightgbm.": _learned,
    "catboost.": _learned,
    "statsmodels.": lambda a, b: str(a.params) == str(b.params),
    "sklearn.": _learned,
    "scipy.stats._multivariate": lambda a, b: a.pdf([0.1, 0.2]) == b.pdf([0.1, 0.2]),
    "scipy.stats._distn": lambda a, b: a.rvs(3, random_state=0).tolist() == b.rvs(3, random_state=0).tolist(),
    "scipy.sparse": lambda a, b: (a != b).nnz == 0 and a.dtype == b.dtype and a.shape == b.shape,
    "matplotlib.": _drawn,
    "pandas.io.formats.style": lambda a, b: a.set_uuid("u").to_html() == b.set_uuid("u").to_html(),
    "pandas.api.typing.NA": lambda a, b: a is b,
    "pandas.api.typing.NaT": lambda a, b: a is b,
    "torch.optim.lr_scheduler": lambda a, b: a.state_dict() == b.state_dict(),
    "pandas.api.typing": lambda a, b: str(a.size()) == str(b.size()),
    "pandas.": lambda a, b: bool(repr(a) == repr(b)),
    "pyarrow.": lambda a, b: a == b,
    "plotly.": lambda a, b: a.to_plotly_json() == b.to_plotly_json() or str(a) == str(b),
    "altair.": lambda a, b: a.to_dict() == b.to_dict(),
    "pydantic.": lambda a, b: a == b,
    "sympy.": lambda a, b: a == b,
    "numpy.random._generator": _by_state,
    "numpy.random.mtrand": _by_state,
    "numpy.random._pcg64": _by_state,
    "numpy.random.bit_generator.SeedSequence": lambda a, b: repr(a) == repr(b),
    "numpy.flagsobj": lambda a, b: True,
    "numpy.void": lambda a, b: repr(a) == repr(b),
    "collections.ChainMap": lambda a, b: a.maps == b.maps,
    "functools.partial": lambda a, b: (a.func, a.args, a.keywords) == (b.func, b.args, b.keywords),
    "operator.": lambda a, b: repr(a) == repr(b),
    "types.GenericAlias": lambda a, b: a == b,
    "method": lambda a, b: a.__func__ is b.__func__ and a() == b(),
    "click.": lambda a, b: a.to_info_dict() == b.to_info_dict(),
    "ValueError": lambda a, b: a.args == b.args,
    "mappingproxy": lambda a, b: dict(a) == dict(b),
}  # fmt: skip
