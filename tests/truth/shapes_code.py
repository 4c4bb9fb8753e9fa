"""Shapes of code: how functions, classes and modules lead to one another."""

from __future__ import annotations

from tests.truth.shape import Shape, knob, neutral

HEAD = "from assetctl import asset\nimport shared\n"


class Plain(Shape):
    """Functions of another module, a constant through two modules, names that only sound alike."""

    files = {
        "${me}.py": HEAD
        + """import ${me}_lib
from ${me}_lib import twice as doubled

@asset
def ${me}_a($up, rate: int = $rate):
    $x = shared.num($up)
    return doubled($x) + rate $fold

@asset
def ${me}_b(${me}_a):
    return ${me}_lib.limited(${me}_a)
""",
        "${me}_lib.py": """from ${me}_conf import LIMIT
OTHER = $other

def twice(x):
    return x * $times

def limited(x):
    return min(x, LIMIT)

def unused():
    return OTHER
""",
        "${me}_conf.py": "LIMIT = $limit\nUNREAD = [1, 2]\n",
    }
    knobs = {
        "rate": knob("1 | 2 | 3", "a"),
        "times": knob("2 | 3 | 4", "a"),
        "limit": knob("50 | 150 | 90", "b"),
        "fold": knob("- | % 5 | % 7", "a"),
        "x": neutral("x | y | total"),
        "other": neutral("1 | 2 | 3"),
    }
    offers = "a b"
    reads_up = "a"


class FanIn(Shape):
    """Several upstreams for one parameter: by name, as a list, as a dict."""

    files = {
        "${me}.py": HEAD
        + """
@asset
def ${me}_x($up): return shared.num($up) % $mod
@asset
def ${me}_y(): return [$y, 2]
@asset(ins={"orders": "${me}_x", "prices": "${me}_y"})
def ${me}_all(**tables): return {name: tables[name] for name in sorted(tables)}
@asset(ins={"parts": $parts})
def ${me}_list(parts): return [shared.num(part) for part in parts]
@asset(ins={"parts": {"first": "${me}_y", "$last": "${me}_x"}})
def ${me}_dict(parts): return sorted(parts.items(), key=str)
"""
    }
    knobs = {
        "mod": knob("5 | 7", "x"),
        "y": knob("1 | 3 | 4", "y"),
        "parts": knob('["${me}_x", "${me}_y"] | ["${me}_y", "${me}_x"] | ["${me}_y"]', "list"),
        "last": knob("last | end", "dict"),
    }
    offers = "all list"
    reads_up = "x list"


class Scanned(Shape):
    """Subclasses found by scanning, and one in a module that is only imported."""

    files = {
        "${me}.py": HEAD
        + """from ${me}_base import Base
import ${me}_kinds

@asset
def ${me}_a($up):
    return [kind().go(shared.num($up) % 10) for kind in Base.__subclasses__()]
""",
        "${me}_base.py": "class Base:\n    step = $step\n    def go(self, x):\n        return x + self.step\n",
        "${me}_kinds.py": """from ${me}_base import Base

class One(Base):
    def go(self, x):
        return super().go(x) * $one

class Two(Base):
    step = $two
$third
""",
    }
    knobs = {
        "step": knob("1 | 2", "a"),
        "one": knob("2 | 3", "a"),
        "two": knob("7 | 8", "a"),
        "third": knob("- | class Three(Two): pass | class Four(Base): step = 40", "a"),
    }
    offers = "a"
    reads_up = "a"


class Registry(Shape):
    """A registry that decorators fill, a table of functions, `__init_subclass__`, a descriptor with `__set_name__`."""

    files = {
        "${me}.py": HEAD
        + """from ${me}_registry import KNOWN, Plugin
import ${me}_plugins

@asset
def ${me}_a($up): return {name: KNOWN[name](shared.num($up)) for name in sorted(KNOWN)}
@asset
def ${me}_b(): return [(name, kind.title(kind)) for name, kind in sorted(Plugin.kinds.items())]
@asset
def ${me}_c(): return ${me}_plugins.TABLE["$entry"](4)
""",
        "${me}_registry.py": """KNOWN = {}

def register(name):
    def add(function):
        KNOWN[name] = function
        return function
    return add

class Named:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, thing, owner):
        return self.name * $repeat

class Plugin:
    kinds = {}
    label = Named()
    def __init_subclass__(cls, code=0):
        Plugin.kinds[cls.__name__] = cls
        cls.code = code
    def title(self):
        return (self.label, self.code)
""",
        "${me}_plugins.py": """from ${me}_registry import Plugin, register

@register("$plus")
def plus(x): return x + $n

@register("minus")
def minus(x): return x - 1
$extra
class Small(Plugin, code=$code): pass

def half(x): return x / $half
def same(x): return x
TABLE = {"half": half, "same": same}
""",
    }
    knobs = {
        "plus": knob("plus | add", "a"),
        "n": knob("1 | 2", "a"),
        # Calls of another module's function are made for their effect: they belong to the whole module.
        "extra": knob('- | register("sq")(lambda x: x * x) | register("cube")(lambda x: x ** 3)', "a b c"),
        "code": knob("5 | 6", "b"),
        "repeat": knob("1 | 2", "b"),
        "half": knob("2 | 4", "c"),
        "entry": knob("half | same", "c"),
    }
    offers = "a b c"
    reads_up = "a"


