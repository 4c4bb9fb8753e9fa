"""What identifying code reports besides its version: symbols, environment, what cannot be resolved."""

from __future__ import annotations

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.lineage.identity.code.identify import CodeIdentifier
from assetctl.lineage.identity.values.walk import state_of
from tests.lineage.code_case import ASSET
from tests.lineage.code_cases import CASES
from tests.lineage.code_projects import KEY, identify, imported, write_project

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("body", "imports"),
    [
        ("os.environ['AT_X']", "import os"),
        ("os.environ.get('AT_X', 'no')", "import os"),
        ("os.getenv('AT_X')", "import os"),
        ("'AT_X' in os.environ", "import os"),
        ("environ['AT_X']", "from os import environ"),
        ("read('AT_X')", "from os import getenv as read"),
        ("os.environ[NAME]", "import os\nNAME = 'AT_X'"),
        ("[os.environ['AT_X'] for _ in x]", "import os"),
        ("helper()", "import os\ndef helper():\n    return os.environ.pop('AT_X', None)"),
        ("__import__('os').environ['AT_X']", ""),
    ],
)
def test_a_variable_read_by_constant_name_is_reported(body: str, imports: str, tmp_path: Path) -> None:
    identity = identify(tmp_path / "p", f"{imports}\n{ASSET}def model(x):\n    return {body}\n")
    if body.startswith("__import__"):
        assert not identity.dynamic
    else:
        assert list(identity.variables) == ["AT_X"]
    assert not identity.undecidable


def test_a_variable_counts_by_keyed_hash_apart_from_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = f"import os\n{ASSET}def model(x):\n    return os.getenv('AT_X')\n"
    seen = []
    for value in (None, "secret-a", "secret-b"):
        monkeypatch.delenv("AT_X", raising=False) if value is None else monkeypatch.setenv("AT_X", value)
        seen.append(identify(tmp_path / str(value), project))
    assert len({one.version for one in seen}) == 1
    assert [one.variables["AT_X"] is None for one in seen] == [True, False, False]
    assert len({one.variables["AT_X"] for one in seen}) == 3
    assert "secret" not in repr(seen)


@pytest.mark.parametrize(
    ("body", "imports", "what"),
    [
        ("eval(x)", "", "pipeline.py:6 eval"),
        ("exec(x)", "", "pipeline.py:6 exec"),
        ("list(map(eval, x))", "", "pipeline.py:6 eval"),
        ("globals()[x]", "", "pipeline.py:6 globals()"),
        ("globals().get(x)", "", "pipeline.py:6 globals()"),
        ("importlib.import_module(x)", "import importlib", "pipeline.py:6 import_module"),
        ("__import__(x)", "", "pipeline.py:6 __import__"),
        ("model.__globals__[x]", "", "pipeline.py:6 globals()"),
        ("sys._getframe(0).f_globals", "import sys", "pipeline.py:6 globals()"),
        ("inspect.currentframe().f_back.f_locals[x]", "import inspect", "pipeline.py:6 globals()"),
    ],
)
def test_what_cannot_be_resolved_is_dynamic_where_it_stands(body: str, imports: str, what: str, tmp_path: Path) -> None:
    identity = identify(tmp_path / "p", f"{imports}\n# a line\n{ASSET}def model(x):\n    return {body}\n")
    assert identity.dynamic == (what,)


@pytest.mark.parametrize(
    "body", ["x.eval('a')", "locals()", "globals()['K']", "vars(x)", "'{a}'.format(**locals())", "x.exec()"]
)
def test_what_only_looks_dynamic_is_not(body: str, tmp_path: Path) -> None:
    assert not identify(tmp_path / "p", f"K = 1\n{ASSET}def model(x):\n    return {body}\n").dynamic


