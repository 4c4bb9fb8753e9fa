"""What is handed out is what its name says: every kind of value, every ending."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import io as scipy_io
from scipy import sparse
from sklearn.linear_model import LinearRegression

from assetctl.assets.errors import EnvironmentFault, SelectionError
from assetctl.assets.ids import Target
from assetctl.engine.answers.endings import Family, Writer, ending_of, writer_for
from assetctl.engine.project import Project
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from tests.engine.recorded import Recorded, version_of
from tests.storage.facts import made

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def file_of(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "made" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"n,m\n1,2\n" if name.endswith(".csv") else PNG)
    return path


TABLE = pa.table({"n": [1, 2], "s": ["x", None]})
GROUPED = pd.DataFrame({"v": [1.5, 2.0]}, index=pd.Index(["a", "b"], name="k"))
ESTIMATOR = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])


WRITTEN = [
    (TABLE, "x.csv", Path.read_text, '"n","s"\n1,"x"\n2,\n'),
    (TABLE, "X.CSV", Path.read_text, '"n","s"\n1,"x"\n2,\n'),
    (TABLE, "x.tsv", Path.read_text, '"n"\t"s"\n1\t"x"\n2\t\n'),
    (TABLE, "x.csv.gz", lambda p: gzip.decompress(p.read_bytes()), b'"n","s"\n1,"x"\n2,\n'),
    (TABLE, "x.json", lambda p: json.loads(p.read_text()), [{"n": 1, "s": "x"}, {"n": 2, "s": None}]),
    (TABLE, "x.jsonl", Path.read_text, '{"n": 1, "s": "x"}\n{"n": 2, "s": null}\n'),
    (TABLE, "x.arrow", lambda p: pa.ipc.open_file(p).read_all().to_pydict(), {"n": [1, 2], "s": ["x", None]}),
    (TABLE, "x.pkl", lambda p: pickle.loads(p.read_bytes()).equals(TABLE), True),
    (TABLE, "x", lambda p: parquet.read_table(p).num_rows, 2),
    (pa.table({"l": [[1]]}), "x.csv", Path.read_text, '"l"\n"[1]"\n'),
    (pa.table({"s": ["<b>&"]}), "x.html", lambda p: "<td>&lt;b&gt;&amp;</td>" in p.read_text(), True),
    (GROUPED, "x.csv", Path.read_text, '"k","v"\n"a",1.5\n"b",2\n'),
    (GROUPED, "x.html", lambda p: "<th>k</th><th>v</th>" in p.read_text(), True),
    (GROUPED["v"], "x.tsv", Path.read_text, '"k"\t"v"\n"a"\t1.5\n"b"\t2\n'),
    (
        pd.DataFrame({"v": [1.0]}).describe(),
        "x.jsonl",
        lambda p: p.read_text().splitlines()[0],
        '{"index": "count", "v": 1.0}',
    ),
    (
        pd.DataFrame({"p": pd.period_range("2020-01", periods=1, freq="M")}),
        "x.csv",
        Path.read_text,
        '"p"\n"2020-01"\n',
    ),
    (pl.DataFrame({"n": [1]}), "x.csv", Path.read_text, '"n"\n1\n'),
    (np.array([[1, 2], [3, 4]]), "x.csv", Path.read_text, '"0","1"\n1,2\n3,4\n'),
    (np.array([1.5, np.nan]), "x.json", lambda p: json.loads(p.read_text()), [1.5, None]),
    (np.array([1, 2]), "x.npz", lambda p: np.load(p)["arr_0"].tolist(), [1, 2]),
    (sparse.csr_matrix([[0, 1]]), "x.npz", lambda p: sparse.load_npz(p).toarray().tolist(), [[0, 1]]),
    (sparse.csr_matrix([[0, 1]]), "x.mtx", lambda p: scipy_io.mmread(p).toarray().tolist(), [[0, 1]]),
    (
        {"a": (1, np.float64(0.5)), 2: date(2020, 1, 2)},
        "x.json",
        lambda p: json.loads(p.read_text()),
        {"a": [1, 0.5], "2": "2020-01-02"},
    ),
    ({"a": [1]}, "x.pickle", lambda p: pickle.loads(p.read_bytes()), {"a": [1]}),
    ({"a": [1]}, "x.txt", lambda p: json.loads(p.read_text()), {"a": [1]}),
    (ESTIMATOR, "model.pkl", lambda p: type(pickle.loads(p.read_bytes())).__name__, "LinearRegression"),
    (ESTIMATOR, "model.skops", lambda p: p.read_bytes()[:2], b"PK"),
    ("select 1", "x.sql", Path.read_text, "select 1"),
    ('{"a": 1}', "x.json", Path.read_text, '{"a": 1}'),
    ("a,b\n1,2\n", "x.csv", Path.read_text, "a,b\n1,2\n"),
    ("<p>hi</p>", "x.html", Path.read_text, "<p>hi</p>"),
    (PNG, "r.png", Path.read_bytes, PNG),
    (PNG, "r.PNG", Path.read_bytes, PNG),
    (b"own", "model.onnx", Path.read_bytes, b"own"),
]
REFUSED = [
    (
        TABLE,
        ["x.png", "x.npy", "x.txt", "x.xls", "x.gz", "x.svg", "features.v2"],
        ".parquet, .arrow, .csv, .tsv, .json, .jsonl, .xlsx, .html, .pkl, .joblib",
    ),
    (
        np.zeros((2, 2, 2)),
        ["x.csv", "x.parquet", "x.xlsx", "x.png"],
        ".npy, .npz, .csv, .tsv, .json, .pkl, .joblib",
    ),
    (ESTIMATOR, ["m.xlsx", "m.json", "m.onnx", "m.csv"], ".skops, .pkl, .joblib"),
    ({"a": [1]}, ["x.csv", "x.parquet", "x.html", "x.npy"], ".json, .txt, .pkl, .joblib"),
    ({"a": {1, 2}}, ["x.json", "x.txt", "x.json.gz"], ".pkl, .json, .txt, .joblib"),
    ({1: 0, "1": (0,)}, ["x.json"], ".pkl, .json, .txt, .joblib"),
    (
        "words",
        ["x.json", "x.html", "x.svg", "x.xlsx", "x.csv", "x.png", "x.parquet", "x.arrow", "x.doc", "x.toml", "x.jsonl"],
        ".txt, .pkl, .joblib",
    ),
    (
        b"\xff\xfe",
        ["x.png", "x.xlsx", "x.txt", "x.json", "x.csv", "x.npy", "x.gz", "x.pdf", "x.mtx"],
        ".bin, .pkl, .joblib",
    ),
]


def stored(project: Project, key: str, value: object, codec: str | None = None) -> Output:
    data = project.workspace.stores.data
    return data.put(value, codec=codec, unordered=False, provenance=ProvenanceDigest("b3:p")).as_output(
        Target.parse(key)
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Project:
    """A project with a value of every row."""
    world = Recorded(tmp_path_factory.mktemp("kept"), "")
    for name, rows in (("written", WRITTEN), ("refused", REFUSED)):
        for number, (value, *_) in enumerate(rows):
            key = f"{name}{number}"
            world.record(made(key, "1", outputs=(stored(world.project, key, value),)))
    return world.project


@pytest.fixture
def keep(tmp_path) -> Callable[[object], Project]:
    world = Recorded(tmp_path, "")

    def keep_value(value: object, codec: str | None = None) -> Project:
        world.record(made("x", "1", outputs=(stored(world.project, "x", value, codec),)))
        return world.project

    return keep_value


@pytest.mark.parametrize(("number", "name", "read", "expected"), [(n, *row[1:]) for n, row in enumerate(WRITTEN)])
def test_a_value_is_written_as_its_ending_says(kept, tmp_path, number, name, read, expected):
    written = kept.get(f"written{number}", tmp_path / "out" / name)
    assert read(written.path) == expected
    assert written.size_bytes == written.path.stat().st_size


@pytest.mark.parametrize(("number", "names", "endings"), [(n, *row[1:]) for n, row in enumerate(REFUSED)])
def test_what_the_value_has_no_format_for_is_refused_and_nothing_is_written(kept, tmp_path, number, names, endings):
    for name in names:
        with pytest.raises(SelectionError) as refused:
            kept.get(f"refused{number}", tmp_path / name)
        problem = refused.value.problems[0]
        assert (problem.code, dict(problem.facts)["endings"]) == ("unfit-ending", endings), name
        assert not (tmp_path / name).exists()


def test_a_file_keeps_its_bytes_or_becomes_another_kind_of_table(keep, tmp_path):
    project = keep(file_of(tmp_path, "t.csv"))
    assert project.export("x", tmp_path / "o.csv").read_text() == "n,m\n1,2\n"
    assert project.export("x", tmp_path / "o.txt").read_text() == "n,m\n1,2\n"
    assert parquet.read_table(project.export("x", tmp_path / "o.parquet")).to_pydict() == {"n": [1], "m": [2]}
    for name in ("o.png", "o.npy", "o.svg"):
        with pytest.raises(SelectionError):
            project.export("x", tmp_path / name)


def test_a_folder_has_no_ending(keep, tmp_path):
    folder = tmp_path / "made"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("123")
    project = keep(folder)
    written = project.get("x", tmp_path / "out")
    assert ((tmp_path / "out" / "deep" / "a.txt").read_text(), written.size_bytes) == ("123", 3)
    with pytest.raises(SelectionError, match=r"cannot be written as `\.zip`"):
        project.get("x", tmp_path / "out.zip")


def test_a_folder_that_is_named_gets_the_asset_under_its_own_name(keep, tmp_path):
    project = keep({"a": 1})
    (tmp_path / "there").mkdir()
    assert project.export("x", tmp_path / "there") == tmp_path / "there" / "x.json"
    assert project.export("x", f"{tmp_path}/new/") == tmp_path / "new" / "x.json"
    assert project.export("x", tmp_path / "there").is_file()  # what is there is replaced
    with pytest.raises(SelectionError, match="is no file"):
        project.get("x", "/dev/null", replace=True)


def test_a_figure_says_how_it_becomes_a_png(keep, tmp_path):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    with pytest.raises(SelectionError) as refused:
        keep(figure).get("x", tmp_path / "r.png")
    assert 'codec="figure-png"' in str(refused.value.problems[0].hint)
    assert keep(figure, codec="figure-png").get("x", tmp_path / "r.png").path.read_bytes().startswith(b"\x89PNG")


def test_excel_is_written_by_pandas_or_says_what_to_install(keep, tmp_path, monkeypatch):
    project = keep(GROUPED)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "openpyxl" else object())
    with pytest.raises(EnvironmentFault) as missing:
        project.get("x", tmp_path / "x.xlsx")
    assert missing.value.problems[0].hint.startswith("pip install 'assetctl[excel]'")
    monkeypatch.undo()
    pytest.importorskip("openpyxl")
    back = pd.read_excel(project.export("x", tmp_path / "x.xlsx"))
    assert back.to_dict("list") == {"k": ["a", "b"], "v": [1.5, 2.0]}


def test_a_version_is_named_beside_the_key_or_within_it(tmp_path):
    world = Recorded(tmp_path, "")
    world.record(version_of("a", "1"), version_of("a", "2"))
    first = world.project.history("a")[1].data_version
    for name in (first, first[3:11]):
        assert world.project.load(f"a@{name}") == world.project.load("a", name) == "1"
    assert world.project.find("a@" + first[3:11]).output.value.version == first
    assert world.project.show("a@" + first[3:11]).text == "1"
    assert world.project.pin("a@" + first[3:11]).pins[0].data_version == first
    with pytest.raises(SelectionError, match="is another"):
        world.project.load("a@" + first[3:11], first)


def test_what_a_check_held_back_is_the_candidate_until_something_newer_is_published(tmp_path):
    world = Recorded(tmp_path, "")
    world.record(version_of("a", "1", published=False))
    with pytest.raises(SelectionError) as nothing:
        world.project.load("a")
    assert nothing.value.problems[0].hint == "look at it with `assetctl show a@candidate`"
    assert world.project.load("a@candidate") == "1"
    assert world.project.export("a@candidate", tmp_path / "c.json").read_text() == '"1"'
    world.record(replace(version_of("a", "2"), id="m-later"))
    with pytest.raises(SelectionError, match="no candidate"):
        world.project.load("a@candidate")


def test_the_table_is_of_endings_in_one_spelling():
    assert ending_of(PurePath("a.b/README")) == ""
    assert ending_of(PurePath("x.NDJSON.GZ")) == ".jsonl.gz"
    assert writer_for(Family.TABLE, ".jsonl.gz") is Writer.LINES
    assert writer_for(Family.TABLE, "") is None
    assert writer_for(Family.FOLDER, ".pkl") is None
