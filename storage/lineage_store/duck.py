"""DuckDB itself: opening a database for a moment, and what its errors mean.

The only file that imports DuckDB. Nothing is ever fetched from anywhere, and a name in SQL
is never a variable of this program.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import duckdb

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.storage.lineage_store.folding import CATALOG, Connection, create_schema, literal
from assetctl.storage.lineage_store.only_reading import checked
from assetctl.storage.lineage_store.readable import Readable, refused
from assetctl.storage.lineage_store.user_sql import Answer, UnknownTable, ask, close_off, spooled, tables_named
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.modes import mode_below
from assetctl.storage.state.regular import NotAFile, require_regular

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
# All are matched from the beginning: further on, an error may quote the query.
_DAMAGE = re.compile(r"(?:[\w ]+ Error: )?Corrupt database file|(?:IO|FATAL) Error: .*has been invalidated", re.DOTALL)
_HELD = re.compile(r"Conflicting lock is held in (.+?) \(PID (\d+)\)")
_UNQUOTED = re.compile(r'Parser Error: syntax error at or near "[@/]"')
_MISSING = re.compile(r"Catalog Error: Table with name (.*?) does not exist(?:!| because)", re.DOTALL)
_QUOTE = 'versions and names with a `/` are written in double quotes: `from "features@9f3a1c"`, `from "clean/orders"`'
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,  # nothing is ever fetched from anywhere
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,  # DuckDB's own, in a folder of the person
    "python_enable_replacements": False,  # a name in SQL is never a variable of this program
}


class Damaged(Exception):
    """The database file cannot be believed."""


class Unusable(Exception):
    """The database file cannot be used now: another program, the disk or its permissions are in the way."""


class Held(Unusable):
    """Another program has the database file open; nothing is wrong with it."""


# DuckDB has one type of error for a file that is locked, may not be read, or is no database at
# all, and none for damage; a query that Ctrl-C ends raises what a mistake of ours would. Six
# functions here are the only ones that read its words: `tests/e2e/test_words_decide_nothing.py`
# lists them, each with the test that provokes the errors which it tells apart.


def is_in_the_way(error: Exception) -> bool:
    """Say whether a database file may be sound, but cannot be used now: its lock, its permissions, a full disk."""
    signs = (
        "Could not set lock",
        "already attached",  # by this very process, outside of this module
        "Cannot open file",
        "Permission denied",
        "Read-only file system",
        "No space left",
        "Could not write",
        "attached in read-only mode",
    )
    return isinstance(error, duckdb.OutOfMemoryException) or any(sign in str(error) for sign in signs)


def holder_of(error: Exception) -> str | None:
    """Return who has a database file open, in words; None if that is not what is wrong."""
    text = str(error)
    if "Could not set lock" in text:
        held = _HELD.search(text)
        return "another program" if held is None else f"process {held[2]} ({held[1]})"
    return "this program" if "already attached" in text else None


def is_damage(error: Exception) -> bool:
    """Say whether a query failed because of the database file; if not, the query itself is wrong."""
    return _DAMAGE.match(str(error)) is not None


def missing_table(error: Exception) -> str | None:
    """Return the table that a query names and DuckDB does not have; None if something else is wrong."""
    named = _MISSING.match(str(error)) if isinstance(error, duckdb.CatalogException) else None
    return None if named is None else named[1].strip('"')


def lacks_quotes(error: Exception) -> bool:
    """Say whether a query has a name with `@` or `/` that is not in quotes."""
    return isinstance(error, duckdb.ParserException) and _UNQUOTED.match(str(error)) is not None


def connected() -> duckdb.DuckDBPyConnection:
    """Return a connection to nothing but memory."""
    con = duckdb.connect(":memory:", config=CONFIG)
    hide_bar(con)
    return con


def hide_bar(con: Connection) -> None:
    """Show no progress bar, which in an interactive Python is written to stdout once something takes two seconds."""
    with suppress(duckdb.InvalidInputException):  # in a kernel without widgets, where there is none to hide
        con.execute("SET enable_progress_bar = false")


@contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[Connection]:
    """Open a database for a moment; DuckDB's errors become `Damaged` or `Unusable`."""
    con: duckdb.DuckDBPyConnection | None = None
    _require_files(path)
    try:
        con = connected()
        con.execute(attach(path, read_only=read_only))
        con.execute(f"USE {CATALOG}")
        yield con
        if not read_only:
            _keep_private(path)
    except AssetctlError:
        raise
    except (duckdb.Error, UnicodeDecodeError) as cause:
        holder = holder_of(cause)
        if holder is not None:
            raise Held(holder) from cause
        raise (Unusable if is_in_the_way(cause) else Damaged)(str(cause)) from cause
    finally:
        if con is not None:
            con.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM be what they are, also where DuckDB turned them into an error of its own."""
    try:
        yield
    except RuntimeError as cause:
        if type(cause) is not RuntimeError or str(cause) != "Query interrupted":
            raise
        raise KeyboardInterrupt from cause


def _require_files(database: Path) -> None:
    """Refuse a pipe in the place of the database or its write-ahead log, which DuckDB would wait for."""
    for path in (database, database.with_name(database.name + ".wal")):
        try:
            require_regular(path)
        except NotAFile as cause:
            raise Damaged(f"{path} is not a file") from cause


def _keep_private(path: Path) -> None:
    """Make a database that DuckDB wrote no more open than its folder; `chmod` does not open it."""
    for file in (path, path.with_name(f"{path.name}.wal")):
        with suppress(OSError):  # another user's, or a write-ahead log that is not there
            file.chmod(mode_below(path.parent, stat.S_IMODE(file.stat().st_mode)))


def attach(path: Path, *, read_only: bool) -> str:
    """Return the statement that attaches a database under the name that everything here knows."""
    return f"ATTACH {literal(str(path))} AS {CATALOG}{' (READ_ONLY)' if read_only else ''}"


def one_line(trouble: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(trouble).split())[:300]


def told(con: Connection, sql: str, answer: Callable[[], _T]) -> _T:
    """Return what `answer` returns; DuckDB's complaints about the query become errors that the person sees."""
    try:
        return _stoppable(con, answer)
    except (duckdb.Error, OSError) as cause:  # Arrow gives what happens after the first batch as an `OSError`
        if is_damage(cause):
            raise
        name = missing_table(cause)
        if name is not None:
            raise UnknownTable(name) from cause
        if isinstance(cause, duckdb.PermissionException):
            raise refused(sql, str(cause)) from cause
        hint = _QUOTE if lacks_quotes(cause) else "`from lineage.assets` lists assets"
        problem = Problem("bad-query", f"this query does not work: {cause}", (("query", sql),), hint)
        raise SelectionError(problem) from cause


