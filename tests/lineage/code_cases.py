"""Cases of code identity: a small project, one edit, and whether `model` must change.

A project is text; `--- name.py` begins another file, the first is `pipeline.py`. The
edit replaces `old` by `new` in all files.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    claim: str
    expect: str  # "rebuild" or "keep"
    project: str
    old: str
    new: str


def rebuild(claim: str, project: str, old: str, new: str) -> Case:
    return Case(claim, "rebuild", project, old, new)


def keep(claim: str, project: str, old: str, new: str) -> Case:
    return Case(claim, "keep", project, old, new)


ASSET = "from assetctl import asset\n@asset\n"

SYNTAX = [
    keep("formatting", ASSET + "def model(x):\n    return f(x, 1)\n", "f(x, 1)", "f(\n        x,\n        1,\n    )"),
    keep("redundant parentheses and quotes", ASSET + "def model(x):\n    return ('a')\n", "('a')", '"a"'),
    keep("implicit concatenation", ASSET + "def model(x):\n    return 'ab'\n", "'ab'", "'a' 'b'"),
    keep("f-string cut elsewhere", ASSET + "def model(x):\n    return f'ab{x}c'\n", "f'ab{x}c'", "f'a' 'b' f'{x}' 'c'"),
    keep("a unicode prefix", ASSET + "def model(x):\n    return 'a'\n", "'a'", "u'a'"),
    keep("pass beside other statements", ASSET + "def model(x):\n    return 1\n", "return", "pass\n    return"),
    keep("annotation without value in a body", ASSET + "def model(x):\n    y = 1\n", "y = 1", "y: int\n    y = 1"),
    keep("return annotation with a name", ASSET + "def model(x) -> 'A':\n    return 1\n", "'A'", "'B'"),
    keep("docstring of a nested function", ASSET + "def model(x):\n def g():\n  'a'\n  return 1\n return g\n", "'a'", "'b'"),
    keep("order of keyword-only parameters", ASSET + "def model(*, a=1, b=2):\n    return 1\n", "a=1, b=2", "b=2, a=1"),
    rebuild("order of positional parameters", ASSET + "def model(a, b):\n    return 1\n", "a, b", "b, a"),
    rebuild("positional-only marker", ASSET + "def model(a, b):\n    return 1\n", "a, b", "a, /, b"),
    rebuild("debug f-string", ASSET + "def model(x):\n    return f'{x}'\n", "{x}", "{x=}"),
    rebuild("f-string conversion", ASSET + "def model(x):\n    return f'{x}'\n", "{x}", "{x!r}"),
    rebuild("nested format spec", ASSET + "def model(x, w):\n    return f'{x:{w}}'\n", ":{w}", ":>{w}"),
    rebuild("sign of a constant zero", ASSET + "def model(x):\n    return 0.0\n", "0.0", "-0.0"),
    rebuild("text to bytes", ASSET + "def model(x):\n    return 'a'\n", "'a'", "b'a'"),
    rebuild("None to a missing key in a dict display", ASSET + "def model(x):\n    return {**x}\n", "{**x}", "{None: x}"),
    rebuild("match pattern", ASSET + "def model(x):\n    match x:\n        case {'k': y}:\n            return y\n", "'k'", "'j'"),
    rebuild("case None to case True", ASSET + "def model(x):\n    match x:\n        case None:\n            return 1\n", "None", "True"),
    rebuild("walrus target", ASSET + "def model(x):\n    return (y := 1) + y0\n", "y :=", "y0 :="),
    rebuild("def to async def", ASSET + "def model(x):\n    return 1\n", "def model", "async def model"),
    rebuild("yield to yield from", ASSET + "def model(x):\n    yield x\n", "yield x", "yield from x"),
    rebuild("except to except star", ASSET + "def model(x):\n    try:\n        x()\n    except ValueError:\n        pass\n", "except V", "except* V"),
    rebuild("with to async with", ASSET + "async def model(x):\n    with x:\n        return 1\n", "    with", "    async with"),
    rebuild("a huge integer", ASSET + "def model(x):\n    return 0x" + "f" * 5000 + "\n", "0xf", "0xe"),
    rebuild("a lambda's body", "from assetctl import asset\nmodel = asset(lambda x: x + 1, key='model')\n", "+ 1", "+ 2"),
    keep("a helper renamed nowhere but in a comment", ASSET + "def model(x):\n    return 1 # h1\n", "h1", "h2"),
]

SCOPES = [
    keep("a comprehension variable shadows a global", "G = 1\n" + ASSET + "def model(x):\n    return [G for G in x]\n", "G = 1", "G = 2"),
    rebuild("the first iterable of a comprehension", "G = [1]\n" + ASSET + "def model(x):\n    return [G for G in G]\n", "G = [1]", "G = [2]"),
    keep("a parameter shadows a global", "x = 1\n" + ASSET + "def model(x):\n    return x\n", "x = 1", "x = 2"),
    keep("a local assigned later", "y = 1\n" + ASSET + "def model(x):\n    def g():\n        return y\n    y = 3\n    return g()\n", "y = 1", "y = 2"),
    rebuild("global declared and read", "N = 1\n" + ASSET + "def model(x):\n    global N\n    N = N + 1\n    return N\n", "N = 1", "N = 2"),
    rebuild("an augmented assignment to a global", "N = 1\n" + ASSET + "def model(x):\n    global N\n    N += 1\n", "N = 1", "N = 2"),
    rebuild("a class body skips the class's own names in methods", "k = 1\n" + ASSET + "def model(x):\n    class T:\n        k = 5\n        def f(self):\n            return k\n    return T().f()\n", "k = 1", "k = 2"),
    keep("an exception name shadows a global", "e = 1\n" + ASSET + "def model(x):\n    try:\n        x()\n    except E as e:\n        return e\n", "e = 1", "e = 2"),
    keep("a match capture shadows a global", "c = 1\n" + ASSET + "def model(x):\n    match x:\n        case [c, *_]:\n            return c\n", "c = 1", "c = 2"),
    rebuild("a default of a nested lambda", "D = 1\n" + ASSET + "def model(x):\n    return lambda v=D: v\n", "D = 1", "D = 2"),
    rebuild("a decorator of a nested function", "def deco(f):\n    return f\n" + ASSET + "def model(x):\n    @deco\n    def g():\n        return 1\n    return g\n", "return f", "return None"),
    rebuild("a walrus in a comprehension does not hide the global elsewhere", "w = 1\n" + ASSET + "def model(x):\n    g = lambda: w\n    return g()\n", "w = 1", "w = 2"),
    rebuild("a mangled private global", "_T__h = 1\n" + ASSET + "def model(x):\n    return T().f()\nclass T:\n    def f(self):\n        return __h\n", "h = 1", "h = 2"),
    rebuild("a base class of a local class", "class B:\n    k = 1\n" + ASSET + "def model(x):\n    class T(B):\n        pass\n    return T.k\n", "k = 1", "k = 2"),
    rebuild("a generator's condition", "def ok(v):\n    return v > 1\n" + ASSET + "def model(x):\n    return sum(v for v in x if ok(v))\n", "> 1", "> 2"),
]

NAMES = [
    rebuild("a re-exported helper", "from pkg import f\n" + ASSET + "def model(x):\n    return f(x)\n--- pkg/__init__.py\nfrom .impl import f\n--- pkg/impl.py\ndef f(x):\n    return x + 1\n", "+ 1", "+ 2"),
    rebuild("a chain of submodules", "import pkg.sub.deep\n" + ASSET + "def model(x):\n    return pkg.sub.deep.f(x)\n--- pkg/__init__.py\n--- pkg/sub/__init__.py\n--- pkg/sub/deep.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("another name of a submodule", "import pkg.deep\n" + ASSET + "def model(x):\n    return pkg.deep.f(x)\n--- pkg/__init__.py\n--- pkg/deep.py\ndef f(x):\n    return 0\nK = 1\n", "K = 1", "K = 2"),
    rebuild("a relative import inside a function", "from pkg.impl import run\n" + ASSET + "def model(x):\n    return run(x)\n--- pkg/__init__.py\n--- pkg/impl.py\ndef run(x):\n    from .other import f\n    return f(x)\n--- pkg/other.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    rebuild("an import inside a function, not loaded before", ASSET + "def model(x):\n    import late\n    return late.f(x)\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("another name of a module imported inside", ASSET + "def model(x):\n    import late\n    return late.f(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n", "K = 1", "K = 2"),
    rebuild("a nested function reads a local import", ASSET + "def model(x):\n    from late import f\n    return [f(v) for v in x]\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    rebuild("import_module with a constant", "import importlib\n" + ASSET + "def model(x):\n    return importlib.import_module('late').f(x)\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("another name beside import_module with a constant", "import importlib\n" + ASSET + "def model(x):\n    return importlib.import_module('late').f(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n", "K = 1", "K = 2"),
    rebuild("__import__ kept in a variable", ASSET + "def model(x):\n    m = __import__('late')\n    return m.f(x)\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    rebuild("a module name held in a constant", "from importlib import import_module as im\nNAME = 'late'\n" + ASSET + "def model(x):\n    return im(NAME).f(x)\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    rebuild("a module passed as a value", "import late\n" + ASSET + "def model(x):\n    return x(late)\n--- late.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("getattr with a constant leaves the rest of the module out", "import late\n" + ASSET + "def model(x):\n    return getattr(late, 'f')(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n", "K = 1", "K = 2"),
    rebuild("getattr shadowed by a first-party function", "import late\ndef getattr(m, n):\n    return m.K\n" + ASSET + "def model(x):\n    return getattr(late, 'f')\n--- late.py\nK = 1\ndef f(x):\n    return 0\n", "K = 1", "K = 2"),
    rebuild("globals() with a constant", "def f(x):\n    return 1\n" + ASSET + "def model(x):\n    return globals()['f'](x)\n", "return 1", "return 2"),
    rebuild("a lazily imported attribute of a package", "import pkg\n" + ASSET + "def model(x):\n    return pkg.f(x)\n--- pkg/__init__.py\ndef __getattr__(name):\n    import pkg.impl\n    return getattr(pkg.impl, name)\n--- pkg/impl.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    rebuild("a conditional import", "try:\n    from fast import f\nexcept ImportError:\n    from slow import f\n" + ASSET + "def model(x):\n    return f(x)\n--- slow.py\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("a name imported for type checking", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from late import A\n" + ASSET + "def model(x: 'A'):\n    return 1\n--- late.py\nclass A:\n    k = 1\n", "k = 1", "k = 2"),
    rebuild("another stdlib function under the same name", "from math import sin as f\n" + ASSET + "def model(x):\n    return f(x)\n", "sin", "cos"),
    rebuild("another stdlib module under the same name", "import math as m\n" + ASSET + "def model(x):\n    return m.sqrt(x)\n", "math as m", "cmath as m"),
    rebuild("a builtin replaced by a first-party function", "import builtins\ndef mine(v):\n    return 1\nbuiltins.assetctl_test_len = mine\n" + ASSET + "def model(x):\n    return assetctl_test_len(x)\n", "return 1", "return 2"),
    rebuild("a standard function patched at import", "import json\ndef mine(v):\n    return 1\njson.mine = mine\n" + ASSET + "def model(x):\n    return json.mine(x)\n", "return 1", "return 2"),
    rebuild("a name defined only later", ASSET + "def model(x):\n    return f(x)\ndef f(x):\n    return 1\n", "return 1", "return 2"),
    keep("a helper moved within its file", ASSET + "def model(x):\n    return f(x)\nA = 1\ndef f(x):\n    return 1\n", "A = 1", "A = 1\n\n\nB = 2"),
    rebuild("an asset called as a helper", "from assetctl import asset\n@asset\ndef base(x):\n    return 1\n@asset\ndef model(x):\n    return base.fn(x)\n", "return 1", "return 2"),
    keep("metadata of an asset called as a helper", "from assetctl import asset\n@asset(group='a')\ndef base(x):\n    return 1\n@asset\ndef model(x):\n    return base(x)\n", "'a'", "'b'"),
    keep("metadata through a partial of the decorator", "import functools, assetctl\nmine = functools.partial(assetctl.asset, group='a')\n@mine()\ndef model(x):\n    return 1\n", "'a'", "'b'"),
]

FUNCTIONS = [
    rebuild("a keyword default", "def f(v, *, k=1):\n    return v * k\n" + ASSET + "def model(x):\n    return f(x)\n", "k=1", "k=2"),
    rebuild("a function captured as a default", "def g(v):\n    return 1\ndef f(v, fn=g):\n    return fn(v)\n" + ASSET + "def model(x):\n    return f(x)\n", "return 1", "return 2"),
    rebuild("a partial's argument", "import functools\ndef f(a, b):\n    return a\nh = functools.partial(f, 1)\n" + ASSET + "def model(x):\n    return h(x)\n", "f, 1", "f, 2"),
    rebuild("a partial's function", "import functools\ndef f(a, b):\n    return a\nh = functools.partial(f, 1)\n" + ASSET + "def model(x):\n    return h(x)\n", "return a", "return b"),
    rebuild("a cached function", "import functools\n@functools.cache\ndef f(a):\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n", "return 1", "return 2"),
    rebuild("a cached function's typed flag", "import functools\n@functools.lru_cache(typed=False)\ndef f(a):\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n", "False", "True"),
    rebuild("a singledispatch implementation", "import functools\n@functools.singledispatch\ndef f(a):\n    return 0\n@f.register\ndef _(a: int):\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n", "return 1", "return 2"),
    rebuild("the class a singledispatch implementation is for", "import functools\n@functools.singledispatch\ndef f(a):\n    return 0\n@f.register(int)\ndef _(a):\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n", "(int)", "(str)"),
    rebuild("a context manager's body", "import contextlib\n@contextlib.contextmanager\ndef cm():\n    yield 1\n" + ASSET + "def model(x):\n    with cm() as v:\n        return v\n", "yield 1", "yield 2"),
    rebuild("a decorator's argument without a trace in the closure", "REG = []\ndef tag(n):\n    def d(f):\n        REG.append(n)\n        return f\n    return d\n@tag(1)\ndef f(x):\n    return x\n" + ASSET + "def model(x):\n    return f(x)\n", "tag(1)", "tag(2)"),
    rebuild("a decorator's argument held in a constant", "K = 1\ndef tag(n):\n    return lambda f: f\n@tag(K)\ndef f(x):\n    return x\n" + ASSET + "def model(x):\n    return f(x)\n", "K = 1", "K = 2"),
    rebuild("a helper in a list of functions", "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = [a, b]\n" + ASSET + "def model(x):\n    return STEPS\n", "return 1", "return 2"),
    rebuild("order of a list of functions", "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = [a, b]\n" + ASSET + "def model(x):\n    return STEPS\n", "[a, b]", "[b, a]"),
    keep("order of a set of functions", "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = {a, b}\n" + ASSET + "def model(x):\n    return STEPS\n", "{a, b}", "{b, a}"),
    rebuild("a dispatch table of lambdas on one line", "T = {'a': (lambda v: v + 1, lambda v: v + 2)}\n" + ASSET + "def model(x):\n    return T['a'][1](x)\n", "v + 2", "v + 3"),
    rebuild("two lambdas on a line swapped", "a, b = lambda v: v + 1, lambda v: v + 2\n" + ASSET + "def model(x):\n    return a(x)\n", "a, b =", "b, a ="),
    keep("the other lambda of the line", "a, b = lambda v: v + 1, lambda v: v + 2\n" + ASSET + "def model(x):\n    return a(x)\n", "v + 2", "v + 3"),
    rebuild("a lambda inside of a lambda", "f = lambda a: (lambda b: b + 1)(a)\n" + ASSET + "def model(x):\n    return f(x)\n", "b + 1", "b + 2"),
    rebuild("a registry filled by a decorator", "REG = {}\ndef register(f):\n    REG[f.__name__] = f\n    return f\n@register\ndef a(x):\n    return 1\n" + ASSET + "def model(x):\n    return REG['a'](x)\n", "return 1", "return 2"),
    rebuild("a plugin of a registry in another module", "import plugins\nfrom reg import REG\n" + ASSET + "def model(x):\n    return REG['a'](x)\n--- reg.py\nREG = {}\n--- plugins.py\nfrom reg import REG\ndef a(x):\n    return 1\nREG['a'] = a\n", "return 1", "return 2"),
    rebuild("recursion", "def f(n):\n    return 1 if n == 0 else f(n - 1)\n" + ASSET + "def model(x):\n    return f(x)\n", "return 1", "return 2"),
    rebuild("a coroutine helper", "async def f(v):\n    return 1\n" + ASSET + "async def model(x):\n    return await f(x)\n", "return 1", "return 2"),
    rebuild("a generator helper", "def f(v):\n    yield 1\n" + ASSET + "def model(x):\n    return list(f(x))\n", "yield 1", "yield 2"),
    rebuild("a function attribute that is a function", "def h(v):\n    return 1\ndef f(v):\n    return f.inner(v)\nf.inner = h\n" + ASSET + "def model(x):\n    return f(x)\n", "return 1", "return 2"),
    rebuild("a closure over a closure", "def outer(k):\n    def mid():\n        def inner(x):\n            return x * k\n        return inner\n    return mid()\nf = outer(2)\n" + ASSET + "def model(x):\n    return f(x)\n", "outer(2)", "outer(3)"),
    rebuild("the mode of an operator.itemgetter", "import operator\nget = operator.itemgetter('a')\n" + ASSET + "def model(x):\n    return get(x)\n", "'a'", "'b'"),
    rebuild("a bound method of a list", "L = [1]\nf = L.count\n" + ASSET + "def model(x):\n    return f(x)\n", "[1]", "[2]"),
    rebuild("a pandas-style chain of lambdas", "K = 2\n" + ASSET + "def model(x):\n    return x.assign(a=lambda d: d.b * K).query('a > 1').pipe(lambda d: d)\n", "K = 2", "K = 3"),
]

CLASSES = [
    rebuild("a base class's method", "class B:\n    def f(self):\n        return 1\nclass T(B):\n    pass\n" + ASSET + "def model(x):\n    return T().f()\n", "return 1", "return 2"),
    rebuild("a method called through super()", "class B:\n    def f(self):\n        return 1\nclass T(B):\n    def f(self):\n        return super().f()\nf = T().f\n" + ASSET + "def model(x):\n    return f()\n", "return 1", "return 2"),
    rebuild("a property", "class T:\n    @property\n    def f(self):\n        return 1\n" + ASSET + "def model(x):\n    return T().f\n", "return 1", "return 2"),
    rebuild("a property's setter", "class T:\n    @property\n    def f(self):\n        return 0\n    @f.setter\n    def f(self, v):\n        self.v = 1\n" + ASSET + "def model(x):\n    return T()\n", "= 1", "= 2"),
    rebuild("a cached property", "import functools\nclass T:\n    @functools.cached_property\n    def f(self):\n        return 1\n" + ASSET + "def model(x):\n    return T().f\n", "return 1", "return 2"),
    rebuild("a static method turned class method", "class T:\n    @staticmethod\n    def f(*a):\n        return a\n" + ASSET + "def model(x):\n    return T.f()\n", "static", "class"),
    rebuild("an enum member's value", "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 5\n" + ASSET + "def model(x):\n    return E.A\n", "A = 1", "A = 2"),
    rebuild("order of enum members", "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 5\n" + ASSET + "def model(x):\n    return list(E)\n", "    A = 1\n    B = 5\n", "    B = 5\n    A = 1\n"),
    rebuild("a method of an enum", "import enum\nclass E(enum.Enum):\n    A = 1\n    def f(self):\n        return 10\nM = E.A\n" + ASSET + "def model(x):\n    return M.f()\n", "return 10", "return 20"),
    rebuild("a dataclass field added", "import dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int\n" + ASSET + "def model(x):\n    return P(x)\n", "    a: int\n", "    a: int\n    b: int = 0\n"),
    rebuild("order of dataclass fields", "import dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int\n    b: int\n" + ASSET + "def model(x):\n    return P(x, x)\n", "    a: int\n    b: int\n", "    b: int\n    a: int\n"),
    rebuild("a dataclass's option", "import dataclasses\n@dataclasses.dataclass(order=False)\nclass P:\n    a: int\n" + ASSET + "def model(x):\n    return P(x)\n", "False", "True"),
    rebuild("a dataclass's default factory", "import dataclasses\ndef make():\n    return [1]\n@dataclasses.dataclass\nclass P:\n    a: list = dataclasses.field(default_factory=make)\n" + ASSET + "def model(x):\n    return P()\n", "[1]", "[2]"),
    rebuild("a dataclass's default in another module", "import dataclasses, cfg\n@dataclasses.dataclass\nclass P:\n    a: int = cfg.A\n" + ASSET + "def model(x):\n    return P()\n--- cfg.py\nA = 1\n", "A = 1", "A = 2"),
    keep("a dataclass's docstring", "import dataclasses\n@dataclasses.dataclass\nclass P:\n    'one'\n    a: int\n" + ASSET + "def model(x):\n    return P(x)\n", "'one'", "'two'"),
    rebuild("a make_dataclass field", "import dataclasses\nP = dataclasses.make_dataclass('P', ['a'])\n" + ASSET + "def model(x):\n    return P(x)\n", "['a']", "['b']"),
    rebuild("a named tuple's default", "import typing\nclass P(typing.NamedTuple):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n", "= 1", "= 2"),
    rebuild("a collections.namedtuple's fields", "import collections\nP = collections.namedtuple('P', 'a b')\n" + ASSET + "def model(x):\n    return P(1, 2)\n", "'a b'", "'b a'"),
    keep("an annotation of an ordinary class", "class T:\n    a: int = 1\n" + ASSET + "def model(x):\n    return T.a\n", "a: int", "a: float"),
    rebuild("an annotation of a class whose maker reads it", "class M(type):\n    def fields(cls):\n        return cls.__annotations__\nclass T(metaclass=M):\n    a: int\n" + ASSET + "def model(x):\n    return T.fields()\n", "a: int", "a: float"),
    rebuild("a keyword of a class statement", "class B:\n    def __init_subclass__(cls, flag):\n        print(flag)\nclass T(B, flag=1):\n    pass\n" + ASSET + "def model(x):\n    return T()\n", "flag=1", "flag=2"),
    rebuild("a registry of subclasses", "class B:\n    REG = {}\n    def __init_subclass__(cls):\n        B.REG[cls.__name__] = cls\nclass T(B):\n    def f(self):\n        return 1\n" + ASSET + "def model(x):\n    return B.REG[x]().f()\n", "return 1", "return 2"),
    rebuild("a method patched in from outside", "class T:\n    pass\ndef f(self):\n    return 1\nT.f = f\n" + ASSET + "def model(x):\n    return T().f()\n", "return 1", "return 2"),
    rebuild("an attribute set from outside", "class T:\n    pass\nT.k = 1\n" + ASSET + "def model(x):\n    return T.k\n", "T.k = 1", "T.k = 2"),
    rebuild("__slots__", "class T:\n    __slots__ = ('a',)\n" + ASSET + "def model(x):\n    return T()\n", "('a',)", "('b',)"),
    rebuild("an instance's attribute", "class T:\n    def __init__(self, k):\n        self.k = k\nt = T(1)\n" + ASSET + "def model(x):\n    return t.k\n", "T(1)", "T(2)"),
    rebuild("an instance's slot", "class T:\n    __slots__ = ('k',)\n    def __init__(self, k):\n        self.k = k\nt = T(1)\n" + ASSET + "def model(x):\n    return t.k\n", "T(1)", "T(2)"),
    rebuild("an instance in an instance", "class T:\n    def __init__(self, k):\n        self.k = k\nt = T([T(1)])\n" + ASSET + "def model(x):\n    return t.k\n", "T(1)", "T(2)"),
    rebuild("an instance of a dict subclass", "class C(dict):\n    pass\nc = C(a=1)\n" + ASSET + "def model(x):\n    return c\n", "a=1", "a=2"),
    rebuild("an instance of a frozen dataclass", "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    a: int\n    def f(self):\n        return self.a\nc = C(1)\n" + ASSET + "def model(x):\n    return c.f()\n", "C(1)", "C(2)"),
    rebuild("a method of a frozen dataclass instance", "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    a: int\n    def f(self):\n        return self.a\nc = C(1)\n" + ASSET + "def model(x):\n    return c.f()\n", "self.a", "-self.a"),
    rebuild("a class made by exec", "ns = {'__name__': __name__}\nexec('class T:\\n    def f(self):\\n        return 1', ns)\nT = ns['T']\n" + ASSET + "def model(x):\n    return T().f()\n", "return 1", "return 2"),
    rebuild("a class made by type()", "T = type('T', (), {'f': lambda self: 1})\n" + ASSET + "def model(x):\n    return T().f()\n", "self: 1", "self: 2"),
    rebuild("a class redefined later", "class T:\n    k = 0\nclass T:\n    k = 1\n" + ASSET + "def model(x):\n    return T.k\n", "k = 1", "k = 2"),
    rebuild("a protocol's default method", "from typing import Protocol\nclass P(Protocol):\n    def f(self):\n        return 1\nclass T(P):\n    pass\n" + ASSET + "def model(x):\n    return T().f()\n", "return 1", "return 2"),
    rebuild("an abstract base's method", "import abc\nclass P(abc.ABC):\n    def f(self):\n        return 1\nclass T(P):\n    pass\n" + ASSET + "def model(x):\n    return T().f()\n", "return 1", "return 2"),
    keep("order of methods", "class T:\n    def a(self):\n        return 1\n    def b(self):\n        return 2\n" + ASSET + "def model(x):\n    return T()\n", "    def a(self):\n        return 1\n    def b(self):\n        return 2\n", "    def b(self):\n        return 2\n    def a(self):\n        return 1\n"),
    rebuild("a descriptor of one's own", "class D:\n    def __get__(self, obj, cls):\n        return 1\nclass T:\n    d = D()\n" + ASSET + "def model(x):\n    return T().d\n", "return 1", "return 2"),
    rebuild("a generic class's method", "from typing import Generic, TypeVar\nV = TypeVar('V')\nclass T(Generic[V]):\n    def f(self):\n        return 1\n" + ASSET + "def model(x):\n    return T[int]().f()\n", "return 1", "return 2"),
    rebuild("an exception class of one's own", "class E(Exception):\n    code = 1\n" + ASSET + "def model(x):\n    raise E('a')\n", "code = 1", "code = 2"),
]

VALUES = [
    rebuild("a constant's type", "K = 1\n" + ASSET + "def model(x):\n    return K\n", "K = 1", "K = True"),
    rebuild("a deep constant", "K = {'a': [1, {'b': (2, 3)}]}\n" + ASSET + "def model(x):\n    return K\n", "(2, 3)", "(2, 4)"),
    keep("order of a captured set", "K = {'a', 'b'}\n" + ASSET + "def model(x):\n    return K\n", "{'a', 'b'}", "{'b', 'a'}"),
    rebuild("order of a captured dict", "K = {'a': 1, 'b': 2}\n" + ASSET + "def model(x):\n    return K\n", "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    rebuild("a compiled pattern", "import re\nR = re.compile('a')\n" + ASSET + "def model(x):\n    return R.match(x)\n", "'a'", "'b'"),
    rebuild("a pattern's flags", "import re\nR = re.compile('a')\n" + ASSET + "def model(x):\n    return R.match(x)\n", "('a')", "('a', re.I)"),
    rebuild("a path", "import pathlib\nP = pathlib.Path('data/a')\n" + ASSET + "def model(x):\n    return P\n", "data/a", "data/b"),
    rebuild("a decimal", "import decimal\nD = decimal.Decimal('1.0')\n" + ASSET + "def model(x):\n    return D\n", "1.0", "1.00"),
    rebuild("a date", "import datetime\nD = datetime.date(2020, 1, 1)\n" + ASSET + "def model(x):\n    return D\n", "1, 1)", "1, 2)"),
    rebuild("a seeded random generator", "import random\nR = random.Random(1)\n" + ASSET + "def model(x):\n    return R.random()\n", "Random(1)", "Random(2)"),
    rebuild("a numpy array", "import numpy as np\nA = np.array([1, 2])\n" + ASSET + "def model(x):\n    return A\n", "[1, 2]", "[1, 3]"),
    keep("a logger's name", "import logging\nlog = logging.getLogger('a')\n" + ASSET + "def model(x):\n    log.info('x')\n", "'a'", "'b'"),
    rebuild("a logger becomes a lock", "import logging, threading\nL = logging.getLogger('a')\n" + ASSET + "def model(x):\n    return L\n", "logging.getLogger('a')", "threading.Lock()"),
    rebuild("a cyclic list", "L = [1]\nL.append(L)\n" + ASSET + "def model(x):\n    return L\n", "[1]", "[2]"),
    rebuild("a cycle through code", "class N:\n    pass\nn = N()\nn.me = n\nn.k = 1\n" + ASSET + "def model(x):\n    return n\n", "k = 1", "k = 2"),
    rebuild("a namespace object", "import types\nC = types.SimpleNamespace(a=1)\n" + ASSET + "def model(x):\n    return C.a\n", "a=1", "a=2"),
    rebuild("a config read from a file at import", "import pathlib\nC = (pathlib.Path(__file__).parent / 'c.yaml').read_text()\n" + ASSET + "def model(x):\n    return C\n--- c.yaml\na: 1\n", "a: 1", "a: 2"),
    rebuild("a list subclass's content", "class L(list):\n    pass\nl = L([1])\n" + ASSET + "def model(x):\n    return l\n", "[1]", "[2]"),
    rebuild("a default factory", "import collections\ndef z():\n    return 1\nD = collections.defaultdict(z)\n" + ASSET + "def model(x):\n    return D[x]\n", "return 1", "return 2"),
    rebuild("an object whose hooks raise", "class T:\n    def __init__(self, k):\n        object.__setattr__(self, 'k', k)\n    def __getattr__(self, n):\n        raise RuntimeError(n)\n    def __getattribute__(self, n):\n        raise RuntimeError(n)\n    def __eq__(self, o):\n        raise RuntimeError('eq')\n    def __hash__(self):\n        raise RuntimeError('hash')\n    def __repr__(self):\n        raise RuntimeError('repr')\n    def __bool__(self):\n        raise RuntimeError('bool')\n    def __reduce_ex__(self, p):\n        raise RuntimeError('reduce')\nt = T(1)\n" + ASSET + "def model(x):\n    return t\n", "T(1)", "T(2)"),
    rebuild("a class whose metaclass's hooks raise", "class M(type):\n    def __getattribute__(cls, n):\n        if n in ('__call__', '__prepare__', '__new__', '__init__', 'mro'):\n            return type.__getattribute__(cls, n)\n        raise RuntimeError(n)\n    def __eq__(cls, o):\n        raise RuntimeError('eq')\n    def __hash__(cls):\n        return 1\nclass T(metaclass=M):\n    k = 1\n" + ASSET + "def model(x):\n    return T\n", "k = 1", "k = 2"),
    rebuild("docstring read by inspect.getdoc", "import inspect\ndef f():\n    'a'\n" + ASSET + "def model(x):\n    return inspect.getdoc(f)\n", "'a'", "'b'"),
    rebuild("hints read by get_type_hints", "import typing\ndef f(a: int):\n    return 1\n" + ASSET + "def model(x):\n    return typing.get_type_hints(f)\n", "int", "str"),
    rebuild("a class named in a hint that is read", "import inspect\nclass A:\n    k = 1\ndef f(a: A):\n    return 1\n" + ASSET + "def model(x):\n    return inspect.signature(f)\n", "k = 1", "k = 2"),
    keep("hints of a helper that nobody reads", "def f(a: int) -> int:\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n", "int", "str"),
]

SKLEARN = """from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from assetctl import asset
class Scale(TransformerMixin, BaseEstimator):
    def __init__(self, k=2):
        self.k = k
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X * self.k
    @property
    def rate(self):
        return 10
