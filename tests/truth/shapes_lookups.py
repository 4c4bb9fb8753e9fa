"""Shapes that look at the world while they are imported, and statements that are run for their effect."""

from __future__ import annotations

from tests.truth.shape import Knob, Shape, knob, neutral

HEAD = "from assetctl import asset\nimport shared\n"
HERE = "from pathlib import Path\nHERE = Path(__file__).parent\n"


class LookupFiles(Shape):
    """A file, a folder, a size and a place that are looked at by the module."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import json
import os
SETTINGS = json.loads((HERE / "${me}.json").read_text())
FILES = sorted(path.name for path in (HERE / "${me}_data").iterdir())
SIZE = os.path.getsize(HERE / "${me}_size.txt")
HAS = os.path.exists(HERE / "${me}_flag")
with open(HERE / "${me}_lines.txt") as file:
    LINES = [line.strip() for line in file]

@asset
def ${me}_a($up): return shared.scale(SETTINGS["n"]) + shared.num($up)
@asset
def ${me}_b(): return list(FILES)
@asset
def ${me}_c(): return SIZE
@asset
def ${me}_d(): return [HAS, LINES]
""",
        "${me}.json": '{"n": $n,$space "m": 1}',
        "${me}_data/a": "$inside",
        "$more": "",
        "${me}_size.txt": "x$size",
        "$flag": "",
        "${me}_lines.txt": "one\n$line\n",
    }
    knobs = {
        "n": knob("1 | 2 | 3", "a"),
        "space": Knob(("", "  ", "\t")),
        "inside": neutral("1 | 2"),
        "more": knob("- | ${me}_data/b | ${me}_data/c", "b"),
        "size": knob("- | yy | z", "c"),
        "flag": knob("- | ${me}_flag", "d"),
        "line": knob("two | three", "d"),
    }
    offers = "a b c d"
    reads_up = "a"
    scales = "a"


class LookupVariables(Shape):
    """Variables by constant and by computed names, at import and in a step; all of them with a prefix."""

    files = {
        "${me}.py": HEAD
        + """import os
MODE = os.environ.get("${me}_MODE", "none")
PREFIX = "${me}_"

def setting(name):
    return os.environ[PREFIX + name]

@asset
def ${me}_a($up): return [MODE, shared.num($up)]
@asset
def ${me}_b(): return [setting(name) for name in ("X", "Y")]
@asset
def ${me}_c(): return sorted(value for name, value in os.environ.items() if name.startswith("${me}_Z"))
@asset
def ${me}_d(): return os.getenv("${me}_D")
"""
    }
    variables = {
        "${me}_MODE": "$mode",
        "${me}_X": "1",
        "${me}_Y": "$y",
        "${me}_Z1": "$z",
        "${me}_D": "$d",
        "${me}_UNREAD": "$unread",
    }
    reads_all_variables = "c"
    knobs = {
        "mode": knob("fast | slow", "a"),
        "y": knob("1 | 2 | 3", "b"),
        "z": knob("1 | 2", "c"),
        "d": knob("1 | 2", "d"),
        "unread": knob("1 | 2 | 3", "c"),
    }
    offers = "a b c d"
    reads_up = "a"


class LookupChild(Shape):
    """A command that is run while the module is imported, and scripts that steps run."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import subprocess
import sys
VERSION = subprocess.check_output(["cat", str(HERE / "${me}.version")], text=True)

@asset
def ${me}_a($up): return [VERSION, shared.num($up)]
@asset
def ${me}_b(): return subprocess.check_output(["sh", str(HERE / "${me}.sh")], text=True)
@asset
def ${me}_c(): return int(subprocess.run([sys.executable, "-S", "-E", HERE / "${me}_script.py", "3"], capture_output=True).stdout)
""",
        "${me}.version": "$version\n",
        "${me}.sh": "echo $echo\n",
        "${me}_script.py": "import sys\nprint(int(sys.argv[1]) * $times)\n",
    }
    data = ("_script.py",)
    knobs = {
        "version": knob("1.0 | 1.1", "a"),
        "echo": knob("hello | bye", "b"),
        "times": knob("2 | 3", "c"),
    }
    offers = "a b c"
    reads_up = "a"


