"""Cases of code identity: what counts as the same text, and which names it takes from outside."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

SYNTAX = [
    keep("formatting", ASSET + "def model(x):\n    return f(x, 1)\n", "f(x, 1)", "f(\n        x,\n        1,\n    )"),
    keep("redundant parentheses and quotes", ASSET + "def model(x):\n    return ('a')\n", "('a')", '"a"'),
    keep("implicit concatenation", ASSET + "def model(x):\n    return 'ab'\n", "'ab'", "'a' 'b'"),
    keep("f-string cut elsewhere", ASSET + "def model(x):\n    return f'ab{x}c'\n", "f'ab{x}c'", "f'a' 'b' f'{x}' 'c'"),
    keep("a unicode prefix", ASSET + "def model(x):\n    return 'a'\n", "'a'", "u'a'"),
    keep("pass beside other statements", ASSET + "def model(x):\n    return 1\n", "return", "pass\n    return"),
    keep("annotation without value in a body", ASSET + "def model(x):\n    y = 1\n", "y = 1", "y: int\n    y = 1"),
    keep("return annotation with a name", ASSET + "def model(x) -> 'A':\n    return 1\n", "'A'", "'B'"),
    keep(
        "docstring of a nested function",
        ASSET + "def model(x):\n def g():\n  'a'\n  return 1\n return g\n",
        "'a'",
        "'b'",
    ),
    keep("order of keyword-only parameters", ASSET + "def model(*, a=1, b=2):\n    return 1\n", "a=1, b=2", "b=2, a=1"),
    rebuild("order of positional parameters", ASSET + "def model(a, b):\n    return 1\n", "a, b", "b, a"),
    rebuild("positional-only marker", ASSET + "def model(a, b):\n    return 1\n", "a, b", "a, /, b"),
    rebuild("debug f-string", ASSET + "def model(x):\n    return f'{x}'\n", "{x}", "{x=}"),
    rebuild("f-string conversion", ASSET + "def model(x):\n    return f'{x}'\n", "{x}", "{x!r}"),
    rebuild("nested format spec", ASSET + "def model(x, w):\n    return f'{x:{w}}'\n", ":{w}", ":>{w}"),
    rebuild("sign of a constant zero", ASSET + "def model(x):\n    return 0.0\n", "0.0", "-0.0"),
    rebuild("text to bytes", ASSET + "def model(x):\n    return 'a'\n", "'a'", "b'a'"),
    rebuild(
        "None to a missing key in a dict display", ASSET + "def model(x):\n    return {**x}\n", "{**x}", "{None: x}"
    ),
    rebuild(
        "match pattern",
        ASSET + "def model(x):\n    match x:\n        case {'k': y}:\n            return y\n",
        "'k'",
        "'j'",
    ),
    rebuild(
        "case None to case True",
        ASSET + "def model(x):\n    match x:\n        case None:\n            return 1\n",
        "None",
        "True",
    ),
    rebuild("walrus target", ASSET + "def model(x):\n    return (y := 1) + y0\n", "y :=", "y0 :="),
    rebuild("def to async def", ASSET + "def model(x):\n    return 1\n", "def model", "async def model"),
    rebuild("yield to yield from", ASSET + "def model(x):\n    yield x\n", "yield x", "yield from x"),
    rebuild(
        "except to except star",
        ASSET + "def model(x):\n    try:\n        x()\n    except ValueError:\n        pass\n",
        "except V",
        "except* V",
    ),
    rebuild(
        "with to async with",
        ASSET + "async def model(x):\n    with x:\n        return 1\n",
        "    with",
        "    async with",
    ),
    rebuild("a huge integer", ASSET + "def model(x):\n    return 0x" + "f" * 5000 + "\n", "0xf", "0xe"),
    rebuild(
        "a lambda's body", "from assetctl import asset\nmodel = asset(lambda x: x + 1, key='model')\n", "+ 1", "+ 2"
    ),
    keep("a helper renamed nowhere but in a comment", ASSET + "def model(x):\n    return 1 # h1\n", "h1", "h2"),
]


SCOPES = [
    keep(
        "a comprehension variable shadows a global",
        "G = 1\n" + ASSET + "def model(x):\n    return [G for G in x]\n",
        "G = 1",
        "G = 2",
    ),
    rebuild(
        "the first iterable of a comprehension",
        "G = [1]\n" + ASSET + "def model(x):\n    return [G for G in G]\n",
        "G = [1]",
        "G = [2]",
    ),
    keep("a parameter shadows a global", "x = 1\n" + ASSET + "def model(x):\n    return x\n", "x = 1", "x = 2"),
    keep(
        "a local assigned later",
        "y = 1\n" + ASSET + "def model(x):\n    def g():\n        return y\n    y = 3\n    return g()\n",
        "y = 1",
        "y = 2",
    ),
    rebuild(
        "global declared and read",
        "N = 1\n" + ASSET + "def model(x):\n    global N\n    N = N + 1\n    return N\n",
        "N = 1",
        "N = 2",
    ),
    rebuild(
        "an augmented assignment to a global",
        "N = 1\n" + ASSET + "def model(x):\n    global N\n    N += 1\n",
        "N = 1",
        "N = 2",
    ),
    rebuild(
        "a class body skips the class's own names in methods",
        "k = 1\n"
        + ASSET
        + "def model(x):\n    class T:\n        k = 5\n        def f(self):\n            return k\n    return T().f()\n",
        "k = 1",
        "k = 2",
    ),
    keep(
        "an exception name shadows a global",
        "e = 1\n" + ASSET + "def model(x):\n    try:\n        x()\n    except E as e:\n        return e\n",
        "e = 1",
        "e = 2",
    ),
    keep(
        "a match capture shadows a global",
        "c = 1\n" + ASSET + "def model(x):\n    match x:\n        case [c, *_]:\n            return c\n",
        "c = 1",
        "c = 2",
    ),
    rebuild(
        "a default of a nested lambda",
        "D = 1\n" + ASSET + "def model(x):\n    return lambda v=D: v\n",
        "D = 1",
        "D = 2",
    ),
    rebuild(
        "a decorator of a nested function",
        "def deco(f):\n    return f\n"
        + ASSET
        + "def model(x):\n    @deco\n    def g():\n        return 1\n    return g\n",
        "return f",
        "return None",
    ),
    rebuild(
        "a walrus in a comprehension does not hide the global elsewhere",
        "w = 1\n" + ASSET + "def model(x):\n    g = lambda: w\n    return g()\n",
        "w = 1",
        "w = 2",
    ),
    rebuild(
        "a mangled private global",
        "_T__h = 1\n" + ASSET + "def model(x):\n    return T().f()\nclass T:\n    def f(self):\n        return __h\n",
        "h = 1",
        "h = 2",
    ),
    rebuild(
        "a base class of a local class",
        "class B:\n    k = 1\n" + ASSET + "def model(x):\n    class T(B):\n        pass\n    return T.k\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "a generator's condition",
        "def ok(v):\n    return v > 1\n" + ASSET + "def model(x):\n    return sum(v for v in x if ok(v))\n",
        "> 1",
        "> 2",
    ),
]
