"""The catalogue of ways to read: what each needs, gives, and how what it reads is changed.

Every reader is an expression over `{p}`, the place that it is given. What lies there has two contents of the
same size, 1 and 2, which give two values; so an edit between them shows in neither size nor mtime.
"""

from __future__ import annotations

import bz2
import configparser
import gzip
import io
import json
import lzma
import pickle
import shelve
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HEADER = """
import bz2, codecs, configparser, csv, dbm.dumb, fileinput, functools, glob, gzip, importlib.resources, importlib.util
import io, json, linecache, locale, lzma, mmap, multiprocessing, os, pickle, pkgutil, random, runpy, secrets, shelve
import shutil, socket, sqlite3, subprocess, sys, tarfile, threading, time, tomllib, uuid, zipfile
from datetime import datetime
from os import listdir as ls, stat as os_stat, access as os_access, environ as env, getenv, scandir as sc
from os.path import exists as is_there, getsize
from pathlib import Path
import duckdb, joblib, numpy as np, pandas as pd, polars as pl, pyarrow as pa, pyarrow.csv, pyarrow.dataset as ds
import pyarrow.feather, pyarrow.fs, pyarrow.ipc, pyarrow.json, pyarrow.orc, pyarrow.parquet as pq, yaml
import PIL.Image, sklearn.datasets
from duckdb import connect as duck, read_csv as duck_csv, sql as duck_sql
from polars import read_csv as polars_csv
from pyarrow import OSFile
from pyarrow.fs import LocalFileSystem
from pyarrow.parquet import read_table
from assetctl import asset, check

HERE = os.path.dirname(os.path.abspath(__file__))


def rows(table):
    return str(table.to_pylist() if hasattr(table, "to_pylist") else table.rows() if hasattr(table, "rows")
               else table.values.tolist())


def closing(opened, how=lambda file: file.read()):
    with opened as file:
        value = how(file)
    return value.decode() if isinstance(value, bytes) else str(value)


def said(command):
    with os.popen(command) as pipe:
        return pipe.read()


def module_at(path):
    spec = importlib.util.spec_from_file_location("at_" + "path", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.K


def fd_bytes(descriptor):
    try:
        return os.read(descriptor, 99).decode()
    finally:
        os.close(descriptor)


def mapped(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        return bytes(memory).decode()


def connected(connection, text):
    try:
        return str(connection.execute(text).fetchall())
    finally:
        connection.close()


def in_fork(function, *arguments):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(function(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    return fd_bytes(reading)


def in_thread(function, *arguments):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function(*arguments)))
    thread.start()
    thread.join()
    return answers[0]
"""


class Kind(NamedTuple):
    """A kind of file: the ending of its name, and how content `n`, 1 or 2, is written to a path."""

    ending: str
    write: Callable[[Path, int], object]


def _bytes(make: Callable[[int], bytes]) -> Callable[[Path, int], object]:
    return lambda path, n: path.write_bytes(make(n))


def _of_archive(make: Callable[[io.BytesIO, int], None]) -> Callable[[int], bytes]:
    def content(n: int) -> bytes:
        buffer = io.BytesIO()
        make(buffer, n)
        return buffer.getvalue()

    return content


def _zip(buffer: io.BytesIO, n: int) -> None:
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("a.txt"), f"v{n}")


def _tar(buffer: io.BytesIO, n: int) -> None:
    with tarfile.open(fileobj=buffer, mode="w") as file:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 2
        file.addfile(entry, io.BytesIO(f"v{n}".encode()))


def _ini(buffer: io.BytesIO, n: int) -> None:
    parser = configparser.ConfigParser()
    parser["s"] = {"k": f"v{n}"}
    text = io.StringIO()
    parser.write(text)
    buffer.write(text.getvalue().encode())


def _sqlite(path: Path, n: int) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
        connection.execute("insert into t values (?)", (n,))
    connection.close()


def _duckdb(path: Path, n: int) -> None:
    import duckdb

    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table t as select {n} as x")


def _shelf(path: Path, n: int) -> None:
    import dbm.dumb

    with shelve.Shelf(dbm.dumb.open(str(path.with_suffix("")), "n")) as shelf:  # type: ignore[arg-type]
        shelf["k"] = n


def _dumb(path: Path, n: int) -> None:
    import dbm.dumb

    with dbm.dumb.open(str(path.with_suffix("")), "n") as file:
        file[b"k"] = str(n).encode()


