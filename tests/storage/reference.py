"""Fold facts in memory: the meaning of `Snapshot` and `Traces`, which the DuckDB store is compared with.

Pure, and independent of the order in which facts arrive: "latest" is always the greatest
`Position`. Folding a fact twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.facts.records import (
    CheckRan,
    DataVersion,
    Digest,
    Fact,
    Forgotten,
    Materialized,
    Pinned,
    Position,
    Purpose,
    Renamed,
    Retention,
    SourceObserved,
    StepFailed,
    SymbolText,
    Trace,
    Unpinned,
    ValueIdentity,
)
from assetctl.lineage.facts.retention import forgotten_spans, former_names, pins_in_force
from assetctl.lineage.facts.snapshot import Recorded, Snapshot, Traces, versions_read

_K = TypeVar("_K")
_V = TypeVar("_V")
_Newest = dict[_K, tuple[Position, _V]]


class Fold:
    """What a sequence of facts amounts to."""

    def __init__(self) -> None:
        self._published: _Newest[Target, Recorded] = {}
        self._last_of_step: _Newest[Target, None] = {}
        self._failures: _Newest[Target, StepFailed] = {}
        self._checks: dict[Target, _Newest[tuple[Digest, DataVersion], CheckRan]] = {}
        self._values: _Newest[tuple[Target, DataVersion], ValueIdentity] = {}
        self._observed: _Newest[Target, SourceObserved] = {}
        self._texts: set[Digest] = set()
        self._traces: dict[Target, dict[Position, Materialized]] = {}
        self._ended: _Newest[Target, None] = {}  # forgotten, or its name given up
        self._retention: dict[Position, Fact] = {}

    def add(self, position: Position, fact: Fact) -> None:
        """Take in one fact."""
        match fact:
            case Materialized():
                self._add_materialized(position, fact)
            case StepFailed():
                _keep_newest(self._failures, fact.step, position, fact)
            case CheckRan():
                answers = self._checks.setdefault(fact.target, {})
                _keep_newest(answers, (fact.definition, fact.data_version), position, fact)
            case SourceObserved():
                _keep_newest(self._observed, fact.target, position, fact)
                _keep_newest(self._values, (fact.target, fact.value.version), position, fact.value)
            case SymbolText():
                self._texts.add(fact.digest)
            case Forgotten() | Pinned() | Unpinned() | Renamed():
                self._add_retention(position, fact)
            case _:
                return  # runs and code are for people; the planner asks nothing of them

    def snapshot(self, keys: Collection[Target]) -> Snapshot:
        """Return what is known about these targets; see `Snapshot`.

        A step's failure is included when the step, or an asset whose latest
        materialization it made, is asked about.
        """
        latest = {key: self._published[key][1] for key in keys if self._answers(key, self._published)}
        steps = set(keys) | {recorded.materialization.step for recorded in latest.values()}
        answers: _Newest[tuple[Digest, DataVersion], CheckRan] = {}
        for key in keys:
            for asked, (position, ran) in self._checks.get(key, {}).items():
                if self._is_since_end(key, position):
                    _keep_newest(answers, asked, position, ran)
        read = {pair for recorded in latest.values() for pair in versions_read(recorded.materialization)}
        return Snapshot(
            latest=latest,
            failures={step: self._failures[step][1] for step in steps if self._failed_last(step)},
            checks={asked: ran for asked, (_, ran) in answers.items()},
            columns={pair: self._values[pair][1] for pair in read if pair in self._values},
            observed={key: self._observed[key][1] for key in keys if self._answers(key, self._observed)},
            pins={pin.target: pin for pin in self.pins() if pin.purpose is Purpose.SERVE and pin.target in set(keys)},
            names=self.names() if keys else {},
        )

    def pins(self) -> tuple[Pinned, ...]:
        """Return every pin in force, oldest first."""
        return pins_in_force(self._retention.items())

    def names(self) -> dict[AssetKey, tuple[AssetKey, ...]]:
        """Return the names that renamed assets had, by the name they have now."""
        return former_names(self._retention.items())

    def texts(self) -> frozenset[Digest]:
        """Return the digests of all symbol texts."""
        return frozenset(self._texts)

    def traces(self, keys: Collection[Target]) -> Traces:
        """Return the newest sound materialization of each provenance of these assets; see `Traces`."""
        gone = forgotten_spans(self._retention.items())
        return {
            (key, made.provenance.digest): made
            for key in keys
            for position, made in sorted(self._traces.get(key, {}).items())
            if not any(span.covers(output.target, position) for span in gone for output in made.outputs)
        }

    def _add_materialized(self, position: Position, fact: Materialized) -> None:
        _keep_newest(self._last_of_step, fact.step, position, None)
        for output in fact.outputs:
            _keep_newest(self._values, (output.target, output.value.version), position, output.value)
            if fact.published:
                _keep_newest(self._published, output.target, position, Recorded(position, fact, output))
        if fact.trace is Trace.SOUND and fact.outputs:
            self._traces.setdefault(fact.outputs[0].target, {})[position] = fact

    def _add_retention(self, position: Position, fact: Retention) -> None:
        self._retention[position] = fact
        if isinstance(fact, Forgotten):
            for key in fact.targets:
                _keep_newest(self._ended, key, position, None)
        elif isinstance(fact, Renamed):
            _keep_newest(self._ended, whole(fact.old), position, None)

    def _answers(self, key: Target, newest: Mapping[Target, tuple[Position, object]]) -> bool:
        return key in newest and self._is_since_end(key, newest[key][0])

    def _is_since_end(self, key: Target, position: Position) -> bool:
        ends = [self._ended[end][0] for end in (key, whole(key.asset)) if end in self._ended]
        return all(end < position for end in ends)

    def _failed_last(self, step: Target) -> bool:
        if not self._answers(step, self._failures):
            return False
        made = self._last_of_step.get(step)
        return made is None or made[0] < self._failures[step][0]


def _keep_newest(newest: _Newest[_K, _V], key: _K, position: Position, value: _V) -> None:
    known = newest.get(key)
    if known is None or known[0] < position:
        newest[key] = (position, value)
