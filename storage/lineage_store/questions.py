"""The planner's questions, asked in SQL and answered as values: `Snapshot` and `Traces`.

SQL finds *which* facts answer, as positions; the facts themselves are read from their
JSON, once each. `tests/storage/reference.py` says in plain Python what the answers mean.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from assetctl.assets.ids import AssetKey, Target
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
from assetctl.storage.journal.wire_parts import read_target
from assetctl.storage.lineage_store.folding import Connection

Facts = dict[Position, Fact]  # facts already decoded; they never change
_F = TypeVar("_F")

_NEWEST = "max({'counter': counter, 'segment': segment})"
_ENDED = f"""ended AS (
    SELECT asset, partition, {_NEWEST} AS place FROM (
        SELECT asset, partition, counter, segment FROM lineage.forgotten
        UNION ALL SELECT old_asset, '', counter, segment FROM lineage.renames) GROUP BY ALL)"""
"""Where a target was last forgotten, or its asset's name given up: what lies before answers nothing.

The empty partition stands for the asset with all of its partitions.
"""
_STANDING = """
    LEFT JOIN ended own ON own.asset = seen.asset AND own.partition = seen.partition AND seen.partition <> ''
    LEFT JOIN ended all_of ON all_of.asset = seen.asset AND all_of.partition = ''
    WHERE (own.place IS NULL OR p > own.place) AND (all_of.place IS NULL OR p > all_of.place)"""
_LATEST = f"""
    WITH {_ENDED}
    SELECT seen.asset, seen.partition, p.counter, p.segment FROM (
        SELECT asset, partition, {_NEWEST} AS p FROM lineage.materializations SEMI JOIN wanted USING (asset, partition)
        WHERE published GROUP BY asset, partition) seen {_STANDING}"""
_FAILURES = f"""
    WITH {_ENDED}
    SELECT seen.asset, seen.partition, p.counter, p.segment FROM (
        SELECT step AS asset, steps.partition, {_NEWEST} FILTER (outcome = 'failed') AS p,
               {_NEWEST} FILTER (outcome <> 'failed') AS made
        FROM lineage.steps SEMI JOIN wanted ON steps.step = wanted.asset AND steps.partition = wanted.partition
        GROUP BY step, steps.partition) seen {_STANDING}
    AND p IS NOT NULL AND (made IS NULL OR p > made)"""
_CHECKS = f"""
    WITH {_ENDED}
    SELECT max(p).counter, max(p).segment FROM (
        SELECT asset, partition, definition, data_version, {_NEWEST} AS p
        FROM lineage.checks SEMI JOIN wanted USING (asset, partition) GROUP BY ALL) seen {_STANDING}
    GROUP BY definition, data_version"""
_OBSERVED = f"""
    WITH {_ENDED}
    SELECT seen.asset, seen.partition, p.counter, p.segment FROM (
        SELECT asset, partition, {_NEWEST} AS p FROM lineage.observations SEMI JOIN wanted USING (asset, partition)
        GROUP BY asset, partition) seen {_STANDING}"""
_VALUES = f"""
    SELECT asset, partition, data_version, p.counter, p.segment FROM (
        SELECT asset, partition, data_version, {_NEWEST} AS p FROM (
            SELECT asset, partition, data_version, counter, segment FROM lineage.materializations
            UNION ALL SELECT asset, partition, data_version, counter, segment FROM lineage.observations)
        SEMI JOIN versions USING (asset, partition, data_version) GROUP BY asset, partition, data_version)"""
_TRACES = f"""
    WITH gone AS (
        SELECT made.counter, made.segment FROM lineage.materializations made
        JOIN spans ON spans.asset = made.asset AND spans.partition IN ('', made.partition)
        WHERE (made.counter > since_counter OR (made.counter = since_counter AND made.segment > since_segment))
            AND (made.counter < until_counter OR (made.counter = until_counter AND made.segment < until_segment)))
    SELECT asset, partition, provenance, p.counter, p.segment FROM (
        SELECT asset, partition, provenance, {_NEWEST} AS p
        FROM lineage.materializations SEMI JOIN wanted USING (asset, partition)
        ANTI JOIN gone USING (counter, segment)
        WHERE trace = 'sound' AND output_index = 0 GROUP BY asset, partition, provenance)"""
_PINS = "SELECT counter, segment FROM lineage.pins"
_RENAMES = "SELECT counter, segment FROM lineage.renames"
_FORGOTTEN = f"SELECT counter, segment FROM lineage.forgotten UNION {_RENAMES}"
_LIFTING = f"""
    {_PINS} UNION {_RENAMES} UNION
    SELECT counter, segment FROM lineage.forgotten SEMI JOIN (
        SELECT asset FROM lineage.pins UNION SELECT new_asset FROM lineage.renames) USING (asset)"""
_PAYLOADS = "SELECT counter, segment, payload FROM lineage.facts SEMI JOIN places USING (counter, segment)"


def ask_snapshot(con: Connection, targets: Collection[Target], known: Facts) -> Snapshot:
    """Return what is known about these targets; newly decoded facts are added to `known`."""
    if not targets:
        return Snapshot()
    wanted = set(targets)
    _register_targets(con, wanted)
    latest_places, observed_places = _places(con, _LATEST), _places(con, _OBSERVED)
    check_places = [Position(counter, segment) for counter, segment in con.execute(_CHECKS).fetchall()]
    _load(con, [place for _, place in (*latest_places, *observed_places)] + check_places, known)
    latest = {target: _recorded(target, place, _as(Materialized, known[place])) for target, place in latest_places}
    observed = {target: _as(SourceObserved, known[place]) for target, place in observed_places}
    checks = [_as(CheckRan, known[place]) for place in check_places]
    steps = wanted | {recorded.materialization.step for recorded in latest.values()}
    return Snapshot(
        latest=latest,
        failures=_failures(con, steps, known),
        checks={(ran.definition, ran.data_version): ran for ran in checks},
        columns=_values(con, latest.values(), known),
        observed=observed,
        pins={pin.target: pin for pin in ask_pins(con, known) if pin.purpose is Purpose.SERVE and pin.target in wanted},
        names=ask_names(con, known),
    )


def ask_traces(con: Connection, targets: Collection[Target], known: Facts) -> Traces:
    """Return the newest sound materialization of each provenance of these targets."""
    if not targets:
        return {}
    _register_targets(con, targets)
    _register_spans(con, forgotten_spans(_facts_at(con, _FORGOTTEN, known)))
    rows = con.execute(_TRACES).fetchall()
    _load(con, [Position(counter, segment) for *_, counter, segment in rows], known)
    return {
        (_target(asset, partition), ProvenanceDigest(provenance)): _as(Materialized, known[Position(counter, segment)])
        for asset, partition, provenance, counter, segment in rows
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


def _register_targets(con: Connection, targets: Iterable[Target]) -> None:
    listed = list(targets)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS asset, unnest(?::VARCHAR[]) AS partition",
        [[str(target.asset) for target in listed], [str(target.partition_key or "") for target in listed]],
    )


def _register_spans(con: Connection, spans: Collection[Span]) -> None:
    assets, since, until = [str(s.asset) for s in spans], [s.since for s in spans], [s.until for s in spans]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE spans AS SELECT unnest(?::VARCHAR[]) AS asset,"
        " unnest(?::VARCHAR[]) AS partition, unnest(?::BIGINT[]) AS since_counter, unnest(?::VARCHAR[]) AS since_segment,"
        " unnest(?::BIGINT[]) AS until_counter, unnest(?::VARCHAR[]) AS until_segment",
        [
            assets,
            [str(s.partition or "") for s in spans],
            [p.counter if p is not None else -1 for p in since],
            [p.segment if p is not None else "" for p in since],
            [p.counter for p in until if p is not None],
            [p.segment for p in until if p is not None],
        ],
    )


def _places(con: Connection, query: str) -> list[tuple[Target, Position]]:
    rows = con.execute(query).fetchall()
    return [(_target(asset, partition), Position(counter, segment)) for asset, partition, counter, segment in rows]


def _target(asset: str, partition: str) -> Target:
    return read_target(asset, partition or None)


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
    """Turn Python's cycle collector off while many small acyclic values are made: it costs a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _recorded(target: Target, place: Position, made: Materialized) -> Recorded:
    return Recorded(place, made, next(output for output in made.outputs if output.target == target))


