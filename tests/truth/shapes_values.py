"""Shapes of values: functions and classes within them, tables with metadata, shared parts, models."""

from __future__ import annotations

from tests.truth.shape import Shape, knob, neutral

HEAD = "from assetctl import asset, columns\nimport shared\n"


class Functions(Shape):
    """Values that hold functions: lambdas, closures, partials, cached ones, objects that can be called."""

    files = {
        "${me}.py": HEAD
        + """import functools
from ${me}_lib import Caller, cached, helper, scale, tail
import ${me}_lib

@asset
def ${me}_made(): return {"f": lambda x: ${me}_lib.helper(x)}
@asset
def ${me}_closure():
    n = $n
    def inner(x): return scale(x) + n
    return inner
@asset
def ${me}_partial(): return functools.partial(tail, $bound)
@asset
def ${me}_cached(): return [cached, helper]
@asset
def ${me}_object(): return Caller($by)
@asset
def ${me}_a(${me}_made, $up): return ${me}_made["f"](shared.num($up))
@asset
def ${me}_b(${me}_closure, ${me}_partial): return [${me}_closure(3), ${me}_partial(4)]
@asset
def ${me}_c(${me}_cached, ${me}_object): return [${me}_cached[0](5), ${me}_cached[1](6), ${me}_object(7)]
""",
        "${me}_lib.py": """import functools
from ${me}_deep import deep

def helper(x): return deep(x) + $helper
def scale(x): return x * $scale
def tail(x, y): return [x, y, $tail]
@functools.lru_cache
def cached(x): return x + $cached

class Caller:
    def __init__(self, by): self.by = by
    def __call__(self, x): return self.by * x + $call
""",
        "${me}_deep.py": "def deep(x):\n    return x % $deep\n\ndef unused():\n    return $unread\n",
    }
    knobs = {
        "n": knob("1 | 2", "closure b"),
        "bound": knob("1 | 2", "partial b"),
        "by": knob("1 | 2", "object c"),
        "helper": knob("1 | 2", "made cached a c"),
        "scale": knob("1 | 2", "closure b"),
        "tail": knob("1 | 2", "partial b"),
        "cached": knob("1 | 2", "cached c"),
        "call": knob("1 | 2", "object c"),
        "deep": knob("7 | 5", "made cached a c"),
        "unread": neutral("1 | 2"),
    }
    offers = "a b c"
    reads_up = "a"


class Pickled(Shape):
    """Pickles, joblib files and estimators that hold functions and classes of the project."""

    files = {
        "${me}.py": HEAD
        + """import io
import pickle
from pathlib import Path
import joblib
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from ${me}_own import Row, double, shift

@asset
def ${me}_bytes(): return pickle.dumps([shift, Row($n)])
@asset
def ${me}_model(): return make_pipeline(FunctionTransformer(double), StandardScaler(with_std=$std)).fit([[1.0], [3.0]])
@asset
def ${me}_rows(): return [Row(1), Row($m)]
@asset
def ${me}_a(${me}_bytes, $up):
    function, row = pickle.loads(${me}_bytes)
    return [function(shared.num($up)), row.total()]
@asset
def ${me}_b(${me}_model): return ${me}_model.transform(np.array([[2.0]])).tolist()
@asset
def ${me}_c(${me}_rows): return [row.total() for row in ${me}_rows]
""",
        "${me}_own.py": """class Row:
    def __init__(self, n): self.n = n
    def total(self): return self.n + $total
def double(x): return x * $double
def shift(x): return x + $shift
""",
    }
    knobs = {
        "n": knob("1 | 2", "bytes a"),
        "m": knob("1 | 2", "rows c"),
        "std": knob("True | False", "model b"),
        "total": knob("1 | 2", "bytes rows a c"),
        "double": knob("2 | 3", "model b"),
        "shift": knob("2 | 3", "bytes a"),
    }
    offers = "a b c"
    reads_up = "a"


