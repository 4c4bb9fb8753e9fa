"""Cases of code identity: captured values, and objects that fight back."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

VALUES = [
    rebuild("a constant's type", "K = 1\n" + ASSET + "def model(x):\n    return K\n", "K = 1", "K = True"),
    rebuild(
        "a deep constant",
        "K = {'a': [1, {'b': (2, 3)}]}\n" + ASSET + "def model(x):\n    return K\n",
        "(2, 3)",
        "(2, 4)",
    ),
    keep(
        "order of a captured set",
        "K = {'a', 'b'}\n" + ASSET + "def model(x):\n    return K\n",
        "{'a', 'b'}",
        "{'b', 'a'}",
    ),
    rebuild(
        "order of a captured dict",
        "K = {'a': 1, 'b': 2}\n" + ASSET + "def model(x):\n    return K\n",
        "{'a': 1, 'b': 2}",
        "{'b': 2, 'a': 1}",
    ),
    rebuild(
        "a compiled pattern",
        "import re\nR = re.compile('a')\n" + ASSET + "def model(x):\n    return R.match(x)\n",
        "'a'",
        "'b'",
    ),
    rebuild(
        "a pattern's flags",
        "import re\nR = re.compile('a')\n" + ASSET + "def model(x):\n    return R.match(x)\n",
        "('a')",
        "('a', re.I)",
    ),
    rebuild(
        "a path",
        "import pathlib\nP = pathlib.Path('data/a')\n" + ASSET + "def model(x):\n    return P\n",
        "data/a",
        "data/b",
    ),
    rebuild(
        "a decimal",
        "import decimal\nD = decimal.Decimal('1.0')\n" + ASSET + "def model(x):\n    return D\n",
        "1.0",
        "1.00",
    ),
    rebuild(
        "a date",
        "import datetime\nD = datetime.date(2020, 1, 1)\n" + ASSET + "def model(x):\n    return D\n",
        "1, 1)",
        "1, 2)",
    ),
    rebuild(
        "a seeded random generator",
        "import random\nR = random.Random(1)\n" + ASSET + "def model(x):\n    return R.random()\n",
        "Random(1)",
        "Random(2)",
    ),
    rebuild(
        "a numpy array",
        "import numpy as np\nA = np.array([1, 2])\n" + ASSET + "def model(x):\n    return A\n",
        "[1, 2]",
        "[1, 3]",
    ),
    keep(
        "a logger's name",
        "import logging\nlog = logging.getLogger('a')\n" + ASSET + "def model(x):\n    log.info('x')\n",
        "'a'",
        "'b'",
    ),
    rebuild(
        "a logger becomes a lock",
        "import logging, threading\nL = logging.getLogger('a')\n" + ASSET + "def model(x):\n    return L\n",
        "logging.getLogger('a')",
        "threading.Lock()",
    ),
    rebuild("a cyclic list", "L = [1]\nL.append(L)\n" + ASSET + "def model(x):\n    return L\n", "[1]", "[2]"),
    rebuild(
        "a cycle through code",
        "class N:\n    pass\nn = N()\nn.me = n\nn.k = 1\n" + ASSET + "def model(x):\n    return n\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "a namespace object",
        "import types\nC = types.SimpleNamespace(a=1)\n" + ASSET + "def model(x):\n    return C.a\n",
        "a=1",
        "a=2",
    ),
    rebuild(
        "a config read from a file at import",
        "import pathlib\nC = (pathlib.Path(__file__).parent / 'c.yaml').read_text()\n"
        + ASSET
        + "def model(x):\n    return C\n--- c.yaml\na: 1\n",
        "a: 1",
        "a: 2",
    ),
    rebuild(
        "a list subclass's content",
        "class L(list):\n    pass\nl = L([1])\n" + ASSET + "def model(x):\n    return l\n",
        "[1]",
        "[2]",
    ),
    rebuild(
        "a default factory",
        "import collections\ndef z():\n    return 1\nD = collections.defaultdict(z)\n"
        + ASSET
        + "def model(x):\n    return D[x]\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "an object whose hooks raise",
        "class T:\n    def __init__(self, k):\n        object.__setattr__(self, 'k', k)\n    def __getattr__(self, n):\n        raise RuntimeError(n)\n    def __getattribute__(self, n):\n        raise RuntimeError(n)\n    def __eq__(self, o):\n        raise RuntimeError('eq')\n    def __hash__(self):\n        raise RuntimeError('hash')\n    def __repr__(self):\n        raise RuntimeError('repr')\n    def __bool__(self):\n        raise RuntimeError('bool')\n    def __reduce_ex__(self, p):\n        raise RuntimeError('reduce')\nt = T(1)\n"
        + ASSET
        + "def model(x):\n    return t\n",
        "T(1)",
        "T(2)",
    ),
    rebuild(
        "a class whose metaclass's hooks raise",
        "class M(type):\n    def __getattribute__(cls, n):\n        if n in ('__call__', '__prepare__', '__new__', '__init__', 'mro'):\n            return type.__getattribute__(cls, n)\n        raise RuntimeError(n)\n    def __eq__(cls, o):\n        raise RuntimeError('eq')\n    def __hash__(cls):\n        return 1\nclass T(metaclass=M):\n    k = 1\n"
        + ASSET
        + "def model(x):\n    return T\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "docstring read by inspect.getdoc",
        "import inspect\ndef f():\n    'a'\n" + ASSET + "def model(x):\n    return inspect.getdoc(f)\n",
        "'a'",
        "'b'",
    ),
    rebuild(
        "hints read by get_type_hints",
        "import typing\ndef f(a: int):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return typing.get_type_hints(f)\n",
        "int",
        "str",
    ),
    rebuild(
        "a class named in a hint that is read",
        "import inspect\nclass A:\n    k = 1\ndef f(a: A):\n    return 1\n"
        + ASSET
        + "def model(x):\n    return inspect.signature(f)\n",
        "k = 1",
        "k = 2",
    ),
    keep(
        "hints of a helper that nobody reads",
        "def f(a: int) -> int:\n    return 1\n" + ASSET + "def model(x):\n    return f(x)\n",
        "int",
        "str",
    ),
    rebuild(
        "the default of a context variable",
        "import contextvars\nV = contextvars.ContextVar('v', default=1)\n"
        + ASSET
        + "def model(x):\n    return V.get()\n",
        "=1",
        "=2",
    ),
    rebuild(
        "what a context variable is set to",
        "import contextvars\nV = contextvars.ContextVar('v', default=1)\nV.set(2)\n"
        + ASSET
        + "def model(x):\n    return V.get()\n",
        "set(2)",
        "set(3)",
    ),
    rebuild(
        "what a module answers for a name that is computed",
        "import lazy\n" + ASSET + "def model(x, n='a'):\n    return getattr(lazy, n)\n"
        "--- lazy.py\ndef __getattr__(name):\n    if name == 'a':\n        return 1\n    raise AttributeError(name)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "what a module lists",
        "import lazy\n"
        + ASSET
        + "def model(x):\n    return dir(lazy)\n--- lazy.py\ndef __dir__():\n    return ['a']\n",
        "'a'",
        "'b'",
    ),
]