def _failures(con: Connection, steps: Collection[Target], known: Facts) -> dict[Target, StepFailed]:
    _register_targets(con, steps)
    places = _places(con, _FAILURES)
    _load(con, [place for _, place in places], known)
    return {step: _as(StepFailed, known[place]) for step, place in places}


def _values(
    con: Connection, latest: Iterable[Recorded], known: Facts
) -> dict[tuple[Target, DataVersion], ValueIdentity]:
    read = sorted({pair for recorded in latest for pair in versions_read(recorded.materialization)})
    if not read:
        return {}
    con.execute(
        "CREATE OR REPLACE TEMP TABLE versions AS SELECT unnest(?::VARCHAR[]) AS asset,"
        " unnest(?::VARCHAR[]) AS partition, unnest(?::VARCHAR[]) AS data_version",
        [
            [str(target.asset) for target, _ in read],
            [str(target.partition_key or "") for target, _ in read],
            [version for _, version in read],
        ],
    )
    rows = con.execute(_VALUES).fetchall()
    _load(con, [Position(counter, segment) for *_, counter, segment in rows], known)
    values: dict[tuple[Target, DataVersion], ValueIdentity] = {}
    for asset, partition, version, counter, segment in rows:
        target = _target(asset, partition)
        values[target, DataVersion(version)] = _value(target, version, known[Position(counter, segment)])
    return values


def _value(target: Target, version: str, fact: Fact) -> ValueIdentity:
    if isinstance(fact, SourceObserved):
        return fact.value
    made = _as(Materialized, fact)
    return next(o.value for o in reversed(made.outputs) if o.target == target and o.value.version == version)


def _as(kind: type[_F], fact: Fact) -> _F:
    if not isinstance(fact, kind):
        raise TypeError(f"the lineage database holds a {type(fact).__name__} where a {kind.__name__} belongs")
    return fact


def ask_texts(con: Connection) -> frozenset[Digest]:
    """Return the digests of all symbol texts."""
    return frozenset(Digest(digest) for (digest,) in con.execute("SELECT digest FROM lineage.symbol_texts").fetchall())
