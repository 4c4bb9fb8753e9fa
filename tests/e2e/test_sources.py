"""Sources in a project: each parameter gets its own library's table, and depends on just what it gets."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from assetctl.assets.errors import DeclarationError
from assetctl.storage.sources.observing import digest_file, table_identity
from tests.e2e.projects import DiskProject

_SEES = "return [repr(value) for value in list(orders['name'])]"


@pytest.fixture
def project(tmp_path: Path) -> DiskProject:
    project = DiskProject(tmp_path)
    project.top("from typing import Annotated\nimport numpy as np\nimport pandas as pd\nimport polars as pl")
    project.top("import pyarrow as pa")
    return project


def source(project: DiskProject, declared: str) -> None:
    project.head = [line for line in project.head if not line.startswith("orders")]
    project.top(f"orders = {declared}")


def test_each_parameter_gets_what_its_library_reads(project: DiskProject) -> None:
    project.file("orders.csv", "id,name\n1,\n2,NA\n3,x\n")
    source(project, 'source.file("orders.csv")')
    project.asset("in_pandas", _SEES.replace("repr", "str"), reads="orders: pd.DataFrame")
    project.asset("in_polars", _SEES, reads="orders: pl.DataFrame")
    project.asset("in_arrow", "return orders['name'].to_pylist()", reads="orders: pa.Table")
    project.asset("in_numpy", "return [str(value) for value in orders[:, 1]]", reads="orders: np.ndarray")
    project.asset("in_batches", "return orders.read_all()['name'].to_pylist()", reads="orders: pa.RecordBatchReader")
    project.asset("as_file", "return orders.read_text()", reads="orders")
    assert sorted(project.build()) == sorted(project.assets)
    assert project.value("in_pandas") == project.value("in_numpy") == ["nan", "nan", "x"]
    assert project.value("in_polars") == ["None", "'NA'", "'x'"]
    assert project.value("in_arrow") == project.value("in_batches") == ["", "NA", "x"]
    project.file("orders.csv", "id,name\n1,\n2,\n3,x\n")  # the same to pandas
    assert sorted(project.build()) == ["as_file", "in_arrow", "in_batches", "in_polars"]


def test_other_options_build_the_readers_of_the_table_again(project: DiskProject) -> None:
    project.file("orders.csv", "id;name\n1;é\n".encode("latin-1"))
    source(project, 'source.file("orders.csv", options={"sep": ";", "encoding": "latin-1"})')
    project.asset("table", "return orders.to_dict('list')", reads="orders: pd.DataFrame")
    project.asset("file", "return len(orders.read_bytes())", reads="orders: Path")
    project.top("from pathlib import Path")
    assert project.build() == ["file", "table"]
    assert project.value("table") == {"id": [1], "name": ["é"]}
    assert project.build() == []
    source(project, 'source.file("orders.csv", options={"encoding": "latin-1", "sep": ";", "dtype": {"id": str}})')
    with project.open() as opened:
        (step,) = [step for step in opened.plan().steps if step.reasons]
        reasons = {type(reason).__name__ for reason in step.reasons}
    assert reasons == {"BuildSpecChanged", "SourceChanged"}
    assert project.build() == ["table"]
    assert project.value("table") == {"id": ["1"], "name": ["é"]}


def test_options_of_another_library_are_refused_before_anything_runs(project: DiskProject) -> None:
    project.file("orders.csv", "id;name\n1;x\n")
    source(project, 'source.file("orders.csv", options={"sep": ";"})')
    project.asset("one", "return len(orders)", reads="orders: pd.DataFrame")
    project.asset("other", "return len(orders)", reads="orders: pl.DataFrame")
    with project.open() as opened, pytest.raises(DeclarationError) as raised:
        opened.materialize(jobs=1)
    (problem,) = raised.value.problems
    assert (problem.code, problem.hint.split("?")[0]) == ("bad-option", "did you mean `separator`")
    assert dict(problem.facts)["read by"] == "other"
    assert project.ran == []


@pytest.mark.parametrize("form", ["pd.DataFrame", "pl.DataFrame", "pa.Table"])
def test_columns_are_those_that_the_library_gives(project: DiskProject, form: str) -> None:
    source(project, 'source.file("orders.csv")')
    project.asset("reads", "return len(orders)", reads=f'orders: Annotated[{form}, columns("name")]')
    built = []
    for text in ("x,1\n", "x,2\n", "NA,2\n", '"",2\n'):
        project.file("orders.csv", f"name,other\ny,0\n{text}")
        built.append(project.build() == ["reads"])
    assert built == [True, False, True, form != "pd.DataFrame"]


def test_a_reader_recorded_with_the_table_of_another_library_is_stale(project: DiskProject, monkeypatch) -> None:
    """As after an upgrade: Arrow's tables were converted for all readers once, so what pandas got has changed."""
    project.file("orders.csv", "id,name\n1,\n")
    source(project, 'source.file("orders.csv")')
    project.asset("in_arrow", "return orders['name'].to_pylist()", reads="orders: pa.Table")
    project.asset("in_pandas", _SEES, reads="orders: pd.DataFrame")
    with monkeypatch.context() as before:
        before.setattr(
            "assetctl.engine.workspace.observation.table_identity",
            lambda path, digest, cache, family, options: table_identity(path, digest_file(path)),
        )
        assert project.build() == ["in_arrow", "in_pandas"]
    assert project.build() == ["in_pandas"]


def test_a_file_that_an_asset_returns_is_read_by_the_library_too(project: DiskProject) -> None:
    project.top("from pathlib import Path\nHERE = Path(__file__).parent")
    project.asset("orders", "path = HERE / 'made.csv'\npath.write_text('id,name\\n1,\\n2,x\\n')\nreturn path")
    project.asset("in_pandas", _SEES, reads="orders: pd.DataFrame")
    project.asset("in_arrow", "return orders['name'].to_pylist()", reads="orders: pa.Table")
    project.build()
    assert (project.value("in_pandas"), project.value("in_arrow")) == (["nan", "'x'"], ["", "x"])


def test_databases_and_parquet_folders_are_tables(project: DiskProject) -> None:
    connection = sqlite3.connect(project.root / "shop.db")
    connection.execute("create table t (name text)")
    connection.execute("insert into t values ('x')")
    connection.commit()
    connection.close()
    (project.root / "parts.parquet").mkdir()
    parquet.write_table(pa.table({"name": ["y"]}), project.root / "parts.parquet" / "0.parquet")
    source(project, 'source.file("shop.db", options={"table": "t"})')
    project.top('parts = source.directory("parts.parquet")')
    project.asset("of_database", _SEES, reads="orders: pd.DataFrame")
    project.asset("of_parts", _SEES.replace("orders", "parts"), reads="parts: pd.DataFrame")
    assert project.build() == ["of_database", "of_parts"]
    assert (project.value("of_database"), project.value("of_parts")) == (["'x'"], ["'y'"])
    parquet.write_table(pa.table({"name": ["z"]}), project.root / "parts.parquet" / "1.parquet")
    assert project.build() == ["of_parts"]


def test_a_column_that_is_there_twice_is_refused(project: DiskProject) -> None:
    project.file("orders.csv", "name,name\nx,1\n")
    source(project, 'source.file("orders.csv")')
    project.asset("reads", "return 1", reads='orders: Annotated[pa.Table, columns("name")]')
    with project.open() as opened:
        result = opened.materialize(jobs=1)
    (failed,) = [event for event in result.events if type(event).__name__ == "StepFailed"]
    assert failed.message == "source `orders` has more than one column `name`"
    assert dataclasses.asdict(failed)["error_type"] == "AssetFailed"
