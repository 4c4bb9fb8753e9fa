"""Cases of code identity: one more of each kind that people write."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, rebuild

OTHERS = [
    rebuild(
        "attrs default",
        "import attrs\n@attrs.define\nclass P:\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "attrs method",
        "import attrs\n@attrs.define\nclass P:\n    a: int = 0\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "attrs instance",
        "import attrs\n@attrs.frozen\nclass P:\n    a: int = 0\np = P(1)\n" + ASSET + "def model(x):\n    return p\n",
        "P(1)",
        "P(2)",
    ),
    rebuild(
        "slots dataclass method",
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass P:\n    a: int = 0\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "slots dataclass default",
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass P:\n    a: int = 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "singledispatchmethod",
        "import functools\nclass P:\n    @functools.singledispatchmethod\n    def f(self, a):\n        return 0\n    @f.register\n    def _(self, a: int):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P().f(1)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "partialmethod",
        "import functools\nclass P:\n    def f(self, a):\n        return a\n    g = functools.partialmethod(f, 1)\n"
        + ASSET
        + "def model(x):\n    return P().g()\n",
        "f, 1",
        "f, 2",
    ),
    rebuild(
        "enum auto",
        "import enum\nclass E(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\n"
        + ASSET
        + "def model(x):\n    return E.A\n",
        "    B = enum.auto()\n",
        "    C = enum.auto()\n    B = enum.auto()\n",
    ),
    rebuild(
        "strenum",
        "import enum\nclass E(enum.StrEnum):\n    A = 'a'\n" + ASSET + "def model(x):\n    return E.A\n",
        "'a'",
        "'b'",
    ),
    rebuild(
        "total ordering",
        "import functools\n@functools.total_ordering\nclass E:\n    def __lt__(self, o):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return E()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "namedtuple method",
        "import typing\nclass P(typing.NamedTuple):\n    a: int\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P(1).f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "namedtuple instance",
        "import typing\nclass P(typing.NamedTuple):\n    a: int\np = P(1)\n" + ASSET + "def model(x):\n    return p\n",
        "P(1)",
        "P(2)",
    ),
    rebuild(
        "nested class",
        "class T:\n    class U:\n        k = 1\n" + ASSET + "def model(x):\n    return T.U.k\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "__set_name__",
        "class D:\n    def __set_name__(self, o, n):\n        self.n = n\n    def __get__(self, o, c):\n        return 1\nclass T:\n    d = D()\n"
        + ASSET
        + "def model(x):\n    return T.d\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "class dunder",
        "class T:\n    __version__ = 1\n" + ASSET + "def model(x):\n    return T.__version__\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "class private mangled",
        "class T:\n    __v = 1\n    def f(self):\n        return self.__v\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "conditional method",
        "F = True\nclass T:\n    if F:\n        def f(self):\n            return 1\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "joblib memory",
        "import joblib\nmem = joblib.Memory(None)\n@mem.cache\ndef f(v):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "partial of root",
        "import functools\nfrom assetctl import asset\ndef m(x, k):\n    return x\nmodel = asset(functools.partial(m, k=1), key='model')\n",
        "k=1",
        "k=2",
    ),
    rebuild(
        "callable instance root",
        "from assetctl import asset\nclass M:\n    def __call__(self, x):\n        return 1\nmodel = asset(M(), key='model')\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "class as asset",
        "from assetctl import asset\nclass M:\n    def __init__(self, x):\n        self.x = 1\nmodel = asset(M, key='model')\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "closure dict",
        "def mk(d):\n    return lambda x: d[x]\nf = mk({'a': 1})\n" + ASSET + "def model(x):\n    return f(x)\n",
        "1}",
        "2}",
    ),
    rebuild(
        "np.vectorize of lambda",
        "import numpy as np\nf = np.vectorize(lambda v: v + 1)\n" + ASSET + "def model(x):\n    return f(x)\n",
        "+ 1",
        "+ 2",
    ),
    rebuild(
        "wraps kwargs deco w/ class",
        "class Retry:\n    def __init__(self, n):\n        self.n = n\n    def __call__(self, f):\n        def w(*a):\n            return f(*a), self.n\n        return w\n@Retry(1)\ndef f(v):\n    return v\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "Retry(1)",
        "Retry(2)",
    ),
    rebuild(
        "inner deco fn edit",
        "class Retry:\n    def __call__(self, f):\n        def w(*a):\n            return f(*a), 1\n        return w\n@Retry()\ndef f(v):\n    return v\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        ", 1",
        ", 2",
    ),
    rebuild(
        "module constant via alias attr",
        "import cfg as c\n" + ASSET + "def model(x):\n    return c.A.b\n--- cfg.py\nclass A:\n    b = 1\n",
        "b = 1",
        "b = 2",
    ),
    rebuild(
        "ChainMap",
        "import collections\nc = collections.ChainMap({'a': 1})\n" + ASSET + "def model(x):\n    return c['a']\n",
        "1}",
        "2}",
    ),
    rebuild(
        "itertools count",
        "import itertools\nc = itertools.count(1)\n" + ASSET + "def model(x):\n    return next(c)\n",
        "count(1)",
        "count(2)",
    ),
    rebuild(
        "functools.reduce w/ operator",
        "from operator import add as op\nimport functools\n"
        + ASSET
        + "def model(x):\n    return functools.reduce(op, x)\n",
        "import add",
        "import mul",
    ),
    rebuild(
        "typed dict total",
        "import typing\nclass D(typing.TypedDict):\n    a: int\nT = D(a=1)\n" + ASSET + "def model(x):\n    return T\n",
        "a=1",
        "a=2",
    ),
    rebuild(
        "exec'd func global",
        "ns = {'K': 1}\nexec('def f(x):\\n    return K', ns)\nf = ns['f']\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "1}",
        "2}",
    ),
    rebuild(
        "exec'd func calls helper",
        "def h(v):\n    return 1\nns = {'h': h}\nexec('def f(x):\\n    return h(x)', ns)\nf = ns['f']\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild("eval lambda", "f = eval('lambda v: v + 1')\n" + ASSET + "def model(x):\n    return f(x)\n", "+ 1", "+ 2"),
    rebuild(
        "pydantic computed_field",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 0\n    @pydantic.computed_field\n    @property\n    def b(self) -> int:\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "pydantic dataclass",
        "import pydantic\n@pydantic.dataclasses.dataclass\nclass P:\n    a: int = 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "pydantic dataclass method",
        "import pydantic.dataclasses\n@pydantic.dataclasses.dataclass\nclass P:\n    a: int = 0\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "pydantic validate_call",
        "import pydantic\n@pydantic.validate_call\ndef f(v: int):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "pydantic validate_call hint",
        "import pydantic\n@pydantic.validate_call\ndef f(v: int):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "v: int",
        "v: float",
    ),
    rebuild(
        "sqlmodel",
        "from sqlmodel import SQLModel, Field\nclass P(SQLModel):\n    a: int = Field(default=1)\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "=1",
        "=2",
    ),
    rebuild(
        "async gen",
        "async def g():\n    yield 1\n" + ASSET + "async def model(x):\n    return [v async for v in g()]\n",
        "yield 1",
        "yield 2",
    ),
    rebuild(
        "star import const",
        "from cfg import *\n" + ASSET + "def model(x):\n    return A\n--- cfg.py\nA = 1\n",
        "A = 1",
        "A = 2",
    ),
    rebuild(
        "import * in pkg",
        "from pkg import *\n"
        + ASSET
        + "def model(x):\n    return f(x)\n--- pkg/__init__.py\nfrom .a import *\n--- pkg/a.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "vars(module)",
        "import late\n" + ASSET + "def model(x):\n    return vars(late)[x](1)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "module.__dict__",
        "import late\n"
        + ASSET
        + "def model(x):\n    return late.__dict__[x](1)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "sys.modules",
        "import sys, late\n"
        + ASSET
        + "def model(x):\n    return sys.modules['late'].f(1)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "local alias of a function",
        "def f(v):\n    return 1\n" + ASSET + "def model(x):\n    g = f\n    return g(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "del and default",
        "def f(v, d={'a': 1}):\n    return d\n" + ASSET + "def model(x):\n    return f(x)\n",
        "1}",
        "2}",
    ),
]
