"""Objects that code captures and a step changes: the next step finds them as they were after import."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from assetctl.engine.executors.choose import EXECUTORS
from assetctl.engine.isolation.starting_state import StartingState
from assetctl.engine.project import Project
from assetctl.lineage.deciding.events import StepFinished


@dataclass(frozen=True)
class Changed:
    """An object of a module and its `use`, which changes it; what two steps in a row get; what is said of the first.

    `is_undone`: it can be put back in the same process.
    """

    define: str
    gives: object
    said: str
    is_undone: bool = True


CHANGED = {
    "memo": Changed(
        "SQUARES = {}\ndef use():\n    SQUARES[len(SQUARES)] = 1\n    return len(SQUARES)",
        1,
        "`SQUARES` in helper.py",
    ),
    "singleton": Changed(
        "_ONE = None\ndef use():\n    global _ONE\n    if _ONE is None:\n        _ONE = [0]\n    _ONE[0] += 1\n"
        "    return _ONE[0]",
        1,
        "`_ONE` in helper.py",
    ),
    "counter": Changed("n = 0\ndef use():\n    global n\n    n += 1\n    return n", 1, "`n` in helper.py"),
    "list": Changed("SEEN = [1]\ndef use():\n    SEEN.append(1)\n    return len(SEEN)", 2, "`SEEN` in helper.py"),
    "set": Changed(
        "SEEN = {0}\ndef use():\n    SEEN.add(7)\n    SEEN.discard(0)\n    return 0 in SEEN",
        False,
        "`SEEN` in helper.py",
    ),
    "attribute of an object": Changed(
        "class Box:\n    n = 0\nBOX = Box()\ndef use():\n    BOX.n += 1\n    return BOX.n",
        1,
        "`BOX` in helper.py",
    ),
    "attribute of a class": Changed(
        "class Box:\n    n = 7001\ndef use():\n    Box.n += 1\n    return Box.n", 7002, "`Box.n` in helper.py"
    ),
    "nested": Changed(
        "TREE = {'a': {'b': []}}\ndef use():\n    TREE['a']['b'].append(1)\n    return len(TREE['a']['b'])",
        1,
        "`TREE` in helper.py",
        is_undone=False,
    ),
    "cache": Changed(
        "import functools\n@functools.cache\ndef one():\n    return []\ndef use():\n    one().append(1)\n"
        "    return len(one())",
        1,
        "",
    ),
    "method cache": Changed(
        "import functools\nclass Box:\n    @functools.lru_cache\n    def one(self):\n        return []\nBOX = Box()\n"
        "def use():\n    BOX.one().append(1)\n    return len(BOX.one())",
        1,
        "",
    ),
    "cache that was filled at import": Changed(
        "import functools\nN = [0]\n@functools.cache\ndef n(more):\n    return len(N) + more\nn(0)\n"
        "def use():\n    N.append(1)\n    n(1)\n    return n(0)",
        1,
        "`N` in helper.py",
        is_undone=False,
    ),
    "values of a thread": Changed(
        "import threading\nHERE = threading.local()\ndef use():\n    HERE.n = getattr(HERE, 'n', 0) + 1\n    return HERE.n",
        1,
        "",
    ),
    "random": Changed(
        "import random\nRNG = random.Random(1)\ndef use():\n    return RNG.random()",
        0.13436424411240122,
        "`RNG` in helper.py",
    ),
    "numpy generator": Changed(
        "import numpy as np\nRNG = np.random.default_rng(0)\ndef use():\n    return RNG.random()",
        0.6369616873214543,
        "`RNG` in helper.py",
    ),
    "templates": Changed(
        "import jinja2\nE = jinja2.Environment()\ndef use():\n    E.globals.setdefault('n', []).append(1)\n"
        "    return E.from_string('{{ n | length }}').render()",
        "1",
        "`E` in helper.py",
        is_undone=False,
    ),
    "function replaced": Changed(
        "def one():\n    return 1\ndef use():\n    global one\n    before = one()\n    one = lambda: 2\n    return before",
        1,
        "`use` in helper.py, `one` in helper.py",
    ),
    "in a way nobody sees": Changed(
        "N = [0]\nimport sys\ndef use():\n    got = N[0]\n    vars(sys.modules[__name__])['N'] = [got + 1]\n    return got",
        0,
        "`N` in helper.py",
    ),
}
STEPS = """
@asset
def a{n}():
    return [helper{n}.use(), os.getpid()]

