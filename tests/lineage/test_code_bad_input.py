"""Identity of code against what it does not control: sources that are gone, hostile objects, cycles, huge values, C."""

from __future__ import annotations

import importlib
import json
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assetctl.assets import importing
from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.lineage.facts.records import CodeIdentity
from assetctl.lineage.identity.code.identify import CodeIdentifier
from tests.lineage.code_case import ASSET
from tests.lineage.code_projects import KEY, identify, imported, write_project

MODEL = ASSET + "def model(x):\n    return K, x\n"


def identified(folder: Path, fn: object) -> CodeIdentity:
    return CodeIdentifier(ProjectWorld(folder, KEY)).identify(fn)


# --- sources ------------------------------------------------------------------------------


def _delete(file: Path) -> None:
    file.unlink()


def _make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        _delete,
        _make_folder,
        lambda file: file.write_bytes(b"\xff\xfe\xff def"),
        lambda file: file.write_bytes(b"x = '\0'\n"),
        lambda file: file.write_text("def model(:\n"),
        lambda file: file.write_text("# coding: no-such-encoding\n"),
        lambda file: file.write_text("(" * 5000),
        lambda file: file.write_text(""),
    ],
    ids=["gone", "a folder", "not UTF-8", "NUL", "no Python", "unknown encoding", "too deep", "empty"],
)
def test_without_its_text_code_counts_by_its_code_object(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    identities = []
    for number in (1, 2):
        write_project(tmp_path, f"{ASSET}def model(x):\n    return {number}\n")
        with imported(tmp_path) as module:
            spoil(tmp_path / "pipeline.py")
            identities.append(identified(tmp_path, module.model))
            assert [s.kind for s in identities[-1].symbols] == ["code"]
        if (tmp_path / "pipeline.py").is_dir():
            (tmp_path / "pipeline.py").rmdir()
    assert identities[0].version != identities[1].version


def test_a_module_without_source_counts_by_its_code_objects(tmp_path: Path) -> None:
    identities = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        write_project(folder, f"import only\n{ASSET}def model(x):\n    return only.f(x)\n")
        source = folder / "source.py"
        source.write_text(f"def f(x):\n    return x + {number}\n")
        py_compile.compile(str(source), cfile=str(folder / "only.pyc"), dfile="only.py")
        source.unlink()
        with imported(folder) as module:
            identities.append(identified(folder, module.model))
        sys.modules.pop("only", None)
    assert [s.kind for s in identities[0].symbols] == ["function", "code"]
    assert identities[0].version != identities[1].version


def test_a_file_edited_between_import_and_identifying_counts_as_it_was_imported(tmp_path: Path) -> None:
    project = f"{ASSET}def model(x):\n    return f(x)\ndef f(x):\n    return 1\n"
    write_project(tmp_path, project.replace("pipeline", "edited"))
    (tmp_path / "pipeline.py").rename(tmp_path / "edited_meanwhile.py")
    importing.install()
    importing.activate(tmp_path)
    try:
        module = importlib.import_module("edited_meanwhile")
        before = identified(tmp_path, module.model)
        (tmp_path / "edited_meanwhile.py").write_text("# moved\n\n" + project.replace("return 1", "return 2"))
        after = identified(tmp_path, module.model)
    finally:
        importing.forget_modules(tmp_path)
        importing.activate(tmp_path.parent)
    assert [s.kind for s in before.symbols] == ["function", "function"]
    assert after == before
    assert "return 1" in after.symbols[1].source


# --- objects ------------------------------------------------------------------------------

_HOSTILE = """
called = []
def _hook(name):
    def hook(self, *args, **kwargs):
        called.append(name)
        raise RuntimeError(name)
    return hook
class Hostile:
    __class__ = property(_hook("class"))
    def __init__(self, n):
        object.__setattr__(self, "n", n)
for _name in ("getattr", "getattribute", "eq", "ne", "hash", "repr", "str", "reduce", "reduce_ex", "getstate", "bool",
              "len", "iter", "contains", "getitem", "format", "dir", "sizeof", "call", "index", "int", "lt", "copy",
              "deepcopy", "instancecheck", "fspath", "array", "dataframe", "arrow_c_stream", "get", "set", "setattr",
              "delattr", "del"):
    if _name != "del":
        setattr(Hostile, f"__{_name}__", _hook(_name))
"""
_HOLDERS = {
    "a global": "K = Hostile({n})",
    "a list": "K = [Hostile({n})]",
    "a dict": "K = {{'k': Hostile({n})}}",
    "a tuple in a dict": "K = {{1: (Hostile({n}),)}}",
    "an attribute": "class Box: pass\nK = Box()\nK.it = Hostile({n})",
    "a class attribute": "class K:\n    it = Hostile({n})",
    "a default": "def K(a=Hostile({n})):\n    return a",
    "a closure": "def make(h):\n    return lambda: h\nK = make(Hostile({n}))",
    "a partial": "import functools\nK = functools.partial(print, Hostile({n}))",
    "a simple namespace": "import types\nK = types.SimpleNamespace(it=Hostile({n}))",
    "an exception": "K = ValueError(Hostile({n}))",
    "a deque": "import collections\nK = collections.deque([Hostile({n})])",
}


@pytest.mark.parametrize("holder", _HOLDERS.values(), ids=_HOLDERS.keys())
def test_no_hook_of_a_first_party_object_is_called_and_its_state_counts(holder: str, tmp_path: Path) -> None:
    versions = []
    for n in (1, 2, 1):
        folder = tmp_path / str(len(versions)) / "p"
        write_project(folder, _HOSTILE + holder.format(n=n) + "\n" + MODEL)
        with imported(folder) as module:
            identity = identified(folder, module.model)
            assert module.called == []
        assert not identity.undecidable
        versions.append(identity.version)
    assert versions[0] == versions[2] != versions[1]


def test_a_hostile_metaclass_is_not_asked(tmp_path: Path) -> None:
    project = (
        "called = []\nclass Meta(type):\n"
        + "".join(
            f"    def __{name}__(cls, *a):\n        called.append('{name}')\n        raise RuntimeError\n"
            for name in (
                "getattribute",
                "getattr",
                "eq",
                "hash",
                "repr",
                "instancecheck",
                "subclasscheck",
                "iter",
                "dir",
            )
        )
        + "class K(metaclass=Meta):\n    n = 1\n    def f(self):\n        return 2\n"
        + MODEL
    )
    versions = []
    for text in (project, project.replace("return 2", "return 3"), project.replace("n = 1", "n = 4")):
        folder = tmp_path / str(len(versions))
        write_project(folder, text)
        with imported(folder) as module:
            versions.append(identified(folder, module.model).version)
            assert module.called == []
    assert len(set(versions)) == 3


_CYCLES = {
    "a list in itself": "K = [{n}]\nK.append(K)",
    "two dicts": "K = {{}}\nother = {{'back': K, 'n': {n}}}\nK['other'] = other",
    "two objects": "class Node: pass\nK, b = Node(), Node()\nK.next, b.next, b.n = b, K, {n}",
    "a function that holds itself": "def K(x):\n    return {n}\nK.me = K\nK.all = [K]",
    "a class that lists its instances": "class K:\n    every = []\nk = K()\nk.n = {n}\nk.cls = K\nK.every.append(k)",
    "a tuple through a list": "inner = []\nK = (inner, {n})\ninner.append(K)",
    "a partial of itself": "import functools\nbox = [{n}]\nK = functools.partial(print, box)\nbox.append(K)",
    "a closure": "def make():\n    def f(x):\n        return f, g\n    def g(x):\n        return f(x + {n})\n    return f\nK = make()",
}


@pytest.mark.parametrize("cycle", _CYCLES.values(), ids=_CYCLES.keys())
def test_cycles_are_identified_and_an_edit_inside_shows(cycle: str, tmp_path: Path) -> None:
    one, same, other = (
        identify(tmp_path / name / "p", cycle.format(n=n) + "\n" + MODEL) for name, n in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one.version == same.version != other.version
    assert not one.undecidable


def test_nesting_of_30000_levels_is_walked_without_recursion(tmp_path: Path) -> None:
    project = "K = []\nfor _ in range(30_000):\n    K = [K]\n" + MODEL
    identity = identify(tmp_path / "a", project)
    assert identity.version != identify(tmp_path / "b", project.replace("30_000", "30_001")).version


_HUGE = {
    "text": "K = 'ab' * 10_000_000 + '{n}'",
    "bytes": "K = b'ab' * 10_000_000 + b'{n}'",
    "a path": "K = '/' + 'a' * 20_000_000 + '{n}'",
    "an array": "import numpy\nK = numpy.zeros(2_500_000)\nK[-1] = {n}",
    "an integer": "K = (1 << 2_000_000) + {n}",
    "a list of integers": "K = [*range(400_000), {n}]",
    "a key": "K = {{'k' * 2_000_000 + '{n}': print}}",
    "text in a list": "K = ['a' * 20_000_000, {n}]",
    "an instance": "class Box: pass\nK = Box()\nK.it = bytearray(20_000_000)\nK.it[-1] = {n}",
}


@pytest.mark.parametrize("huge", _HUGE.values(), ids=_HUGE.keys())
def test_a_huge_value_is_hashed_in_bounded_time_and_never_printed(huge: str, tmp_path: Path) -> None:
    versions = []
    for n in (1, 2):
        write_project(tmp_path, huge.format(n=n) + "\n" + MODEL)
        with imported(tmp_path) as module:
            started = time.process_time()
            identity = identified(tmp_path, module.model)
            assert time.process_time() - started < 2
        versions.append(identity.version)
        assert all(len(s.source) <= 1 << 16 and len(s.name) <= 300 for s in identity.symbols)
        assert not identity.undecidable
    assert versions[0] != versions[1]


@pytest.mark.parametrize(
    ("project", "type_name"),
    [
        ("K = (i for i in range(3))", "generator"),
        ("import mmap\nK = mmap.mmap(-1, 8)", "mmap"),
        ("import sys\nK = sys._getframe()", "frame"),
    ],
)
def test_what_refuses_to_be_pickled_is_undecidable_by_name(project: str, type_name: str, tmp_path: Path) -> None:
    identity = identify(tmp_path / "p", project + "\n" + MODEL)
    assert len(identity.undecidable) == 1
    assert type_name in identity.undecidable[0]
    assert identity.undecidable[0].startswith("pipeline.py:")


@pytest.mark.parametrize(
    "project",
    [
        "import threading\nK = threading.Lock()",
        "import logging\nK = logging.getLogger('x')",
        "import sys\nK = sys.stderr",
    ],
)
def test_what_holds_no_state_for_code_counts_by_its_type(project: str, tmp_path: Path) -> None:
    assert not identify(tmp_path / "p", project + "\n" + MODEL).undecidable


# --- other people's and compiled code ---------------------------------------------------------

_EXTENSION = """
#include <Python.h>
static PyObject *scale(PyObject *self, PyObject *x) { return PyLong_FromLong(PyLong_AsLong(x) * FACTOR); }
static PyMethodDef methods[] = {{"scale", scale, METH_O, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast_scale", "", -1, methods};
PyMODINIT_FUNC PyInit_fast_scale(void) { return PyModule_Create(&module); }
"""
_COMPILER = shutil.which("gcc") or shutil.which("cc")
_INCLUDE = sysconfig.get_path("include")


def _build_extension(folder: Path, factor: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder.parent / "fast_scale.c"
    source.write_text(_EXTENSION.replace("FACTOR", str(factor)))
    target = folder / f"fast_scale{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run([_COMPILER, "-shared", "-fPIC", "-I", _INCLUDE, "-o", target, source], check=True)  # type: ignore[list-item]


@pytest.mark.skipif(_COMPILER is None, reason="no C compiler on this machine")
@pytest.mark.skipif(not Path(_INCLUDE, "Python.h").exists(), reason="Python's C headers are not installed")
@pytest.mark.parametrize(
    "project",
    [
        f"import fast_scale\n{ASSET}def model(x):\n    return fast_scale.scale(x)\n",
        f"from fast_scale import scale\n{ASSET}def model(x):\n    return scale(x)\n",
        f"{ASSET}def model(x):\n    import fast_scale\n    return fast_scale.scale(x)\n",
        f"import fast_scale\n{ASSET}def model(x):\n    return use(fast_scale)\ndef use(m):\n    return m.scale(2)\n",
    ],
    ids=["module", "name", "local import", "module as value"],
)
def test_a_first_party_extension_counts_by_its_file(project: str, tmp_path: Path) -> None:
    versions = []
    for factor in (2, 3, 2):
        folder = tmp_path / str(len(versions)) / "p"
        _build_extension(folder, factor)
        identity = identify(folder, project)
        assert not identity.undecidable
        versions.append(identity.version)
        sys.modules.pop("fast_scale", None)
    assert versions[0] == versions[2] != versions[1]


def _install(site: Path, source: Path, *, editable: bool) -> None:
    info = site / "tp-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tp\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": editable}}))
    (info / "RECORD").write_text("tp.pth,,\n" if editable else "tp/__init__.py,,\n")
    (source / "tp").mkdir(parents=True)


