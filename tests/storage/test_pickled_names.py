"""A value that holds code brings the names of the project's functions with it, however it is pickled."""

from __future__ import annotations

import base64
import bz2
import functools
import gzip
import json
import lzma
import pickle
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import cloudpickle  # type: ignore[import-untyped]
import joblib
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from assetctl.lineage.facts.records import ProvenanceDigest
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.codecs.encoded_pickles import names_in_texts
from assetctl.storage.codecs.registry import Codecs
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.writing import OutputWriter

SOURCE = """
import functools
K = 3
def helper(x):
    return x + 1
def other(x):
    return x
@functools.lru_cache
def cached(x):
    return helper(x)
class Box:
    class Inner:
        pass
    def __init__(self, f=None):
        self.f = f
    def __call__(self, x):
        return helper(x)
"""


@pytest.fixture
def lib(tmp_path: Path) -> Iterator[ModuleType]:
    (tmp_path / "at_lib.py").write_text(SOURCE)
    module = ModuleType("at_lib")
    module.__file__ = str(tmp_path / "at_lib.py")
    sys.modules["at_lib"] = module
    exec(compile(SOURCE, module.__file__, "exec"), module.__dict__)
    yield module
    del sys.modules["at_lib"]


def _lambda_of(lib: ModuleType) -> Callable[[int], object]:
    """Return a lambda as a pipeline's asset makes it: pickled whole, what it calls by name."""
    namespace = {"lib": lib, "__name__": "at_pipeline"}
    exec("f = lambda x: lib.helper(x)", namespace)
    return namespace["f"]  # type: ignore[return-value]


def _closure(lib: ModuleType) -> Callable[[int], object]:
    helper = lib.helper
    return lambda x: helper(x) + 1


VALUES: dict[str, tuple[Callable[[ModuleType], object], set[str]]] = {
    "a function": (lambda lib: lib.helper, {"at_lib:helper"}),
    "a dict of lambdas": (lambda lib: {"f": _lambda_of(lib)}, {"at_lib:helper"}),
    "a list of closures": (lambda lib: [_closure(lib), _closure(lib)], {"at_lib:helper"}),
    "a function after a lambda": (lambda lib: [lambda x: x, lib.other], {"at_lib:other"}),
    "a cached function": (lambda lib: [lib.cached], {"at_lib:cached"}),
    "a partial": (lambda lib: functools.partial(lib.helper, 1), {"at_lib:helper"}),
    "a callable object": (lambda lib: lib.Box(lib.other), {"at_lib:Box", "at_lib:other"}),
    "a bound method": (lambda lib: lib.Box().__call__, {"at_lib:Box"}),
    "an inner class": (lambda lib: {"c": lib.Box.Inner}, {"at_lib:Box.Inner"}),
    "an estimator": (lambda lib: make_pipeline(StandardScaler(), FunctionTransformer(lib.helper)), {"at_lib:helper"}),
    "a function in an array": (lambda lib: np.array([lib.helper, None], dtype=object), {"at_lib:helper"}),
    "pickled bytes": (lambda lib: pickle.dumps([lib.helper]), {"at_lib:helper"}),
    "bytes of an old protocol": (lambda lib: pickle.dumps([lib.helper], 2), {"at_lib:helper"}),
    "cloudpickled bytes": (lambda lib: cloudpickle.dumps(_lambda_of(lib)), {"at_lib:helper"}),
    "compressed bytes": (lambda lib: gzip.compress(pickle.dumps(lib.helper)), {"at_lib:helper"}),
    "bytes in a dict": (lambda lib: {1: pickle.dumps(lib.helper)}, {"at_lib:helper"}),
    "bytes that name it, but are no pickle": (lambda lib: b"at_lib helper", set()),
    "zlib bytes": (lambda lib: zlib.compress(pickle.dumps(lib.Box())), {"at_lib:Box"}),
    "data": (lambda lib: {"at_lib", "helper"}, set()),
}  # fmt: skip


