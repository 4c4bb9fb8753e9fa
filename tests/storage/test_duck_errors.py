"""What DuckDB's errors mean, provoked in DuckDB itself: it has words for most of them, and no types."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest

from assetctl.storage.lineage_store.duck import CONFIG, is_damage, is_in_the_way, lacks_quotes, missing_table

HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def attached(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:", config=CONFIG)
    try:
        con.execute(f"ATTACH '{path}' AS d{' (READ_ONLY)' if read_only else ''}")
    except BaseException:
        con.close()
        raise
    return con


def refusal(path: Path, statement: str = "FROM d.t", *, read_only: bool = False) -> Exception:
    """Return the error of attaching a database and running one statement on it."""
    with pytest.raises((duckdb.Error, OSError)) as caught, closing(attached(path, read_only=read_only)) as con:
        con.execute(statement).fetchall()
    return caught.value


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "d.duckdb"
    with closing(duckdb.connect(str(path))) as con:
        con.execute("CREATE TABLE t AS SELECT range i, hash(range) h FROM range(400_000)")
    return path


def test_a_database_that_another_process_holds_is_in_the_way(database: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        errors = [refusal(database), refusal(database, read_only=True)]
        other.communicate()
    assert [is_in_the_way(error) for error in errors] == [True, True], errors


def test_a_database_that_this_process_holds_is_in_the_way(database: Path) -> None:
    with closing(attached(database)):
        assert is_in_the_way(refusal(database))


def test_what_the_system_refuses_is_in_the_way(database: Path, tmp_path: Path) -> None:
    errors = {
        "no folder": refusal(tmp_path / "absent" / "d.duckdb"),
        "no space": refusal(Path("/dev/full")),
        "read only": refusal(database, "CREATE TABLE d.u (i INT)", read_only=True),
        "no memory": refusal(database, "SET memory_limit = '1MB'; SELECT h, random() FROM d.t ORDER BY 2"),
    }
    assert {name: is_in_the_way(error) for name, error in errors.items()} == dict.fromkeys(errors, True), errors


def test_a_file_that_may_not_be_opened_is_in_the_way(database: Path) -> None:
    """In a process of its own, which gives up the right to read everything if it has it."""
    code = f"""
import os, sys, pathlib, duckdb
from assetctl.storage.lineage_store.duck import is_in_the_way
path = pathlib.Path({str(database)!r})
path.chmod(0)
os.chdir(path.parent)
if os.geteuid() == 0:
    os.chroot(path.parent)
    os.setuid(65534)
try:
    duckdb.connect(":memory:").execute(f"ATTACH '{{path.name}}' AS d")
except duckdb.Error as error:
    print(is_in_the_way(error), error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("True") and "Permission denied" in said.stdout, said


def test_a_write_that_the_system_cuts_off_is_in_the_way(tmp_path: Path) -> None:
    with closing(attached(tmp_path / "d.duckdb")) as con:
        con.execute("CREATE TABLE d.t AS SELECT 1 AS i")
        with file_size_limit(300_000):
            with pytest.raises(duckdb.Error) as write:
                con.execute("CREATE TABLE d.u AS SELECT hash(range) h FROM range(400_000)")
            with pytest.raises(duckdb.Error) as checkpoint:
                con.execute("CHECKPOINT d")
        with pytest.raises(duckdb.Error) as later:
            con.execute("FROM d.t")
    assert [is_in_the_way(error.value) for error in (write, checkpoint, later)] == [True, True, True]
    assert is_damage(later.value), "the database has to be opened anew; the query is not to blame"


@contextmanager
def file_size_limit(n_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    action = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, action)


@pytest.mark.parametrize("content", [b"select 1;\n", bytes(40_000), b"\xff" * 40_000])
def test_what_is_no_database_is_not_in_the_way(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.duckdb"
    path.write_bytes(content)
    assert not is_in_the_way(refusal(path))


def test_damage_is_told_from_mistakes_at_once_and_after_the_first_rows(database: Path) -> None:
    with closing(attached(database)) as con:
        con.execute("CREATE OR REPLACE TABLE d.t AS SELECT range i, hash(range) h FROM range(2_000_000)")
    data = bytearray(database.read_bytes())
    for at in range(len(data) - 4_000_000, len(data) - 3_990_000):
        data[at] ^= 1
    database.write_bytes(data)
    with closing(attached(database, read_only=True)) as con:
        con.execute("SET threads = 1")
        with pytest.raises(duckdb.Error) as at_once:
            con.execute("SELECT sum(h) FROM d.t").fetchall()
        reader = con.sql("SELECT h FROM d.t").to_arrow_reader(1000)
        reader.read_next_batch()
        with pytest.raises(OSError) as later:  # noqa: PT011  its words are what is tested
            reader.read_all()
    for error in (at_once.value, later.value):
        assert (is_damage(error), is_in_the_way(error)) == (True, False), error


@pytest.mark.parametrize(
    "sql",
    ["SELECT nothing, 'Corrupt database file'", "SELECT 'has been invalidated'::INT", 'SELECT "Corrupt database file"'],
)
def test_a_query_that_speaks_of_damage_is_a_mistake_like_any_other(sql: str) -> None:
    assert not is_damage(mistake(sql))


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("FROM nothing", "nothing"),
        ('FROM "clean/orders"', "clean/orders"),
        ('FROM "features@9f3a1c"', "features@9f3a1c"),
        ("FROM other.nothing", "other.nothing"),
        ("SELECT nothing", None),
        ("SELECT nothing()", None),
        ("FROM nothing()", None),
        ("FROM", None),
    ],
)
def test_the_missing_table_is_named(sql: str, table: str | None) -> None:
    assert missing_table(mistake(sql)) == table


@pytest.mark.parametrize(
    ("sql", "lacking"),
    [
        ("FROM clean/orders", True),
        ("FROM features@9f3a1c", True),
        ("SELECT * FROM features@9f3a1c JOIN b", True),
        ("FROM clean.orders", False),
        ("FROM t WHERE", False),
        ("SELECT 'at or near \"@\"' FROM", False),
    ],
)
def test_a_name_that_lacks_its_quotes_is_noticed(sql: str, lacking: bool) -> None:
    error = mistake(sql)
    assert (lacks_quotes(error), is_damage(error), is_in_the_way(error)) == (lacking, False, False)


def mistake(sql: str) -> Exception:
    """Return the error of a wrong query."""
    with closing(duckdb.connect(":memory:", config=CONFIG)) as con, pytest.raises(duckdb.Error) as caught:
        con.execute(sql).fetchall()
    return caught.value


def test_nothing_is_written_to_stdout_while_a_statement_takes_long():
    """DuckDB takes `python -c` and a notebook for a terminal, and its bar would stand before an answer in JSON."""
    code = (
        "import sys, duckdb; from assetctl.storage.lineage_store.duck import connected\n"
        "show = lambda con: con.execute(\"SELECT current_setting('enable_progress_bar')\").fetchone()[0]\n"
        "sys.exit(show(connected()) or not show(duckdb.connect()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
