"""Shapes of functions that other functions make: decorators, partials, closures, factories of assets."""

from __future__ import annotations

from tests.truth.shape import Shape, knob

HEAD = "from assetctl import asset\nimport shared\n"


class Wrapped(Shape):
    """Decorators of one's own with arguments, partials, caches, `singledispatch`, a closure, a default that is code."""

    files = {
        "${me}.py": HEAD
        + """import functools
import operator
from ${me}_wrap import logged, shape, cached, adder, apply

plus = functools.partial(adder, $step)
counted = adder.__get__($bound)
pick = operator.itemgetter($item)

@asset
@logged("$tag")
def ${me}_a($up): return plus(shared.num($up))
@asset
def ${me}_b(): return [shape(1), shape("x"), cached(3)]
@asset
def ${me}_c(how=lambda x: x + $default): return [how(1), counted(2), pick([5, 6, 7]), apply(3)]
""",
        "${me}_wrap.py": """import functools

def logged(tag):
    def wrap(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return [tag, function(*args, **kwargs), $times]
        return inner
    return wrap

@functools.singledispatch
def shape(x): return "any"
@shape.register
def _(x: int): return "int$int"

@functools.lru_cache
def cached(x): return x + $cached

def adder(x, y): return x + y

def apply(x):
    def inner(y):
        match y:
            case $case: return "matched"
            case _: return y
    return [inner(x), *(n * $gen for n in range(2))]
""",
    }
    knobs = {
        "step": knob("1 | 2", "a"),
        "tag": knob("t | u", "a"),
        "times": knob("1 | 2", "a"),
        "int": knob("1 | 2", "b"),
        "cached": knob("1 | 2", "b"),
        "bound": knob("1 | 2", "c"),
        "item": knob("0 | 1", "c"),
        "default": knob("1 | 2", "c"),
        "case": knob("3 | 4", "c"),
        "gen": knob("1 | 2", "c"),
    }
    offers = "a b c"
    reads_up = "a"


class Factory(Shape):
    """Assets made in a loop by a factory, several outputs of one function, an upstream that is only waited for."""

    files = {
        "${me}.py": HEAD
        + """
def report_of(country):
    def report($up): return f"{country}: {shared.num($up) % $mod}"
    return report

reports = [asset(report_of(country), key=f"${me}_{country}") for country in ($countries)]

@asset(outs=["${me}_low", "${me}_high"])
def ${me}_ends(): return $low, {"high": $high}

@asset(deps=["${me}_low"])
def ${me}_after(${me}_high): return [${me}_high["high"], $after]
"""
    }
    knobs = {
        "mod": knob("5 | 7", "ch fr it"),
        "countries": knob('"ch", "fr" | "ch", "fr", "it" | "fr", "ch"', "it"),
        "low": knob("1 | 2", "low high"),
        "high": knob("8 | 9", "low high"),
        "after": knob("0 | 1", "after"),
    }
    offers = "ch low after"
    reads_up = "ch fr it"