@asset
def b{n}(a{n}):
    return [helper{n}.use(), os.getpid()]
"""


def project(folder, executor: str, steps: str, **helpers: str) -> Project:
    (folder / "pyproject.toml").write_text(f'[tool.assetctl]\nexecutor = "{executor}"\nassets = ["steps.py"]\n')
    for name, text in helpers.items():
        (folder / f"{name}.py").write_text(text + "\n")
    imports = "".join(f"import {name}\n" for name in helpers)
    (folder / "steps.py").write_text(f"import os\nfrom assetctl import asset\n{imports}{steps}")
    return Project.open(folder)


def warnings(result, step: str) -> list[str]:
    events = [e for e in result.events if isinstance(e, StepFinished) and e.step == step]
    return [warning for event in events for warning in event.warnings]


@pytest.fixture(scope="module", params=EXECUTORS)
def built(request, tmp_path_factory):
    helpers = {f"helper{n}": case.define for n, case in enumerate(CHANGED.values())}
    steps = "".join(STEPS.format(n=n) for n in range(len(CHANGED)))
    with StartingState():
        opened = project(tmp_path_factory.mktemp("changed"), request.param, steps, **helpers)
        result = opened.materialize(jobs=1)
        yield opened, result


@pytest.mark.parametrize("name", CHANGED)
def test_the_next_step_finds_it_as_it_was_after_import(built, name):
    opened, result = built
    n, case = list(CHANGED).index(name), CHANGED[name]
    (a, first), (b, second) = opened.load(f"a{n}"), opened.load(f"b{n}")
    assert (a, b) == (case.gives, case.gives)
    assert case.is_undone or first != second
    names = [name.replace("helper.", f"helper{n}.") for name in case.said.split(", ") if name]
    said = [f"`a{n}` changed {name} while it was made: that counts as it was after import" for name in names]
    assert set(said) <= set(warnings(result, f"a{n}"))


def test_none_is_built_again(built):
    opened, _ = built
    assert opened.plan().is_fresh
    assert Project.open(opened.root).plan().is_fresh


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_has_no_identity_is_as_it_was_after_import_too(tmp_path, executor):
    steps = "G = (n for n in range(9))\n@asset\ndef a():\n    return next(G)\n@asset\ndef b(a):\n    return next(G)\n"
    opened = project(tmp_path, executor, steps)
    assert opened.materialize(jobs=1).status == "succeeded"
    assert (opened.load("a"), opened.load("b")) == (0, 0)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_isolate_gives_a_process_of_its_own_and_is_not_counted(tmp_path, executor):
    def steps(options: str) -> str:
        return f"@asset\ndef a():\n    return os.getpid()\n@asset{options}\ndef b(a):\n    return os.getpid()\n"

    opened = project(tmp_path, executor, steps("(isolate=True)"))
    assert opened.materialize(jobs=1).status == "succeeded"
    assert opened.load("a") != opened.load("b")
    assert project(tmp_path, executor, steps("")).plan().is_fresh


def test_what_a_failed_step_changed_is_put_back_too(tmp_path):
    define = "SEEN = []\ndef use():\n    SEEN.append(1)\n    if len(SEEN) == 1:\n        raise ValueError\n"
    steps = "@asset(retries=1)\ndef a():\n    helpers.use()\n    return 1\n"
    opened = project(tmp_path, "inprocess", steps, helpers=define)
    assert opened.materialize(jobs=1).finished.failed == ("a",)
    assert sys.modules["helpers"].SEEN == []
