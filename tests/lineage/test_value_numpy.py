"""Numpy arrays: every dtype by its elements, nothing of what lies between or behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from assetctl.lineage.identity.values import arrays
from assetctl.lineage.identity.values.identify import identify_value

_RECORD = np.dtype([("a", "i1"), ("b", "f8")])
_PADDED = np.dtype(_RECORD.descr, align=True)


def version(value: object) -> str:
    return identify_value(value).version


def _garbage_between() -> np.ndarray:
    records = np.zeros(2, _PADDED)
    records.view(np.uint8)[1:8] = 9
    return records


def _garbage_within() -> np.ndarray:
    records = np.zeros(2, [("in", _PADDED)])
    records.view(np.uint8)[1:8] = 9
    return records


def _long(padding: int) -> np.ndarray:
    third = np.full(2, 1, np.longdouble) / 3
    width = np.finfo(np.longdouble).nmant // 8 + 3
    third.view(np.uint8).reshape(2, -1)[:, width:] = padding
    return third


def _masked(under: object, dtype: type | None = None) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(np.array([1, under], dtype), [False, True], fill_value=7)


def _masked_records(under: float) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(np.array([(1, under), (3, 4)], _RECORD), [(0, 1), (0, 0)])


_SPREAD = np.arange(48.0).reshape(6, 8)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(lambda: np.zeros(2, _RECORD), _garbage_between, id="padding between fields"),
        pytest.param(lambda: np.zeros(2, [("in", _RECORD)]), _garbage_within, id="padding in nested records"),
        pytest.param(
            lambda: np.ones(2, _RECORD), lambda: np.ones(2, _RECORD.newbyteorder(">")), id="byte order of records"
        ),
        pytest.param(lambda: _long(0), lambda: _long(7), id="padding of long doubles"),
        pytest.param(lambda: _masked(1), lambda: _masked(9), id="under a mask"),
        pytest.param(lambda: _masked("x", object), lambda: _masked("y", object), id="objects under a mask"),
        pytest.param(lambda: _masked_records(1), lambda: _masked_records(9), id="under a mask of records"),
        pytest.param(lambda: np.array([True]), lambda: np.frombuffer(b"\x02", bool), id="a bool of foreign bytes"),
        pytest.param(lambda: np.array(["a"]), lambda: np.array(["a"], ">U1"), id="byte order of text"),
        pytest.param(lambda: np.array([1j]), lambda: np.array([1j], ">c16"), id="byte order of complex numbers"),
        pytest.param(_SPREAD[::2, ::-1].copy, lambda: _SPREAD[::2, ::-1], id="strides"),
        pytest.param(
            lambda: np.array([complex(0, np.nan)]),
            lambda: np.array([complex(0, -np.nan)]),
            id="NaN in a complex number",
        ),
    ],
)
def test_equal_arrays(one: Callable[[], object], other: Callable[[], object]) -> None:
    assert version(one()) == version(other())


_TEXTS = np.dtypes.StringDType


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([_masked(1), _masked(1).filled(7), np.ma.MaskedArray([1, 1])], id="masks"),
        pytest.param([_masked(1), np.ma.MaskedArray([1, 1], [False, True], fill_value=8)], id="fill value"),
        pytest.param([np.array([0], kind) for kind in ("M8[s]", "M8[ms]", "M8[25s]", "m8[s]", "i8")], id="units"),
        pytest.param([np.array([moment], "M8[s]") for moment in ("NaT", 0, -(2**63) + 1)], id="NaT"),
        pytest.param(
            [
                np.array([x], np.longdouble)
                for x in (0, -0.0, 1, 1 + np.finfo(np.longdouble).eps, np.nan, np.inf, -np.inf)
            ],
            id="long doubles",
        ),
        pytest.param([np.array([1], kind) for kind in ("f2", "f4", "f8", "g", "c8", "c16", "G")], id="widths"),
        pytest.param([np.zeros(2, kind) for kind in ("V5", "V6", "S5", "S6", "U1", "U2")], id="lengths of bytes"),
        pytest.param([np.zeros(shape) for shape in ((0,), (0, 3), (3, 0), ())], id="shapes without elements"),
        pytest.param([np.zeros(2, [("a", "i4", shape)]) for shape in ((2,), (1, 2), (2, 1))], id="sub-array shapes"),
        pytest.param([np.zeros(2, [(name, "i4")]) for name in "ab"], id="field names"),
        pytest.param(
            [np.array(["a", "bb"], _TEXTS()), np.array(["ab", "b"], _TEXTS()), np.array(["a", "bb"])], id="texts"
        ),
        pytest.param([np.array([1, "1"], object), np.array(["1", 1], object), np.array([1, 1], object)], id="objects"),
        pytest.param([np.array(1), np.array([1]), np.int64(1)], id="0-d"),
        pytest.param(
            [np.zeros(1, _RECORD), np.zeros(1, _RECORD).view(np.recarray), np.zeros(1, _RECORD)[0]], id="records"
        ),
    ],
)
def test_different_arrays(values: list[object]) -> None:
    assert len(set(map(version, values))) == len(values)


def test_large_views_are_read_piece_by_piece() -> None:
    large = np.arange(9_000_000, dtype="f8").reshape(3000, 3000)
    assert large.nbytes > arrays.COPIED_BYTES
    assert version(large.T) == version(np.ascontiguousarray(large.T))


def test_a_mapped_file_is_its_array(tmp_path: Path) -> None:
    np.arange(5.0).tofile(tmp_path / "a.bin")
    assert version(np.memmap(tmp_path / "a.bin", "f8", "r")) == version(np.arange(5.0))


_DENSE = np.array([[0, 1.5, 2], [0, 0, 3], [4, 0, 0]])
_FORMATS = [f"{kind}_{of}" for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil") for of in ("array", "matrix")]


@pytest.mark.parametrize("name", _FORMATS)
def test_every_sparse_format_counts_by_its_entries(name: str) -> None:
    make = getattr(sparse, name)
    variants = [make(_DENSE), make(2 * _DENSE), make(_DENSE.T), make(_DENSE.astype("f4"))]
    assert version(make(_DENSE.copy())) == version(variants[0])
    assert len(set(map(version, variants))) == 4


def test_the_order_of_sparse_entries_and_the_width_of_their_indices_leave_no_trace() -> None:
    rows, columns, values = np.array([0, 1, 2]), np.array([2, 1, 0]), np.array([1.0, 2, 3])
    ordered = sparse.coo_array((values, (rows, columns)))
    turned = sparse.coo_array((values[::-1], (rows[::-1], columns[::-1])))
    turned.has_canonical_format = True
    wide = sparse.csr_array(ordered)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert version(ordered) == version(turned)
    assert version(sparse.csr_array(ordered)) == version(wide)


def test_sparse_entries_are_not_summed_in_place() -> None:
    twice = sparse.coo_array((np.array([1.0, 2]), (np.array([0, 0]), np.array([0, 0]))), shape=(1, 1))
    version(twice)
    assert twice.data.tolist() == [1, 2]
