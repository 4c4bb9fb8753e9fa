"""Statements that a module runs for their effect on something else count; those that fill its own objects do not."""

from __future__ import annotations

import decimal
import random
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assetctl.lineage.facts.records import CodeIdentity
from tests.lineage.code_case import ASSET
from tests.lineage.code_projects import identify

HEAD = "import decimal, functools, logging, os, sys, warnings\n"
MODEL = "\n" + ASSET + "def model(x):\n    return x\n"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back what the statements do to this process."""
    monkeypatch.setenv("AT_Q", "before")
    state = random.getstate()
    with decimal.localcontext(), np.errstate(), pd.option_context("display.width", 80), warnings.catch_warnings():
        yield
    random.setstate(state)


def statements(identity: CodeIdentity) -> dict[str, str]:
    return {symbol.name: symbol.source for symbol in identity.symbols if symbol.kind == "statements"}


@pytest.mark.filterwarnings("ignore:overriding existing custom namespace")
@pytest.mark.parametrize(
    ("body", "old", "new"),
    [
        ("os.environ['AT_Q'] = 'a'", "'a'", "'b'"),
        ("os.environ.setdefault('AT_Q', 'a')", "'a'", "'b'"),
        ("env = os.environ\nenv['AT_Q'] = 'a'", "'a'", "'b'"),
        ("NAME = 'AT_Q'\ndel os.environ[NAME]", "del os.environ[NAME]", "os.environ[NAME] = 'a'"),
        ("decimal.getcontext().prec = 28", "28", "29"),
        ("context = decimal.getcontext()\ncontext.prec = 28", "28", "29"),
        ("old = decimal.setcontext(decimal.Context(28))", "28", "29"),
        ("_ = warnings.simplefilter('default')", "default", "once"),
        ("import queue\ndef total(self):\n    return 1\nqueue.Queue.at_total = total", "return 1", "return 2"),
        ("import queue\nsetattr(queue.Queue, 'at_total', lambda self: 1)", "self: 1", "self: 2"),
        ("import copyreg\nclass C: pass\ncopyreg.pickle(C, lambda c: (C, (1,)))", "1,", "2,"),
        ("import functools\n@functools.singledispatch\ndef g(x): pass\nimport atexit\n@atexit.register\ndef end():\n    return 1", "return 1", "return 2"),
        ("SEED = 1\nimport random\nrandom.seed(SEED)", "= 1", "= 2"),
        ("import random\nSEED = 1\nrandom.seed(SEED)\nSEED = 7", "= 1", "= 2"),
        ("import random\nfor seed in (1, 2):\n    random.seed(seed)", "(1, 2)", "(2, 1)"),
        ("import random\nif os.name:\n    random.seed(1)", "seed(1)", "seed(2)"),
        ("import random\ntry:\n    random.seed(1)\nfinally:\n    pass", "seed(1)", "seed(2)"),
        ("with warnings.catch_warnings():\n    warnings.simplefilter('default')", "default", "once"),
        ("[warnings.simplefilter(kind) for kind in ('default',)]", "default", "once"),
        ("import random\ndef setup():\n    random.seed(1)\nsetup()", "seed(1)", "seed(2)"),
        ("import random\ndef setup():\n    random.seed(1)\n    return 3\nX = setup()", "seed(1)", "seed(2)"),
        ("import random\ndef inner():\n    random.seed(1)\ndef setup():\n    inner()\n    return 3\nX = setup()", "seed(1)", "seed(2)"),
        ("import random\nclass S:\n    def __init__(self):\n        random.seed(1)\ns = S()", "seed(1)", "seed(2)"),
        ("import random\nclass S:\n    def apply(self):\n        random.seed(1)\ns = S()\ns.apply()", "seed(1)", "seed(2)"),
        ("import random\nfunctools.partial(random.seed, 1)()", "seed, 1", "seed, 2"),
        ("import pandas as pd\npd.DataFrame.at_total = lambda self: 1", "self: 1", "self: 2"),
        ("import pandas as pd\nset_option = pd.set_option\nset_option('display.width', 80)", "80", "81"),
        ("import numpy as np\nold = np.seterr(all='warn')", "'warn'", "'ignore'"),
        ("def seeded(n):\n    decimal.getcontext().prec = n\n    return lambda fn: fn\n@seeded(28)\ndef g(): pass", "(28)", "(29)"),
        ("def named(n):\n    def mark(fn):\n        os.environ['AT_Q'] = n\n        return fn\n    return mark\n@named('a')\ndef g(): pass", "('a')", "('b')"),
        ("def mark(fn):\n    os.environ['AT_Q'] = 'a'\n    return fn\n@mark\ndef g(): pass", "'a'", "'b'"),
        ("def named(n):\n    def mark(fn):\n        os.environ['AT_Q'] = n\n        return fn\n    return mark\nclass A:\n    @named('a')\n    def g(self): pass", "('a')", "('b')"),
        ("class Mark:\n    def __init__(self, n):\n        self.n = n\n    def __call__(self, fn):\n        os.environ['AT_Q'] = self.n\n        return fn\n@Mark('a')\ndef g(): pass", "('a')", "('b')"),
        ("def run():\n    def inner():\n        os.environ['AT_Q'] = 'a'\n    return inner()\nX = run()", "'a'", "'b'"),
        ("def before(fn):\n    @functools.wraps(fn)\n    def run():\n        os.environ['AT_Q'] = 'a'\n        return fn()\n    return run\n@before\ndef g():\n    return 1\nX = g()", "'a'", "'b'"),
        ("def plain(fn):\n    def run():\n        return fn()\n    return run\n@plain\ndef g():\n    os.environ['AT_Q'] = 'a'\nX = g()", "'a'", "'b'"),
        ("def set_up(n='a'):\n    os.environ['AT_Q'] = n\n    return 1\ndef g(x=set_up()): pass", "'a'", "'b'"),
        ("class A:\n    os.environ['AT_Q'] = 'a'", "'a'", "'b'"),
        ("class A:\n    x = os.environ.setdefault('AT_Q2', 'a')", "'a'", "'b'"),
        ("class P:\n    def __init_subclass__(cls):\n        os.environ['AT_Q'] = cls.__name__\nclass A(P): pass", "class A", "class B"),
        ("class M(type):\n    def __init__(cls, *given):\n        os.environ['AT_Q'] = cls.__name__\nclass A(metaclass=M): pass", "class A", "class B"),
        ("class D:\n    def __set_name__(self, owner, name):\n        os.environ['AT_Q'] = name\nclass A:\n    a = D()", "a = D()", "b = D()"),
        ("class C:\n    def __enter__(self):\n        os.environ['AT_Q'] = 'a'\n    def __exit__(self, *given): pass\nwith C(): pass", "'a'", "'b'"),
        ("class C:\n    def __iter__(self):\n        os.environ['AT_Q'] = 'a'\n        return iter(())\nfor _ in C(): pass", "'a'", "'b'"),
        ("class C:\n    def __or__(self, n):\n        os.environ['AT_Q'] = n\nc = C()\nc | 'a'", "'a'", "'b'"),
        ("class C:\n    def __setitem__(self, k, n):\n        os.environ['AT_Q'] = n\nc = C()\nc[0] = 'a'", "'a'", "'b'"),
        ("class C:\n    def __iadd__(self, n):\n        os.environ['AT_Q'] = n\n        return self\nc = C()\nc += 'a'", "'a'", "'b'"),
        ("class C:\n    def set(self, n):\n        os.environ['AT_Q'] = n\n        return self\n    def done(self): return 1\nX = C().set('a').done()", "'a'", "'b'"),
        ("def put(n):\n    os.environ['AT_Q'] = n\nX = list(map(put, ['a']))", "['a']", "['b']"),
        ("import polars as pl\n@pl.api.register_expr_namespace('at_code')\nclass N:\n    def __init__(self, e): pass\n    def f(self):\n        return 1", "return 1", "return 2"),
    ],
)  # fmt: skip
def test_a_statement_that_changes_what_is_not_the_modules_own_counts(
    body: str, old: str, new: str, tmp_path: Path
) -> None:
    with_statement = HEAD + body + MODEL
    edited = with_statement.replace(old, new)
    assert edited != with_statement
    before = identify(tmp_path / "a", with_statement)
    assert list(statements(before)) == ["pipeline.<module>"]
    assert before.version != identify(tmp_path / "b", edited).version


@pytest.mark.parametrize(
    "body",
    [
        "'a docstring'",
        "X = {}\nX['a'] = 1",
        "X = []\nX.append(1)\nX += [2]",
        "import collections\nX = collections.defaultdict(list)\nX['a'].append(1)",
        "class A: pass\nA.x = 1\na = A()\na.y = 2",
        "def f(): return 1\nf.x = 2",
        "X = {}\ndef register(name, fn):\n    X[name] = fn\nregister('a', len)",
        "class R:\n    def __init__(self):\n        self.known = {}\n    def add(self, name):\n        self.known[name] = 1\nr = R()\nr.add('a')",
        "for name in 'ab':\n    globals()['at_' + name] = name",
        "setattr(sys.modules[__name__], 'X', 1)",
        "logging.basicConfig(level=30)",
        "log = logging.getLogger('at')\nlog.setLevel(30)\nlog.info('x')",
        "logging.getLogger('at').addHandler(logging.NullHandler())",
        "warnings.warn('x', DeprecationWarning) if False else None\nprint('', end='')",
        "if __name__ == '__main__':\n    os.environ['AT_Q'] = 'x'",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    os.environ['AT_Q'] = 'x'",
        "try:\n    import at_missing\nexcept ImportError:\n    at_missing = None",
        "X = os.environ.get('AT_Z')\nY = os.path.join('a', 'b')",
        "@functools.lru_cache\ndef f(): return 1",
        "KNOWN = {}\ndef register(name):\n    def mark(fn):\n        KNOWN[name] = fn\n        fn.name = name\n        return fn\n    return mark\n@register('a')\ndef f(): return 1",
        "def mark(fn):\n    fn.is_step = True\n    return fn\n@mark\ndef f(): return 1",
        "def timed(fn):\n    calls = {}\n    @functools.wraps(fn)\n    def run(*given, **named):\n        os.environ['AT_Q'] = 'run'\n        named['x'] = calls.setdefault(1, 2)\n        return fn(*given, **named)\n    return run\n@timed\ndef f(): return 1",
        "def memo(fn):\n    known = {}\n    def run(x):\n        known[x] = fn(x)\n        return known[x]\n    return run\n@memo\ndef f(x): return x\nX = f(1)",
        "class P:\n    known = {}\n    def __init_subclass__(cls, **named):\n        super().__init_subclass__(**named)\n        cls.known[cls.__name__] = cls\nclass A(P): pass",
        "class M(type):\n    def __new__(m, name, bases, names):\n        cls = super().__new__(m, name, bases, names)\n        cls.scale = 1\n        return cls\nclass A(metaclass=M): pass",
        "class F:\n    def __set_name__(self, owner, name):\n        self.name = name\nclass A:\n    a = F()",
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, *given): pass\n    def apply(self):\n        os.environ['AT_Q'] = 'a'\nwith C() as c: pass",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int = 1",
        "import attrs\n@attrs.define\nclass P:\n    x: int = 1",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\ndf['b'] = 2\ndf.columns = ['x', 'y']",
        "import pandas as pd\ndef load():\n    df = pd.DataFrame({'a': [1]})\n    df['b'] = 2\n    return df\nT = load()",
        "import numpy as np\nX = np.zeros(3)\nX[0] = 1",
        "import pandas as pd\nT = pd.DataFrame({'a': [1]}).set_index('a').reset_index()",
    ],
)  # fmt: skip
def test_a_statement_that_fills_the_modules_own_objects_does_not_count(body: str, tmp_path: Path) -> None:
    plain = identify(tmp_path / "a", HEAD + MODEL)
    identity = identify(tmp_path / "b", HEAD + body + MODEL)
    assert statements(identity) == {}
    assert identity.version == plain.version


REACHED = {
    "a module that is imported": "import setup_all\n" + MODEL + "--- setup_all.py\n",
    "a package on the way": "from pkg.lib import f\n" + MODEL + "--- pkg/lib.py\nf = 1\n--- pkg/__init__.py\n",
    "a module imported inside a function": ASSET
    + "def model(x):\n    from lib import f\n    return f(x)\n--- lib.py\ndef f(x):\n    return x\n",
    "a module of a helper's": "from lib import f\n"
    + ASSET
    + "def model(x):\n    return f(x)\n--- lib.py\nimport more\ndef f(x):\n    return x\n--- more.py\n",
}


@pytest.mark.parametrize("name", REACHED)
def test_it_counts_for_code_that_is_reached_through_a_module_that_imports_it(name: str, tmp_path: Path) -> None:
    project = REACHED[name] + "import random\nrandom.seed(1)\n"
    before = identify(tmp_path / "a", project)
    assert len(statements(before)) == 1
    assert before.version != identify(tmp_path / "b", project.replace("seed(1)", "seed(2)")).version


def test_it_does_not_count_for_others_nor_by_its_layout(tmp_path: Path) -> None:
    unrelated = MODEL + "--- lib.py\nimport random\nrandom.seed(1)\n"
    assert statements(identify(tmp_path / "a", unrelated)) == {}
    project = "import random\nrandom.seed(1)\n" + MODEL
    moved = "import random\nK = 3\n\n# why\nrandom.seed( 1 )\n" + MODEL
    assert identify(tmp_path / "b", project).version == identify(tmp_path / "c", moved).version


def test_what_a_registered_function_reaches_counts_with_the_statement(tmp_path: Path) -> None:
    project = (
        "import registry\ndef g():\n    return 1\nregistry.register('a', g)\n"
        + MODEL
        + "--- registry.py\nKNOWN = {}\ndef register(name, fn):\n    KNOWN[name] = fn\n"
    )
    before = identify(tmp_path / "a", project)
    assert statements(before) == {"pipeline.<module>": "registry.register('a', g)\n"}
    assert before.version != identify(tmp_path / "b", project.replace("return 1", "return 2")).version


def test_the_order_in_which_modules_are_imported_counts_if_both_have_effects(tmp_path: Path) -> None:
    project = (
        "import one\nimport two\n" + MODEL + "--- one.py\nimport random\nrandom.seed(1)\n"
        "--- two.py\nimport random\nrandom.seed(2)\n"
    )
    swapped = project.replace("import one\nimport two", "import two\nimport one")
    assert identify(tmp_path / "a", project).version != identify(tmp_path / "b", swapped).version