def _npy(buffer: io.BytesIO, n: int) -> None:
    import numpy as np

    np.save(buffer, np.array([n, n]))


def _npz(buffer: io.BytesIO, n: int) -> None:
    import numpy as np

    np.savez(buffer, a=np.array([n, n]))


def _joblib(buffer: io.BytesIO, n: int) -> None:
    import joblib

    joblib.dump([n], buffer)


def _table(n: int) -> object:
    import pyarrow as pa

    return pa.table({"x": [n, n]})


def _parquet(buffer: io.BytesIO, n: int) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_table(n), buffer, compression="none")


def _feather(buffer: io.BytesIO, n: int) -> None:
    from pyarrow import feather

    feather.write_feather(_table(n), buffer, compression="uncompressed")


def _stream(buffer: io.BytesIO, n: int) -> None:
    from pyarrow import ipc

    table = _table(n)
    with ipc.new_stream(buffer, table.schema) as writer:  # type: ignore[attr-defined]
        writer.write_table(table)


def _orc(buffer: io.BytesIO, n: int) -> None:
    from pyarrow import orc

    orc.write_table(_table(n), buffer)


def _excel(buffer: io.BytesIO, n: int) -> None:
    import pandas as pd

    pd.DataFrame({"x": [n, n]}).to_excel(buffer, index=False)


def _avro(buffer: io.BytesIO, n: int) -> None:
    import polars as pl

    pl.DataFrame({"x": [n, n]}).write_avro(buffer)


def _png(buffer: io.BytesIO, n: int) -> None:
    import PIL.Image

    PIL.Image.new("L", (1, 1), n).save(buffer, "png")


def _pandas_pickle(buffer: io.BytesIO, n: int) -> None:
    import pandas as pd

    pd.DataFrame({"x": [n, n]}).to_pickle(buffer)


KINDS = {
    "text": Kind(".txt", _bytes(lambda n: b"v%d\n" % n)),
    "csv": Kind(".csv", _bytes(lambda n: b"x\n%d\n%d\n" % (n, n))),
    "json": Kind(".json", _bytes(lambda n: json.dumps([{"x": n}]).encode())),
    "ndjson": Kind(".ndjson", _bytes(lambda n: b'{"x": %d}\n' % n)),
    "toml": Kind(".toml", _bytes(lambda n: b"k = %d\n" % n)),
    "yaml": Kind(".yaml", _bytes(lambda n: b"k: %d\n" % n)),
    "ini": Kind(".ini", _bytes(_of_archive(_ini))),
    "xml": Kind(".xml", _bytes(lambda n: b"<r><e><x>%d</x></e></r>" % n)),
    "pickle": Kind(".pkl", _bytes(lambda n: pickle.dumps([n]))),
    "frame": Kind(".frame", _bytes(_of_archive(_pandas_pickle))),
    "python": Kind(".py", _bytes(lambda n: b"K = %d\nprint(K)\n" % n)),
    "shell": Kind(".sh", _bytes(lambda n: b"echo %d\n" % n)),
    "gz": Kind(".gz", _bytes(lambda n: gzip.compress(b"v%d" % n, mtime=0))),
    "bz2": Kind(".bz2", _bytes(lambda n: bz2.compress(b"v%d" % n))),
    "xz": Kind(".xz", _bytes(lambda n: lzma.compress(b"v%d" % n))),
    "zip": Kind(".zip", _bytes(_of_archive(_zip))),
    "tar": Kind(".tar", _bytes(_of_archive(_tar))),
    "sqlite": Kind(".sqlite", _sqlite),
    "duckdb": Kind(".duckdb", _duckdb),
    "shelf": Kind(".dat", _shelf),
    "dumb": Kind(".dat", _dumb),
    "binary": Kind(".bin", _bytes(lambda n: bytes([n] * 8))),
    "npy": Kind(".npy", _bytes(_of_archive(_npy))),
    "npz": Kind(".npz", _bytes(_of_archive(_npz))),
    "joblib": Kind(".joblib", _bytes(_of_archive(_joblib))),
    "parquet": Kind(".parquet", _bytes(_of_archive(_parquet))),
    "feather": Kind(".arrow", _bytes(_of_archive(_feather))),
    "stream": Kind(".arrows", _bytes(_of_archive(_stream))),
    "orc": Kind(".orc", _bytes(_of_archive(_orc))),
    "excel": Kind(".xlsx", _bytes(_of_archive(_excel))),
    "avro": Kind(".avro", _bytes(_of_archive(_avro))),
    "png": Kind(".png", _bytes(_of_archive(_png))),
}


