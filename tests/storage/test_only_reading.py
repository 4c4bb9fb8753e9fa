"""A person's SQL can neither write nor reach what it was not given: by what is judged, and by the connection alone."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from assetctl.assets.errors import SelectionError
from assetctl.storage.lineage_store.duck import CONFIG, answer_all, answer_apart, in_memory, opened
from assetctl.storage.lineage_store.only_reading import checked
from assetctl.storage.lineage_store.readable import Readable
from assetctl.storage.lineage_store.user_sql import close_off
from tests.storage.sql_statements import Statements

CANARY = "canary-of-another-folder"
TABLE = {"t": pa.table({"a": [1, 2], "b": ["x", "y"], "c": [1, 1]})}


@dataclass(frozen=True)
class Place:
    """A project with files beside and around it."""

    project: Path
    outside: Path
    url: str

    @property
    def readable(self) -> Readable:
        return Readable((self.project,), (self.project / ".assetctl",))

    def contents(self) -> dict[str, tuple[int, int, bytes]]:
        """Return every file and folder here, with its time, mode and bytes."""
        paths = sorted(self.project.parent.rglob("*"))
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
            for path in paths
            if path.name != "lineage.duckdb"  # it is open: reading it would drop its lock
        }


@pytest.fixture
def place(tmp_path, monkeypatch) -> Iterator[Place]:
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / ".assetctl").mkdir()
    (project / "inside.csv").write_text("a,b,c\n1,x,1\n2,y,1\n")
    (project / "inside.json").write_text('{"a": 1}')
    outside = tmp_path / "outside.csv"
    outside.write_text(f"a,b,c\n{CANARY},x,1\n")
    (project / "link.csv").symlink_to(outside)
    with closing(in_memory()) as con:
        con.execute(f"ATTACH '{project}/.assetctl/lineage.duckdb' AS file; COPY FROM DATABASE store TO file")
    monkeypatch.chdir(project)
    monkeypatch.setenv("TMPDIR", str(tmp_path.parent))
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setblocking(False)
        yield Place(project, outside, f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("from 'inside.csv'", [(1, "x", 1), (2, "y", 1)]),
        ("select a from './inside.csv' where b = 'x'", [(1,)]),
        ("select count(*) from read_csv('*side.csv')", [(2,)]),
        ("select count(*) from read_csv(['inside.csv', 'inside.csv'])", [(4,)]),
        ('select a from read_csv("inside.csv") order by a desc', [(2,), (1,)]),
        ("select file from glob('*.json')", [("inside.json",)]),
        ("pivot t on b using sum(a)::int", [(1, 1, 2)]),
        ("from (pivot t on b || c using sum(a)::int)", [(1, 2)]),
        ("with p as (pivot t on b in (select 'x') using sum(a)::int) from p", [(1, 1)]),
        ("pivot t join (select 1 as a) u using (a) on b using count(*) group by a", [(1, 1)]),
        ("/* a */ select 1 -- copy t to 'x'", [(1,)]),
        ("select 'copy t to ''x'''", [("copy t to 'x'",)]),
        ("from t select sum(a)::int;", [(3,)]),
    ],
)
def test_what_reads_is_answered(place, query, rows):
    with closing_answer(query, place) as table:
        assert [tuple(row.values()) for row in table.to_pylist()] == rows


@pytest.mark.parametrize("options", ["", "analyze", "(analyze)", "(format json)", "(analyze, format json)", "/* ( */"])
def test_a_query_can_be_explained(place, options):
    with closing_answer(f"explain {options} select a from t", place) as table:
        assert table.num_rows >= 1


@contextmanager
def closing_answer(query: str, place: Place) -> Iterator[pa.Table]:
    answer = answer_apart(query, TABLE, place.readable)
    try:
        yield answer.table()
    finally:
        answer.close()


REFUSED = [
    "copy (pivot t on b using sum(a)) to 'out.csv'",
    "explain copy (pivot t on b using sum(a)) to 'out.csv'",
    "explain analyze (pivot t on b using sum(a)) ; copy t to 'out.csv'",
    "create table u as pivot t on b using sum(a)",
    "insert into t pivot t on b using sum(a)",
    "with x as (from t) insert into t pivot x on b",
    "explain (analyze --\n) copy t to 'out.csv'",
    "explain (analyze /* ) */) insert into t values (1)",
    "with x as (insert into t values (1, 'z', 1) returning *) from x",
    "pivot (with x as (delete from t returning *) from x) on b",
    "pivot t on b in (from enable_logging()) using sum(a)",
    "from enable_logging(storage = 'file', storage_path = 'log')",
    "from ENABLE_PROFILING(save_location = 'out.json')",
    'from "Enable_Logging"()',
    "select a from t where a in (from checkpoint())",
    "select 'x'.write_log()",
    "select (select nextval('s'))",
    "select current_setting('secret_directory')",
    "from query('copy t to ''out.csv''')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "from read_duckdb('inside.duckdb')",
    "from read_csv('in' || 'side.csv')",
    "from read_csv(getvariable('x'))",
    "select * from t, read_text(t.b)",
    "from read_text(['inside.csv', lower('X')])",
    "from duckdb_secrets()",
    "from duckdb_settings()",
    "execute p",
    "call duckdb_tables()",
    "use memory",
]


@pytest.mark.parametrize("query", REFUSED)
def test_what_does_more_than_read_is_refused_before_it_runs(place, query):
    with closing(duckdb.connect(":memory:", config=CONFIG)) as con, pytest.raises(SelectionError):
        checked(con, duckdb.tokenize, query)


@pytest.mark.parametrize(
    "query",
    ["from '../outside.csv'", "from '{outside}'", "from 'link.csv'", "from 'sub/../../outside.csv'", "from read_text('/etc/passwd')",
     "from glob('../*')", "from glob('/etc/*')", "from read_csv('../*.csv')", "from read_csv('{url}/x.csv')", "from '{url}/x.csv'",
     "from read_blob('file://{outside}')", "from read_blob('.assetctl/lineage.duckdb')", "from glob('.assetctl/*')",
     "from read_text('sub/*/../../../outside.csv')", "pivot t on b in (from read_text('../outside.csv')) using sum(a)",
     "explain analyze from '../outside.csv'", "describe '../outside.csv'"],
)  # fmt: skip
def test_other_files_are_out_of_reach(place, query):
    query = query.format(outside=place.outside, url=place.url)
    with pytest.raises(SelectionError) as refused:
        answer_apart(query, TABLE, place.readable).table()
    assert refused.value.problems[0].code == "file-outside"


def test_a_folder_that_is_given_can_be_read(place):
    answer = answer_apart("from '../outside.csv'", {}, Readable((place.project, place.outside.parent)))
    assert answer.table()["a"].to_pylist() == [CANARY]
    answer.close()


@pytest.mark.parametrize(
    "statement",
    ["copy (select 1) to 'out.csv'", "copy (select 1) to 'out.csv' (use_tmp_file false)", "copy (select 1) to '../out.csv'",
     "attach 'new.duckdb'", "attach '../new.duckdb'", "export database 'out'", "set threads = 1", "set allowed_directories = ['/']",
     "reset lock_configuration", "call enable_logging(storage = 'file', storage_path = 'log')", "load httpfs", "install httpfs",
     "from read_text('/etc/passwd')", "from '../outside.csv'", "insert into store.lineage.meta values ('a', 'b')",
     "drop table store.lineage.facts", "create table store.lineage.u as select 1",
     "create persistent secret (type http)", "copy (pivot inside on b) to 'out.csv'"],
)  # fmt: skip
def test_the_connection_alone_can_not_write(place, tmp_path, statement):
    """Executed without being judged."""
    before = place.contents()
    with opened(place.project / ".assetctl" / "lineage.duckdb", read_only=True) as con:
        close_off(con, ["inside.csv"], tmp_path / "spill")
        con.execute("BEGIN TRANSACTION READ ONLY")
        with pytest.raises(duckdb.Error):
            con.execute(statement)
    assert place.contents() == before


def test_every_function_with_effects_is_known():
    """A new DuckDB may bring functions that do more than compute."""
    with closing(duckdb.connect(":memory:")) as con:
        rows = con.execute("select distinct function_name from duckdb_functions() where has_side_effects").fetchall()
    harmless = {"random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "error", "stats", "vector_type", "current_query",
                "current_query_id", "current_connection_id", "current_transaction_id"}  # fmt: skip
    assert {name for (name,) in rows} - harmless == {"currval", "nextval", "setseed", "setval", "sleep_ms", "write_log"}


# --- many statements ---------------------------------------------------------------------


def try_statements(place: Place, seed: int, n: int) -> int:
    """Ask generated statements, return how many were answered; nothing may change, no other folder be seen."""
    places = {"outside": str(place.outside), "port": place.url}
    before = place.contents()
    n_answered = 0
    with closing(duckdb.connect(":memory:", config=CONFIG)) as judge:
        for at, statement in enumerate(itertools.islice(Statements(seed, places), n)):
            with suppress(SelectionError, duckdb.Error):
                checked(judge, duckdb.tokenize, statement)  # what is refused needs no connection
                answer = answer_of(place, statement, with_lineage=at % 2 == 0)
                try:
                    text = str(answer.table().to_pydict())
                finally:
                    answer.close()
                n_answered += 1
                assert CANARY not in text, statement
                assert "root:x:" not in text, statement
            if at % 100 == 0:
                assert place.contents() == before, f"seed {seed}, one of the 100 statements before {at}"
    assert place.contents() == before, f"seed {seed}"
    return n_answered


def try_on_a_closed_connection(place: Place, seed: int, n: int) -> None:
    """Execute generated statements without judging them, on connections that are closed off."""
    places = {"outside": str(place.outside), "port": place.url}
    before = place.contents()
    for statement in itertools.islice(Statements(seed, places), n):
        with opened(place.project / ".assetctl" / "lineage.duckdb", read_only=True) as con:
            close_off(con, [], place.project.parent / "spill")
            for part in ("BEGIN TRANSACTION READ ONLY", statement, "COMMIT"):
                with suppress(duckdb.Error):
                    assert CANARY not in str(con.execute(part).fetchall()), statement
    assert place.contents() == before, f"seed {seed}"


def answer_of(place: Place, statement: str, *, with_lineage: bool):
    if not with_lineage:
        return answer_apart(statement, TABLE, place.readable)
    with opened(place.project / ".assetctl" / "lineage.duckdb", read_only=True) as con:
        return answer_all(con, statement, TABLE, place.readable)


def test_no_generated_statement_writes_or_reaches_out(place):
    assert try_statements(place, 1, 200) >= 3  # else the statements are not even SQL


@pytest.mark.soak
def test_no_statement_of_a_long_campaign_writes_or_reaches_out(place):
    seed = int(os.environ.get("ASSETCTL_SEED", "25"))
    print("seed", seed)
    assert try_statements(place, seed, 10_000) >= 150
    try_on_a_closed_connection(place, seed + 1, 1_000)