class Effects(Shape):
    """State of libraries that statements of a module set: seeds, options, contexts, variables, methods."""

    files = {
        "${me}.py": HEAD
        + """import decimal
import random
import ${me}_setup
import numpy as np
import pandas as pd

@asset
def ${me}_a($up): return float(np.random.rand()) + shared.num($up)
@asset
def ${me}_b(): return str(decimal.Decimal(1) / 3)
@asset
def ${me}_c(): return pd.DataFrame({"a": [1.23456789, 2.0]}).to_string()
@asset
def ${me}_d(): return [random.random(), str(np.array([1.23456789]))]
@asset
def ${me}_e(): return int(pd.DataFrame({"a": [1, 2]}).grown()["a"].sum())
""",
        "${me}_setup.py": """import decimal
import os
import random
import numpy as np
import pandas as pd
import ${me}_more

np.random.seed($seed)
random.seed($random)
decimal.getcontext().prec = $prec
pd.set_option("display.precision", $digits)
os.environ["${me}_SET"] = "$set"
pd.DataFrame.grown = lambda self: self + $grown
UNREAD = $unread
""",
        "${me}_more.py": """import numpy as np
np.set_printoptions(precision=$printed)
UNREAD = $unread
""",
    }
    knobs = {
        "seed": knob("1 | 2 | 3", "a b c d e"),
        "random": knob("1 | 2 | 3", "a b c d e"),
        "prec": knob("5 | 9", "a b c d e"),
        "digits": knob("3 | 5", "a b c d e"),
        "set": knob("1 | 2", "a b c d e"),
        "grown": knob("1 | 2", "a b c d e"),
        "printed": knob("3 | 5", "a b c d e"),
        "unread": neutral("1 | 2 | 3"),
    }
    offers = "a b c d e"
    reads_up = "a"


class Figures(Shape):
    """`rcParams` and a converter put into a registry of the standard library; the asset reads what was set."""

    files = {
        "${me}.py": HEAD
        + """import copyreg
import pickle
import json
import matplotlib
import sqlite3
from ${me}_own import Money

matplotlib.rcParams["lines.linewidth"] = $width
copyreg.pickle(Money, lambda money: (Money, (money.n + $plus,)))
sqlite3.register_adapter(Money, lambda money: money.n * $times)

@asset
def ${me}_a($up): return [matplotlib.rcParams["lines.linewidth"], shared.num($up)]
@asset
def ${me}_b(): return pickle.loads(pickle.dumps(Money(1))).n
@asset
def ${me}_c():
    with sqlite3.connect(":memory:") as connection:
        return connection.execute("select ?", [Money(2)]).fetchone()[0]
""",
        "${me}_own.py": "class Money:\n    def __init__(self, n):\n        self.n = n\n",
    }
    knobs = {
        "width": knob("1.5 | 2.5", "a b c"),
        "plus": knob("1 | 2", "a b c"),
        "times": knob("1 | 2", "a b c"),
    }
    offers = "a b c"
    reads_up = "a"


class Captured(Shape):
    """Objects that the module made: arrays, frames, patterns, long texts, dates, instances, a memo, a lazy value."""

    files = {
        "${me}.py": HEAD
        + '''import datetime
import re
import numpy as np
import pandas as pd
from ${me}_things import Scaler, square, table

WEIGHTS = np.array([1.0, $weight])
FRAME = pd.DataFrame({"a": [$cell, 2]})
PATTERN = re.compile(r"$pattern")
TEXT = """
select $field
from t
"""
SINCE = datetime.date(2026, 1, $day)
SCALER = Scaler($by)
LIMITS = {"low": 1, "high": ($high, 9)}

@asset
def ${me}_a($up): return float(WEIGHTS.sum()) * shared.num($up)
@asset
def ${me}_b(): return [int(FRAME["a"].sum()), bool(PATTERN.match("abc"))]
@asset
def ${me}_c(): return [TEXT.split(), str(SINCE), SCALER.run(2)]
@asset
def ${me}_d(): return [square(3), square(4), table()["x"], LIMITS["high"]]
''',
        "${me}_things.py": """SQUARES = {}
_TABLE = None

class Scaler:
    def __init__(self, by):
        self.by = by
    def run(self, x):
        return self.by * x + $run

def square(x):
    if x not in SQUARES:
        SQUARES[x] = x * x + $plus
    return SQUARES[x]

def table():
    global _TABLE
    if _TABLE is None:
        _TABLE = {"x": $lazy}
    return _TABLE
""",
    }
    knobs = {
        "weight": knob("1.0 | 2.0", "a"),
        "cell": knob("1 | 5", "b"),
        "pattern": knob("a.c | x", "b"),
        "field": knob("a | b", "c"),
        "day": knob("1 | 2", "c"),
        "by": knob("2 | 3", "c"),
        "run": knob("0 | 1", "c"),
        "plus": knob("0 | 1", "d"),
        "lazy": knob("1 | 2", "d"),
        "high": knob("3 | 4", "d"),
    }
    offers = "a b c d"
    reads_up = "a"


class TypeAliases(Shape):
    """PEP 695: aliases and type parameters, read at run time through pydantic."""

    needs_python = (3, 12)
    files = {
        "${me}.py": HEAD
        + """import pydantic
type Num = $alias

class Row(pydantic.BaseModel):
    n: Num

def first[T: $bound](items: list[T]) -> T:
    return items[$index]

@asset
def ${me}_a($up): return [repr(Row(n=3).n), shared.num($up)]
@asset
def ${me}_b(): return [first([1, 2]), str(Num.__value__)]
"""
    }
    knobs = {
        "alias": knob("int | float", "a b"),
        "index": knob("0 | 1", "b"),
        "bound": neutral("int | float"),
    }
    offers = "a b"
    reads_up = "a"
