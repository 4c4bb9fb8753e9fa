"""The lineage store in DuckDB: folded from the journal, asked by the planner and by people.

`duck.py` opens DuckDB, and this file decides when. What must stay true, each learned from a
measured loss:

- Connections are short, behind a lock between processes, and never open while a
  person's code runs: a commit in a process forked from one that has the file open is lost.
- The database file is never opened, hashed or copied here by other means than DuckDB:
  closing such a handle drops DuckDB's own lock on it. Looking at it (`stat`) and
  renaming it are safe.
- The database is never the only copy of anything. A file that is damaged, or ahead of the
  journal, is set aside, never deleted, and folded again. A file that another program holds
  costs a warning and a fold in memory, never a failure.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from assetctl.assets.errors import EnvironmentFault, Problem, WaitTimeout
from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.records import Digest, Pinned
from assetctl.lineage.facts.snapshot import Snapshot, Traces
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.duck import (
    CONFIG,
    Damaged,
    Held,
    Unusable,
    answer_all,
    answer_apart,
    attach,
    copy_of,
    hide_bar,
    in_memory,
    interruptible,
    one_line,
    opened,
    told,
)
from assetctl.storage.lineage_store.folding import CATALOG, Connection, create_schema, fold_scan, read_folded
from assetctl.storage.lineage_store.questions import (
    Facts,
    ask_names,
    ask_pins,
    ask_snapshot,
    ask_texts,
    ask_traces,
    without_collection,
)
from assetctl.storage.lineage_store.readable import Readable
from assetctl.storage.lineage_store.renewal import migrate, put_in_place, wal
from assetctl.storage.lineage_store.schema_check import Newer, Outdated, check_schema, checked_folded
from assetctl.storage.lineage_store.user_sql import Answer, may_need_lineage
from assetctl.storage.state.format import check_state
from assetctl.storage.state.holders import named
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import lock_file, store_lock

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlmodel import Session

_T = TypeVar("_T")
WAIT_S = 10.0
_MAX_KNOWN = 100_000  # decoded facts kept between questions


class DuckLineageStore:
    """`ports.LineageStore` on `lineage.duckdb`; also answers SQL.

    `warnings` collects one line for everything that was worked around.
    """

    def __init__(self, layout: Layout, journal: FileJournal, *, wait_s: float = WAIT_S) -> None:
        self._layout = layout
        self._database = layout.lineage_db
        self._pid = os.getpid()
        self._journal = journal
        self._wait_s = wait_s
        self._mutex = threading.RLock()
        self._known: Facts = {}
        self._sizes: Mapping[str, int] | None = None  # of the journal, when it was last folded or found folded
        self._in_memory: Connection | None = None
        self.warnings: list[str] = []

    def refresh(self) -> None:
        """Fold what the journal has beyond what is folded.

        Raises:
            EnvironmentFault: the journal cannot be read, or a newer release wrote this state folder.
        """
        self._begin_anew_after_fork()
        with self._mutex, interruptible():
            check_state(self._layout)
            sizes = self._journal.sizes()
            if sizes == self._sizes and self._in_memory is None:
                return
            if not sizes and not self._database.exists():
                self._sizes = sizes  # looking at a project that never recorded anything writes nothing
                return
            try:
                self._fold_file()
                self._in_memory = None
            except (Unusable, WaitTimeout, EnvironmentFault) as trouble:
                self._fold_in_memory(trouble)

    def snapshot(self, targets: Collection[Target]) -> Snapshot:
        """Return what is known about these targets."""
        return Snapshot() if self._is_empty() else self._ask(lambda con: ask_snapshot(con, targets, self._known))

    def traces(self, targets: Collection[Target]) -> Traces:
        """Return the sound materializations of the steps whose first output is one of `targets`."""
        return {} if self._is_empty() else self._ask(lambda con: ask_traces(con, targets, self._known))

    def texts(self) -> frozenset[Digest]:
        """Return the digests of all symbol texts that are recorded."""
        return frozenset() if self._is_empty() else self._ask(ask_texts)

    def pins(self) -> tuple[Pinned, ...]:
        """Return every pin in force, oldest first."""
        return () if self._is_empty() else self._ask(lambda con: ask_pins(con, self._known))

    def names(self) -> Mapping[AssetKey, tuple[AssetKey, ...]]:
        """Return the names that renamed assets had, by the name they have now."""
        return {} if self._is_empty() else self._ask(lambda con: ask_names(con, self._known))

    def query(self, sql: str, params: Collection[object] = ()) -> pa.Table:
        """Answer SQL on what is folded.

        Raises:
            SelectionError: DuckDB cannot make sense of the query; its message says where.
        """
        return self._ask(lambda con: told(con, sql, lambda: con.sql(sql, params=list(params) or None).to_arrow_table()))

    def answer(self, sql: str, tables: Mapping[str, object], readable: Readable | None = None) -> Answer:
        """Answer a person's SQL; nothing can be written.

        `tables` adds views: a name to the path of a Parquet file, or to an Arrow table. Of other
        files, the query may read those of `readable`. The database is opened only if the query
        may need it, and closed on return.

        Raises:
            UnknownTable: the query names a table that is not there.
            SelectionError: it does more than read, or DuckDB cannot make sense of it.
        """
        files = readable or Readable()
        if not may_need_lineage(sql):
            return answer_apart(sql, tables, files)

        return self._ask(lambda con: answer_all(con, sql, tables, files), in_memory_on=copy_of)

    def rebuild(self) -> None:
        """Fold the whole journal into a new database file, which then takes the place of the old one.

        Raises:
            WaitTimeout: another process used the database for too long; nothing was changed.
            EnvironmentFault: the disk refused, or a newer release wrote the database; nothing was changed.
        """
        check_state(self._layout)
        with self._mutex, store_lock(self._layout, self._wait_s), interruptible():
            try:
                self._refuse_newer()
                self._fold_anew(self._journal.sizes())
            except (OSError, Unusable, Damaged) as cause:
                facts = (("file", str(self._database)), ("reason", one_line(cause)))
                raise EnvironmentFault(
                    Problem("lineage-not-rebuilt", "the lineage database cannot be rebuilt", facts)
                ) from cause

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a SQLModel session for reading what is folded; keep it short, since others wait for it.

        Raises:
            WaitTimeout: another process used the database for too long.
        """
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool
        from sqlmodel import Session

        self.refresh()
        if self._in_memory is not None or not self._sizes:
            why = self.warnings[-1] if self.warnings else "nothing was recorded yet"
            raise EnvironmentFault(
                Problem("no-lineage-database", "there is no lineage database to read", (("reason", why),))
            )
        with self._mutex, store_lock(self._layout, self._wait_s):
            engine = create_engine("duckdb:///:memory:", poolclass=NullPool, connect_args={"config": dict(CONFIG)})
            event.listen(engine, "connect", self._attach_for_reading)
            try:
                with Session(engine) as session:
                    yield session
            finally:
                engine.dispose()

    def _attach_for_reading(self, con: Connection, _record: object) -> None:
        hide_bar(con)
        con.execute(attach(self._database, read_only=True))
        con.execute(f"USE {CATALOG}")

    def _is_empty(self) -> bool:
        self._begin_anew_after_fork()
        with self._mutex:
            if self._sizes is None:
                self.refresh()
            return not self._sizes and self._in_memory is None

    def _ask(
        self,
        question: Callable[[Connection], _T],
        in_memory_on: Callable[[Connection], AbstractContextManager[Connection]] = nullcontext,
    ) -> _T:
        with self._mutex, without_collection(), interruptible():
            if self._is_empty():
                self._fold_in_memory(None)
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            for _ in range(2):  # a damaged file is replaced once; its successor is not doubted for ever
                if self._in_memory is not None:
                    break
                try:
                    with store_lock(self._layout, self._wait_s), opened(self._database, read_only=True) as con:
                        check_schema(con)  # another release may have been here since the last fold
                        return question(con)
                except Outdated:
                    self._sizes = None
                    self.refresh()
                except Damaged as trouble:
                    self._replace(trouble)
                except (Unusable, WaitTimeout, EnvironmentFault) as trouble:
                    self._fold_in_memory(trouble)
            con = (self._in_memory or self._fold_in_memory(Unusable("it was damaged again"))).cursor()
            try:
                con.execute(f"USE {CATALOG}")
                with in_memory_on(con) as one:
                    return question(one)
            finally:
                con.close()

    def _begin_anew_after_fork(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._mutex = threading.RLock()
            self._in_memory, self._sizes = None, None

    def _fold_file(self) -> None:
        with store_lock(self._layout, self._wait_s):
            sizes = self._journal.sizes()  # under the lock: nobody can fold more than this meanwhile
            try:
                if not self._is_folded(sizes):
                    self._fold_into_database(sizes)
            except Outdated as older:
                self._renew(older, sizes)
            except Damaged as trouble:
                self._set_aside(trouble)
                self._fold_anew(sizes)
            self._sizes = sizes

    def _renew(self, older: Outdated, sizes: Mapping[str, int]) -> None:
        """Bring a database of an earlier schema up to date, in a new file; fold anew if it cannot be."""
        if older.again is None:
            return self._fold_anew(sizes)
        try:
            with put_in_place(self._database) as new, opened(new, read_only=False) as con:
                create_schema(con)
                migrate(con, self._database, older.again, self._journal, sizes)
                con.execute(f"CHECKPOINT {CATALOG}")
        except Damaged:
            return self._fold_anew(sizes)
        return self._known.clear()

    def _fold_anew(self, sizes: Mapping[str, int]) -> None:
        """Fold everything into a new file, which appears when it is whole: a kill leaves nothing that looks damaged."""
        try:
            with put_in_place(self._database) as new, opened(new, read_only=False) as con:
                create_schema(con)
                self._fold(con, sizes)
                con.execute(f"CHECKPOINT {CATALOG}")
        except OSError as cause:
            raise Unusable(f"it cannot be made: {cause.strerror}") from cause
        self._sizes, self._in_memory = sizes, None
        self._known.clear()

    def _refuse_newer(self) -> None:
        if self._database.exists():
            with suppress(Damaged, Outdated), opened(self._database, read_only=True) as con:
                check_schema(con)

    def _replace(self, trouble: Damaged) -> None:
        try:
            with store_lock(self._layout, self._wait_s):
                self._set_aside(trouble)
                self._fold_anew(self._journal.sizes())
        except (Unusable, WaitTimeout, EnvironmentFault, Damaged) as again:
            self._fold_in_memory(again)

    def _is_folded(self, sizes: Mapping[str, int]) -> bool:
        """Say whether everything is folded, without locking out other readers."""
        if not self._database.exists():
            return False
        with opened(self._database, read_only=True) as con:
            return checked_folded(con, sizes)

    def _fold_into_database(self, sizes: Mapping[str, int]) -> None:
        if not self._database.exists():
            return self._fold_anew(sizes)
        with opened(self._database, read_only=False) as con:
            return self._fold(con, sizes)

    def _fold(self, con: Connection, sizes: Mapping[str, int]) -> None:
        fold_scan(con, self._journal.scan(read_folded(con).seen), sizes)

    def _fold_in_memory(self, trouble: Exception | None) -> Connection:
        if isinstance(trouble, Newer):
            self._warn(str(trouble))
        elif isinstance(trouble, Held | WaitTimeout):
            who = str(trouble) if isinstance(trouble, Held) else named(lock_file(self._layout))
            self._warn(f"the lineage database is in use by {who}; read from the journal instead, nothing is wrong")
        elif trouble is not None:
            self._warn(f"the lineage database is not usable ({one_line(trouble)}); working in memory")
        if self._in_memory is None:
            self._in_memory = in_memory()
        sizes = self._journal.sizes()
        self._fold(self._in_memory, sizes)
        self._sizes = sizes
        return self._in_memory

    def _set_aside(self, trouble: Damaged) -> None:
        """Rename the database and its write-ahead log; they are evidence, so nothing deletes them."""
        database = self._database
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = database.with_name(f"{database.name}.corrupt-{stamp}")
        try:
            for path, target in ((wal(database), wal(aside)), (database, aside)):
                if path.exists():
                    path.rename(target)
        except OSError as cause:
            raise Unusable(f"it cannot be set aside: {cause.strerror}") from cause
        self._known.clear()
        if not aside.exists():
            return self._warn("the lineage database was missing and was built anew")
        return self._warn(f"the lineage database was set aside as {aside.name} ({one_line(trouble)}) and built anew")

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