class Reader(NamedTuple):
    """A way to read one file of a kind; `forms` are the other forms of a place than text that it takes."""

    kind: str
    read: str
    forms: str = ""


_ANY = "path bytes fd"
READERS = {
    "open_r": Reader("text", "closing(open({p}))", _ANY),
    "open_rb": Reader("text", "closing(open({p}, 'rb'))", _ANY),
    "open_r+": Reader("text", "closing(open({p}, 'r+'))", "path bytes"),
    "open_a+": Reader("text", "closing(open({p}, 'a+'), lambda f: (f.seek(0), f.read())[1])", "path bytes"),
    "io.open": Reader("text", "closing(io.open({p}))", _ANY),
    "io.FileIO": Reader("text", "closing(io.FileIO({p}))", _ANY),
    "open_code": Reader("text", "closing(io.open_code(os.path.abspath({p})))"),
    "opener": Reader("text", "closing(open({p}, opener=lambda n, f: os.open(n, f)))", "path bytes"),
    "os.open": Reader("text", "fd_bytes(os.open({p}, os.O_RDONLY))", "path bytes"),
    "os.open_rdwr": Reader("text", "fd_bytes(os.open({p}, os.O_RDWR))", "path bytes"),
    "os.open_append": Reader("text", "fd_bytes(os.open({p}, os.O_RDWR | os.O_APPEND))", "path bytes"),
    "os.open_creat": Reader("text", "fd_bytes(os.open({p}, os.O_RDWR | os.O_CREAT))", "path bytes"),
    "os.open_creat_ro": Reader("text", "fd_bytes(os.open({p}, os.O_RDONLY | os.O_CREAT))", "path bytes"),
    "read_text": Reader("text", "Path({p}).read_text()", "path"),
    "read_bytes": Reader("text", "Path({p}).read_bytes().decode()", "path"),
    "Path.open": Reader("text", "closing(Path({p}).open('rb'))", "path"),
    "linecache": Reader("text", "linecache.getline({p}, 1)"),
    "fileinput": Reader("text", "closing(fileinput.input({p}), lambda f: ''.join(f))", "path list"),
    "codecs.open": Reader("text", "closing(codecs.open({p}, 'r', 'utf-8'))", "path"),
    "json": Reader("json", "str(json.load(open({p})))", _ANY),
    "csv": Reader("csv", "str(list(csv.reader(open({p}))))", _ANY),
    "tomllib": Reader("toml", "str(tomllib.load(open({p}, 'rb')))", _ANY),
    "configparser": Reader(
        "ini", "(lambda c: (c.read({p}), c['s']['k'])[1])(configparser.ConfigParser())", "path list"
    ),
    "pickle": Reader("pickle", "str(pickle.load(open({p}, 'rb')))", _ANY),
    "shelve": Reader("shelf", "closing(shelve.open({p}.removesuffix('.dat')), lambda s: s['k'])"),
    "shelve_r": Reader("shelf", "closing(shelve.open({p}.removesuffix('.dat'), 'r'), lambda s: s['k'])"),
    "dbm.dumb": Reader("dumb", "closing(dbm.dumb.open({p}.removesuffix('.dat'), 'r'), lambda s: s[b'k'])"),
    "yaml": Reader("yaml", "str(yaml.safe_load(open({p})))", _ANY),
    "zipfile": Reader("zip", "closing(zipfile.ZipFile({p}), lambda z: z.read('a.txt'))", "path"),
    "zipfile.Path": Reader("zip", "zipfile.Path({p}, 'a.txt').read_text()", "path"),
    "tarfile": Reader("tar", "closing(tarfile.open({p}), lambda t: t.extractfile('a.txt').read())", "path"),
    "unpack": Reader(
        "tar",
        "(shutil.unpack_archive({p}, '/tmp/at_readers', filter='data'), open('/tmp/at_readers/a.txt').read())[1]",
        "path",
    ),
    "copied": Reader(
        "text", "(shutil.copy({p}, '/tmp/at_readers_copy'), open('/tmp/at_readers_copy').read())[1]", "path"
    ),
    "gzip": Reader("gz", "closing(gzip.open({p}))", "path"),
    "bz2": Reader("bz2", "closing(bz2.open({p}))", "path"),
    "lzma": Reader("xz", "closing(lzma.open({p}))", "path"),
    "mmap": Reader("text", "mapped({p})", "path"),
    "np.load": Reader("npy", "str(np.load({p}).tolist())", "path"),
    "np.load_mmap": Reader("npy", "str(np.load({p}, mmap_mode='r').tolist())", "path"),
    "np.load_npz": Reader("npz", "str(np.load({p})['a'].tolist())", "path"),
    "np.memmap": Reader("binary", "str(np.memmap({p}, dtype='u1').tolist())", "path"),
    "np.memmap_r": Reader("binary", "str(np.memmap({p}, dtype='u1', mode='r').tolist())", "path"),
    "np.genfromtxt": Reader("csv", "str(np.genfromtxt({p}, skip_header=1).tolist())", "path"),
    "np.loadtxt": Reader("csv", "str(np.loadtxt({p}, skiprows=1).tolist())", "path"),
    "np.fromfile": Reader("binary", "str(np.fromfile({p}, dtype='u1').tolist())", "path"),
    "joblib": Reader("joblib", "str(joblib.load({p}))", "path"),
    "joblib_mmap": Reader("joblib", "str(joblib.load({p}, mmap_mode='r'))", "path"),
    "PIL": Reader("png", "closing(PIL.Image.open({p}), lambda i: i.getpixel((0, 0)))", "path"),
    "runpy": Reader("python", "str(runpy.run_path({p})['K'])", "path"),
    "exec": Reader("python", "(lambda s: (exec(open({p}).read(), s), str(s['K']))[1])({{}})"),
    "by_spec": Reader("python", "str(module_at({p}))", "path"),
    "pkgutil": Reader("text", "pkgutil.get_data('helper', os.path.relpath({p}, HERE)).decode()"),
    "cat": Reader("text", "subprocess.run(['cat', {p}], capture_output=True, text=True).stdout", "path bytes"),
    "stdin": Reader("text", "subprocess.run(['cat'], stdin=open({p}), capture_output=True, text=True).stdout", "path"),
    "python_child": Reader(
        "python", "subprocess.run([sys.executable, '-S', {p}], capture_output=True, text=True).stdout", "path"
    ),
    "sh_child": Reader("shell", "subprocess.check_output(['sh', {p}], text=True)", "path"),
    "popen": Reader("text", "said('cat < ' + {p})"),
    "system": Reader(
        "text", "(os.system('cat ' + {p} + ' > /tmp/at_readers_out'), open('/tmp/at_readers_out').read())[1]"
    ),
    "spawn": Reader(
        "text",
        "(os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', 'cat ' + {p} + ' > /tmp/at_readers_out'), open('/tmp/at_readers_out').read())[1]",
    ),
    "pd.read_csv": Reader("csv", "rows(pd.read_csv({p}))", "path uri"),
    "pd.read_csv_arrow": Reader("csv", "rows(pd.read_csv({p}, engine='pyarrow'))", "path"),
    "pd.read_csv_mapped": Reader("csv", "rows(pd.read_csv({p}, memory_map=True))", "path"),
    "pd.read_table": Reader("csv", "rows(pd.read_table({p}))", "path uri"),
    "pd.read_fwf": Reader("csv", "rows(pd.read_fwf({p}))", "path uri"),
    "pd.read_json": Reader("json", "rows(pd.read_json({p}))", "path uri"),
    "pd.read_excel": Reader("excel", "rows(pd.read_excel({p}))", "path uri"),
    "pd.read_parquet": Reader("parquet", "rows(pd.read_parquet({p}))", "path uri folder list"),
    "pd.read_feather": Reader("feather", "rows(pd.read_feather({p}))", "path uri"),
    "pd.read_orc": Reader("orc", "rows(pd.read_orc({p}))", "path uri"),
    "pd.read_pickle": Reader("frame", "rows(pd.read_pickle({p}))", "path uri"),
    "pd.read_xml": Reader("xml", "rows(pd.read_xml({p}, parser='etree'))", "path uri"),
    "pd.read_sql": Reader("sqlite", "rows(pd.read_sql('select x from t', 'sqlite:///' + {p}))"),
    "pl.read_csv": Reader("csv", "rows(pl.read_csv({p}))", "path glob folder"),
    "pl.read_parquet": Reader("parquet", "rows(pl.read_parquet({p}))", "path glob folder list uri"),
    "pl.read_json": Reader("json", "rows(pl.read_json({p}))", "path"),
    "pl.read_ndjson": Reader("ndjson", "rows(pl.read_ndjson({p}))", "path"),
    "pl.read_ipc": Reader("feather", "rows(pl.read_ipc({p}, memory_map=False))", "path"),
    "pl.read_ipc_stream": Reader("stream", "rows(pl.read_ipc_stream({p}))", "path"),
    "pl.read_avro": Reader("avro", "rows(pl.read_avro({p}))", "path"),
    "pl.scan_csv": Reader("csv", "rows(pl.scan_csv({p}).collect())", "path glob folder list uri"),
    "pl.scan_parquet": Reader("parquet", "rows(pl.scan_parquet({p}).collect())", "path glob folder list uri"),
    "pl.scan_ipc": Reader("feather", "rows(pl.scan_ipc({p}).collect())", "path glob"),
    "pl.scan_ndjson": Reader("ndjson", "rows(pl.scan_ndjson({p}).collect())", "path glob list"),
    "pl.read_csv_batched": Reader("csv", "rows(pl.scan_csv({p}).collect(engine='streaming'))", "path"),
    "pl.sql": Reader("csv", 'rows(pl.sql("select * from read_csv(\'" + {p} + "\')").collect())'),
    "pq.read_table": Reader("parquet", "rows(pq.read_table({p}))", "path folder list uri"),
    "pq.ParquetFile": Reader("parquet", "rows(pq.ParquetFile({p}).read())", "path"),
    "pq.ParquetDataset": Reader("parquet", "rows(pq.ParquetDataset({p}).read())", "path folder list"),
    "pq.read_metadata": Reader("parquet", "str(pq.read_metadata({p}).row_group(0).column(0).statistics.max)", "path"),
    "ds.dataset": Reader("parquet", "rows(ds.dataset({p}).to_table())", "path folder list uri"),
    "ds.csv": Reader("csv", "rows(ds.dataset({p}, format='csv').to_table())", "path folder list uri"),
    "pa.csv": Reader("csv", "rows(pa.csv.read_csv({p}))", "path"),
    "pa.open_csv": Reader("csv", "rows(pa.csv.open_csv({p}).read_all())", "path"),
    "pa.json": Reader("ndjson", "rows(pa.json.read_json({p}))", "path"),
    "pa.orc": Reader("orc", "rows(pa.orc.read_table({p}))", "path"),
    "pa.orc_file": Reader("orc", "rows(pa.orc.ORCFile({p}).read())", "path"),
    "pa.feather": Reader("feather", "rows(pa.feather.read_table({p}))", "path"),
    "pa.ipc": Reader("feather", "rows(pa.ipc.open_file({p}).read_all())"),
    "pa.ipc_stream": Reader("stream", "rows(pa.ipc.open_stream(pa.memory_map({p})).read_all())"),
    "pa.memory_map": Reader("text", "closing(pa.memory_map({p}))", "path"),
    "pa.memory_map_rw": Reader("text", "closing(pa.memory_map({p}, 'r+'))", "path"),
    "pa.OSFile": Reader("text", "closing(pa.OSFile({p}))", "path"),
    "pa.input_stream": Reader("text", "closing(pa.input_stream({p}))", "path"),
    "pa.PythonFile": Reader("text", "closing(pa.PythonFile(open({p}, 'rb')))", "path"),
    "fs.open_file": Reader("text", "closing(pa.fs.LocalFileSystem().open_input_file({p}))", "path"),
    "fs.open_stream": Reader("text", "closing(pa.fs.LocalFileSystem().open_input_stream({p}))", "path"),
    "fs.from_uri": Reader(
        "text", "(lambda f, n: closing(f.open_input_file(n)))(*pa.fs.FileSystem.from_uri(os.path.abspath({p})))"
    ),
    "fs.subtree": Reader(
        "text",
        "closing(pa.fs.SubTreeFileSystem(HERE, pa.fs.LocalFileSystem()).open_input_file(os.path.relpath({p}, HERE)))",
    ),
    "fs.of_dataset": Reader(
        "parquet", "rows(ds.dataset({p}, filesystem=pa.fs.LocalFileSystem()).to_table())", "list folder"
    ),
    "fs.of_table": Reader("parquet", "rows(pq.read_table({p}, filesystem=pa.fs.LocalFileSystem()))", "folder"),
    "fs.of_subtree": Reader(
        "parquet",
        "rows(pq.read_table(os.path.relpath({p}, HERE), filesystem=pa.fs.SubTreeFileSystem(HERE, pa.fs.LocalFileSystem())))",
    ),
    "ds.fragment": Reader(
        "parquet",
        "rows(ds.ParquetFileFormat().make_fragment(os.path.abspath({p}), filesystem=pa.fs.LocalFileSystem()).to_table())",
    ),
    "ds.factory": Reader(
        "parquet",
        "rows(ds.FileSystemDatasetFactory(pa.fs.LocalFileSystem(), [os.path.abspath({p})], ds.ParquetFileFormat()).finish().to_table())",
    ),
    "duckdb.sql": Reader("csv", 'str(duckdb.sql("select * from \'" + {p} + "\'").fetchall())', "glob"),
    "duckdb.sql_reader": Reader("csv", 'str(duckdb.sql("from read_csv(\'" + {p} + "\')").fetchall())', "glob"),
    "duckdb.read_csv": Reader("csv", "str(duckdb.read_csv({p}).fetchall())", "glob path list"),
    "duckdb.read_parquet": Reader("parquet", "str(duckdb.read_parquet({p}).fetchall())", "glob list"),
    "duckdb.read_json": Reader("json", "str(duckdb.read_json({p}).fetchall())", "glob"),
    "duckdb.parameter": Reader("csv", "str(duckdb.execute('from read_csv(?)', [{p}]).fetchall())", "glob"),
    "duckdb.connect": Reader("duckdb", "connected(duckdb.connect({p}, read_only=True), 'select x from t')"),
    "duckdb.connect_rw": Reader("duckdb", "connected(duckdb.connect({p}), 'select x from t')"),
    "duckdb.attach": Reader(
        "duckdb",
        "(lambda c: (c.execute(f\"attach '{{{p}}}' as o (read_only)\"), connected(c, 'select x from o.t'))[1])(duckdb.connect())",
    ),
    "duckdb.cursor": Reader("csv", 'str(duckdb.connect().cursor().execute("from \'" + {p} + "\'").fetchall())'),
    "duckdb.read_text": Reader("text", 'str(duckdb.sql("select content from read_text(\'" + {p} + "\')").fetchall())'),
    "duckdb.relation": Reader("csv", "str(duckdb.connect().from_csv_auto({p}).fetchall())"),
    "duckdb.view": Reader(
        "csv",
        "(lambda c: (c.execute(f\"create view v as from '{{{p}}}'\"), connected(c, 'from v'))[1])(duckdb.connect())",
    ),
    "duckdb.sqlite": Reader("sqlite", "connected(sqlite3.connect({p}), 'select x from t')", "path bytes"),
    "sqlite_uri": Reader(
        "sqlite", "connected(sqlite3.connect('file:' + {p} + '?mode=ro', uri=True), 'select x from t')"
    ),
    "sqlite_attach": Reader(
        "sqlite",
        "(lambda c: (c.execute('attach ? as o', ({p},)), connected(c, 'select x from o.t'))[1])(sqlite3.connect(':memory:'))",
    ),
    "sqlite_uri_attach": Reader(
        "sqlite",
        "(lambda c: (c.execute(f\"attach '{{{p}}}' as o\"), connected(c, 'select x from o.t'))[1])(sqlite3.connect(':memory:'))",
    ),
    "sqlalchemy": Reader(
        "sqlite",
        "connected(__import__('sqlalchemy').create_engine('sqlite:///' + {p}).raw_connection().driver_connection, 'select x from t')",
    ),
    # taken by name when the module was imported
    "named duck": Reader("duckdb", "connected(duck({p}, read_only=True), 'select x from t')"),
    "named duck_csv": Reader("csv", "str(duck_csv({p}).fetchall())"),
    "named duck_sql": Reader("csv", 'str(duck_sql("from \'" + {p} + "\'").fetchall())'),
    "named polars_csv": Reader("csv", "rows(polars_csv({p}))"),
    "named OSFile": Reader("text", "closing(OSFile({p}))"),
    "named LocalFileSystem": Reader("text", "closing(LocalFileSystem().open_input_file({p}))"),
    "named read_table": Reader("parquet", "rows(read_table({p}))"),
}
