"""What `show` says of values that are no tables, and of sources."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from assetctl.assets.ids import Target
from assetctl.engine.project import Project
from assetctl.lineage.facts.records import ProvenanceDigest
from tests.engine.recorded import Recorded
from tests.storage.facts import made

_MADE: list[str] = []


class Loud:
    """Says when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return _MADE.append, ("loaded",)


VALUES = {
    "matrix": (np.zeros((3, 4), np.float32), {"shape": [3, 4], "dtype": "float32"}),
    "large": (np.zeros(5000), {"shape": [5000], "dtype": "float64"}),  # not inside its record
    "records": (np.zeros(2, [("a", "i4")]), {"shape": [2], "dtype": "[('a', '<i4')]"}),
    "sparse": (
        sparse.csr_matrix(np.eye(3)),
        {"class": "scipy.sparse._csr.csr_matrix", "shape": [3, 3], "dtype": "float64", "n_stored": 3},
    ),
    "coo": (
        sparse.coo_array(np.eye(2, dtype="i8")),
        {"class": "scipy.sparse._coo.coo_array", "shape": [2, 2], "dtype": "int64", "n_stored": 2},
    ),
    "object": ({"a": (1,)}, {"class": "dict"}),
    "text": ("x", {}),
    "json": ({"a": 1}, {}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    world = Recorded(
        tmp_path_factory.mktemp("shown"),
        "src = source.file('in.csv')\nraw = source.file('in.bin')\nfolder = source.directory('d')\n"
        "files = source.glob('d/*.txt')\ngone = source.file('gone.csv')\nbad = source.file('bad.parquet')\n",
    )
    (world.root / "in.csv").write_text("n,s\n1,x\n2,y\n")
    (world.root / "in.bin").write_bytes(b"123")
    (world.root / "bad.parquet").write_bytes(b"123")
    (world.root / "d").mkdir()
    (world.root / "d" / "a.txt").write_text("12")
    (world.root / "d" / "b.log").write_text("1")
    model = Ridge(alpha=0.5).fit([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])
    for key, value in [(key, value) for key, (value, _) in VALUES.items()] + [("model", model)]:
        stored = world.project.workspace.stores.data.put(
            value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p")
        )
        world.record(made(key, "1", outputs=(stored.as_output(Target.parse(key)),)))
    return world.project


@pytest.mark.parametrize("key", VALUES)
def test_a_value_says_its_form(project, key):
    assert project.show(key).form == VALUES[key][1]


def test_a_model_says_its_class_its_parameters_and_what_it_was_fitted_on(project):
    form = project.show("model").form
    assert (form["class"], form["n_features"]) == ("sklearn.linear_model._ridge.Ridge", 2)
    assert (form["parameters"]["alpha"], form["parameters"]["solver"]) == (0.5, "auto")


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (
            "src",
            {
                "size_bytes": 12,
                "n_rows": 2,
                "columns": [{"name": "n", "type": "int64"}, {"name": "s", "type": "string"}],
            },
        ),
        ("raw", {"size_bytes": 3}),
        ("folder", {"n_files": 2, "size_bytes": 3}),
        ("files", {"n_files": 1, "size_bytes": 2}),
        ("gone", {}),
        ("bad", {}),
    ],
)
def test_a_source_says_its_rows_or_its_files(project, key, form):
    assert project.show(key).form == form


def test_a_pickle_that_says_it_is_a_sparse_matrix_runs_nothing(project, tmp_path: Path):
    world = Recorded(tmp_path, "")
    data = world.project.workspace.stores.data
    honest = data.put(sparse.csr_matrix(np.eye(2)), codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    blob = data.blobs.put_bytes(pickle.dumps(Loud()))
    world.record(made("x", "1", outputs=(honest.as_output(Target.parse("x")),)))
    assert world.project.show("x").form["n_stored"] == 2
    lie = replace(honest, blob=blob, inline=pickle.dumps(Loud())).as_output(Target.parse("y"))
    world.record(made("y", "1", outputs=(lie,)))
    assert (world.project.show("y").form, _MADE) == ({}, [])
