"""The lineage schema: one definition, its text, its rows and its classes agree."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from sqlmodel import col, select

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import Forgotten, RunFinished, RunId, RunStarted
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.folding import schema_text
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.schema import tables
from assetctl.storage.schema.ddl import DDL_FILE, POSTGRES_FILE, generate_ddl, generate_postgres_ddl
from assetctl.storage.schema.rows import COLUMNS
from assetctl.storage.schema.views import AS_OF
from assetctl.storage.state.layout import Layout
from tests.storage.facts import WHEN, made, observed, output, read, version

PAGE = (Path(__file__).parents[2] / "docs" / "lineage-schema.md").read_text("utf-8")
DOCUMENTED = [
    "assets",
    "materializations",
    "inputs",
    "columns",
    "runs",
    "steps",
    "checks",
    "metrics",
    "symbols",
    "observations",
    "decisions",
    "forgotten",
    "pins",
    "renames",
]


def described(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    rows = con.execute(
        "SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns"
        " WHERE table_schema = 'lineage' GROUP BY table_name"
    ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def schema() -> dict[str, list[str]]:
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS store; USE store;" + schema_text())
    columns = described(con)
    con.close()
    return columns


def test_the_committed_ddl_is_the_generated_one() -> None:
    assert DDL_FILE.read_text("utf-8") == generate_ddl(), "run `python -m assetctl.storage.schema.ddl`"
    assert POSTGRES_FILE.read_text("utf-8") == generate_postgres_ddl(), "run `python -m assetctl.storage.schema.ddl`"


def test_every_documented_table_exists(schema: dict[str, list[str]]) -> None:
    assert set(DOCUMENTED) <= set(schema)


def test_classes_views_and_tables_have_the_same_columns(schema: dict[str, list[str]]) -> None:
    declared = {
        table.name: [column.name for column in table.columns] for table in tables.LineageModel.metadata.sorted_tables
    }
    assert {name: sorted(columns) for name, columns in declared.items()} == {
        name: sorted(columns) for name, columns in schema.items()
    }


def test_rows_fill_every_column_of_their_tables(schema: dict[str, list[str]]) -> None:
    assert {name: sorted(columns) for name, columns in COLUMNS.items()} == {
        name: sorted(schema[name]) for name in COLUMNS
    }


def test_no_column_is_a_reserved_word(schema: dict[str, list[str]]) -> None:
    con = duckdb.connect()
    words = con.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    con.close()
    reserved = {word for (word,) in words} | {"at"}
    assert [name for columns in schema.values() for name in columns if name in reserved] == []


def test_every_column_is_documented(schema: dict[str, list[str]]) -> None:
    for table in DOCUMENTED:
        section = PAGE.split(f"## `lineage.{table}`", 1)[1].split("\n## ", 1)[0]
        missing = [column for column in schema[table] if f"| `{column}` |" not in section]
        assert missing == [], f"{table} in docs/lineage-schema.md"


def test_nothing_is_documented_that_is_not_there(schema: dict[str, list[str]]) -> None:
    for section in PAGE.split("\n## `lineage.")[1:]:
        table, _, rest = section.partition("`")
        columns = re.findall(r"^\| `(\w+)` \|", rest.split("\n## ")[0], re.MULTILINE)
        assert columns, table
        assert set(columns) == set(schema[table]), table


def test_every_question_as_of_a_moment_is_documented() -> None:
    section = PAGE.split("## As of a moment", 1)[1].split("\n## ", 1)[0]
    assert {
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    } == set(AS_OF)
    assert set(AS_OF) == set(DOCUMENTED) - {"symbols"}


def test_the_documented_examples_work(store: DuckLineageStore) -> None:
    section = PAGE.split("## As of a moment", 1)[1].split("\n## ", 1)[0]
    (examples,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    statements = [text for text in examples.split(";\n") if text.strip()]
    assert len(statements) == 5
    for statement in statements:
        store.query(statement)
    assert store.query(statements[-1]).to_pylist() != []


def moments(store: DuckLineageStore, question: str) -> list[dict[str, object]]:
    return store.query(question).to_pylist()


def test_as_of_is_what_was_there_then(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    journal.append([RunStarted(RunId("r1"), at("01"), (), "x"), replace(made("a", "1", run="r1"), started_at=at("01"))])
    journal.append(
        [RunFinished(RunId("r1"), at("02"), "succeeded", 1.0, ()), Forgotten((Target.parse("b"),), at("03"), "rm b")]
    )
    slow = replace(made("a", "2", run="r2"), started_at=at("04"), duration_s=86_400.0 * 2)
    journal.append(
        [RunStarted(RunId("r2"), at("04"), (), "x"), slow, replace(observed("s", "1"), observed_at=at("06"))]
    )
    store = DuckLineageStore(layout, journal)
    published = "SELECT asset, data_version FROM lineage.{} ORDER BY asset"
    first, second = [{"asset": "a", "data_version": version(text)} for text in "12"]
    for way in (f"TIMESTAMPTZ '{at('03')}'", f"'{at('05')}'"):
        assert moments(store, published.format(f"assets_as_of({way})")) == [first]
        assert moments(store, published.format(f"materializations_as_of({way})")) == [first]
    assert moments(store, published.format(f"materializations_as_of('{at('07')}')")) == [second]
    assert moments(store, published.format("assets_as_of_run('r1')")) == [first]
    assert moments(store, published.format("assets_as_of_run('no such run')")) == []
    assert moments(store, published.format("assets_as_of_position(0)")) == []
    assert len(moments(store, published.format("assets_as_of_position(99)"))) == 2
    status = "SELECT status FROM lineage.runs_as_of('{}')"
    assert [moments(store, status.format(at(day))) for day in ("01", "02")] == [
        [{"status": "unfinished"}],
        [{"status": "succeeded"}],
    ]


def test_as_of_knows_what_was_forgotten_only_later(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    journal.append([replace(made("a", "1"), started_at=at("01")), Forgotten((Target.parse("a"),), at("03"), "rm a")])
    store = DuckLineageStore(layout, journal)
    question = "SELECT data_version IS NULL AS gone FROM lineage.assets_as_of('{}')"
    assert moments(store, question.format(at("02"))) == [{"gone": False}]
    assert moments(store, question.format(at("04"))) == [{"gone": True}]


def at(day: str) -> str:
    return f"2026-01-{day}T00:00:00+00:00"


@pytest.fixture
def store(tmp_path: Path) -> DuckLineageStore:
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    inputs = (read("b", "b", "1"), read("a", "a", "1", is_source=True, columns=("x", "y")))
    journal.append([RunStarted(RunId("run1"), WHEN, ("model",), "materialize model"), observed("a", "1")])
    journal.append([made("model", "1", inputs=inputs, outputs=(output("model", "1", columns=("x", "y")),))])
    journal.append(
        [made("model", "2", inputs=inputs, published=False), RunFinished(RunId("run1"), WHEN, "succeeded", 2.5, ())]
    )
    return DuckLineageStore(layout, journal)


def test_a_person_reads_with_the_orm(store: DuckLineageStore) -> None:
    with store.session() as session:
        chosen = select(tables.Materialization).where(col(tables.Materialization.published))
        made_once = session.exec(chosen).one()
        assert [given.upstream for given in made_once.inputs] == ["a", "b"]
        assert [column.name for column in made_once.columns] == ["x", "y"]
        assert made_once.started_at is not None
        assert made_once.started_at.isoformat() == WHEN
        run = session.exec(select(tables.Run)).one()
        assert (run.status, run.n_materialized, run.duration_s) == ("succeeded", 2, 2.5)


def test_assets_show_what_is_published_and_count_everything(store: DuckLineageStore) -> None:
    rows = {row["asset"]: row for row in store.query("SELECT * FROM lineage.assets").to_pylist()}
    assert set(rows) == {"a", "model"}
    assert (rows["a"]["is_source"], rows["model"]["is_source"]) == (True, False)
    model = store.snapshot([Target.parse("model")]).latest[Target.parse("model")]
    assert rows["model"]["materialization_id"] == model.materialization.id
    assert rows["model"]["n_records"] == 2


def test_a_run_that_never_ended_is_unfinished(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    journal.append([RunStarted(RunId("run1"), WHEN, (), "materialize")])
    rows = DuckLineageStore(layout, journal).query("SELECT status, n_failed FROM lineage.runs").to_pylist()
    assert rows == [{"status": "unfinished", "n_failed": 0}]


def test_the_file_opens_with_other_tools_under_any_name(store: DuckLineageStore, tmp_path: Path) -> None:
    store.refresh()
    con = duckdb.connect(str(Layout.of(tmp_path).lineage_db), read_only=True)
    assert con.execute("SELECT count(*) FROM lineage.lineage.assets").fetchone() == (2,)
    con.close()


def test_a_session_without_a_database_says_so(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    with (
        pytest.raises(EnvironmentFault, match="no lineage database"),
        DuckLineageStore(layout, FileJournal(layout)).session(),
    ):
        pass
