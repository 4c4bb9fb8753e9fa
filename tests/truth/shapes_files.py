"""Shapes whose steps read what nothing declares, and shapes whose sources and dependencies are declared."""

from __future__ import annotations

import sqlite3

from tests.truth.shape import Shape, knob, neutral

HEAD = "from assetctl import asset, check, columns, source\nimport shared\n"
HERE = "from pathlib import Path\nHERE = Path(__file__).parent\n"


def database(script: str) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(script)
        return connection.serialize()


def parquet(rows: str) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [int(row) for row in rows.split()]}), sink)
    return sink.getvalue()


class ReadTexts(Shape):
    """A step reads texts: `open`, `Path`, csv, json, for update, through a cached function of another module."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import csv
import io
import os
from ${me}_reading import settings

@asset
def ${me}_a($up): return [open(HERE / "${me}.txt").read(), shared.num($up)]
@asset
def ${me}_b():
    with open(HERE / "${me}.csv", newline="") as file:
        return list(csv.reader(file))
@asset
def ${me}_c(): return [settings()["k"], io.open(HERE / "${me}.txt", "r+").readline()]
@asset
def ${me}_d():
    number = os.open(HERE / "${me}.bin", os.O_RDWR)
    try:
        return os.read(number, 10).decode()
    finally:
        os.close(number)
""",
        "${me}_reading.py": """import functools
from pathlib import Path
import yaml

@functools.lru_cache
def settings():
    return yaml.safe_load(Path(__file__).with_name("${me}.yaml").read_bytes())
""",
        "${me}.txt": "hello $text",
        "${me}.csv": "a,b\n1,$cell\n",
        "${me}.yaml": "k: $k\n",
        "${me}.bin": "bytes$bytes",
    }
    knobs = {
        "text": knob("you | all", "a c"),
        "cell": knob("2 | 3", "b"),
        "k": knob("1 | 2", "c"),
        "bytes": knob("0 | 1", "d"),
    }
    offers = "a b c d"
    reads_up = "a"


class RunFiles(Shape):
    """A step runs files: `runpy`, `exec`, `spec_from_file_location`, an import in a function, a computed import."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import importlib
import importlib.util
import runpy

def loaded(path):
    spec = importlib.util.spec_from_file_location("${me}_loaded", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

@asset
def ${me}_a($up): return runpy.run_path(str(HERE / "${me}_run.py"))["N"] + shared.num($up)
@asset
def ${me}_b():
    names = {}
    exec((HERE / "${me}_exec.py").read_text(), names)
    return names["made"](2)
@asset
def ${me}_c(): return loaded(HERE / "${me}_spec.py").work(2)
@asset
def ${me}_d():
    module = importlib.import_module("${me}_" + "late")
    return module.VALUE
""",
        "${me}_run.py": "N = $run\n",
        "${me}_exec.py": "def made(x):\n    return x + $exec\n",
        "${me}_spec.py": "def work(x):\n    return x * $spec\n",
        "${me}_late.py": "VALUE = $late\n",
    }
    data = ("_run.py", "_exec.py", "_spec.py", "_late.py")
    knobs = {
        "run": knob("1 | 2", "a"),
        "exec": knob("1 | 2", "b"),
        "spec": knob("1 | 2", "c"),
        "late": knob("1 | 2", "d"),
    }
    offers = "a b c d"
    reads_up = "a"


class ReadTables(Shape):
    """A step reads tables: sqlite3, pandas, a folder as an Arrow data set, a pattern in polars, SQL text in DuckDB."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import os
import sqlite3
import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq

@asset
def ${me}_a($up):
    connection = sqlite3.connect(HERE / "${me}.db")
    try:
        return connection.execute("select n from t").fetchone()[0] + shared.num($up)
    finally:
        connection.close()
@asset
def ${me}_b(): return int(pd.read_csv(HERE / "${me}_csv" / "a.csv")["n"].sum())
@asset
def ${me}_c(): return sorted(ds.dataset(HERE / "${me}_parts", format="parquet").to_table()["n"].to_pylist())
@asset
def ${me}_d(): return int(pl.scan_csv(os.fspath(HERE / "${me}_csv" / "*.csv")).collect()["n"].sum())
@asset
def ${me}_e(): return duckdb.connect().execute(f"select sum(n) from '{HERE}/${me}_csv/*.csv'").fetchone()[0]
@asset
def ${me}_f(): return pq.ParquetFile(HERE / "${me}_parts" / "a.parquet").metadata.num_rows
""",
        "${me}.db": "create table t (n int); insert into t values ($db);",
        "${me}_csv/a.csv": "n\n1\n$a\n",
        "$b": "n\n10\n",
        "${me}_parts/a.parquet": "1 2 $pa",
        "$part": "7",
    }
    made = {".db": database, ".parquet": parquet}
    knobs = {
        "db": knob("1 | 2", "a"),
        "a": knob("2 | 3", "b d e"),
        "b": knob("- | ${me}_csv/b.csv", "d e"),
        "pa": knob("3 | 4 | 4 5", "c f"),
        "part": knob("- | ${me}_parts/b.parquet", "c"),
    }
    offers = "a b c d e f"
    reads_up = "a"