PIPE = Pipeline([("scale", Scale(3))])
@asset
def model(x):
    return PIPE.fit_transform(x)
"""

ESTIMATORS = [
    rebuild("a method that a base class of a library wraps", SKLEARN, "X * self.k", "X - self.k"),
    rebuild("a parameter of a transformer in a pipeline", SKLEARN, "Scale(3)", "Scale(4)"),
    rebuild("a property of a transformer", SKLEARN, "return 10", "return 20"),
    keep("a comment in a transformer", SKLEARN, "        return self\n", "        return self  # itself\n"),
]

PYDANTIC = [
    rebuild("a pydantic default", "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n", "= 1", "= 2"),
    rebuild("a pydantic field's type", "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n", "a: int", "a: float"),
    rebuild("a pydantic validator", "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 0\n    @pydantic.field_validator('a')\n    @classmethod\n    def check(cls, v):\n        return v + 1\n" + ASSET + "def model(x):\n    return P()\n", "v + 1", "v + 2"),
    rebuild("a nested pydantic model", "import pydantic\nclass Q(pydantic.BaseModel):\n    b: int = 1\nclass P(pydantic.BaseModel):\n    a: Q = Q()\n" + ASSET + "def model(x):\n    return P()\n", "b: int = 1", "b: int = 2"),
    keep("a pydantic model's docstring", "import pydantic\nclass P(pydantic.BaseModel):\n    'one'\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n", "'one'", "'two'"),
    rebuild("a pydantic settings object", "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 0\np = P(a=1)\n" + ASSET + "def model(x):\n    return p.a\n", "a=1", "a=2"),
]

CASES = [*SYNTAX, *SCOPES, *NAMES, *FUNCTIONS, *CLASSES, *VALUES, *ESTIMATORS, *PYDANTIC]