@pytest.mark.parametrize(
    ("body", "is_seen"),
    [
        ("name = 'used'\n    return import_module(name).f()", True),
        ("return import_module(NAME).f()", True),
        ("name = 'used'\n    return __import__(name).f()", True),
        ("name = 'used'\n    if x:\n        name = 'x'\n    return import_module(name).f()", False),
        ("name = 'used'\n    name += x\n    return import_module(name).f()", False),
        ("for name in x:\n        import_module(name).f()\n    name = 'used'", False),
        (
            "name = 'used'\n    def g():\n        nonlocal name\n        name = x\n    g()\n    return import_module(name).f()",
            False,
        ),
        ("name = 'used'\n    return [import_module(name) for name in x]", False),
        ("name = other = 'used'\n    return import_module(name).f()", False),
    ],
)
def test_a_module_by_a_constant_in_a_name_is_followed(body: str, is_seen: bool, tmp_path: Path) -> None:
    head = "from importlib import import_module\nNAME = 'used'\n"
    identity = identify(
        tmp_path / "p", f"{head}{ASSET}def model(x):\n    {body}\n--- used.py\ndef f():\n    return 1\n"
    )
    assert ("used.f" in [symbol.name for symbol in identity.symbols], not identity.dynamic) == (is_seen, is_seen)


def test_a_function_of_that_name_is_not_dynamic(tmp_path: Path) -> None:
    assert not identify(
        tmp_path / "p", f"def eval(v):\n    return v\n{ASSET}def model(x):\n    return eval(x)\n"
    ).dynamic


def test_a_value_without_identity_is_undecidable_and_named(tmp_path: Path) -> None:
    identity = identify(tmp_path / "p", f"g = (i for i in 'ab')\n{ASSET}def model(x):\n    return g\n")
    assert identity.undecidable == ("pipeline.py:1 pipeline.g (generator)",)


def test_a_function_of_a_native_library_counts_by_name_and_release(tmp_path: Path) -> None:
    code = f"from duckdb import connect\n{ASSET}def model(x):\n    return connect(x)\n"
    identity = identify(tmp_path / "p", code)
    assert list(identity.distributions) == ["duckdb"] and not identity.undecidable
    assert [symbol.name for symbol in identity.symbols] == ["pipeline.model"]
    assert identify(tmp_path / "q", code.replace("import connect", "import sql as connect")).version != identity.version
    assert state_of(importlib.import_module("_duckdb").connect) == {}  # what its type is laid out like is no state


@pytest.mark.parametrize("module", ["random", "numpy.random"])
def test_the_generator_of_a_process_counts_by_name(module: str, tmp_path: Path) -> None:
    code = f"from {module} import uniform as f\n{ASSET}def model(x):\n    return f(x)\n"
    versions = []
    for seed in (1, 2):
        importlib.import_module(module).seed(seed)
        versions.append(identify(tmp_path / str(seed), code).version)
    assert versions[0] == versions[1]


def test_an_asset_that_does_not_reach_it_is_not_flagged(tmp_path: Path) -> None:
    project = f"g = (i for i in 'ab')\ndef other():\n    return eval(g)\n{ASSET}def model(x):\n    return 1\n"
    identity = identify(tmp_path / "p", project)
    assert not identity.undecidable
    assert not identity.dynamic


def test_a_module_that_fails_inside_a_function_is_undecidable(tmp_path: Path) -> None:
    identity = identify(
        tmp_path / "p", ASSET + "def model(x):\n    import bad\n    return bad.f(x)\n--- bad.py\n1 / 0\n"
    )
    assert identity.undecidable == ("pipeline.py:4 import of bad (ZeroDivisionError: division by zero)",)


def test_config_defaults_do_not_count_and_code_defaults_do(tmp_path: Path) -> None:
    project = f"K = 1\ndef f():\n    return 5\n{ASSET}def model(x, lr=K, fn=f, *, seed=3):\n    return x\n"
    version = identify(tmp_path / "a", project, config=["lr", "seed"]).version
    for old, new, same in [("K = 1", "K = 2", True), ("seed=3", "seed=4", True), ("return 5", "return 6", False)]:
        edited = identify(tmp_path / new.replace(" ", ""), project.replace(old, new), config=["lr", "seed"])
        assert (edited.version == version) is same, new


