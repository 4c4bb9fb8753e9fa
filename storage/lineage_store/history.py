"""Ask the lineage store about earlier versions: an asset's materializations, the symbols of a code version.

Also the other way: what has to be recorded, so that the symbols of a code version can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.records import (
    CodeIdentity,
    CodeRecorded,
    CodeVersion,
    Digest,
    Fact,
    Materialized,
    Position,
    SourceObserved,
    Symbol,
    SymbolText,
)
from assetctl.lineage.facts.retention import Span, name_spans
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.journal.segments import parse_json
from assetctl.storage.journal.wire import from_json

_LAST_COUNTER = 2**62
_WITHIN = """(m.asset = ? AND (m.counter > ? OR (m.counter = ? AND m.segment > ?))
    AND (m.counter < ? OR (m.counter = ? AND m.segment < ?)))"""  # as pairs, DuckDB would take them for a BETWEEN it lacks
_SHORT = 120  # characters; the digest that stands for a longer text takes 67


class Queryable(Protocol):
    """The part of the lineage store that answers SQL, as an Arrow table."""

    def query(self, sql: str, params: Any = ()) -> Any: ...


def past_materializations(store: Queryable, key: AssetKey | None, limit: int) -> Iterator[Recorded]:
    """Yield an asset's materializations (of all assets for None), newest first, held-back candidates included.

    Those under names that it had before are among them; those of another asset that has
    had its name are not.
    """
    spans = name_spans(retention_facts(store), key) if key is not None else ()
    where = f"WHERE {' OR '.join(_WITHIN for _ in spans)}" if spans else ""
    params = (*(value for span in spans for value in _within(span)), limit)
    found = store.query(
        f"""
        SELECT m.asset, f.counter, f.segment, f.payload
        FROM lineage.materializations m JOIN lineage.facts f ON f.counter = m.counter AND f.segment = m.segment
        {where} ORDER BY f.counter DESC, f.segment DESC, m.output_index LIMIT ?""",
        params,
    )
    for row in found.to_pylist():
        fact = from_json(parse_json(row["payload"]))
        if isinstance(fact, Materialized):
            output = next(o for o in fact.outputs if o.asset == row["asset"])
            yield Recorded(Position(row["counter"], row["segment"]), fact, output)


def past_observations(store: Queryable, spans: Sequence[Span]) -> Iterator[SourceObserved]:
    """Yield the observations of a source within these spans, newest first."""
    for span in spans:
        found = store.query(
            f"""
            SELECT f.payload FROM lineage.observations m JOIN lineage.facts f USING (counter, segment)
            WHERE {_WITHIN} ORDER BY counter DESC, segment DESC""",
            _within(span),
        )
        for row in found.to_pylist():
            fact = from_json(parse_json(row["payload"]))
            if isinstance(fact, SourceObserved):
                yield fact


def retention_facts(store: Queryable) -> list[tuple[Position, Fact]]:
    """Return the facts that say what was forgotten, pinned and renamed."""
    found = store.query(
        """
        SELECT counter, segment, payload FROM lineage.facts SEMI JOIN (
            SELECT counter, segment FROM lineage.forgotten UNION SELECT counter, segment FROM lineage.renames
            UNION SELECT counter, segment FROM lineage.pins) USING (counter, segment)"""
    )
    return [
        (Position(row["counter"], row["segment"]), from_json(parse_json(row["payload"]))) for row in found.to_pylist()
    ]


def _within(span: Span) -> tuple[object, ...]:
    since = (span.since.counter, span.since.segment) if span.since is not None else (-1, "")
    until = (span.until.counter, span.until.segment) if span.until is not None else (_LAST_COUNTER, "")
    return (span.asset, since[0], *since, until[0], *until)


def recorded_symbols(store: Queryable, code: CodeVersion) -> tuple[Symbol, ...]:
    """Return the symbols behind a code version, as they were recorded with it; () if they were not."""
    found = store.query(
        """
        SELECT name, kind, digest, defined_in, via, source FROM lineage.symbols WHERE code_version = ?
        QUALIFY rank() OVER (ORDER BY counter, segment) = 1 ORDER BY ordinal""",
        (code,),
    )
    return tuple(
        Symbol(r["name"], r["kind"], Digest(r["digest"]), r["defined_in"], r["via"], r["source"])
        for r in found.to_pylist()
    )


def code_facts(code: CodeIdentity, recorded: set[Digest]) -> list[Fact]:
    """Return what records a code version: texts that are not among `recorded`, then the symbols.

    Adds to `recorded` what it returns, so that each text is written once.
    """
    facts: list[Fact] = []
    symbols: list[Symbol] = []
    for symbol in code.symbols:
        if len(symbol.source) <= _SHORT:
            symbols.append(symbol)
            continue
        digest = digest_bytes(symbol.source.encode("utf-8", "surrogatepass"))
        symbols.append(replace(symbol, source="", text=digest))
        if digest not in recorded:
            recorded.add(digest)
            facts.append(SymbolText(digest, symbol.source))
    return [*facts, CodeRecorded(code.version, tuple(symbols))]
