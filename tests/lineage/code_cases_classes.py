"""Cases of code identity: what classes are made of."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

CLASSES = [
    rebuild(
        "a base class's method",
        "class B:\n    def f(self):\n        return 1\nclass T(B):\n    pass\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a method called through super()",
        "class B:\n    def f(self):\n        return 1\nclass T(B):\n    def f(self):\n        return super().f()\nf = T().f\n"
        + ASSET
        + "def model(x):\n    return f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a property",
        "class T:\n    @property\n    def f(self):\n        return 1\n" + ASSET + "def model(x):\n    return T().f\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a property's setter",
        "class T:\n    @property\n    def f(self):\n        return 0\n    @f.setter\n    def f(self, v):\n        self.v = 1\n"
        + ASSET
        + "def model(x):\n    return T()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "a cached property",
        "import functools\nclass T:\n    @functools.cached_property\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return T().f\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a static method turned class method",
        "class T:\n    @staticmethod\n    def f(*a):\n        return a\n" + ASSET + "def model(x):\n    return T.f()\n",
        "static",
        "class",
    ),
    rebuild(
        "an enum member's value",
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 5\n" + ASSET + "def model(x):\n    return E.A\n",
        "A = 1",
        "A = 2",
    ),
    rebuild(
        "order of enum members",
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 5\n" + ASSET + "def model(x):\n    return list(E)\n",
        "    A = 1\n    B = 5\n",
        "    B = 5\n    A = 1\n",
    ),
    rebuild(
        "a method of an enum",
        "import enum\nclass E(enum.Enum):\n    A = 1\n    def f(self):\n        return 10\nM = E.A\n"
        + ASSET
        + "def model(x):\n    return M.f()\n",
        "return 10",
        "return 20",
    ),
    rebuild(
        "a dataclass field added",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int\n"
        + ASSET
        + "def model(x):\n    return P(x)\n",
        "    a: int\n",
        "    a: int\n    b: int = 0\n",
    ),
    rebuild(
        "order of dataclass fields",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int\n    b: int\n"
        + ASSET
        + "def model(x):\n    return P(x, x)\n",
        "    a: int\n    b: int\n",
        "    b: int\n    a: int\n",
    ),
    rebuild(
        "a dataclass's option",
        "import dataclasses\n@dataclasses.dataclass(order=False)\nclass P:\n    a: int\n"
        + ASSET
        + "def model(x):\n    return P(x)\n",
        "False",
        "True",
    ),
    rebuild(
        "a dataclass's default factory",
        "import dataclasses\ndef make():\n    return [1]\n@dataclasses.dataclass\nclass P:\n    a: list = dataclasses.field(default_factory=make)\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "[1]",
        "[2]",
    ),
    rebuild(
        "a dataclass's default in another module",
        "import dataclasses, cfg\n@dataclasses.dataclass\nclass P:\n    a: int = cfg.A\n"
        + ASSET
        + "def model(x):\n    return P()\n--- cfg.py\nA = 1\n",
        "A = 1",
        "A = 2",
    ),
    keep(
        "a dataclass's docstring",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    'one'\n    a: int\n"
        + ASSET
        + "def model(x):\n    return P(x)\n",
        "'one'",
        "'two'",
    ),
    rebuild(
        "a make_dataclass field",
        "import dataclasses\nP = dataclasses.make_dataclass('P', ['a'])\n" + ASSET + "def model(x):\n    return P(x)\n",
        "['a']",
        "['b']",
    ),
    rebuild(
        "a named tuple's default",
        "import typing\nclass P(typing.NamedTuple):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "a collections.namedtuple's fields",
        "import collections\nP = collections.namedtuple('P', 'a b')\n" + ASSET + "def model(x):\n    return P(1, 2)\n",
        "'a b'",
        "'b a'",
    ),
    keep(
        "an annotation of an ordinary class",
        "class T:\n    a: int = 1\n" + ASSET + "def model(x):\n    return T.a\n",
        "a: int",
        "a: float",
    ),
    rebuild(
        "an annotation of a class whose maker reads it",
        "class M(type):\n    def fields(cls):\n        return cls.__annotations__\nclass T(metaclass=M):\n    a: int\n"
        + ASSET
        + "def model(x):\n    return T.fields()\n",
        "a: int",
        "a: float",
    ),
    rebuild(
        "a keyword of a class statement",
        "class B:\n    def __init_subclass__(cls, flag):\n        print(flag)\nclass T(B, flag=1):\n    pass\n"
        + ASSET
        + "def model(x):\n    return T()\n",
        "flag=1",
        "flag=2",
    ),
    rebuild(
        "a registry of subclasses",
        "class B:\n    REG = {}\n    def __init_subclass__(cls):\n        B.REG[cls.__name__] = cls\nclass T(B):\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return B.REG[x]().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a method patched in from outside",
        "class T:\n    pass\ndef f(self):\n    return 1\nT.f = f\n" + ASSET + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "an attribute set from outside",
        "class T:\n    pass\nT.k = 1\n" + ASSET + "def model(x):\n    return T.k\n",
        "T.k = 1",
        "T.k = 2",
    ),
    rebuild(
        "__slots__",
        "class T:\n    __slots__ = ('a',)\n" + ASSET + "def model(x):\n    return T()\n",
        "('a',)",
        "('b',)",
    ),
    rebuild(
        "an instance's attribute",
        "class T:\n    def __init__(self, k):\n        self.k = k\nt = T(1)\n"
        + ASSET
        + "def model(x):\n    return t.k\n",
        "T(1)",
        "T(2)",
    ),
    rebuild(
        "an instance's slot",
        "class T:\n    __slots__ = ('k',)\n    def __init__(self, k):\n        self.k = k\nt = T(1)\n"
        + ASSET
        + "def model(x):\n    return t.k\n",
        "T(1)",
        "T(2)",
    ),
    rebuild(
        "an instance in an instance",
        "class T:\n    def __init__(self, k):\n        self.k = k\nt = T([T(1)])\n"
        + ASSET
        + "def model(x):\n    return t.k\n",
        "T(1)",
        "T(2)",
    ),
    rebuild(
        "an instance of a dict subclass",
        "class C(dict):\n    pass\nc = C(a=1)\n" + ASSET + "def model(x):\n    return c\n",
        "a=1",
        "a=2",
    ),
    rebuild(
        "an instance of a frozen dataclass",
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    a: int\n    def f(self):\n        return self.a\nc = C(1)\n"
        + ASSET
        + "def model(x):\n    return c.f()\n",
        "C(1)",
        "C(2)",
    ),
    rebuild(
        "a method of a frozen dataclass instance",
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    a: int\n    def f(self):\n        return self.a\nc = C(1)\n"
        + ASSET
        + "def model(x):\n    return c.f()\n",
        "self.a",
        "-self.a",
    ),
    rebuild(
        "a class made by exec",
        "ns = {'__name__': __name__}\nexec('class T:\\n    def f(self):\\n        return 1', ns)\nT = ns['T']\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a class made by type()",
        "T = type('T', (), {'f': lambda self: 1})\n" + ASSET + "def model(x):\n    return T().f()\n",
        "self: 1",
        "self: 2",
    ),
    rebuild(
        "a class redefined later",
        "class T:\n    k = 0\nclass T:\n    k = 1\n" + ASSET + "def model(x):\n    return T.k\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "a protocol's default method",
        "from typing import Protocol\nclass P(Protocol):\n    def f(self):\n        return 1\nclass T(P):\n    pass\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "an abstract base's method",
        "import abc\nclass P(abc.ABC):\n    def f(self):\n        return 1\nclass T(P):\n    pass\n"
        + ASSET
        + "def model(x):\n    return T().f()\n",
        "return 1",
        "return 2",
    ),
    keep(
        "order of methods",
        "class T:\n    def a(self):\n        return 1\n    def b(self):\n        return 2\n"
        + ASSET
        + "def model(x):\n    return T()\n",
        "    def a(self):\n        return 1\n    def b(self):\n        return 2\n",
        "    def b(self):\n        return 2\n    def a(self):\n        return 1\n",
    ),
    rebuild(
        "a descriptor of one's own",
        "class D:\n    def __get__(self, obj, cls):\n        return 1\nclass T:\n    d = D()\n"
        + ASSET
        + "def model(x):\n    return T().d\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a generic class's method",
        "from typing import Generic, TypeVar\nV = TypeVar('V')\nclass T(Generic[V]):\n    def f(self):\n        return 1\n"
        + ASSET
        + "def model(x):\n    return T[int]().f()\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "an exception class of one's own",
        "class E(Exception):\n    code = 1\n" + ASSET + "def model(x):\n    raise E('a')\n",
        "code = 1",
        "code = 2",
    ),
]


_BASE = "class Base:\n    def go(self):\n        return 0\n"
_PLUGINS = "from base import Base\nclass A(Base):\n    def go(self):\n        return 1\nclass C(A):\n    def go(self):\n        return 3\n# end\n"
_FILES = "--- base.py\n" + _BASE + "--- plugins.py\n" + _PLUGINS
_WALK = "def walk(cls):\n    for one in cls.__subclasses__():\n        yield one\n        yield from walk(one)\n"
_IMPORTS = "import plugins\nfrom base import Base\n"
_SCAN = _IMPORTS + ASSET + "def model(x):\n    return [c().go() for c in Base.__subclasses__()]\n" + _FILES
_RECURSIVE = _IMPORTS + _WALK + ASSET + "def model(x):\n    return [c().go() for c in walk(Base)]\n" + _FILES
_UNREAD = _IMPORTS + ASSET + "def model(x):\n    return Base().go()\n" + _FILES
_REGISTERED = (
    "import abc\nclass Base(abc.ABC): pass\nclass A: pass\nclass B: pass\n# register\n"
    + ASSET
    + "def model(x):\n    return isinstance(A(), Base)\n"
)
_NEW = "class B(Base):\n    pass\n# end"

SUBCLASSES = [
    rebuild("a method of a subclass that is scanned for", _SCAN, "return 1", "return 2"),
    rebuild("a new subclass that is scanned for", _SCAN, "# end", _NEW),
    rebuild("a method of a subclass of a subclass", _RECURSIVE, "return 3", "return 4"),
    rebuild("a new subclass that a walk reaches", _RECURSIVE, "# end", _NEW),
    rebuild(
        "subclasses asked of type",
        _SCAN.replace("Base.__subclasses__()", "type.__subclasses__(Base)"),
        "return 1",
        "return 2",
    ),
    rebuild(
        "subclasses asked by getattr",
        _SCAN.replace("Base.__subclasses__()", "getattr(Base, '__subclasses__')()"),
        "return 1",
        "return 2",
    ),
    rebuild(
        "a subclass of a library's class that is scanned for",
        "import json\nclass E(json.JSONEncoder):\n    k = 1\n"
        + ASSET
        + "def model(x):\n    return json.JSONEncoder.__subclasses__()[0].k\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "a class that registers itself",
        "import plugins\nfrom base import Base\n" + ASSET + "def model(x):\n    return [c.k for c in Base.known]\n"
        "--- base.py\nclass Base:\n    known = []\n    def __init_subclass__(cls):\n        Base.known.append(cls)\n"
        "--- plugins.py\nfrom base import Base\nclass A(Base):\n    k = 1\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "subclasses scanned for through `type.__subclasses__`",
        _IMPORTS
        + "scan = type.__subclasses__\n"
        + ASSET
        + "def model(x):\n    return [c().go() for c in scan(Base)]\n"
        + _FILES,
        "return 1",
        "return 2",
    ),
    rebuild(
        "subclasses scanned for by a name that is put together",
        _IMPORTS
        + "how = '__sub' + 'classes__'\n"
        + ASSET
        + "def model(x):\n    return [c().go() for c in getattr(Base, how)()]\n"
        + _FILES,
        "return 1",
        "return 2",
    ),
    rebuild("a class registered with an abstract one", _REGISTERED, "# register", "Base.register(A)"),
    rebuild(
        "a class registered with a class that derives from the abstract one",
        _REGISTERED,
        "# register",
        "class Sub(Base): pass\nSub.register(A)",
    ),
    rebuild(
        "another class registered", _REGISTERED.replace("# register", "Base.register(B)"), "register(B)", "register(A)"
    ),
    rebuild(
        "a default of a model that pydantic makes of arguments",
        "from pydantic import create_model\nMade = create_model('Made', q=(int, 3))\n"
        + ASSET
        + "def model(x):\n    return Made().q\n",
        "3)",
        "4)",
    ),
    rebuild(
        "a default of a class that attrs makes of arguments",
        "import attrs\nMade = attrs.make_class('Made', {'q': attrs.field(default=3)})\n"
        + ASSET
        + "def model(x):\n    return Made().q\n",
        "=3",
        "=4",
    ),
    keep("a subclass that nothing scans for", _UNREAD, "return 1", "return 2"),
    keep("a comment beside a subclass that is scanned for", _SCAN, "# end", "# the end"),
]