def test_config_of_a_wrapped_function_does_not_count(tmp_path: Path) -> None:
    project = (
        "import functools\nfrom assetctl import asset\ndef d(f):\n    @functools.wraps(f)\n    def w(*a, **k):\n"
        "        return f(*a, **k)\n    return w\n@asset\n@d\ndef model(x, lr=1):\n    return x\n"
    )
    before = identify(tmp_path / "a", project, config=["lr"])
    after = identify(tmp_path / "b", project.replace("lr=1", "lr=2"), config=["lr"])
    assert before.version == after.version


def test_the_name_of_the_asset_function_does_not_count(tmp_path: Path) -> None:
    before = identify(tmp_path / "a", ASSET + "def model(x):\n    return 1\n")
    after = identify(tmp_path / "b", ASSET + "def other(x):\n    return 1\nmodel = other\n")
    assert before.version == after.version


def test_a_pinned_version_replaces_the_code(tmp_path: Path) -> None:
    def pinned(text: str, body: str) -> str:
        folder = tmp_path / f"{text}{body}"
        write_project(folder, f"{ASSET}def model(x):\n    return {body}\n")
        with imported(folder) as module:
            return CodeIdentifier(ProjectWorld(folder, KEY)).identify(module.model, version=text).version

    assert pinned("1", "1") == pinned("1", "2") != pinned("2", "1")


def test_code_deps_add_objects_and_files(tmp_path: Path) -> None:
    def version(sql: str, k: str, name: str = "a.sql") -> str:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        write_project(folder, f"K = {k}\n{ASSET}def model(x):\n    return 1\n--- q/{name}\n{sql}\n")
        with imported(folder) as module:
            deps = [{"k": module.K}, "q/*.sql"]
            return CodeIdentifier(ProjectWorld(folder, KEY)).identify(module.model, code_deps=deps).version

    first = version("select 1", "1")
    assert version("select 1", "1") == first
    assert len({first, version("select 2", "1"), version("select 1", "2"), version("select 1", "1", "b.sql")}) == 4


def test_symbols_tell_the_way_from_the_asset(tmp_path: Path) -> None:
    project = (
        "import helpers\n" + ASSET + "def model(x):\n    return helpers.scale(x)\n"
        "--- helpers.py\nimport math\nFACTOR = 2\n\ndef scale(x):\n    return inner(x) * math.pi\n\n"
        "def inner(x):\n    return x * FACTOR\n"
    )
    identity = identify(tmp_path / "p", project)
    assert [(s.name, s.kind, s.where, s.via) for s in identity.symbols] == [
        ("pipeline.model", "function", "pipeline.py:3", ""),
        ("helpers.scale", "function", "helpers.py:4", "pipeline.model"),
        ("helpers.inner", "function", "helpers.py:7", "helpers.scale"),
        ("helpers.FACTOR", "value", "helpers.py:2", "helpers.inner"),
    ]
    assert [s.source for s in identity.symbols][2:] == ["def inner(x):\n    return x * FACTOR\n", "2"]


def test_only_the_edited_symbol_has_another_digest(tmp_path: Path) -> None:
    project = "def a(x):\n    return b(x)\ndef b(x):\n    return 1\n" + ASSET + "def model(x):\n    return a(x)\n"
    before = {s.name: s.digest for s in identify(tmp_path / "a", project).symbols}
    after = {s.name: s.digest for s in identify(tmp_path / "b", project.replace("return 1", "return 2")).symbols}
    assert {name for name in before if before[name] != after[name]} == {"pipeline.b"}


def test_equal_constants_of_two_modules_keep_their_own_names(tmp_path: Path) -> None:
    project = (
        "from late import f\nA = 7\n"
        + ASSET
        + "def model(x):\n    return f(A)\n--- late.py\nB = 7\ndef f(x):\n    return B\n"
    )
    names = {(s.name, s.where) for s in identify(tmp_path / "p", project).symbols if s.kind == "value"}
    assert ("pipeline.A", "pipeline.py:2") in names


