"""Ways of computing: what a declaration says of its function, and where that was written."""

from __future__ import annotations

import functools

import pytest

from assetctl.assets.checks import check
from assetctl.assets.compute import PythonFunction
from assetctl.assets.decorator import asset
from assetctl.assets.sources import source


def double(x: int) -> int:
    """Return twice as much."""
    return 2 * x


class Scale:
    def __call__(self, x: int) -> int:
        return 3 * x


HERE = f"{__file__}:{double.__code__.co_firstlineno}"


def one_more(x: int) -> int:
    return double(x) + 1


@pytest.mark.parametrize("declaration", [asset(double), asset(asset(double), group="g"), check(asset="a")(double)])
def test_a_declaration_is_called_and_looks_like_its_function(declaration):
    assert declaration(4) == declaration.fn(4) == 8
    assert declaration.compute == PythonFunction(double)
    assert declaration.__wrapped__ is declaration.fn is double
    assert (declaration.__name__, declaration.__doc__) == ("double", "Return twice as much.")
    assert (declaration.__module__, declaration.__qualname__) == (__name__, "double")
    assert repr(declaration).endswith(" double>")


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (double, HERE),
        (functools.wraps(double)(one_more), f"{__file__}:{one_more.__code__.co_firstlineno}"),
        (functools.partial(double, 1), HERE),
        (functools.lru_cache(double), HERE),
        (Scale(), f"{__file__}:{Scale.__call__.__code__.co_firstlineno}"),
        (len, "(no source)"),
    ],
)
def test_a_function_says_where_its_code_is(fn, expected):
    assert PythonFunction(fn).where == expected


def test_a_function_says_its_module_if_it_has_one():
    assert PythonFunction(double).module == __name__
    assert PythonFunction(len).module == "builtins"
    assert PythonFunction(str.upper).module is None  # a method of a built-in class says none


@pytest.mark.parametrize(
    ("declared", "shape"),
    [(source.file("x"), "file"), (source.directory("x"), "directory"), (source.glob("x"), "glob")],
)
def test_the_shape_of_a_source_is_the_text_that_records_hold(declared, shape):
    assert declared.shape == shape
    assert repr(declared) == f"<source {shape} 'x'>"
