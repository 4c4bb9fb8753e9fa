"""Whatever a step looks at in the project counts from then on: each way of looking, in one project."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetctl.engine.project import Project
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.reasons import ObservedChanged

pytestmark = pytest.mark.filterwarnings(  # of the project's files that are left open, as people leave them
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

HEADER = """
import importlib.util, multiprocessing, os, runpy, sqlite3, subprocess, sys
from concurrent import futures
from os import stat as stat_by_name
from pathlib import Path
from duckdb import read_csv as csv_by_name
from pyarrow.fs import FileSelector, FileSystem, LocalFileSystem, SubTreeFileSystem
import duckdb
import dotenv
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pydantic_settings import BaseSettings
from assetctl import asset

class Settings(BaseSettings, env_prefix="at_model_"):
    rate: int = 1


class Odd:  # a path that cannot be told the first time
    asked = 0

    def __fspath__(self):
        Odd.asked += 1
        if Odd.asked == 1:
            raise RuntimeError
        return "odd.txt"


def in_fork(name):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.closerange(3, writing)
        os.write(writing, Path(name).read_bytes())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    return os.read(reading, 99).decode()


def in_pool(name):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(os.path.getsize, (name,))


def output_of(command):
    with os.popen(command) as said:
        return said.read()


def script(name):
    spec = importlib.util.spec_from_file_location("by_" + "path", name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.K
"""


class Way(NamedTuple):
    """One way of looking: the value of an asset, what it is seen to use, and an edit that changes the value."""

    value: str
    used: set[tuple[str, str]]
    edit: Callable[[], object]


def write(name: str, text: str = "2") -> Callable[[], object]:
    return lambda: Path(name).write_text(text)


def table(name: str) -> Callable[[], object]:
    return lambda: pq.write_table(pa.table({"x": [7, 8]}), name)


def of_database() -> None:
    with sqlite3.connect("s.db") as connection:
        connection.execute("insert into t values (2)")
    connection.close()


def later() -> None:
    os.utime("time.txt", (1, 1))


def turn() -> None:
    Path("link").unlink()
    Path("link").symlink_to("ap.txt")


def variable(name: str) -> Callable[[], object]:
    return lambda: os.environ.__setitem__(name, "2")


WAYS = {
    "run_path": Way("runpy.run_path('py/r.py')['K']", {("file", "py/r.py")}, write("py/r.py", "K = 2")),
    "executed": Way("eval(open('py/e.py').read())", {("file", "py/e.py")}, write("py/e.py")),
    "read_py": Way("Path('py/t.py').read_text()", {("file", "py/t.py")}, write("py/t.py")),
    "by_path": Way("script('py/s.py')", {("file", "py/s.py")}, write("py/s.py", "K = 2")),
    "child": Way(
        "subprocess.run([sys.executable, 'py/c.py'], capture_output=True).stdout.decode()",
        {("file", "py/c.py"), ("unseen", "a child process (`python`)")},
        write("py/c.py", "print(2)"),
    ),
    "shell": Way(
        "output_of('cat shell.txt')", {("file", "shell.txt"), ("unseen", "a child process (`sh`)")}, write("shell.txt")
    ),
    "update": Way("open('up.txt', 'r+').read()", {("file", "up.txt")}, write("up.txt")),
    "append": Way("[f := open('ap.txt', 'a+'), f.seek(0), f.read()][-1]", {("file", "ap.txt")}, write("ap.txt")),
    "descriptor": Way("os.read(os.open('rw.txt', os.O_RDWR), 9).decode()", {("file", "rw.txt")}, write("rw.txt")),
    "memmap": Way("int(np.memmap('mm.bin', dtype='u1')[0])", {("file", "mm.bin")}, write("mm.bin", "\x07")),
    "osfile": Way("pa.OSFile('of.bin').read().decode()", {("file", "of.bin")}, write("of.bin")),
    "parquet_file": Way("pq.ParquetFile('pf.parquet').read().num_rows", {("file", "pf.parquet")}, table("pf.parquet")),
    "arrow_folder": Way("pq.read_table('one').num_rows", {("folder", "one")}, table("one/new.parquet")),
    "arrow_list": Way(
        "ds.dataset(['l1.parquet', 'l2.parquet']).count_rows()",
        {("file", "l1.parquet"), ("file", "l2.parquet")},
        table("l2.parquet"),
    ),
    "dataset": Way("ds.dataset('two').count_rows()", {("folder", "two")}, table("two/new.parquet")),
    "polars_glob": Way(
        "pl.scan_csv('csv/*.csv').collect().height",
        {("listing", "csv"), ("file", "csv/a.csv")},
        write("csv/b.csv", "x\n1\n"),
    ),
    "polars_folder": Way("pl.read_parquet('three').height", {("folder", "three")}, table("three/new.parquet")),
    "duckdb_reader": Way(
        "duckdb.connect().read_csv('dr.csv').fetchall()[0][0]", {("file", "dr.csv")}, write("dr.csv", "x\n2\n")
    ),
    "duckdb_text": Way(
        "duckdb.connect().execute(\"select x from 'dt.csv'\").fetchall()[0][0]",
        {("file", "dt.csv")},
        write("dt.csv", "x\n2\n"),
    ),
    "duckdb_parameter": Way(
        "duckdb.execute('select x from read_csv(?)', ['dp.csv']).fetchall()[0][0]",
        {("file", "dp.csv")},
        write("dp.csv", "x\n2\n"),
    ),
    "sqlite": Way(
        "sqlite3.connect('s.db').execute('select count(*) from t').fetchall()[0][0]", {("file", "s.db")}, of_database
    ),
    "listed": Way("sorted(os.listdir('names'))", {("listing", "names")}, write("names/b")),
    "iterated": Way("sorted(p.name for p in Path('names2').iterdir())", {("listing", "names2")}, write("names2/b")),
    "globbed": Way("len(list(Path('names3').glob('*.x')))", {("listing", "names3")}, write("names3/b.x")),
    "walked": Way(
        "sum(len(files) for _, _, files in os.walk('tree'))",
        {("listing", "tree"), ("listing", "tree/sub")},
        write("tree/sub/new"),
    ),
    "scanned": Way(
        "sum(e.stat().st_size for e in os.scandir('entries'))", {("entries", "entries")}, write("entries/a", "longer")
    ),
    "below_folder": Way(
        "os.read(os.open('b.txt', os.O_RDONLY, dir_fd=os.open('below', os.O_RDONLY)), 9)",
        {("file", "below/b.txt"), ("place", "below")},
        write("below/b.txt"),
    ),
    "status_below": Way(
        "os.stat('b.txt', dir_fd=os.open('below2', os.O_RDONLY)).st_size",
        {("size", "below2/b.txt"), ("place", "below2")},
        write("below2/b.txt", "longer"),
    ),
    "names_of_open": Way("os.listdir(os.open('names4', os.O_RDONLY))", {("listing", "names4")}, write("names4/b")),
    "forked": Way("in_fork('forked.txt')", {("file", "forked.txt")}, write("forked.txt")),
    "pooled": Way("in_pool('pooled.txt')", {("size", "pooled.txt")}, write("pooled.txt", "longer")),
    "threaded": Way(
        "list(futures.ThreadPoolExecutor(1).map(os.path.getsize, ['threaded.txt']))",
        {("size", "threaded.txt")},
        write("threaded.txt", "longer"),
    ),
    "taken_stat": Way("stat_by_name('size3.txt').st_size", {("size", "size3.txt")}, write("size3.txt", "longer")),
    "taken_reader": Way("csv_by_name('tr.csv').fetchall()[0][0]", {("file", "tr.csv")}, write("tr.csv", "x\n2\n")),
    "arrow_open": Way(
        "LocalFileSystem().open_input_file('fs.txt').read().decode()", {("file", "fs.txt")}, write("fs.txt")
    ),
    "arrow_below": Way(
        "SubTreeFileSystem('below3', LocalFileSystem()).open_input_stream('b.txt').read().decode()",
        {("file", "below3/b.txt")},
        write("below3/b.txt"),
    ),
    "arrow_uri": Way(
        "FileSystem.from_uri(os.path.abspath('uri.txt'))[0].open_input_file(os.path.abspath('uri.txt')).read().decode()",
        {("file", "uri.txt")},
        write("uri.txt"),
    ),
    "arrow_names": Way(
        "len(LocalFileSystem().get_file_info(FileSelector('names5')))", {("entries", "names5")}, write("names5/b")
    ),
    "arrow_fragment": Way(
        "ds.ParquetFileFormat().make_fragment('fr.parquet', LocalFileSystem()).count_rows()",
        {("file", "fr.parquet")},
        table("fr.parquet"),
    ),
    "may_run": Way("os.access('run.sh', os.X_OK)", {("mode", "run.sh")}, lambda: Path("run.sh").chmod(0o755)),
    "mode": Way("os.stat('mode.txt').st_mode", {("mode", "mode.txt")}, lambda: Path("mode.txt").chmod(0o600)),
    "link": Way("os.readlink('link')", {("link", "link")}, turn),
    "odd": Way(
        "os.stat(Odd()).st_size",
        {("unseen", "a look that could not be noted (RuntimeError)")},
        lambda: None,
    ),
    "absent": Way("Path('flag').exists()", {("place", "flag")}, write("flag")),
    "tested": Way("os.path.isfile('there.txt')", {("place", "there.txt")}, lambda: Path("there.txt").unlink()),
    "refused": Way("os.access('lock', os.R_OK)", {("mode", "lock")}, write("lock")),
    "size": Way("os.path.getsize('size.txt')", {("size", "size.txt")}, write("size.txt", "longer")),
    "size_of_status": Way("Path('size2.txt').stat().st_size", {("size", "size2.txt")}, write("size2.txt", "longer")),
    "time": Way("os.stat('time.txt').st_mtime", {("time", "time.txt")}, later),
    "item": Way("os.environ['AT_' + 'ITEM']", {("variable", "AT_ITEM")}, variable("AT_ITEM")),
    "asked": Way("os.getenv('AT_' + 'ASKED')", {("variable", "AT_ASKED")}, variable("AT_ASKED")),
    "contained": Way("('AT_' + 'IN') in os.environ", {("variable", "AT_IN")}, variable("AT_IN")),
    "model": Way("Settings().rate", {("variable", "AT_MODEL_*")}, variable("AT_MODEL_RATE")),
    "copied": Way("{**os.environ}.get('AT_' + 'COPY')", {("variable", "*")}, variable("AT_COPY")),
    "settings_file": Way("dotenv.dotenv_values('.env')['A']", {("file", ".env")}, write(".env", "A=2\n")),
    "no_settings_file": Way("len(dotenv.dotenv_values('no.env'))", {("size", "no.env")}, write("no.env", "A=2\n")),
}
NOT_ITS_CONCERN = {
    "own": "[Path('own.txt').write_text('x'), Path('own.txt').read_text(), Path('own.txt').exists()][1]",
    "made": "[os.makedirs('out/deep', exist_ok=True), os.listdir('out'), Path('out').is_dir()][1]",
    "own_table": "[pq.write_table(pa.table({'x': [1]}), 'own.parquet'), pq.read_table('own.parquet').num_rows][1]",
    "own_folder": "[Path('own').mkdir(), pl.DataFrame({'x': [1]}).write_csv('own/a.csv'), pl.read_csv('own').height][2]",
    "own_check": "[os.path.exists('made') or os.makedirs('made'), Path('made/x').write_text('')][1]",
    "own_frame": "[os.makedirs('frames', exist_ok=True), pd.DataFrame({'x': [1]}).to_csv('frames/x.csv')][1]",
    "copied_to": "[Path('c1').write_text('x'), __import__('shutil').copy('c1', 'c2'), 3][2]",
    "logged": "open('log.txt', 'a').write('x')",
    "optional": "importlib.util.find_spec('nothing_of_this_name') is None",
    "home": "len(os.path.expanduser('~/x')) > 1",
    "temporary": "__import__('tempfile').gettempdir()[:1]",
}
FILES = {
    "py/r.py": "K = 1", "py/e.py": "1", "py/t.py": "1", "py/s.py": "K = 1", "py/c.py": "print(1)", "shell.txt": "1",
    "up.txt": "1", "ap.txt": "1", "rw.txt": "1", "mm.bin": "1", "of.bin": "1", "csv/a.csv": "x\n1\n",
    "dr.csv": "x\n1\n", "dt.csv": "x\n1\n", "dp.csv": "x\n1\n", "names/a": "", "names2/a": "", "names3/a.x": "",
    "tree/a": "", "tree/sub/a": "", "entries/a": "1", "there.txt": "", "size.txt": "1", "size2.txt": "1",
    "time.txt": "1", ".env": "A=1\n", "below/b.txt": "1", "below2/b.txt": "1", "below3/b.txt": "1", "names4/a": "",
    "names5/a": "", "forked.txt": "1", "pooled.txt": "1", "threaded.txt": "1", "size3.txt": "1", "tr.csv": "x\n1\n", "fs.txt": "1",
    "uri.txt": "1", "run.sh": "", "mode.txt": "", "odd.txt": "",
}  # fmt: skip
TABLES = ("pf.parquet", "one/a.parquet", "l1.parquet", "l2.parquet", "fr.parquet", "two/a.parquet", "three/a.parquet")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AT_ITEM", "1")
    for name in ("AT_ASKED", "AT_IN", "AT_MODEL_RATE", "AT_COPY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        Path(name).write_text(text)
    for name in TABLES:
        Path(name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"x": [1]}), name)
    with sqlite3.connect("s.db") as connection:
        connection.execute("create table t (x)")
    connection.close()
    Path("link").symlink_to("up.txt")
    values = {**{name: way.value for name, way in WAYS.items()}, **NOT_ITS_CONCERN}
    bodies = "".join(f"@asset\ndef {name}():\n    return {value}\n" for name, value in values.items())
    Path("assets.py").write_text(HEADER + bodies)
    return Project.open(tmp_path)


def test_each_way_of_looking_counts_from_then_on(project):
    result = project.materialize(jobs=1)
    assert result.finished.failed == ()
    used = {
        str(target): {(u.kind, u.name) for u in recorded.materialization.undeclared if u.kind != "symbol"}
        for target, recorded in result.relied_on.latest.items()
    }
    assert used == {**{name: way.used for name, way in WAYS.items()}, **{name: set() for name in NOT_ITS_CONCERN}}
    lost = project.plan().with_action(Action.RUN)
    assert [step.target for step in lost] == ["odd"]
    assert lost[0].why == "the last run had a look that could not be noted (RuntimeError)"
    assert project.plan()["shell"].unseen == ("a child process (`sh`)",)
    for way in WAYS.values():
        way.edit()
    plan = project.plan()
    changed = {
        name: {what for reason in plan[name].reasons if isinstance(reason, ObservedChanged) for what in reason.what}
        for name in WAYS
    }
    assert {name for name in WAYS if not changed[name]} == set()
    assert all(what in {name for _, name in WAYS[key].used} for key in WAYS for what in changed[key])
    assert {name for name in NOT_ITS_CONCERN if plan[name].reasons} == set()
