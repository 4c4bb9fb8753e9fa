"""Cases of code identity: what functions hold besides their text."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

FUNCTIONS = [
    rebuild(
        "a keyword default",
        "def f(v, *, k=1):\n    return v * k\n" + ASSET + "def model(x):\n    return f(x)\n",
        "k=1",
        "k=2",
    ),
    rebuild(
        "a function captured as a default",
        "def g(v):\n    return 1\ndef f(v, fn=g):\n    return fn(v)\n" + ASSET + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a partial's argument",
        "import functools\ndef f(a, b):\n    return a\nh = functools.partial(f, 1)\n"
        + ASSET
        + "def model(x):\n    return h(x)\n",
        "f, 1",
        "f, 2",
    ),
    rebuild(
        "a partial's function",
        "import functools\ndef f(a, b):\n    return a\nh = functools.partial(f, 1)\n"
        + ASSET
        + "def model(x):\n    return h(x)\n",
        "return a",
        "return b",
    ),
    rebuild(
        "a cached function",
        "import functools\n@functools.cache\ndef f(a):\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a cached function's typed flag",
        "import functools\n@functools.lru_cache(typed=False)\ndef f(a):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "False",
        "True",
    ),
    rebuild(
        "a singledispatch implementation",
        "import functools\n@functools.singledispatch\ndef f(a):\n    return 0\n@f.register\ndef _(a: int):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "the class a singledispatch implementation is for",
        "import functools\n@functools.singledispatch\ndef f(a):\n    return 0\n@f.register(int)\ndef _(a):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "(int)",
        "(str)",
    ),
    rebuild(
        "a context manager's body",
        "import contextlib\n@contextlib.contextmanager\ndef cm():\n    yield 1\n"
        + ASSET
        + "def model(x):\n    with cm() as v:\n        return v\n",
        "yield 1",
        "yield 2",
    ),
    rebuild(
        "a decorator's argument without a trace in the closure",
        "REG = []\ndef tag(n):\n    def d(f):\n        REG.append(n)\n        return f\n    return d\n@tag(1)\ndef f(x):\n    return x\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "tag(1)",
        "tag(2)",
    ),
    rebuild(
        "a decorator's argument held in a constant",
        "K = 1\ndef tag(n):\n    return lambda f: f\n@tag(K)\ndef f(x):\n    return x\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "a helper in a list of functions",
        "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = [a, b]\n"
        + ASSET
        + "def model(x):\n    return STEPS\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "order of a list of functions",
        "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = [a, b]\n"
        + ASSET
        + "def model(x):\n    return STEPS\n",
        "[a, b]",
        "[b, a]",
    ),
    keep(
        "order of a set of functions",
        "def a(x):\n    return 1\ndef b(x):\n    return 0\nSTEPS = {a, b}\n"
        + ASSET
        + "def model(x):\n    return STEPS\n",
        "{a, b}",
        "{b, a}",
    ),
    rebuild(
        "a dispatch table of lambdas on one line",
        "T = {'a': (lambda v: v + 1, lambda v: v + 2)}\n" + ASSET + "def model(x):\n    return T['a'][1](x)\n",
        "v + 2",
        "v + 3",
    ),
    rebuild(
        "two lambdas on a line swapped",
        "a, b = lambda v: v + 1, lambda v: v + 2\n" + ASSET + "def model(x):\n    return a(x)\n",
        "a, b =",
        "b, a =",
    ),
    keep(
        "the other lambda of the line",
        "a, b = lambda v: v + 1, lambda v: v + 2\n" + ASSET + "def model(x):\n    return a(x)\n",
        "v + 2",
        "v + 3",
    ),
    rebuild(
        "a lambda inside of a lambda",
        "f = lambda a: (lambda b: b + 1)(a)\n" + ASSET + "def model(x):\n    return f(x)\n",
        "b + 1",
        "b + 2",
    ),
    rebuild(
        "a registry filled by a decorator",
        "REG = {}\ndef register(f):\n    REG[f.__name__] = f\n    return f\n@register\ndef a(x):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return REG['a'](x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a plugin of a registry in another module",
        "import plugins\nfrom reg import REG\n"
        + ASSET
        + "def model(x):\n    return REG['a'](x)\n--- reg.py\nREG = {}\n--- plugins.py\nfrom reg import REG\ndef a(x):\n    return 1\nREG['a'] = a\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "recursion",
        "def f(n):\n    return 1 if n == 0 else f(n - 1)\n" + ASSET + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a coroutine helper",
        "async def f(v):\n    return 1\n" + ASSET + "async def model(x):\n    return await f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a generator helper",
        "def f(v):\n    yield 1\n" + ASSET + "def model(x):\n    return list(f(x))\n",
        "yield 1",
        "yield 2",
    ),
    rebuild(
        "a function attribute that is a function",
        "def h(v):\n    return 1\ndef f(v):\n    return f.inner(v)\nf.inner = h\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a closure over a closure",
        "def outer(k):\n    def mid():\n        def inner(x):\n            return x * k\n        return inner\n    return mid()\nf = outer(2)\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "outer(2)",
        "outer(3)",
    ),
    rebuild(
        "the mode of an operator.itemgetter",
        "import operator\nget = operator.itemgetter('a')\n" + ASSET + "def model(x):\n    return get(x)\n",
        "'a'",
        "'b'",
    ),
    rebuild(
        "a bound method of a list", "L = [1]\nf = L.count\n" + ASSET + "def model(x):\n    return f(x)\n", "[1]", "[2]"
    ),
    rebuild(
        "a pandas-style chain of lambdas",
        "K = 2\n"
        + ASSET
        + "def model(x):\n    return x.assign(a=lambda d: d.b * K).query('a > 1').pipe(lambda d: d)\n",
        "K = 2",
        "K = 3",
    ),
]