class Looked(Shape):
    """A step looks for files: a folder listed, a pattern, a file that was absent, a size, a walk."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import glob
import os

@asset
def ${me}_a($up): return [sorted(os.listdir(HERE / "${me}_in")), shared.num($up)]
@asset
def ${me}_b(): return sorted(os.path.basename(path) for path in glob.glob(str(HERE / "${me}_in" / "*.txt")))
@asset
def ${me}_c():
    path = HERE / "${me}_override"
    return path.read_text() if path.exists() else "default"
@asset
def ${me}_d(): return (HERE / "${me}_in" / "a.txt").stat().st_size
@asset
def ${me}_e():
    try:
        return (HERE / "${me}_local.txt").read_text()
    except FileNotFoundError:
        return None
@asset
def ${me}_f(): return [sorted(names) for _, _, names in os.walk(HERE / "${me}_in")]
""",
        "${me}_in/a.txt": "a$size",
        "$more": "more",
        "$override": "other",
        "$local": "local",
    }
    knobs = {
        "size": knob("- | aa", "d"),
        "more": knob("- | ${me}_in/b.txt | ${me}_in/b.dat", "a b f"),
        "override": knob("- | ${me}_override", "c"),
        "local": knob("- | ${me}_local.txt", "e"),
    }
    offers = "a b c d e f"
    reads_up = "a"


class Sources(Shape):
    """Declared sources: a file as path and as tables, columns of it, a folder, a pattern, `code_deps`."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """from pathlib import Path
from typing import Annotated
import pandas as pd
import polars as pl

${me}_s = source.file("${me}.csv")
${me}_o = source.file("${me}_o.csv", options={"sep": "$sep"})
${me}_dir = source.directory("${me}_dir")
${me}_glob = source.glob("${me}_dir/*.txt")

@asset
def ${me}_a(${me}_s: pd.DataFrame, $up): return int(${me}_s["n"].sum()) + shared.num($up)
@asset
def ${me}_b(${me}_s: Annotated[pd.DataFrame, columns("m")]): return int(${me}_s["m"].sum())
@asset
def ${me}_c(${me}_o: pd.DataFrame): return list(${me}_o.columns)
@asset
def ${me}_d(${me}_dir): return sorted((p.name, p.read_text()) for p in ${me}_dir.iterdir())
@asset
def ${me}_e(${me}_glob): return [p.name for p in ${me}_glob]
@asset(code_deps=["${me}_sql"])
def ${me}_f(): return (HERE / "${me}_sql" / "q.sql").read_text()
@asset
def ${me}_g(${me}_s: pl.DataFrame): return ${me}_s.height
""",
        "${me}.csv": "n,m\n1,2\n$n,$m\n",
        "${me}_o.csv": "a;b,c\n1;2,3\n",
        "${me}_dir/a.txt": "$text",
        "$more": "b",
        "${me}_sql/q.sql": "select $sql",
    }
    knobs = {
        "n": knob("3 | 4", "a g"),
        "m": knob("5 | 6", "a b g"),
        "sep": knob("; | ,", "c"),
        "text": knob("a | c", "d e"),
        "more": knob("- | ${me}_dir/b.txt | ${me}_dir/b.dat", "d e"),
        "sql": knob("1 | 2", "f"),
    }
    offers = "a b c d e f g"
    reads_up = "a"


class Settings(Shape):
    """Settings read in a step by pydantic, options of `@asset`, a table of another tool in the project's file."""

    files = {
        "${me}.py": HEAD
        + HERE
        + """import tomllib
from pydantic_settings import BaseSettings, SettingsConfigDict

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="${me}_")
    rows: int = 1
    name: str = "$name"

@asset
def ${me}_a($up): return [Settings().rows, Settings().name, shared.num($up)]
@asset(config={"window": $window}, group="$group", description="$group", tags={"tier": "$group"})
def ${me}_b(window): return window * 2
@asset
def ${me}_c(): return tomllib.loads((HERE / "${me}.toml").read_text())["tool"]["n"]
@check(asset=${me}_b)
def ${me}_is_even(${me}_b): return ${me}_b % $even == 0
""",
        "${me}.toml": "[tool]\nn = $n\n",
    }
    variables = {"${me}_ROWS": "$rows", "${me}_OTHER": "$other"}
    knobs = {
        "rows": knob("1 | 2", "a"),
        "name": knob("x | y", "a"),
        "window": knob("7 | 14", "b"),
        "n": knob("1 | 2", "c"),
        "group": neutral("one | two"),
        "even": neutral("2 | 1"),
        "other": neutral("1 | 2"),
    }
    offers = "a b c"
    reads_up = "a"
