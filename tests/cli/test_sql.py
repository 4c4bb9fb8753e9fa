"""`assetctl sql`: every table asset is a view, queries only read, rows of any number in any format, and a prompt."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assetctl
from assetctl.cli.session import Session
from assetctl.cli.sql.prompt import Prompt, remember_lines
from assetctl.engine.project import Project
from assetctl.storage.lineage_store.duck import split_statements
from tests.cli.calls import Said, call
from tests.waiting import PATIENCE_S, wait_until

PIPELINE = """
import numpy as np
import pandas as pd
import pyarrow as pa
from pathlib import Path
from assetctl import asset, source

flights = source.file("flights.csv")
folder = source.directory("folder")

@asset
def features(flights: pa.Table) -> pa.Table:
    return flights.append_column("twice", pa.array([2 * n for n in flights["n"].to_pylist()]))

@asset(key="clean/shuttles")
def clean(features: pa.Table) -> pd.DataFrame:
    return features.to_pandas()

@asset(codec="csv")
def as_csv(features: pa.Table): return features

@asset(codec="arrow-ipc")
def as_ipc(features: pa.Table): return features

@asset
def as_file(features: pa.Table) -> Path:
    path = Path(__file__).with_name("out.csv")
    path.write_text("n,text\\n7,seven\\n")
    return path

@asset(key="dotted.name")
def dotted(features: pa.Table): return features

@asset
def order(features: pa.Table): return features

@asset
def metrics(): return {"auc": 0.5}

@asset
def duckdb_tables(features: pa.Table): return features.select(["n"])