def _stoppable(con: Connection, answer: Callable[[], _T]) -> _T:
    """Answer on a separate thread, so that Ctrl-C works in this one: DuckDB may take minutes to look for it."""
    pool = ThreadPoolExecutor(1, "assetctl-sql")
    future = pool.submit(answer)
    try:
        return future.result()
    except KeyboardInterrupt:
        while not future.done():  # again and again: between two statements nobody listens
            con.interrupt()
            wait([future], 0.05)
        raise
    finally:
        pool.shutdown(wait=False)


def answer_apart(sql: str, tables: Mapping[str, object], readable: Readable) -> Answer:
    """Answer without the lineage database, a batch at a time: a slow reader of the rows keeps nobody waiting.

    Raises:
        UnknownTable: the query names a table that is not there.
        SelectionError: it does more than read, or DuckDB cannot make sense of it.
    """
    held = ExitStack()
    try:
        spill = held.enter_context(_temporary_folder())
        con = held.enter_context(closing(connected()))
        schema, batches = told(con, sql, lambda: _asked(con, sql, tables, readable, spill))
    except BaseException:
        held.close()
        raise

    def until_the_last() -> Iterator[pa.RecordBatch]:
        while (batch := told(con, sql, lambda: next(batches, None))) is not None:
            yield batch

    return Answer(schema, until_the_last(), held.close)


def answer_all(con: Connection, sql: str, tables: Mapping[str, object], readable: Readable) -> Answer:
    """Answer on a connection that is closed next: all rows are read at once.

    Raises:
        UnknownTable, SelectionError: as `answer_apart`.
    """
    with _temporary_folder() as spill:
        return told(con, sql, lambda: spooled(*_asked(con, sql, tables, readable, spill)))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Give a folder for what does not fit in memory, which only its owner can read.

    Raises:
        EnvironmentFault: none can be made.
    """
    try:
        folder = TemporaryDirectory(prefix="assetctl-sql-", ignore_cleanup_errors=True)
    except OSError as cause:
        raise environment_fault(cause, cause.filename or "TMPDIR", "a temporary folder cannot be made") from cause
    with folder as path:
        yield Path(path)


def _asked(
    con: Connection, sql: str, tables: Mapping[str, object], readable: Readable, spill: Path
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    query = checked(con, duckdb.tokenize, sql)
    return ask(con, query.text, tables, readable.files_of(query, _files_like, list(tables)), spill)


def _files_like(pattern: str, folders: Sequence[Path]) -> list[str]:
    """Return the files below some folders that fit a pattern, as DuckDB reads patterns."""
    with closing(connected()) as con:
        directories = ", ".join(literal(f"{folder.resolve()}/") for folder in folders)
        con.execute(f"SET allowed_directories = [{directories}]")
        close_off(con, [pattern], Path())
        return [str(path) for (path,) in con.execute("SELECT file FROM glob(?)", [pattern]).fetchall()]


@contextmanager
def copy_of(con: Connection) -> Iterator[Connection]:
    """Open a copy of a lineage database that is in memory, for reading only."""
    with _temporary_folder() as folder:
        path = folder / "lineage.duckdb"
        con.execute(f"ATTACH {literal(str(path))} AS copied")
        try:
            con.execute(f"COPY FROM DATABASE {CATALOG} TO copied")
        finally:
            con.execute("DETACH copied")
        with opened(path, read_only=True) as copy:
            yield copy


def tables_in(sql: str) -> tuple[str, ...]:
    """Return the tables that a query names without a schema; () where DuckDB cannot say before it knows them.

    Raises:
        SelectionError: it does more than read; this is checked before DuckDB is asked for the tables.
    """
    with closing(connected()) as con:
        try:
            checked(con, duckdb.tokenize, sql)
            return tables_named(con, sql)
        except duckdb.Error:
            return ()


def split_statements(text: str) -> tuple[list[str], str]:
    """Return the finished statements of a text without their semicolons, and the rest that is not finished."""
    statements: list[str] = []
    start = 0
    data = text.encode("utf-8", "replace")  # half a character becomes `?`: one character, as before
    for at, _ in duckdb.tokenize(data.decode()):
        if data.startswith(b";", at):
            end = len(data[:at].decode())
            statements.append(text[start:end].strip())
            start = end + 1
    return [statement for statement in statements if statement], text[start:].lstrip()


def in_memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to a new lineage database in memory."""
    con = connected()
    con.execute(f"ATTACH ':memory:' AS {CATALOG}; USE {CATALOG}")
    create_schema(con)
    return con
