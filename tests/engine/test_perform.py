"""Carrying out a way of computing: how a function is given its arguments, and what becomes of what it returns."""

from __future__ import annotations

import asyncio

import pytest

from assetctl.assets.compute import PythonFunction
from assetctl.engine.steps.perform import compute
from tests.engine.worlds import World


def by_name(a, *, b):
    return a, b


def by_place(a, /, b=2):
    return a, b


async def later(a, b):
    await asyncio.sleep(0)
    return a, b


@pytest.mark.parametrize("fn", [by_name, by_place, later, lambda **names: (names["a"], names["b"])])
def test_arguments_arrive_under_their_names_however_the_function_takes_them(fn):
    assert compute(PythonFunction(fn), {"b": "y", "a": "x"}) == ("x", "y")


def test_a_coroutine_is_awaited_where_a_loop_is_running_already():
    async def notebook():
        return compute(PythonFunction(later), {"a": 1, "b": 2})

    assert asyncio.run(notebook()) == (1, 2)


@pytest.mark.parametrize(("value", "failed"), [(1, []), (2, ["a"])])
def test_a_check_may_take_its_value_by_place(value, failed):
    def is_one(a, /):
        return a == 1

    built = World().asset("a", data=value).check("is_one", "a", is_one).build()
    assert (built.ran, built.failed) == (["a"], failed)