@asset
def materializations(features: pa.Table): return features.select(["text"])
"""
ROWS = [{"n": 1, "text": "one", "twice": 2}, {"n": 2, "text": "", "twice": 4}]


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sql") / "shop"
    folder.mkdir()
    (folder / "folder").mkdir()
    (folder / "folder" / "x").write_text("x")
    (folder / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["pipeline.py"]\n')
    (folder / "pipeline.py").write_text(PIPELINE)
    (folder / "flights.csv").write_text("n,text\n1,one\n2,\n")
    said = call("-p", folder, "materialize", "-j", "1")
    assert said.code == 0, said.err
    return folder


def sql(shop: Path, query: str, *words: str | Path) -> Said:
    return call("-p", shop, "sql", query, *words)


def version_of(shop: Path, asset: str) -> str:
    answer = sql(shop, f"select data_version as v from lineage.assets where asset = '{asset}'", "--json")
    return str(answer.json[0]["v"]).removeprefix("b3:")


@pytest.mark.parametrize(
    "table",
    ["features", "FEATURES", '"features"', '"clean/shuttles"', "clean__shuttles", '"Clean/Shuttles"', "as_csv", "as_ipc",
     '"dotted.name"', '"order"', "(from features)"],
)  # fmt: skip
def test_every_table_asset_is_a_view(shop, table):
    assert sql(shop, f"select n, text, twice from {table} order by n", "--json").json == ROWS


def test_a_returned_file_that_is_a_table_is_one(shop):
    assert sql(shop, "from as_file", "--json").json == [{"n": 7, "text": "seven"}]


def test_a_source_is_the_table_that_its_file_holds(shop):
    assert sql(shop, "select count(*) as n from flights", "--json").json == [{"n": 2}]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("with features as (select 5 as z) from features", [{"z": 5}]),
        ("select 'features' as auc from (select 1 as metrics) as model", [{"auc": "features"}]),
        ("select f.n from features as metrics join features as f using (n) order by f.n limit 1", [{"n": 1}]),
        ("select count(*) as n from lineage.metrics", [{"n": 0}]),
        ("select count(*) as n from lineage.materializations where asset = 'features'", [{"n": 1}]),
        ("select distinct column_name as c from (describe materializations)", [{"c": "text"}]),
        ("select n from duckdb_tables order by n", [{"n": 1}, {"n": 2}]),
        ("select 1 as n -- from nowhere\n/* join nothing */", [{"n": 1}]),
        ("select sum(n)::int as n from features where n in (select n from clean__shuttles)", [{"n": 3}]),
        ("pivot features on text using sum(n)::int group by twice order by twice limit 1", None),
        ("summarize features", None),
        ("explain select * from features", None),
    ],
)
def test_names_are_what_duckdb_says_they_are(shop, query, rows):
    said = sql(shop, query, "--json")
    assert said.code == 0, said.err
    assert rows is None or said.json == rows


def test_versions_are_named_by_digits_or_by_materialization(shop):
    digits = version_of(shop, "features")
    made = sql(shop, "select materialization_id as m from lineage.assets where asset = 'features'", "--json").json[0][
        "m"
    ]
    for name in (digits[:6], digits, f"b3:{digits}", made):
        assert sql(shop, f'select n, text, twice from "features@{name}" order by n', "--json").json == ROWS
    both = f'select count(*) as n from features join "features@{digits[:8]}" using (n)'
    assert sql(shop, both, "--json").json == [{"n": 2}]


@pytest.mark.parametrize(
    ("query", "said", "hint"),
    [
        ("from featurs", "no table `featurs`", "did you mean `features`"),
        ("from observations", "no table `observations`", "did you mean `lineage.observations`"),
        ("from qqqqqqq", "no table `qqqqqqq`", "assetctl ls"),
        ("from metrics", "`metrics` is not a table", "assetctl get metrics"),
        ("from folder", "`folder` is a directory", ""),
        ('from "features@ffffff"', "no version `ffffff`", "assetctl history features"),
        ('from "flights@ffffff"', "is not stored", "`flights` alone"),
        ("selec 1", "does not work", ""),
        ("from features@9f3a1c", "does not work", 'from "features@9f3a1c"'),
        ("from clean/shuttles", "does not work", "double quotes"),
        ("select nothing from features", "nothing", ""),
        ("select text::int from features", "does not work", ""),
        ("select 1; select 2", "2 statements", ""),
        ("", "no statement", ""),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(shop, query, said, hint):
    answer = sql(shop, query)
    assert answer.code == 2
    assert said in answer.err
    assert hint in answer.err.replace(f" -p {shop}", "")


WRITES = [
    "delete from lineage.facts",
    "insert into lineage.facts values (1, 'a', 'b', 'c')",
    "update lineage.meta set value = ''",
    "create table t as select 1",
    "create temp view t as select 1",
    "drop table lineage.facts",
    "copy features to 'out.parquet'",
    "copy (select 1) to 'out.csv'",
    "explain analyze copy (select 1) to 'out.csv'",
    "explain analyze /* ) */ delete from lineage.facts",
    "attach 'other.duckdb'",
    "attach '.assetctl/lineage.duckdb' as mine",
    "install httpfs",
    "load httpfs",
    "set threads = 1",
    "pragma database_list",
    "import database 'x'",
    "export database 'x'",
    "checkpoint",
    "call enable_logging()",
    "begin",
    "truncate lineage.facts",
]


@pytest.mark.parametrize("query", WRITES)
def test_nothing_is_written(shop, query, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    said = sql(shop, query)
    assert said.code == 2
    assert "only reads" in said.err
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_project_can_be_read_and_those_of_folders_that_are_named(shop, tmp_path):
    (tmp_path / "mine.csv").write_text("n,name\n1,me\n")
    query = f"select name from features join '{tmp_path}/mine.csv' using (n)"
    refused = sql(shop, query)
    assert refused.code == 2
    assert "--read FOLDER" in refused.err
    assert sql(shop, query, "--read", tmp_path, "--json").json == [{"name": "me"}]
    inside = f"select f.text from '{shop}/flights.csv' f, lineage.assets where asset = 'features' and n = 1"
    assert sql(shop, inside, "--json").json == [{"text": "one"}]


def test_corrupt_bytes_are_no_answer(shop, tmp_path):
    import shutil

    copy = Path(shutil.copytree(shop, tmp_path / "copy"))
    blob = sql(copy, "select blob from lineage.materializations where asset = 'features'", "--json").json[0]["blob"]
    path = copy / ".assetctl" / "blobs-v1" / blob[3:5] / blob[5:]
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert sql(copy, "from features").code == 4


# --- formats -----------------------------------------------------------------------------

ODD = (
    "select 1 as n, 2 as n, [1, 2] as list, {'a': 1} as struct, interval 1 day as span, null as nothing, ''as empty,"
    " 1.5::decimal(9, 2) as price, 'x'::blob as bytes, date '2026-01-02' as day, 'nan'::double as nan, uuid() as id"
)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_every_type_can_be_printed(shop, form):
    said = sql(shop, ODD, "--format", form)
    assert said.code == 0, said.err


@pytest.mark.parametrize("name", ["o.parquet", "o.arrow", "o.csv", "o.json", "o.feather"])
def test_the_format_follows_from_the_name_of_the_file(shop, tmp_path, name):
    target = tmp_path / name
    said = sql(shop, ODD, "-o", target)
    assert (said.code, said.out, said.err) == (0, "", "")
    kind = target.suffix[1:]
    if kind == "parquet":
        names = pq.read_schema(target).names
    elif kind in {"arrow", "feather"}:
        names = pa.ipc.open_file(target).schema.names
    elif kind == "json":
        names = list(json.loads(target.read_text())[0])
    else:
        names = [name.strip('"') for name in target.read_text().splitlines()[0].split(",")]
    assert names[:4] == ["n", "n_1", "list", "struct"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_null_and_empty_text_differ(shop):
    query = "select null::varchar as a, '' as b"
    assert sql(shop, query, "--format", "csv").out == '"a","b"\n,""\n'
    assert sql(shop, query, "--json").json == [{"a": None, "b": ""}]
    assert sql(shop, query).out.splitlines()[1].strip() == "null"


def test_json_is_written_as_python_would(shop):
    query = "select 1 as n, [1, [2]] as list, {'a': {'b': null}} as s, 'é\n\"' as t, [] as e, 0.1 as f, true as b from range(2)"
    said = sql(shop, query.replace("[1, [2]]", "[[1], [2]]"), "--json")
    assert said.out == json.dumps(said.json, indent=2) + "\n"


def test_json_is_the_documented_list_of_rows(shop):
    schema = json.loads((Path(assetctl.__file__).parent / "cli" / "schemas" / "sql.json").read_text())
    for query in ("from features", "select 1 where false"):
        jsonschema.Draft202012Validator(schema).validate(sql(shop, query, "--json").json)


@pytest.mark.parametrize(
    ("words", "said"), [(["-o", "x.what"], "cannot be told"), (["--format", "table", "-o", "x.csv"], "looked at")]
)
def test_a_file_needs_a_format(shop, words, said):
    answer = sql(shop, "select 1", *words)
    assert (answer.code, said in answer.err) == (2, True)


def test_a_failing_query_leaves_no_file_and_spoils_none(shop, tmp_path):
    target = tmp_path / "o.csv"
    target.write_text("mine")
    query = "select (case when range = 400000 then 'x' else '1' end)::int as n from range(500000)"
    assert sql(shop, query, "-o", target, "--force").code == 2
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("o.csv", "mine")]


def test_a_query_can_come_from_a_file_or_from_a_pipe(shop, tmp_path, monkeypatch):
    (tmp_path / "q.sql").write_text("-- mine\nselect 1 as one;\n")
    assert sql(shop, str(tmp_path / "q.sql"), "--json").json == [{"one": 1}]
    assert "cannot be read" in sql(shop, str(tmp_path / "none.sql")).err
    monkeypatch.setattr("sys.stdin", io.StringIO("select 2 as two"))
    assert call("-p", shop, "sql", "--json").json == [{"two": 2}]


def test_a_wide_answer_fits_the_terminal(shop, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = sql(shop, "from lineage.materializations")
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert "more columns" in said.out


_BIG = "select range as n, md5(range::varchar) as a, md5((range + 1)::varchar) as b from range(1000000)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "extra"), [("csv", ", (select count(*) from lineage.assets) as c"), ("json", ""), ("parquet", "")]
)
def test_a_million_rows_need_no_more_memory_than_a_few(shop, form, extra):
    """Measured over a process that answers one row: a list of a million rows would take hundreds of MB."""
    code = """
