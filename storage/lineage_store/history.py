"""Ask the lineage store what was recorded: earlier versions, runs, checks, the symbols of a code version.

Also the other way: what to record, so that the symbols of a code version can be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.kinds import symbol_kind
from assetctl.lineage.facts.records import (
    CodeIdentity,
    CodeRecorded,
    CodeVersion,
    DataVersion,
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
from assetctl.storage.journal.wire_parts import read_target

_LAST_COUNTER = 2**62
_WITHIN = """(m.asset = ? AND (m.counter > ? OR (m.counter = ? AND m.segment > ?))
    AND (m.counter < ? OR (m.counter = ? AND m.segment < ?)))"""  # as pairs, DuckDB would take them for a BETWEEN it lacks
_SHORT = 120  # characters; the digest that stands for a longer text takes 67


class Queryable(Protocol):
    """The part of the lineage store that answers SQL, as an Arrow table."""

    def query(self, sql: str, params: Any = ()) -> Any: ...


def past_materializations(store: Queryable, key: AssetKey | None, limit: int | None = None) -> Iterator[Recorded]:
    """Yield an asset's materializations (of all assets for None), newest first, held-back candidates included.

    Those recorded under earlier names of the asset are included; those of another asset that
    once had its name are not. `limit` is how many at most; None means all of them.
    """
    spans = name_spans(retention_facts(store), key) if key is not None else ()
    where = f"WHERE {' OR '.join(_WITHIN for _ in spans)}" if spans else ""
    at_most = "" if limit is None else f"LIMIT {limit:d}"
    materializations = store.query(
        f"""
        SELECT m.asset, m.partition, f.counter, f.segment, f.payload
        FROM lineage.materializations m JOIN lineage.facts f ON f.counter = m.counter AND f.segment = m.segment
        {where} ORDER BY f.counter DESC, f.segment DESC, m.output_index {at_most}""",
        [value for span in spans for value in _within(span)],
    )
    for row in materializations.to_pylist():
        fact = from_json(parse_json(row["payload"]))
        if isinstance(fact, Materialized):
            target = read_target(row["asset"], row["partition"] or None)
            output = next(o for o in fact.outputs if o.target == target)
            yield Recorded(Position(row["counter"], row["segment"]), fact, output)


def past_observations(store: Queryable, spans: Sequence[Span]) -> Iterator[SourceObserved]:
    """Yield the observations of a source within these spans, newest first."""
    for span in spans:
        observations = store.query(
            f"""
            SELECT f.payload FROM lineage.observations m JOIN lineage.facts f USING (counter, segment)
            WHERE {_WITHIN} ORDER BY counter DESC, segment DESC""",
            _within(span),
        )
        for row in observations.to_pylist():
            fact = from_json(parse_json(row["payload"]))
            if isinstance(fact, SourceObserved):
                yield fact


def retention_facts(store: Queryable) -> list[tuple[Position, Fact]]:
    """Return the facts that say what was forgotten, pinned and renamed."""
    facts = store.query(
        """
        SELECT counter, segment, payload FROM lineage.facts SEMI JOIN (
            SELECT counter, segment FROM lineage.forgotten UNION SELECT counter, segment FROM lineage.renames
            UNION SELECT counter, segment FROM lineage.pins) USING (counter, segment)"""
    )
    return [
        (Position(row["counter"], row["segment"]), from_json(parse_json(row["payload"]))) for row in facts.to_pylist()
    ]


def _within(span: Span) -> tuple[object, ...]:
    since = (span.since.counter, span.since.segment) if span.since is not None else (-1, "")
    until = (span.until.counter, span.until.segment) if span.until is not None else (_LAST_COUNTER, "")
    return (span.asset, since[0], *since, until[0], *until)


def assets_recorded(store: Queryable) -> dict[AssetKey, bool]:
    """Return every asset and source that was ever recorded, each with whether it is a source."""
    assets = store.query("SELECT asset, is_source FROM lineage.assets")
    return {AssetKey(row["asset"]): row["is_source"] for row in assets.to_pylist()}


def blobs_of_others(store: Queryable, assets: Collection[AssetKey]) -> set[str]:
    """Return the blobs that stand for an output of any asset but these."""
    names = sorted(assets)
    blobs = store.query(
        f"""
        SELECT DISTINCT blob FROM lineage.materializations
        WHERE blob IS NOT NULL AND asset NOT IN ({", ".join("?" for _ in names)})""",
        names,
    )
    return set(blobs.column("blob").to_pylist())


def last_counter_of_run(store: Queryable, run: str) -> int | None:
    """Return the counter of the last thing that a run recorded about itself; None if there is no such run."""
    newest = store.query("SELECT max(counter) AS counter FROM lineage.run_events WHERE run_id = ?", [run])
    counter: int | None = newest.to_pylist()[0]["counter"]
    return counter


def last_check_answers(store: Queryable, asset: AssetKey, version: DataVersion) -> list[dict[str, Any]]:
    """Return the last answer of each check about a version: check, passed, blocking, message, ran_at."""
    answers = store.query(
        """
        SELECT name AS "check", passed, blocking, message, ran_at FROM lineage.checks WHERE asset = ? AND data_version = ?
        QUALIFY row_number() OVER (PARTITION BY name ORDER BY counter DESC, segment DESC) = 1 ORDER BY name""",
        [asset, version],
    )
    rows: list[dict[str, Any]] = answers.to_pylist()
    return rows


def recorded_symbols(store: Queryable, code: CodeVersion) -> tuple[Symbol, ...]:
    """Return the symbols behind a code version, as they were recorded with it; () if they were not."""
    symbols = store.query(
        """
        SELECT name, kind, digest, defined_in, via, source FROM lineage.symbols WHERE code_version = ?
        QUALIFY rank() OVER (ORDER BY counter, segment) = 1 ORDER BY ordinal""",
        (code,),
    )
    return tuple(
        Symbol(r["name"], symbol_kind(r["kind"]), Digest(r["digest"]), r["defined_in"], r["via"], r["source"])
        for r in symbols.to_pylist()
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