class Tables(Shape):
    """Tables of three libraries, columns of them, what metadata they have, a stream."""

    files = {
        "${me}.py": HEAD
        + """from pathlib import Path
from typing import Annotated
import pandas as pd
import polars as pl
import pyarrow as pa

@asset
def ${me}_t($up):
    frame = pd.DataFrame({"a": [$a, 2], "b": [$b, shared.num($up)]}, index=$index)
    frame.attrs["unit"] = "$unit"
    return frame
@asset
def ${me}_p(): return pa.table({"x": pa.array([1, $x], $type)}).replace_schema_metadata({"k": "$k"})
@asset
def ${me}_l(): return pl.DataFrame({"c": ["$c", "z"]})
@asset
def ${me}_s():
    for n in range($parts):
        yield pa.table({"n": [n]})
@asset
def ${me}_a(${me}_t: Annotated[pd.DataFrame, columns("a")]): return int(${me}_t["a"].sum())
@asset
def ${me}_b(${me}_t): return [str(${me}_t.attrs), list(map(str, ${me}_t.index))]
@asset
def ${me}_c(${me}_p): return [str(${me}_p.schema.metadata), str(${me}_p.schema.types)]
@asset
def ${me}_d(${me}_l: pd.DataFrame, ${me}_s: pl.DataFrame): return [${me}_l["c"].tolist(), ${me}_s.height]
@asset
def ${me}_e(${me}_p: Path): return ${me}_p.stat().st_size > 0
""",
    }
    knobs = {
        "a": knob("1 | 3", "t"),
        "b": knob("1 | 3", "t"),
        "index": knob('None | ["x", "y"]', "t"),
        "unit": knob("km | mi", "t"),
        "x": knob("2 | 3", "p"),
        "type": knob("pa.int64() | pa.int32()", "p"),
        "k": knob("v | w", "p"),
        "c": knob("y | w", "l"),
        "parts": knob("2 | 3", "s"),
    }
    offers = "a b c d e"
    reads_up = "t"


class SharedParts(Shape):
    """One object in two places of a value, or two equal ones; the reader changes one."""

    is_plain = False  # JSON keeps no sharing, a call does
    files = {
        "${me}.py": HEAD
        + """import collections
import copy
import datetime
import decimal
import enum
import numpy as np

class Colour(enum.Enum):
    RED = $red

@asset
def ${me}_lists():
    box = [1, 2]
    return [box, $second]
@asset
def ${me}_sets():
    box = {1, 2}
    return (box, $set, 1)
@asset
def ${me}_arrays():
    box = np.arange(3)
    return {"a": box, "b": $array}
@asset
def ${me}_others(): return [datetime.date(2026, 1, $day), decimal.Decimal("1.$digits"), Colour.RED, collections.Counter("$word")]
@asset
def ${me}_a(${me}_lists, $up):
    ${me}_lists[0].append(shared.num($up))
    return ${me}_lists
@asset
def ${me}_b(${me}_sets):
    ${me}_sets[0].add(9)
    return [sorted(part) for part in ${me}_sets[:2]]
@asset
def ${me}_c(${me}_arrays):
    ${me}_arrays["a"][0] = 7
    return ${me}_arrays["b"].tolist()
@asset
def ${me}_d(${me}_others): return [str(part) for part in ${me}_others]
"""
    }
    knobs = {
        "second": knob("box | list(box)", "lists"),
        "set": knob("box | set(box)", "sets"),
        "array": knob("box | box.copy() | box[::-1]", "arrays"),
        "red": knob("1 | 2", "others d"),
        "day": knob("1 | 2", "others"),
        "digits": knob("0 | 00", "others"),
        "word": knob("aab | abb", "others"),
    }
    offers = "b c d"
    reads_up = "a"


class Models(Shape):
    """Models of pydantic and scikit-learn, plain objects with methods, a model that a reader predicts with."""

    files = {
        "${me}.py": HEAD
        + """import numpy as np
import pydantic
from sklearn.linear_model import LinearRegression, Ridge
from ${me}_base import Base, Clipped

class Order(pydantic.BaseModel):
    n: int
    extra: int = $extra
    @pydantic.field_validator("n")
    @classmethod
    def grown(cls, n): return n + $grown
    def total(self): return self.n * $times

@asset
def ${me}_model($up): return $kind(fit_intercept=$fit).fit([[0.0], [1.0]], [1.0, 2.0 + shared.num($up)])
@asset
def ${me}_order(): return Order(n=$n)
@asset
def ${me}_clipped(): return Clipped($top).fit([[1.0], [5.0]])
@asset
def ${me}_a(${me}_model): return [round(float(y), 6) for y in ${me}_model.predict([[2.0]])]
@asset
def ${me}_b(${me}_order): return [${me}_order.total(), ${me}_order.extra]
@asset
def ${me}_c(${me}_clipped): return ${me}_clipped.transform(np.array([[9.0]])).tolist()
""",
        "${me}_base.py": """import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

class Base(TransformerMixin, BaseEstimator):
    def limit(self, x): return np.minimum(x, self.top_) * $mul

class Clipped(Base):
    def __init__(self, top): self.top = top
    def fit(self, X, y=None):
        self.top_ = self.top + $add
        return self
    def transform(self, X): return self.limit(X)
""",
    }
    knobs = {
        "kind": knob("LinearRegression | Ridge", "model"),
        "fit": knob("True | False", "model"),
        "extra": knob("1 | 2", "order b"),
        "grown": knob("0 | 1", "order b"),
        "times": knob("1 | 2", "order b"),
        "n": knob("1 | 2", "order"),
        "top": knob("3 | 4", "clipped"),
        "mul": knob("1 | 2", "clipped c"),
        "add": knob("0 | 1", "clipped c"),
    }
    offers = "a b c"
    reads_up = "model"