import resource, sys
from assetctl.cli.main import main
code = main(sys.argv[1:])
sys.stderr.write(f"{code} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
"""
    query = _BIG.replace("from range", f"{extra} from range")
    peaks = []
    for text in (query.replace("1000000", "1"), query):
        words = ["-p", str(shop), "sql", text, "--format", form]
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True)
        status, peak = done.stderr.split()
        assert status == b"0"
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 260


# --- the prompt ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "statements", "rest"),
    [
        ("select 1;", ["select 1"], ""),
        ("select 1; select 2; sel", ["select 1", "select 2"], "sel"),
        ("select ';'", [], "select ';'"),
        ("select ';';", ["select ';'"], ""),
        ('select ";" -- ;\n;', ['select ";" -- ;'], ""),
        ("select /* ; */ 1;", ["select /* ; */ 1"], ""),
        ("select $$;$$;", ["select $$;$$"], ""),
        ("select $a$ ; $$ $a$;", ["select $a$ ; $$ $a$"], ""),
        ("select 'it''s;';", ["select 'it''s;'"], ""),
        ("select 'open; ", [], "select 'open; "),
        ("select 1; /* open ;", ["select 1"], "/* open ;"),
        (";;", [], ""),
        ("select $$open; ", [], "select $$open; "),
        ("select /* a /* b */ ; */ 1;", ["select /* a /* b */ ; */ 1"], ""),
        (r"select e'it\';s'; ", [r"select e'it\';s'"], ""),
        ("select 'é;'; select 'ü' ;x", ["select 'é;'", "select 'ü'"], "x"),
        ("select '\udce9' ; select 1;", ["select '\udce9'", "select 1"], ""),
        ("selct 1 +; select", ["selct 1 +"], "select"),
    ],
)
def test_statements_end_at_semicolons_that_count(typed, statements, rest):
    assert split_statements(typed) == (statements, rest)


def converse(shop: Path, lines: list[str | BaseException]) -> tuple[list[str], str]:
    """Answer lines typed at the prompt; return the statements that were answered, and what was said."""
    session = Session(project_path=str(shop))
    asked: list[str] = []
    typed = iter(lines)

    def answer(statement: str) -> None:
        asked.append(statement)
        with session.project.ask(statement) as rows:
            rows.table()

    def read(_prompt: str) -> str:
        line = next(typed, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line

    said = io.StringIO()
    stderr, sys.stderr = sys.stderr, said
    try:
        Prompt(session, answer, read).run()
    finally:
        sys.stderr = stderr
    return asked, said.getvalue()


def test_the_prompt_answers_statements_over_lines_and_goes_on_after_mistakes(shop):
    lines = ["select 1", "as one; select", "2;", "selec;", "from nowhere;", "", "select 3;", ".quit", "select 4;"]
    asked, said = converse(shop, lines)
    assert asked == ["select 1\nas one", "select\n2", "selec", "from nowhere", "select 3"]
    assert said.count("error:") == 2


@pytest.mark.parametrize("lines", [["quit"], ["exit;"], [".exit"], ["select 1", ".quit"], ["select 1", "\\q"]])
def test_the_prompt_is_left_by_the_words_people_try(shop, lines):
    assert converse(shop, [*lines, "select 2;"])[0] == []


def test_ctrl_c_drops_what_was_typed_and_ctrl_d_leaves(shop):
    asked, _ = converse(shop, ["select 1", KeyboardInterrupt(), "select 2;", EOFError(), "select 3;"])
    assert asked == ["select 2"]


def test_the_prompt_lists_tables_and_columns(shop):
    asked, said = converse(
        shop, [".tables", ".schema features", ".schema clean/shuttles", ".schema lineage.runs", ".help", ".what"]
    )
    assert len(asked) == 4
    assert "error" not in said
    assert "`.what`" in said


def test_lines_are_kept_where_there_is_a_state_folder(shop, tmp_path):
    remember_lines(tmp_path / "none" / "cache" / "history")()
    assert list(tmp_path.iterdir()) == []
    remember_lines(Project.open(shop).workspace.layout.cache / "sql_history")()
    assert (shop / ".assetctl" / "cache-v1" / "sql_history").is_file()


class Terminal:
    """A real `assetctl sql` at a pseudo-terminal."""

    def __init__(self, shop: Path) -> None:
        self.fd, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "80"}
        command = [sys.executable, "-m", "assetctl", "-p", str(shop), "sql"]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True, close_fds=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  so that Ctrl-C reaches it
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, text: str) -> str:
        """Read on until `text` was printed; return everything before it since the last call."""
        import select

        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} never came after {self.seen!r}"
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        before, _, self.seen = self.seen.partition(text)
        return before

    def until_it_works(self) -> None:
        """Return once the processor has worked for the program for half a second more."""
        before = self._processor_s()
        wait_until(lambda: self._processor_s() > before + 0.5, "the query uses the processor")

    def _processor_s(self) -> float:
        """Return what the command, which runs in a child of the process that was started, has used so far."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in (pid, *children)]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def close(self) -> int:
        code = self.process.wait(PATIENCE_S)
        os.close(self.fd)
        return code


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_prompt_at_a_terminal_holds_nothing_and_stops_at_ctrl_c(shop, tmp_path):
    terminal = Terminal(shop)
    try:
        terminal.until("sql> ")
        terminal.type("select count(*) as n from lineage.assets;\n")
        terminal.until("sql> ")
        # While somebody thinks at the prompt, anybody can have the database for writing.
        code = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"
        database = shop / ".assetctl" / "lineage.duckdb"
        subprocess.run([sys.executable, "-c", code, str(database)], check=True, timeout=PATIENCE_S)
        assert call("-p", shop, "materialize", "features", "--force", "-j", "1").err.count("warning") == 0
        for endless in (
            "range(3000000) a, range(30000) b",
            "range(1000000000000) a",
            "range(1000000000000) a, lineage.assets",
        ):
            terminal.type(f"select sum(sqrt(a.range)) from {endless};\n")
            terminal.until(f"{endless};")
            terminal.until_it_works()  # for minutes, if nobody stops it
            terminal.type("\x03")
            terminal.until("interrupted")
            terminal.until("sql> ")
        terminal.type("\x04")
        assert terminal.close() == 0
    finally:
        terminal.process.kill()
        terminal.process.wait()


def test_binary_formats_are_not_for_a_terminal(shop):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "assetctl", "-p", str(shop), "sql", "select 1", "--format", "parquet"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"-o FILE" in done.stderr


def test_a_file_that_is_there_is_replaced_only_when_told_to(shop, tmp_path):
    target = tmp_path / "kept.csv"
    target.write_text("mine")
    said = sql(shop, "from features", "-o", target)
    assert (said.code, target.read_text()) == (2, "mine")
    assert "replace it with --force" in said.err
    assert sql(shop, "from features", "-o", target, "--force").code == 0
    assert target.read_text().startswith('"n"')