def test_a_huge_constant_is_hashed_and_not_printed(tmp_path: Path) -> None:
    identity = identify(tmp_path / "p", f"K = list(range(200_000))\n{ASSET}def model(x):\n    return K\n")
    assert all(len(s.source) <= 200 for s in identity.symbols)


def test_no_unknown_object_is_ever_printed(tmp_path: Path) -> None:
    project = (
        "class T:\n    def __repr__(self):\n        raise RuntimeError\nt = [T()]\n"
        + ASSET
        + "def model(x):\n    return t\n"
    )
    identity = identify(tmp_path / "p", project)
    assert "<list>" in [s.source for s in identity.symbols]


def test_a_captured_path_in_the_project_counts_relative_to_it(tmp_path: Path) -> None:
    project = (
        "import pathlib, os\nHERE = pathlib.Path(__file__).parent / 'data'\nTEXT = os.path.dirname(__file__) + '/x'\n"
        "BOTH = [str(HERE), HERE, {'a': TEXT}]\n" + ASSET + "def model(x):\n    return HERE, TEXT, BOTH, __file__\n"
    )
    versions = {identify(tmp_path / name, project).version for name in ("one", "two")}
    assert len(versions) == 1


def test_the_file_on_disk_is_not_believed_after_an_edit(tmp_path: Path) -> None:
    project = f"{ASSET}def model(x):\n    return f(x)\ndef f(x):\n    return 1\n"
    write_project(tmp_path, project)
    with imported(tmp_path) as module:
        as_imported = CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model)
        write_project(tmp_path, project.replace("return 1", "return 2"))
        edited = CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model)
    with imported(tmp_path) as module:
        reloaded = CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model)
    assert [s.kind for s in edited.symbols] == ["function", "code"]
    assert len({as_imported.version, edited.version, reloaded.version}) == 3


def test_source_that_is_not_text_falls_back_to_code(tmp_path: Path) -> None:
    tmp_path.joinpath("pipeline.py").write_bytes(b"# coding: latin-1\n# \xe9\ndef model(x):\n    return 1\n")
    with imported(tmp_path) as module:
        assert CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model).symbols[0].kind == "function"
        tmp_path.joinpath("pipeline.py").write_bytes(b"# \xe9\n\ndef model(x):\n    return 1\n")
        assert CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model).symbols[0].kind == "code"


def test_a_third_party_distribution_is_reported_by_version(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "tp").mkdir(parents=True)
    (site / "tp" / "__init__.py").write_text("from tp.impl import f\nC = object()\n")
    (site / "tp" / "impl.py").write_text("def f(x):\n    return x\n")
    info = site / "tp-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tp\nVersion: 1.5\n")
    (info / "RECORD").write_text("tp/__init__.py,,\ntp/impl.py,,\n")
    for body in (
        "import tp\n{}def model(x):\n    return tp.f(x)\n",
        "{}def model(x):\n    import tp\n    return tp.f\n",
    ):
        write_project(tmp_path / "p", body.format(ASSET))
        with imported(tmp_path / "p", site=site) as module:
            identity = CodeIdentifier(ProjectWorld(tmp_path / "p", KEY)).identify(module.model)
        sys.modules.pop("tp", None), sys.modules.pop("tp.impl", None)
        assert dict(identity.distributions) == {"tp": "1.5"}
        assert not identity.undecidable


def test_a_chain_of_2000_helpers_is_walked_without_recursion(tmp_path: Path) -> None:
    lines = ["def f0(x):\n    return 1\n"] + [f"def f{i}(x):\n    return f{i - 1}(x)\n" for i in range(1, 2000)]
    project = "".join(lines) + ASSET + "def model(x):\n    return f1999(x)\n"
    before = identify(tmp_path / "a", project)
    after = identify(tmp_path / "b", project.replace("return 1\n", "return 2\n"))
    assert len(before.symbols) == 2001
    assert before.version != after.version


