"""The planner's questions, asked in SQL and answered as values: `Snapshot` and `Traces`.

SQL finds *which* facts answer, as positions; the facts themselves are read from their
JSON, once each. `tests/storage/reference.py` says in plain Python what the answers mean.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.records import (
    CheckRan,
    DataVersion,
    Digest,
    Fact,
    Materialized,
    Pinned,
    Position,
    ProvenanceDigest,
    Purpose,
    SourceObserved,
    StepFailed,
    ValueIdentity,
)
from assetctl.lineage.facts.retention import Span, forgotten_spans, former_names, pins_in_force
from assetctl.lineage.facts.snapshot import Recorded, Snapshot, Traces, versions_read
from assetctl.storage.journal.segments import parse_json
from assetctl.storage.journal.wire import folded_fact
from assetctl.storage.journal.wire_parts import read_key
from assetctl.storage.lineage_store.folding import Connection

Facts = dict[Position, Fact]  # facts already decoded; they never change
_F = TypeVar("_F")

_NEWEST = "max({'counter': counter, 'segment': segment})"
_ENDED = f"""ended AS (
    SELECT asset, {_NEWEST} AS place FROM (
        SELECT asset, counter, segment FROM lineage.forgotten
        UNION ALL SELECT old_asset, counter, segment FROM lineage.renames) GROUP BY asset)"""
"""Where an asset was last forgotten, or its name given up: what lies before answers nothing."""
_LATEST = f"""
    WITH {_ENDED}
    SELECT asset, p.counter, p.segment FROM (
        SELECT asset, {_NEWEST} AS p FROM lineage.materializations SEMI JOIN wanted USING (asset)
        WHERE published GROUP BY asset) LEFT JOIN ended USING (asset)
    WHERE place IS NULL OR p > place"""
_FAILURES = f"""
    WITH {_ENDED}
    SELECT step, failed.counter, failed.segment FROM (
        SELECT step, {_NEWEST} FILTER (outcome = 'failed') AS failed, {_NEWEST} FILTER (outcome <> 'failed') AS made
        FROM lineage.steps SEMI JOIN wanted ON steps.step = wanted.asset GROUP BY step) LEFT JOIN ended ON ended.asset = step
    WHERE failed IS NOT NULL AND (made IS NULL OR failed > made) AND (place IS NULL OR failed > place)"""
_CHECKS = f"""
    WITH {_ENDED}
    SELECT definition, max(p).counter, max(p).segment FROM (
        SELECT asset, definition, data_version, {_NEWEST} AS p FROM lineage.checks SEMI JOIN wanted USING (asset)
        GROUP BY asset, definition, data_version) LEFT JOIN ended USING (asset)
    WHERE place IS NULL OR p > place GROUP BY definition, data_version"""
_OBSERVED = f"""
    WITH {_ENDED}
    SELECT asset, p.counter, p.segment FROM (
        SELECT asset, {_NEWEST} AS p FROM lineage.observations SEMI JOIN wanted USING (asset) GROUP BY asset)
    LEFT JOIN ended USING (asset) WHERE place IS NULL OR p > place"""
_VALUES = f"""
    SELECT asset, data_version, p.counter, p.segment FROM (
        SELECT asset, data_version, {_NEWEST} AS p FROM (
            SELECT asset, data_version, counter, segment FROM lineage.materializations
            UNION ALL SELECT asset, data_version, counter, segment FROM lineage.observations)
        SEMI JOIN versions USING (asset, data_version) GROUP BY asset, data_version)"""
_TRACES = f"""
    WITH gone AS (
        SELECT made.counter, made.segment FROM lineage.materializations made JOIN spans USING (asset)
        WHERE (made.counter > since_counter OR (made.counter = since_counter AND made.segment > since_segment))
            AND (made.counter < until_counter OR (made.counter = until_counter AND made.segment < until_segment)))
    SELECT asset, provenance, p.counter, p.segment FROM (
        SELECT asset, provenance, {_NEWEST} AS p FROM lineage.materializations SEMI JOIN wanted USING (asset)
        ANTI JOIN gone USING (counter, segment)
        WHERE trace = 'sound' AND output_index = 0 GROUP BY asset, provenance)"""
_PINS = "SELECT counter, segment FROM lineage.pins"
_RENAMES = "SELECT counter, segment FROM lineage.renames"
_FORGOTTEN = f"SELECT counter, segment FROM lineage.forgotten UNION {_RENAMES}"
_LIFTING = f"""
    {_PINS} UNION {_RENAMES} UNION
    SELECT counter, segment FROM lineage.forgotten SEMI JOIN (
        SELECT asset FROM lineage.pins UNION SELECT new_asset FROM lineage.renames) USING (asset)"""
_PAYLOADS = "SELECT counter, segment, payload FROM lineage.facts SEMI JOIN places USING (counter, segment)"


def ask_snapshot(con: Connection, keys: Collection[AssetKey], known: Facts) -> Snapshot:
    """Return what is known about these assets; newly decoded facts are added to `known`."""
    if not keys:
        return Snapshot()
    keys = set(keys)
    _register_keys(con, keys)
    places = {name: _places(con, query) for name, query in (("latest", _LATEST), ("observed", _OBSERVED))}
    check_places = [place for _, place in _places(con, _CHECKS)]
    _load(con, [place for found in places.values() for _, place in found] + check_places, known)
    latest = {}
    for asset, place in places["latest"]:
        key = read_key(asset)
        latest[key] = _recorded(key, place, _as(Materialized, known[place]))
    observed = {read_key(asset): _as(SourceObserved, known[place]) for asset, place in places["observed"]}
    checks = [_as(CheckRan, known[place]) for place in check_places]
    return Snapshot(
        latest=latest,
        failures=_failures(con, set(keys) | {recorded.materialization.step for recorded in latest.values()}, known),
        checks={(ran.definition, ran.data_version): ran for ran in checks},
        columns=_values(con, latest.values(), known),
        observed=observed,
        pins={pin.asset: pin for pin in ask_pins(con, known) if pin.purpose is Purpose.SERVE and pin.asset in keys},
        names=ask_names(con, known),
    )


def ask_traces(con: Connection, keys: Collection[AssetKey], known: Facts) -> Traces:
    """Return the newest sound materialization of each provenance of these assets."""
    if not keys:
        return {}
    _register_keys(con, keys)
    _register_spans(con, forgotten_spans(_facts_at(con, _FORGOTTEN, known)))
    rows = con.execute(_TRACES).fetchall()
    _load(con, [Position(counter, segment) for _, _, counter, segment in rows], known)
    return {
        (read_key(asset), ProvenanceDigest(provenance)): _as(Materialized, known[Position(counter, segment)])
        for asset, provenance, counter, segment in rows
    }


def ask_pins(con: Connection, known: Facts) -> tuple[Pinned, ...]:
    """Return every pin in force, oldest first."""
    if con.execute(f"{_PINS} LIMIT 1").fetchall() == []:
        return ()
    return pins_in_force(_facts_at(con, _LIFTING, known))


def ask_names(con: Connection, known: Facts) -> dict[AssetKey, tuple[AssetKey, ...]]:
    """Return the names that renamed assets had, by the name they have now."""
    return former_names(_facts_at(con, _RENAMES, known))


def _facts_at(con: Connection, query: str, known: Facts) -> list[tuple[Position, Fact]]:
    places = [Position(counter, segment) for counter, segment in con.execute(query).fetchall()]
    _load(con, places, known)
    return [(place, known[place]) for place in places]


def _register_keys(con: Connection, keys: Iterable[AssetKey]) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS asset", [list(map(str, keys))])


def _register_spans(con: Connection, spans: Collection[Span]) -> None:
    assets, since, until = [str(s.asset) for s in spans], [s.since for s in spans], [s.until for s in spans]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE spans AS SELECT unnest(?::VARCHAR[]) AS asset,"
        " unnest(?::BIGINT[]) AS since_counter, unnest(?::VARCHAR[]) AS since_segment,"
        " unnest(?::BIGINT[]) AS until_counter, unnest(?::VARCHAR[]) AS until_segment",
        [
            assets,
            [p.counter if p is not None else -1 for p in since],
            [p.segment if p is not None else "" for p in since],
            [p.counter for p in until if p is not None],
            [p.segment for p in until if p is not None],
        ],
    )


def _places(con: Connection, query: str) -> list[tuple[Any, Position]]:
    return [(name, Position(counter, segment)) for name, counter, segment in con.execute(query).fetchall()]


def _load(con: Connection, places: Iterable[Position], known: Facts) -> None:
    """Decode the facts at these places unless they are known already."""
    missing = {place for place in places if place not in known}
    if not missing:
        return
    con.execute(
        "CREATE OR REPLACE TEMP TABLE places AS SELECT unnest(?::BIGINT[]) AS counter, unnest(?::VARCHAR[]) AS segment",
        [[place.counter for place in missing], [place.segment for place in missing]],
    )
    for counter, segment, payload in con.execute(_PAYLOADS).fetchall():
        known[Position(counter, segment)] = folded_fact(parse_json(payload))


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep Python's cycle collector out of a bulk of small values that hold no cycles: it costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _recorded(key: AssetKey, place: Position, made: Materialized) -> Recorded:
    return Recorded(place, made, next(output for output in made.outputs if output.asset == key))


def _failures(con: Connection, steps: Collection[AssetKey], known: Facts) -> dict[AssetKey, StepFailed]:
    _register_keys(con, steps)
    places = _places(con, _FAILURES)
    _load(con, [place for _, place in places], known)
    return {read_key(step): _as(StepFailed, known[place]) for step, place in places}


def _values(
    con: Connection, latest: Iterable[Recorded], known: Facts
) -> dict[tuple[AssetKey, DataVersion], ValueIdentity]:
    read = sorted({pair for recorded in latest for pair in versions_read(recorded.materialization)})
    if not read:
        return {}
    assets, versions = zip(*read, strict=True)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE versions AS"
        " SELECT unnest(?::VARCHAR[]) AS asset, unnest(?::VARCHAR[]) AS data_version",
        [list(map(str, assets)), list(versions)],
    )
    rows = con.execute(_VALUES).fetchall()
    _load(con, [Position(counter, segment) for _, _, counter, segment in rows], known)
    return {
        (read_key(asset), DataVersion(version)): _value(read_key(asset), version, known[Position(counter, segment)])
        for asset, version, counter, segment in rows
    }


def _value(asset: AssetKey, version: str, fact: Fact) -> ValueIdentity:
    if isinstance(fact, SourceObserved):
        return fact.value
    made = _as(Materialized, fact)
    return next(o.value for o in reversed(made.outputs) if o.asset == asset and o.value.version == version)


def _as(kind: type[_F], fact: Fact) -> _F:
    if not isinstance(fact, kind):
        raise TypeError(f"the lineage database holds a {type(fact).__name__} where a {kind.__name__} belongs")
    return fact


def ask_texts(con: Connection) -> frozenset[Digest]:
    """Return the digests of all symbol texts."""
    return frozenset(Digest(digest) for (digest,) in con.execute("SELECT digest FROM lineage.symbol_texts").fetchall())
