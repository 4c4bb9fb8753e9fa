"""Connections to PostgreSQL: opened with bounded waiting, and errors that name the store but no password.

The only file that imports psycopg, and only when a team's store is used.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import AssetctlError, EnvironmentFault, Problem, SelectionError
from assetctl.assets.problem_codes import ProblemCode
from assetctl.storage.team.url import TeamUrl

if TYPE_CHECKING:
    import psycopg

_CONNECT_S = 4
_OF_THE_QUERY = frozenset(
    ["54", "55"]
)  # classes of "operational" errors that a query brings about: too complex, not for this


@contextmanager
def connected(url: TeamUrl, *, statement_s: float = 0, lock_s: float = 0) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection for a moment; no transaction is begun. A statement may take `statement_s` (0: any time).

    Raises:
        EnvironmentFault: the store does not answer or refuses, or psycopg is not installed.
    """
    psycopg = _library()
    try:
        with psycopg.connect(
            url.conninfo, connect_timeout=_CONNECT_S, autocommit=True, application_name="assetctl"
        ) as con:
            for name, seconds in (("statement_timeout", statement_s), ("lock_timeout", lock_s)):
                con.execute("SELECT set_config(%s, %s, false)", (name, str(int(seconds * 1000))))
            con.execute("SELECT set_config('search_path', %s, false)", (f"{url.schema},public",))
            yield con
    except AssetctlError:
        raise
    except psycopg.Error as cause:
        raise _fault(url, cause) from None  # the cause holds the address, and so the password


@contextmanager
def told(url: TeamUrl, sql: str) -> Iterator[None]:
    """Turn PostgreSQL's complaint about a person's query into an error that names the query.

    Raises:
        SelectionError: the query does not work; the message says where.
        EnvironmentFault: the store went away meanwhile.
    """
    psycopg = _library()
    try:
        yield
    except psycopg.Error as cause:
        if isinstance(cause, psycopg.OperationalError) and (cause.sqlstate or "")[:2] not in _OF_THE_QUERY:
            raise _fault(url, cause) from None
        problem = Problem(
            "bad-query",
            f"this query does not work: {str(cause).strip()}",
            (("query", sql), ("store", url.shown)),
            "the team's store speaks PostgreSQL; `from assets` is `select * from assets` there",
        )
        raise SelectionError(problem) from None


def hang_up(con: psycopg.Connection[Any]) -> None:
    """End a connection that another thread waits on: its waiting ends with an error."""
    with suppress(OSError, _library().Error), socket.socket(fileno=os.dup(con.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _library() -> Any:
    try:
        import psycopg
    except ImportError as cause:
        raise EnvironmentFault(
            Problem(
                "library-missing",
                "a team's lineage store needs psycopg, which is not installed",
                (("reason", str(cause)),),
                "pip install 'assetctl[postgres]'",
            )
        ) from cause
    return psycopg


def _fault(url: TeamUrl, cause: Exception) -> EnvironmentFault:
    psycopg = _library()
    is_connecting = isinstance(cause, psycopg.OperationalError)
    code: ProblemCode = "team-store-unreachable" if is_connecting else "team-store-refused"
    message = "the team's lineage store does not answer" if is_connecting else "the team's lineage store refused"
    hint = "what was recorded here is complete; `assetctl sync` sends what the team's store lacks"
    reason = url.masked(str(cause)) or type(cause).__name__
    return EnvironmentFault(Problem(code, message, (("store", url.shown), ("reason", reason[:300])), hint))