def test_a_ring_of_500_functions_is_told_from_its_edit(tmp_path: Path) -> None:
    lines = [f"def f{i}(x):\n    return f{(i + 1) % 500}(x)\n" for i in range(500)]
    project = "".join(lines) + ASSET + "def model(x):\n    return f0(x)\n"
    before = identify(tmp_path / "a", project)
    after = identify(
        tmp_path / "b", project.replace("return f0(x)\ndef", "return -f0(x)\ndef").replace("f250(x)\n", "f250(-x)\n")
    )
    assert before.version != after.version


def test_the_digest_depends_on_neither_who_asks_first_nor_the_order_of_imports(tmp_path: Path) -> None:
    project = (
        "{}\nfrom assetctl import asset\n@asset\ndef one(x):\n    return ping(x)\n@asset\ndef model(x):\n    return pong(x), one.fn\n"
        "--- ring_a.py\ndef ping(n):\n    from ring_b import pong\n    return pong(n)\n"
        "--- ring_b.py\ndef pong(n):\n    from ring_a import ping\n    return ping(n - 1)\n"
    )
    seen = []
    for order in (("ring_a import ping", "ring_b import pong"), ("ring_b import pong", "ring_a import ping")):
        folder = tmp_path / order[0][:6]
        write_project(folder, project.format("\n".join(f"from {part}" for part in order)))
        for first in ("one", "model"):
            with imported(folder) as module:
                identifier = CodeIdentifier(ProjectWorld(folder, KEY))
                identifier.identify(getattr(module, first))
                seen.append((identifier.identify(module.one).version, identifier.identify(module.model).version))
    assert len(set(seen)) == 1


def test_a_loaded_third_party_module_changes_nothing_for_a_local_import(tmp_path: Path) -> None:
    project = ASSET + "def model(x):\n    import tabnanny\n    return tabnanny.check(x)\n"
    sys.modules.pop("tabnanny", None)
    first = identify(tmp_path / "a", project)
    __import__("tabnanny")
    assert identify(tmp_path / "b", project).version == first.version


def test_2000_functions_in_200_modules_take_a_small_multiple_of_compiling_them(tmp_path: Path) -> None:
    body = "".join(
        f"def f{i}(x, k={i}):\n    y = [v * k for v in x if v > {i}]\n    return sum(y) + K\n" for i in range(10)
    )
    parts = [f"--- m{j}.py\nK = {j}\n{body}" for j in range(200)]
    calls = ", ".join(f"m{j}.f{i}(x)" for j in range(200) for i in range(10))
    imports = "".join(f"import m{j}\n" for j in range(200))
    write_project(tmp_path, f"{imports}{ASSET}def model(x):\n    return [{calls}]\n" + "".join(parts))
    with imported(tmp_path) as module:
        started = time.process_time()
        identity = CodeIdentifier(ProjectWorld(tmp_path, KEY)).identify(module.model)
        taken = time.process_time() - started
    started = time.process_time()
    for path in tmp_path.rglob("*.py"):
        compile(ast.parse(path.read_text()), str(path), "exec")
    assert taken < 30 * (time.process_time() - started)  # measured: 7 to 12
    assert len([s for s in identity.symbols if s.kind == "function"]) == 2001


_IN_ANOTHER_PYTHON = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.lineage.identity.code.identify import CodeIdentifier
from tests.lineage.code_projects import imported
seen = {}
for folder in sorted(Path(sys.argv[2]).iterdir()):
    with imported(folder) as module:
        identity = CodeIdentifier(ProjectWorld(folder, b"k")).identify(module.model)
        seen[folder.name] = [identity.version, any(s.kind == "code" for s in identity.symbols)]