def stored_names(value: object, tmp_path: Path) -> set[str]:
    layout = Layout.of(tmp_path / "store")
    layout.state.mkdir(parents=True, exist_ok=True)
    writer = OutputWriter(Blobs(layout), Codecs())
    return set(writer.put(value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:0")).value.classes)


@pytest.mark.parametrize("name", VALUES)
def test_the_names_of_the_projects_code_are_recorded(name: str, lib: ModuleType, tmp_path: Path) -> None:
    make, expected = VALUES[name]
    assert stored_names(make(lib), tmp_path) == expected


def test_a_constant_that_a_lambda_reads_counts_with_its_module(lib: ModuleType, tmp_path: Path) -> None:
    namespace = {"lib": lib, "__name__": "at_pipeline"}
    exec("f = lambda x: lib.K + x", namespace)
    assert stored_names(namespace["f"], tmp_path) == {"at_lib:"}


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("xz", 3), ("bz2", 3), ("lzma", 3)])
def test_a_returned_joblib_file_brings_its_names(compress: object, lib: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump({"w": np.arange(1000.0), "f": lib.helper, "box": lib.Box()}, path, compress=compress)
    assert stored_names(path, tmp_path) == {"at_lib:helper", "at_lib:Box"}


def test_a_folder_brings_the_names_of_its_files(lib: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (folder / "inner").mkdir(parents=True)
    joblib.dump(lib.helper, folder / "inner" / "a.bin")
    (folder / "note.txt").write_text("at_lib helper")
    (folder / "empty").touch()
    assert stored_names(folder, tmp_path) == {"at_lib:helper"}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("form", ["bytes", "file", "inside"])
def test_every_protocol_of_pickle_brings_its_names(protocol: int, form: str, lib: ModuleType, tmp_path: Path) -> None:
    data = pickle.dumps({"f": lib.helper, "n": [1, 2]}, protocol)
    path = tmp_path / "model"
    path.write_bytes(data)
    given = {"bytes": data, "file": path, "inside": {"model": data, "of": {1}}}[form]
    assert stored_names(given, tmp_path) == {"at_lib:helper"}


@pytest.mark.parametrize(
    "text", [b"", b".", b"cat_lib\nhelper.", b"We call at_lib and its helper.", b"cat_lib\nhelper\n"]
)
def test_text_that_only_speaks_of_code_brings_no_names(text: bytes, lib: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(text)
    assert stored_names(tmp_path / "notes", tmp_path) == stored_names(text, tmp_path) == set()


@pytest.mark.parametrize(
    "encode",
    [
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode(),
        lambda data: data.hex(),
        lambda data: data.hex().upper(),
        lambda data: base64.b85encode(data).decode(),
        lambda data: base64.a85encode(data).decode(),
        lambda data: base64.b64encode(zlib.compress(data)).decode(),
        lambda data: base64.b64encode(gzip.compress(data)).decode(),
        lambda data: base64.b85encode(bz2.compress(data)),
        lambda data: lzma.compress(data).hex(),
        lambda data: {"model": [1, base64.b64encode(data).decode()], "text": "x" * 40},
        lambda data: json.dumps({"kind": "model", "bytes": base64.b64encode(data).decode()}),
        lambda data: f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}",
        lambda data: {"model": zlib.compress(data)},
        lambda data: ("x" * 5000 + " " + data.hex(), 2),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_encoded_pickle_brings_its_names_with_it(lib: ModuleType, encode: Callable[[bytes], object], protocol: int):
    value = encode(pickle.dumps([lib.Box(), lib.helper], protocol))
    assert {"at_lib:Box", "at_lib:helper"} <= names_in_texts(value)
    assert not names_in_texts(encode(pickle.dumps([1, "at_lib", "no name of it"], protocol)))


def test_texts_that_are_no_pickles_name_nothing(lib: ModuleType):
    digits = "0123456789abcdef" * 400
    assert not names_in_texts(
        ["at_lib", "Box", "gASV", "gASVat_libBox at_lib.Box" * 3, digits, {"x": b"\x80\x04at_lib"}]
    )


@pytest.mark.parametrize("pack", [lambda text: text, lambda text: {"m": text}, lambda text: {"m": text.encode()}])
def test_what_is_stored_says_which_names_its_texts_bring(
    tmp_path: Path, lib: ModuleType, pack: Callable[[str], object]
):
    value = pack(base64.b64encode(pickle.dumps(lib.helper)).decode())
    assert stored_names(value, tmp_path) == {"at_lib:helper"}