class Classes(Shape):
    """A hierarchy over modules: properties, class methods, dataclasses, enums, named tuples."""

    files = {
        "${me}.py": HEAD
        + """from ${me}_model import Item, Size, Point, Scaler

@asset
def ${me}_a($up): return Scaler(shared.num($up)).value
@asset
def ${me}_b(): return Item("pen").total()
@asset
def ${me}_c(): return [size.name + str(size.value) for size in Size]
@asset
def ${me}_d(): return list(Point(1))
""",
        "${me}_model.py": """import enum
from dataclasses import dataclass, field
from typing import NamedTuple
from ${me}_parent import Parent

class Scaler(Parent):
    @property
    def value(self): return super().value + self.extra()
    @staticmethod
    def extra(): return $extra

@dataclass(frozen=True)
class Item:
    name: str
    price: int = $price
    parts: list = field(default_factory=lambda: [$part, 2])
    def total(self): return self.price + sum(self.parts)

class Size(enum.IntEnum):
    SMALL = $small
    LARGE = 9

class Point(NamedTuple):
    x: int
    y: int = $y
""",
        "${me}_parent.py": """class Parent:
    factor = $factor
    def __init__(self, x): self.x = x
    @property
    def value(self): return self.x * self.scale()
    @classmethod
    def scale(cls): return cls.factor
""",
    }
    knobs = {
        "extra": knob("1 | 2", "a"),
        "factor": knob("2 | 3", "a"),
        "price": knob("5 | 6", "b"),
        "part": knob("1 | 3", "b"),
        "small": knob("1 | 2", "c"),
        "y": knob("1 | 2", "d"),
    }
    offers = "a b c d"
    reads_up = "a"


class Package(Shape):
    """A package whose `__init__` hands on names, relative imports, a star import with `__all__`."""

    files = {
        "${me}/__init__.py": "from .core import grow\nfrom .names import *\n",
        "${me}/core.py": "from .conf import RATE as _RATE\nfrom . import conf\n\ndef grow(x):\n    return x * _RATE + conf.START\n",
        "${me}/conf.py": "RATE = $rate\nSTART = $start\nUNREAD = $unread\n",
        "${me}/names.py": "__all__ = ['label', 'WORDS']\nWORDS = ['$word', 'b']\n\ndef label(x):\n    return '-'.join([*WORDS, str(x)])\n\ndef hidden():\n    return $unread\n",
        "${me}/sub/__init__.py": "",
        "${me}/sub/steps.py": HEAD
        + """from .. import grow, label
from ..names import *

@asset
def ${me}_a($up): return grow(shared.num($up))
@asset
def ${me}_b(${me}_a): return [label(${me}_a % 3), WORDS[0]]
""",
    }
    knobs = {
        "rate": knob("2 | 3", "a"),
        "start": knob("0 | 1 | 5", "a"),
        "word": knob("a | c", "b"),
        "unread": neutral("1 | 2 | 3"),
    }
    offers = "a b"
    reads_up = "a"


class Conditional(Shape):
    """Imports under conditions: a module that is not there, a version, `TYPE_CHECKING`, inside a function."""

    files = {
        "${me}.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport sys\n"
        + HEAD
        + """try:
    from ${me}_fast import work
except ImportError:
    from ${me}_slow import work
if sys.version_info >= (3, 8):
    from ${me}_new import how
else:
    from ${me}_slow import how
if TYPE_CHECKING:
    from ${me}_types import Number

@asset
def ${me}_a($up): return work(shared.num($up))
@asset
def ${me}_b() -> Number:
    import ${me}_inner
    return how(${me}_inner.VALUE)
""",
        "$fast": "def work(x):\n    return ('fast', x)\n",
        "${me}_slow.py": "def work(x):\n    return ('slow', x + $slow)\n\ndef how(x):\n    return 0\n",
        "${me}_new.py": "def how(x):\n    return [x, $how]\n",
        "${me}_inner.py": "VALUE = $inner\n",
        "${me}_types.py": "Number = $number\n",
    }
    knobs = {
        "fast": knob("- | ${me}_fast.py", "a"),
        "slow": knob("1 | 2", "a"),
        "how": knob("1 | 2", "b"),
        "inner": knob("5 | 6", "b"),
        "number": neutral("int | float"),
    }
    offers = "b"
    reads_up = "a"