@pytest.mark.parametrize("layout", ["src folder", "flat in site-packages"])
def test_an_editable_install_is_first_party(layout: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    source = site if layout == "flat in site-packages" else tmp_path / "checkout" / "src"
    _install(site, source, editable=True)
    versions = []
    for number in (1, 2):
        (source / "tp" / "__init__.py").write_text(f"def f(x):\n    return {number}\n")
        write_project(tmp_path / "p", f"import tp\n{ASSET}def model(x):\n    return tp.f(x)\n")
        sys.path.insert(0, str(source))
        try:
            with imported(tmp_path / "p", site=site) as module:
                identity = identified(tmp_path / "p", module.model)
        finally:
            sys.path.remove(str(source))
            sys.modules.pop("tp", None)
        assert dict(identity.distributions) == {}
        assert [s.name for s in identity.symbols] == ["pipeline.model", "tp.f"]
        versions.append(identity.version)
    assert versions[0] != versions[1]


@pytest.mark.parametrize("refuses", ["__reduce_ex__", "__getstate__", "__reduce__"])
def test_a_library_object_that_raises_when_pickled_counts_by_its_state(refuses: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    _install(site, site, editable=False)
    hooks = "".join(
        f"    def {name}(self, *a):\n        raise RuntimeError('{name}')\n"
        for name in (refuses, "__getattr__", "__eq__", "__hash__", "__repr__", "__bool__", "__len__")
    )
    (site / "tp" / "__init__.py").write_text(f"class Odd:\n    def __init__(self, n):\n        self.n = n\n{hooks}")
    versions = []
    for n in (1, 2, 1):
        folder = tmp_path / str(len(versions)) / "p"
        write_project(folder, f"import tp\nK = [tp.Odd({n})]\n{MODEL}")
        with imported(folder, site=site) as module:
            identity = identified(folder, module.model)
        sys.modules.pop("tp", None)
        assert not identity.undecidable
        assert dict(identity.distributions) == {"tp": "1.0"}
        versions.append(identity.version)
    assert versions[0] == versions[2] != versions[1]
