"""What a step leaves behind in its process does not reach the next step, on any executor."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assetctl.engine.executors.choose import EXECUTORS
from assetctl.engine.isolation import randomness
from assetctl.engine.isolation.starting_state import KEPT, StartingState
from assetctl.engine.project import Project
from assetctl.lineage.deciding.events import StepFailed


@dataclass(frozen=True)
class Left:
    """What one step does, what the next one looks at, and what that is after import."""

    act: str
    look: str
    after_import: object


LEFT = {
    "variable set": Left("os.environ['LEFT'] = 'x'", "os.environ.get('LEFT')", None),
    "variable changed": Left("os.environ['GIVEN'] = 'x'", "os.getenv('GIVEN')", "given"),
    "variable deleted": Left("del os.environ['GIVEN']", "os.getenv('GIVEN')", "given"),
    "environment replaced": Left("os.environ = {}", "os.environ['GIVEN']", "given"),
    "environment of children": Left(
        "os.environ['LEFT'] = 'x'", "subprocess.check_output(['sh', '-c', 'echo [$LEFT]'], text=True)", "[]\n"
    ),
    "time zone": Left("os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "time.localtime(0).tm_hour", 0),
    "working directory": Left("os.chdir('/')", "os.getcwd() == HERE", True),
    "umask": Left("os.umask(0)", "os.umask(0)", 0o022),
    "recursion limit": Left("sys.setrecursionlimit(5000)", "sys.getrecursionlimit()", 4321),
    "sys.path": Left("sys.path.insert(0, '/left')", "'/left' in sys.path", False),
    "sys.path replaced": Left("sys.path = ['/left']", "sys.path != ['/left']", True),
    "sys.argv": Left("sys.argv[:] = ['left']", "sys.argv == ['left']", False),
    "excepthook": Left("sys.excepthook = print", "sys.excepthook is print", False),
    "standard output": Left("vars(sys)['stdout'] = None", "vars(sys)['stdout'] is None", False),
    "digits": Left("sys.set_int_max_str_digits(0)", "sys.get_int_max_str_digits()", 4300),
    "signal handler": Left(
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL", True
    ),
    "alarm": Left("signal.alarm(1000)", "signal.alarm(0)", 0),
    "garbage collection": Left(
        "gc.disable(); gc.set_threshold(5)", "gc.isenabled() and gc.get_threshold()[0] > 5", True
    ),
    "warning filters": Left("warnings.simplefilter('error')", "warnings.warn('seen')", None),
    "log": Left("logging.basicConfig(level=5); logging.disable()", "logging.root.isEnabledFor(5)", False),
    "locale": Left("locale.setlocale(locale.LC_ALL, 'C.UTF-8')", "locale.setlocale(locale.LC_ALL)", "C"),
    "socket timeout": Left("socket.setdefaulttimeout(7)", "socket.getdefaulttimeout()", None),
    "csv field size": Left("csv.field_size_limit(9)", "csv.field_size_limit()", 131072),
    "start method": Left("multiprocessing.set_start_method('spawn')", "multiprocessing.set_start_method('fork')", None),
    "temporary folder": Left("tempfile.tempdir = '/left'", "tempfile.gettempdir() == '/left'", False),
    "decimal context": Left("decimal.getcontext().prec = 3", "str(decimal.Decimal(1) / 3)", "0.3333333"),
    "decimal default": Left("decimal.DefaultContext.prec = 3", "decimal.DefaultContext.prec", 28),
    "random": Left("random.seed(7)", "random.random()", 0.13436424411240122),
    "numpy.random": Left("np.random.seed(7)", "float(np.random.rand())", 0.417022004702574),
    "numpy.random gauss": Left("np.random.standard_normal()", "float(np.random.rand())", 0.417022004702574),
    "numpy generator": Left(
        "np.random.set_bit_generator(np.random.PCG64(7))", "float(np.random.rand())", 0.417022004702574
    ),
    "numpy errors": Left("np.seterr(divide='raise')", "np.geterr()['divide']", "warn"),
    "numpy printing": Left("np.set_printoptions(precision=2)", "str(np.array([1.23456]))", "[1.23456]"),
    "pandas options": Left("pd.set_option('display.precision', 2)", "pd.get_option('display.precision')", 6),
    "scikit-learn": Left(
        "sklearn.set_config(transform_output='pandas')", "sklearn.get_config()['transform_output']", "default"
    ),
    "figure": Left("plt.plot([1])", "len(plt.gca().lines)", 0),
    "rcParams": Left("plt.rcParams['lines.linewidth'] = 9", "plt.rcParams['lines.linewidth']", 1.5),
    "list in rcParams": Left("plt.rcParams['font.family'].append('left')", "plt.rcParams['font.family']", ["serif"]),
    "json.dumps": Left("json.dumps = None", "json.dumps([1])", "[1]"),
    "open": Left("builtins.open = None", "callable(open)", True),
    "os.replace": Left("os.replace = os.fsync = os.write = None", "callable(os.replace)", True),
    "deleted": Left("del os.rename", "callable(os.rename)", True),
    "pathlib": Left("Path.write_bytes = Path.mkdir = None", "callable(Path.write_bytes)", True),
    "incomparable": Left("os.stat = np.arange(3)", "callable(os.stat)", True),
    "pickling": Left("copyreg.pickle(Mine, reduce_mine)", "Mine in copyreg.dispatch_table", False),
}

HEAD = """
import builtins, copyreg, csv, decimal, gc, json, locale, logging, multiprocessing, os, random, signal, socket
import subprocess, sys, tempfile, time, warnings
from pathlib import Path
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np, pandas as pd, sklearn
from assetctl import asset

