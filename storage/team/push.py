"""Send the facts of the journal that a team's lineage store lacks; safe to repeat, and from several machines.

A fact is known by its place (counter, segment), and segments have names that no other
process picks, so facts of several machines come together as a set: sent twice, or in any
order, or by two at once, each is there once. A batch is one transaction that also records
how far each segment was sent; a push killed on the way goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetctl.lineage.facts.records import Position
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.journal.segments import Line
from assetctl.storage.lineage_store.folding import decode_line
from assetctl.storage.team.postgres import connected
from assetctl.storage.team.schema import ensure_schema, insert_rows
from assetctl.storage.team.url import TeamUrl

if TYPE_CHECKING:
    import psycopg

_AT_ONCE = 2_000
_INSERT = """
INSERT INTO facts (counter, segment, kind, payload)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS new (counter, segment, kind, payload)
ORDER BY counter, segment ON CONFLICT DO NOTHING RETURNING counter, segment"""
_REACHED = """
INSERT INTO folded AS known (segment, seen_bytes, size_bytes)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS new (segment, seen_bytes, size_bytes) ORDER BY segment
ON CONFLICT (segment) DO UPDATE SET seen_bytes = greatest(known.seen_bytes, excluded.seen_bytes),
                                    size_bytes = greatest(known.size_bytes, excluded.size_bytes)"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a push did: facts that were new to the store, and the sizes of segments that it now has (None: not all)."""

    n_facts: int
    sizes: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Push:
    """One push of a project's journal to a store.

    `may_go_on` is asked before each batch; `on_open` is told the connection. A statement
    may take `statement_s`, waiting for another machine `lock_s` (0: any time).
    """

    url: TeamUrl
    project: str
    journal: FileJournal
    statement_s: float = 0
    lock_s: float = 0
    may_go_on: Callable[[], bool] = lambda: True
    on_open: Callable[[Any], None] = lambda con: None

    def send(self) -> Sent:
        """Send every fact that the store lacks.

        Raises:
            EnvironmentFault: the store does not answer or refuses; what was sent before stays.
        """
        with connected(self.url, statement_s=self.statement_s, lock_s=self.lock_s) as con:
            self.on_open(con)
            ensure_schema(con, self.url, self.project)
            sizes = self.journal.sizes()
            seen = _seen(con, sizes)
            if all(seen.get(segment, 0) >= size for segment, size in sizes.items()):
                return Sent(0, sizes)
            scan = self.journal.scan(seen)
            n_facts = 0
            for start in range(0, len(scan.lines), _AT_ONCE):
                if not self.may_go_on():
                    return Sent(n_facts, None)
                batch = scan.lines[start : start + _AT_ONCE]
                n_facts += _send(con, batch, {place.segment: line.end for place, line in batch})
            with con.transaction():
                _record_reached(con, {segment: scan.seen.get(segment, 0) for segment in sizes}, sizes)
            return Sent(n_facts, sizes)


def _seen(con: psycopg.Connection[Any], sizes: Mapping[str, int]) -> dict[str, int]:
    cursor = con.execute("SELECT segment, seen_bytes FROM folded WHERE segment = ANY(%s)", (list(sizes),))
    return dict(cursor.fetchall())


def _send(con: psycopg.Connection[Any], batch: Sequence[tuple[Position, Line]], reached: Mapping[str, int]) -> int:
    """Add a batch in one transaction; return how many of its facts were new."""
    with con.transaction():
        columns = (
            [place.counter for place, _ in batch],
            [place.segment for place, _ in batch],
            [decode_line(line)[0].replace("\0", "\ufffd") for _, line in batch],
            [line.payload.decode("ascii") for _, line in batch],
        )
        new = {Position(counter, segment) for counter, segment in con.execute(_INSERT, columns).fetchall()}
        fresh = {place: line for place, line in batch if place in new}  # a line written twice counts once
        insert_rows(con, fresh.items())
        _record_reached(con, reached, reached)
    return len(new)


def _record_reached(con: psycopg.Connection[Any], seen: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    segments = sorted(sizes)
    con.execute(_REACHED, (segments, [seen[name] for name in segments], [sizes[name] for name in segments]))
