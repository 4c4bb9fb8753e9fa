"""A file is read as a table by the library that is asked for, by its own reader and with its own options."""

from __future__ import annotations

import bz2
import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal
from pyarrow import csv, feather, parquet

from assetctl.assets.errors import DeclarationError
from assetctl.assets.read_options import check_options, options_text
from assetctl.lineage.facts.ports import Form
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.sources import observing, parsing
from assetctl.storage.sources.observing import digest_file, table_identity
from assetctl.storage.sources.parsing import open_table, parse_table, parse_with_any, reader_name

FAMILIES = (Form.PANDAS, Form.POLARS, Form.ARROW)
TEXTS: dict[str, bytes] = {
    "quoted empty": b'a,b\n"",1\n,2\nx,3\n',
    "missing words": b"a,b\nNA,1\nNone,2\nnull,\n",
    "dates": b"d\n2020-01-01\n2020-02-03\n",
    "leading zeros": b"z\n00123\n0045\n",
    "thousands": b'n\n"1,234"\n"5,678"\n',
    "byte order mark": b"\xef\xbb\xbfa,b\n1,2\n",
    "carriage returns": b"a,b\r\n1,2\r\n",
    "one name twice": b"a,a\n1,2\n",
    "header only": b"a,b\n",
    "names of an index": b",index,index:\n0,1,2\n1,3,4\n",
    "line breaks inside": b'a,b\n"x\ny",1\n',
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def problem_of(path: Path, family: Form, **options: Any) -> Any:
    with pytest.raises(DeclarationError) as raised:
        parse_table(path, (), family, options)
    return raised.value.problems[0]


@pytest.mark.parametrize("name", TEXTS)
def test_csv_is_what_each_library_reads(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.csv", TEXTS[name])
    assert_frame_equal(parse_table(path, (), Form.PANDAS), pd.read_csv(path))
    assert_polars_equal(parse_table(path, (), Form.POLARS), pl.read_csv(path))
    assert parse_table(path).equals(csv.read_csv(path), check_metadata=True)
    for family in FAMILIES:
        assert table_identity(path, digest_file(path), None, family) == identify_value(parse_table(path, (), family))


def test_an_empty_field_is_missing_to_pandas_and_text_to_arrow(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a\n\nx\n".replace(b"\n\n", b'\n""\n'))
    assert parse_table(path, (), Form.PANDAS)["a"].isna().tolist() == [True, False]
    assert parse_table(path)["a"].to_pylist() == ["", "x"]


OPTIONS: list[tuple[Form, dict[str, Any], dict[str, list[Any]]]] = [
    (Form.PANDAS, {"sep": ";", "decimal": ",", "encoding": "latin-1"}, {"é": [1, 12], "b": [1.5, 2.0]}),
    (Form.PANDAS, {"sep": ";", "encoding": "latin-1", "dtype": str}, {"é": ["01", "12"], "b": ["1,5", "2"]}),
    (Form.POLARS, {"separator": ";", "encoding": "latin-1", "infer_schema": False}, {"é": ["01", "12"], "b": ["1,5", "2"]}),
    (Form.POLARS, {"separator": ";", "encoding": "latin-1", "schema_overrides": {"é": pl.String}, "columns": ["é"]}, {"é": ["01", "12"]}),
    (Form.ARROW, {"delimiter": ";", "encoding": "latin-1", "column_types": {"é": pa.string()}}, {"é": ["01", "12"], "b": ["1,5", "2"]}),
    (Form.ARROW, {"delimiter": ";", "encoding": "latin-1", "decimal_point": ","}, {"é": [1, 12], "b": [1.5, 2.0]}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "options", "expected"), OPTIONS)
def test_options_are_those_of_the_library(
    tmp_path: Path, family: Form, options: dict[str, Any], expected: dict[str, list[Any]]
) -> None:
    path = write(tmp_path / "a.csv", "é;b\n01;1,5\n12;2\n".encode("latin-1"))
    table = parse_table(path, (), family, options)
    got = table.to_dict("list") if family is Form.PANDAS else table.to_dict(as_series=False) if family is Form.POLARS else table.to_pydict()  # fmt: skip
    assert got == expected
    assert check_options(options, "p.py:1") == options
    assert table_identity(path, digest_file(path), None, family, options) == identify_value(table)


@pytest.mark.parametrize(
    ("family", "given", "nearest"),
    [
        (Form.POLARS, "sep", "separator"),
        (Form.ARROW, "sep", "delimiter"),
        (Form.PANDAS, "separator", "sep"),
        (Form.PANDAS, "seperator", "sep"),
        (Form.ARROW, "dtype", "column_types"),
        (Form.POLARS, "na_values", "null_values"),
        (Form.PANDAS, "encodnig", "encoding"),
        (Form.ARROW, "nonsense", None),
    ],
)
def test_an_option_that_the_library_lacks_is_named_with_the_nearest(
    tmp_path: Path, family: Form, given: str, nearest: str | None
) -> None:
    problem = problem_of(write(tmp_path / "a.csv", b"a\n1\n"), family, **{given: ";"})
    assert problem.code == "bad-option"
    assert f"has no option `{given}`" in problem.message
    assert problem.hint.startswith(f"did you mean `{nearest}`?" if nearest else "Options are")


def test_options_that_make_something_else_than_a_table_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a\n1\n")
    assert "chunksize=1 it is a `TextFileReader`" in problem_of(path, Form.PANDAS, chunksize=1).message


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", "a,b\nx,1\ny,é\n".encode("latin-1"), 3),
        ("a.csv", "a,é\nx,1\n".encode("latin-1"), 1),
        ("a.tsv", "a\tb\n1\té\n".encode("latin-1"), 2),
        ("a.jsonl", '{"a": 1}\n{"a": "é"}\n'.encode("latin-1"), 2),
        ("a.csv.gz", gzip.compress("a,b\nx,1\ny,é\n".encode("latin-1")), 3),
        ("a.csv.bz2", bz2.compress("a,b\nx,é\n".encode("latin-1")), 2),
    ],
)
def test_wrong_bytes_are_an_error_with_file_and_line(
    tmp_path: Path, family: Form, name: str, content: bytes, line: int
) -> None:
    path = write(tmp_path / name, content)
    problem = problem_of(path, family)
    assert problem.code == "source-not-a-table"
    assert f"line {line} has the byte 0xE9, which is not utf-8" in problem.message
    assert problem.facts[0] == ("file", f"{path}:{line}")
    with pytest.raises(DeclarationError):
        table_identity(path, digest_file(path), None, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_utf_16_is_recognized(tmp_path: Path, family: Form) -> None:
    path = write(tmp_path / "a.csv", "a,b\n1,é\n".encode("utf-16"))
    assert 'options={"encoding": "utf-16"}' in problem_of(path, family).hint
    assert next(iter(parse_table(path, (), family, {"encoding": "utf-16"})["b"])) in ("é", pa.scalar("é"))


def test_bytes_may_be_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a\né\n".encode("latin-1"))
    assert parse_table(path, options={"column_types": {"a": pa.binary()}})["a"].to_pylist() == [b"\xe9"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_format_is_read_by_every_library(tmp_path: Path, family: Form) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather")
    feather.write_feather(table, tmp_path / "a.arrow")
    with pa.OSFile(str(tmp_path / "stream.ipc"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    lines = b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
    for name, content in {
        "a[1].csv": b"a,b\n1,x\n2,y\n",  # no pattern
        "a.tsv": b"a\tb\n1\tx\n2\ty\n",
        "a.jsonl": lines,
        "a.ndjson": lines,
        "lines.json": lines,
        "a.json": b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        "a.csv.gz": gzip.compress(b"a,b\n1,x\n2,y\n"),
        "a.csv.bz2": bz2.compress(b"a,b\n1,x\n2,y\n"),
        "a.jsonl.gz": gzip.compress(lines),
    }.items():
        write(tmp_path / name, content)
    with pa.output_stream(str(tmp_path / "a.csv.lz4"), compression="lz4") as out:
        out.write(b"a,b\n1,x\n2,y\n")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table t (a integer, b text)")
        connection.executemany("insert into t values (?, ?)", [(1, "x"), (2, "y")])
    connection.close()
    for path in sorted(tmp_path.iterdir()):
        options = {"table": "t"} if path.suffix == ".db" else {}
        read = parse_table(path, (), family, options)
        assert pa.table(read).select(["a", "b"]).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}, path.name
        assert list(read.columns if family is not Form.ARROW else read.column_names) == ["a", "b"], path.name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_parquet_folder_is_one_table(tmp_path: Path, family: Form) -> None:
    folder = tmp_path / "t.parquet"
    for month in (1, 2):
        (folder / f"month={month}").mkdir(parents=True)
        parquet.write_table(pa.table({"a": [month]}), folder / f"month={month}" / "0.parquet")
    read = parse_table(folder, (), family)
    assert sorted(map(int, list(read["a"]) if family is not Form.ARROW else read["a"].to_pylist())) == [1, 2]
    digest = observing.digest_directory(folder)[0]
    assert table_identity(folder, digest, tmp_path / "cache", family) == identify_value(read)


def test_a_parquet_file_is_pandas_own_frame_with_its_index(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=pd.Index(["p", "q"], name="key"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert_frame_equal(parse_table(tmp_path / "a.parquet", (), Form.PANDAS), frame)
    assert_frame_equal(parse_table(tmp_path / "a.parquet", ("b",), Form.PANDAS), frame[["b"]])
    assert open_table(tmp_path / "a.parquet").read_all().column_names == ["a", "b", "key"]


def test_what_is_remembered_is_told_apart_by_library_and_options(tmp_path: Path, monkeypatch: Any) -> None:
    path = write(tmp_path / "a.csv", b"a;b\n1;\n")
    ways: list[tuple[Form, dict[str, Any]]] = [(family, {}) for family in FAMILIES]
    ways += [(Form.PANDAS, {"sep": ";"}), (Form.POLARS, {"separator": ";"}), (Form.ARROW, {"delimiter": ";"})]
    for _ in range(2):  # once parsed, once remembered
        for family, options in ways:
            identity = table_identity(path, digest_file(path), tmp_path / "cache", family, options)
            assert identity == identify_value(parse_table(path, (), family, options)), (family, options)
    assert len(list((tmp_path / "cache" / "tables").iterdir())) == len(ways)
    before = reader_name(path, Form.PANDAS)
    monkeypatch.setattr(pd, "__version__", "99.0.1")
    assert reader_name(path, Form.PANDAS) == before.replace(f"pandas-{_VERSION}", "pandas-99.0.1")


_VERSION = pd.__version__


def test_cells_that_have_no_identity_count_by_their_bytes(tmp_path: Path, monkeypatch: Any) -> None:
    from assetctl.lineage.identity.values import identify

    def refuse(value: object) -> None:
        raise identify.Unencodable("", "x")

    monkeypatch.setattr(identify, "identify_value", refuse)
    versions = []
    for content in (b"a\n1\n", b"a\n1\n\n", b"a\n1\n"):
        path = write(tmp_path / "a.csv", content)
        versions.append(table_identity(path, digest_file(path), None, Form.PANDAS).version)
    assert versions[0] == versions[2] != versions[1]


def database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


_TABLES = ("create table orders (id integer, name text)", "insert into orders values (1, null)", "create table b (x)")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, 'options={"table": "b"}'),
        ({"table": "order"}, "did you mean `orders`?"),
        ({"table": "orders", "query": "select 1"}, "its tables: b, orders"),
        ({"query": "select random() as r"}, "not authorized"),
        ({"query": "select date('now') as d"}, "not authorized"),
        ({"query": "select date() as d"}, "not authorized"),
        ({"query": "select current_timestamp as d"}, "not authorized"),
        ({"query": "delete from orders"}, "not authorized"),
        ({"query": "attach ':memory:' as m"}, "not authorized"),
    ],
)
def test_what_cannot_be_read_of_a_database_says_why(
    tmp_path: Path, family: Form, options: dict[str, Any], said: str
) -> None:
    path = database(tmp_path / "a.db", *_TABLES)
    assert said in problem_of(path, family, **options).message
    assert parse_table(path, options={"query": "select count(*) as n from orders"}).to_pydict() == {"n": [1]}


def test_a_database_that_is_being_written_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path / "a.sqlite", "pragma journal_mode=wal", *_TABLES)
    assert parse_table(path, options={"table": "orders"}).to_pydict() == {"id": [1], "name": [None]}
    connection = sqlite3.connect(path)
    connection.execute("insert into orders values (2, 'x')")
    connection.commit()
    assert "a part of it is in `a.sqlite-wal`" in problem_of(path, Form.ARROW, table="orders").message
    connection.close()
    assert parse_table(path, options={"table": "orders"}).num_rows == 2


@pytest.mark.parametrize("family", FAMILIES)
def test_excel_needs_a_library_that_is_named(tmp_path: Path, family: Form, monkeypatch: Any) -> None:
    really = parsing._version
    monkeypatch.setattr(parsing, "_version", lambda name: None if name in ("openpyxl", "fastexcel") else really(name))
    problem = problem_of(write(tmp_path / "a.xlsx", b"PK"), family)
    assert (problem.code, problem.hint) == ("library-missing", "pip install 'assetctl[excel]'")


@pytest.mark.parametrize("family", FAMILIES)
def test_excel_sheets_are_read(tmp_path: Path, family: Form) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="one", index=False)
        pd.DataFrame({"b": ["x"]}).to_excel(writer, sheet_name="two", index=False)
    assert pa.table(parse_table(path, (), family)).to_pydict() == {"a": [1]}
    assert pa.table(parse_table(path, (), family, {"sheet_name": "two"})).to_pydict() == {"b": ["x"]}
    assert "it is a `dict`" in problem_of(path, Form.PANDAS, sheet_name=None).message


@pytest.mark.parametrize("options", [{"sep": ";"}, {"separator": ";"}, {"delimiter": ";"}])
def test_sql_reads_a_source_with_whatever_library_its_options_are_of(tmp_path: Path, options: dict[str, str]) -> None:
    path = write(tmp_path / "a.csv", b"a;b\n1;x\n")
    assert parse_with_any(path, options).to_pydict() == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize("value", [lambda: 1, object(), Path("x"), {"a": len}, [object()], type("Own", (), {})])
def test_an_option_that_has_no_text_of_its_own_is_refused(value: object) -> None:
    with pytest.raises(DeclarationError) as raised:
        check_options({"converters": value}, "p.py:3")
    assert raised.value.problems[0].code == "bad-option"
    assert raised.value.problems[0].facts == (("declared in", "p.py:3"),)


def test_options_that_differ_have_different_texts() -> None:
    many = [str(number) for number in range(1000)]
    other = [*many[:500], "x", *many[501:]]
    values = [1, True, 1.0, "1", b"1", None, [1], (1,), {"1": 1}, {1: 1}, {1}, str, int, pl.Int64, pl.Int32, pa.int64(),
              pa.string(), pd.CategoricalDtype(many), pd.CategoricalDtype(other), pd.CategoricalDtype(many, ordered=True),
              pl.Enum(many), pl.Enum(other), pd.Int64Dtype(), pl.Datetime("ms"), pl.Datetime("us")]  # fmt: skip
    texts = [options_text({"a": value}) for value in values]
    assert len(set(texts)) == len(texts)
    assert "None" not in texts[3:]
    assert options_text({"b": 1, "a": 2}) == options_text({"a": 2, "b": 1}) == "a=2, b=1"


@pytest.mark.parametrize("read", [parse_table, lambda path: open_table(path).read_all()], ids=["whole", "stream"])
def test_what_does_not_count_in_a_source_is_not_handed_out_either(read, tmp_path):
    fields = [pa.field("a", pa.large_string(), metadata={"unit": "km"}), pa.field("b", pa.int64(), nullable=False)]
    marked = pa.table([["x"], [1]], schema=pa.schema(fields, {"made": "by hand"}))
    plain = pa.table({"a": ["x"], "b": [1]})
    for name, table in (("marked.parquet", marked), ("plain.parquet", plain)):
        parquet.write_table(table, tmp_path / name)
    got = [read(tmp_path / name) for name in ("marked.parquet", "plain.parquet")]
    assert got[0].equals(got[1], check_metadata=True)
    assert got[1].equals(plain, check_metadata=True)