HERE = os.getcwd()
os.environ["GIVEN"] = "given"
os.environ["TZ"] = "UTC"
time.tzset()
os.umask(0o022)
locale.setlocale(locale.LC_ALL, "C")
multiprocessing.set_start_method(None, force=True)
warnings.simplefilter("ignore")
sys.setrecursionlimit(4321)
decimal.getcontext().prec = 7
random.seed(1)
np.random.seed(1)
plt.rcParams["font.family"] = ["serif"]

class Mine: ...
def reduce_mine(x): ...
"""
PAIR = """
@asset
def leave_{n}():
    {act}
    return list(range(3000))  # not so small that it is kept within the record

@asset
def look_{n}(leave_{n}):
    return {look}
"""


@pytest.fixture(scope="module", params=EXECUTORS)
def built(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("left")
    (folder / "pyproject.toml").write_text(f'[tool.assetctl]\nexecutor = "{request.param}"\nassets = ["steps.py"]\n')
    pairs = [PAIR.format(n=n, act=left.act, look=left.look) for n, left in enumerate(LEFT.values())]
    (folder / "steps.py").write_text(HEAD + "".join(pairs))
    with StartingState():  # what importing the module sets stays in this process otherwise
        project = Project.open(folder)
        failed = [event for event in project.materialize(jobs=1).events if isinstance(event, StepFailed)]
        assert failed == []
        yield project


@pytest.mark.parametrize("name", LEFT)
def test_the_next_step_starts_from_the_state_after_import(built, name):
    seen = built.load(f"look_{list(LEFT).index(name)}")
    assert seen == LEFT[name].after_import
    assert type(seen) is type(LEFT[name].after_import)


def _python_from_entropy():
    random.seed()
    randomness.note_entropy()


def _numpy_from_entropy():
    vars(np.random)["set_bit_generator"](np.random.MT19937())


@pytest.mark.parametrize(
    ("draw", "seed", "from_entropy"),
    [(random.random, random.seed, _python_from_entropy), (np.random.rand, np.random.seed, _numpy_from_entropy)],
)
def test_entropy_is_fresh_for_each_step_and_a_seed_is_the_same(draw, seed, from_entropy):
    def drawn_by_steps():
        numbers = []
        for _ in range(3):
            with StartingState():
                numbers.append(draw())
                seed(7)  # whatever a step does to it
        return numbers

    with StartingState():
        from_entropy()
        assert len(set(drawn_by_steps())) == 3
        seed(5)
        seeded = drawn_by_steps()
        assert len(set(seeded)) == 1
        assert draw() == seeded[0]


def test_figures_of_the_person_are_out_of_sight_of_a_step_and_survive_it():
    import matplotlib.pyplot as plt

    own = plt.figure(3)
    with StartingState():
        assert plt.get_fignums() == []
        assert plt.figure(3) is not own
        plt.figure(4)
        plt.close("all")
        plt.figure(5)
    assert plt.get_fignums() == [3]
    assert plt.gcf() is own
    plt.close(own)


def test_entries_that_an_installed_library_added_to_the_path_stay():
    installed = next(entry for entry in sys.path if entry.endswith("site-packages"))
    vendored = str(Path(installed, "library", "_vendor"))
    with StartingState():
        before = list(sys.path)
        with StartingState():
            sys.path[:0] = [vendored, "/left"]
        assert sys.path == [*before, vendored]


def test_what_cannot_be_put_back_does_not_keep_the_rest_from_it(tmp_path, monkeypatch):
    inner = tmp_path / "gone"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.setattr(StartingState, "lost", set())
    with StartingState():
        inner.rmdir()
        os.chdir(tmp_path)
        os.environ["LEFT"] = "x"
    assert "LEFT" not in os.environ
    assert StartingState.lost == {"working directory"}


def test_every_kind_has_a_name_of_its_own():
    assert len({kept.name for kept in KEPT}) == len(KEPT)
