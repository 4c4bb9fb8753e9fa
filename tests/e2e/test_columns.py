"""Column-precise loading: a parameter that declares columns depends on those alone, whatever its upstream is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.e2e.projects import DiskProject

_ASSETS = {
    "arrow": "return pa.table({'a': %(a)s, 'b': %(b)s})",
    "pandas": "import pandas as pd\nreturn pd.DataFrame({'a': %(a)s, 'b': %(b)s}, index=%(index)s)",
    "polars": "import polars as pl\nreturn pl.DataFrame({'a': %(a)s, 'b': %(b)s})",
    "reader": "return pa.table({'a': %(a)s, 'b': %(b)s}).to_reader()",
    "parts": "yield pa.table({'a': %(a)s[:1], 'b': %(b)s[:1]})\nyield pa.table({'a': %(a)s[1:], 'b': %(b)s[1:]})",
}
_FIRST = {"a": [1, 2], "b": ["x", "y"], "index": ["p", "q"]}
_FORMS = ["pa.Table", "pa.RecordBatchReader", "pd.DataFrame", "pl.DataFrame", "Any"]
_TWO = ("pa.Table", "Any")


@pytest.fixture
def project(tmp_path):
    project = DiskProject(tmp_path)
    project.top("from typing import Annotated, Any\nimport pandas as pd\nimport polars as pl\nimport pyarrow as pa")
    return project


def _reader(project: DiskProject, form: str) -> None:
    body = "table = made.read_all() if hasattr(made, 'read_all') else made\n"
    body += "return [str(name) for name in getattr(table, 'column_names', None) or list(table.columns)]"
    project.asset("reads", body, reads=f'made: Annotated[{form}, columns("a")]')


@pytest.mark.parametrize(
    ("kind", "form"),
    [*(("arrow", form) for form in _FORMS), *((kind, form) for kind in _ASSETS if kind != "arrow" for form in _TWO)],
)
def test_of_an_asset_only_the_columns_that_are_read_count(project, kind, form):
    project.asset("made", _ASSETS[kind] % _FIRST)
    _reader(project, form)
    assert project.build() == ["made", "reads"]
    assert project.value("reads") == ["a"]
    project.asset("made", _ASSETS[kind] % {**_FIRST, "b": ["x", "z"]})
    assert project.build() == ["made"]
    project.asset("made", _ASSETS[kind] % {**_FIRST, "b": ["x", "z"], "a": [1, 3]})
    assert project.build() == ["made", "reads"]
    if kind == "pandas":
        project.asset("made", _ASSETS[kind] % {**_FIRST, "b": ["x", "z"], "a": [1, 3], "index": ["p", "r"]})
        assert project.build() == ["made", "reads"]


def _write(project: DiskProject, name: str, columns: dict[str, list[object]]) -> None:
    path = project.root / name
    if name.endswith(".parquet"):
        parquet.write_table(pa.table(columns), path)
    else:
        rows = zip(*columns.values(), strict=True)
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")


@pytest.mark.parametrize(
    ("name", "form"), [*(("made.parquet", form) for form in _FORMS if form != "Any"), ("made.csv", "pd.DataFrame")]
)
def test_of_a_file_only_the_columns_that_are_read_count(project, name, form):
    _write(project, name, {"a": [1, 2], "b": ["x", "y"]})
    project.top(f'made = source.file("{name}")')
    _reader(project, form)
    assert project.build() == ["reads"]
    assert project.value("reads") == ["a"]
    _write(project, name, {"a": [1, 2], "b": ["x", "zzz"]})
    assert project.build() == []
    _write(project, name, {"a": [1, 3], "b": ["x", "zzz"]})
    assert project.build() == ["reads"]


@pytest.mark.parametrize("form", ["pa.Table", "pa.RecordBatchReader"])
def test_a_column_that_a_file_lacks_is_named_with_those_it_has(project, form):
    _write(project, "made.parquet", {"b": [1], "c": [2]})
    project.top('made = source.file("made.parquet")')
    _reader(project, form)
    with project.open() as opened:
        result = opened.materialize(jobs=1)
    (failed,) = [event for event in result.events if type(event).__name__ == "StepFailed"]
    assert failed.message == "source `made` has no column `a`"
    assert "b, c" in failed.traceback