print(json.dumps(seen))
"""


def _other_pythons() -> list[str]:
    """Return other interpreters that have what identity needs: on the path, or named by ASSETCTL_TEST_PYTHONS."""
    named = [python for python in os.environ.get("ASSETCTL_TEST_PYTHONS", "").split(os.pathsep) if python]
    versions = [f"python3.{minor}" for minor in (11, 12, 13) if minor != sys.version_info.minor]
    pythons = [path for path in map(shutil.which, versions) if path is not None]
    probe = ["-c", "import blake3"]
    return named + [p for p in pythons if subprocess.run([p, *probe], capture_output=True, check=False).returncode == 0]


_PYTHONS = _other_pythons()


def _identify_in(python: str, projects: Path, seed: str) -> dict[str, tuple[str, bool]]:
    script = [python, "-c", _IN_ANOTHER_PYTHON, str(ROOT), str(projects)]
    done = subprocess.run(
        script, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
    )
    return {name: tuple(answer) for name, answer in json.loads(done.stdout.splitlines()[-1]).items()}


def _portable_projects(folder: Path) -> None:
    for index, case in enumerate(CASES):
        if not any(
            word in case.project
            for word in ("numpy", "pydantic", "sklearn", "sqlmodel", "attrs", "joblib", "exec(", "eval(")
        ):
            write_project(folder / f"{index:03d}", case.project)


def test_digests_are_equal_in_another_process_with_another_hash_seed(tmp_path: Path) -> None:
    _portable_projects(tmp_path)
    assert _identify_in(sys.executable, tmp_path, "1") == _identify_in(sys.executable, tmp_path, "2")


@pytest.mark.skipif(not _PYTHONS, reason="no other Python with blake3 is on the path or named by ASSETCTL_TEST_PYTHONS")
def test_digests_of_code_read_from_source_are_equal_on_every_python(tmp_path: Path) -> None:
    _portable_projects(tmp_path)
    here = _identify_in(sys.executable, tmp_path, "1")
    for python in _PYTHONS:
        there = _identify_in(python, tmp_path, "1")
        differing = [CASES[int(n)].claim for n in here if here[n] != there[n] and not here[n][1]]
        assert not differing, python


NUMBA = """
import itertools
_counter = itertools.count()
class CPUDispatcher:
    def __init__(self, py_func, options):
        self.py_func, self.targetoptions, self.locals = py_func, options, {}
        self.typingctx, self.overloads = (object(), next(_counter)), {}
        self.generator = (i for i in "ab")
    def __call__(self, *args):
        return self.py_func(*args)
class DUFunc:
    def __init__(self, dispatcher):
        self._dispatcher, self._frozen = dispatcher, object()
def njit(**options):
    return lambda fn: CPUDispatcher(fn, options)
def vectorize(fn):
    return DUFunc(CPUDispatcher(fn, {}))
"""


def test_a_compiled_function_of_numba_is_its_python_function_and_options(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "numba").mkdir(parents=True)
    (site / "numba" / "__init__.py").write_text(NUMBA)
    (site / "numba-0.60.dist-info").mkdir()
    (site / "numba-0.60.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: numba\nVersion: 0.60\n")
    (site / "numba-0.60.dist-info" / "RECORD").write_text("numba/__init__.py,,\n")
    project = (
        "from numba import njit, vectorize\ndef helper(x):\n    return x + 1\n@njit(fastmath=False)\ndef f(x):\n"
        "    return helper(x)\n@vectorize\ndef g(x):\n    return x * 2\n"
        + ASSET
        + "def model(x):\n    return f(g(x))\n"
    )

    def version(name: str, text: str) -> str:
        write_project(tmp_path / name, text)
        with imported(tmp_path / name, site=site) as module:
            identity = CodeIdentifier(ProjectWorld(tmp_path / name, KEY)).identify(module.model)
        assert not identity.undecidable
        return identity.version

    before = version("a", project)
    assert version("b", project) == before
    edits = [
        ("x + 1", "x + 3"),
        ("fastmath=False", "fastmath=True"),
        ("helper(x)\n@", "-helper(x)\n@"),
        ("x * 2", "x * 3"),
    ]
    for number, (old, new) in enumerate(edits):
        assert version(f"edit{number}", project.replace(old, new)) != before
