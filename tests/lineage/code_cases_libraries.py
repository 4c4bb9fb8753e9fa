"""Cases of code identity: classes built on libraries."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

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
    rebuild(
        "a pydantic default",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n",
        "= 1",
        "= 2",
    ),
    rebuild(
        "a pydantic field's type",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\n" + ASSET + "def model(x):\n    return P()\n",
        "a: int",
        "a: float",
    ),
    rebuild(
        "a pydantic validator",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 0\n    @pydantic.field_validator('a')\n    @classmethod\n    def check(cls, v):\n        return v + 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "v + 1",
        "v + 2",
    ),
    rebuild(
        "a nested pydantic model",
        "import pydantic\nclass Q(pydantic.BaseModel):\n    b: int = 1\nclass P(pydantic.BaseModel):\n    a: Q = Q()\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "b: int = 1",
        "b: int = 2",
    ),
    keep(
        "a pydantic model's docstring",
        "import pydantic\nclass P(pydantic.BaseModel):\n    'one'\n    a: int = 1\n"
        + ASSET
        + "def model(x):\n    return P()\n",
        "'one'",
        "'two'",
    ),
    rebuild(
        "a pydantic settings object",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 0\np = P(a=1)\n"
        + ASSET
        + "def model(x):\n    return p.a\n",
        "a=1",
        "a=2",
    ),
    keep(
        "a symbol that nothing reads beside a function that pydantic validates",
        "import pydantic\n@pydantic.validate_call\ndef f(x: int):\n    return x\nU = 1\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "U = 1",
        "U = 2",
    ),
    rebuild(
        "the annotation of a function that pydantic validates",
        "import pydantic\n@pydantic.validate_call\ndef f(x: int):\n    return x\n"
        + ASSET
        + "def model(x):\n    return f(x)\n",
        "x: int",
        "x: str",
    ),
    keep(
        "a symbol that nothing reads beside an adapter of a model",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\nread = pydantic.TypeAdapter(list[P]).validate_python\nU = 1\n"
        + ASSET
        + "def model(x):\n    return read(x)\n",
        "U = 1",
        "U = 2",
    ),
    rebuild(
        "a model within an adapter",
        "import pydantic\nclass P(pydantic.BaseModel):\n    a: int = 1\nread = pydantic.TypeAdapter(list[P]).validate_python\n"
        + ASSET
        + "def model(x):\n    return read(x)\n",
        "a: int = 1",
        "a: int = 2",
    ),
]


_READS = ASSET + "def model(x):\n    return Num, x\n"
_FIELD = "import pydantic\nclass P(pydantic.BaseModel):\n    a: Num\n" + ASSET + "def model(x):\n    return P(a=x)\n"
_BACKPORT = "from typing_extensions import TypeAliasType\nNum = TypeAliasType('Num', int)\n"
_NEW_TYPE = "import typing\nNum = typing.NewType('Num', int)\n"
_BOUND = "import typing\nNum = typing.TypeVar('Num', bound=int)\n"

TYPES = [
    rebuild("an alias made by TypeAliasType", _BACKPORT + _READS, "int", "float"),
    rebuild("an alias behind a pydantic field", _BACKPORT + _FIELD, "int", "float"),
    rebuild("an alias of an alias", _BACKPORT + "Many = list[Num]\n" + _READS.replace("Num", "Many"), "int", "float"),
    rebuild("a NewType behind a pydantic field", _NEW_TYPE + _FIELD, "int)", "float)"),
    rebuild("a bounded type variable", _BOUND + _READS, "=int", "=float"),
]

STATEMENTS_3_12 = [
    rebuild("a type statement", "type Num = int\n" + _READS, "int", "float"),
    rebuild("a type statement behind a pydantic field", "type Num = int\n" + _FIELD, "int", "float"),
    rebuild("a type statement of a class", "class A:\n    k = 1\ntype Num = A\n" + _READS, "k = 1", "k = 2"),
    rebuild("a type statement with parameters", "type Num[T] = list[T]\n" + _READS, "list", "set"),
    keep(
        "the bound of a type parameter",
        "def f[T: int](v: T) -> T:\n    return v\n" + ASSET + "def model(x):\n    return f(x)\n",
        "T: int",
        "T: float",
    ),
]
