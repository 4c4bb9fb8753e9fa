"""Facts as rows of the lineage schema, column by column, ready for a bulk insert.

Every fact also becomes a row of `facts`, so that it is known to be folded; its JSON is
kept there where the planner needs the whole of it. A test keeps the columns here equal
to `storage/schema/tables.py`, which is too slow to import for a fold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assetctl.assets.ids import Target
from assetctl.lineage.facts.moments import moment_of
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeRecorded,
    ColumnDigest,
    Fact,
    Forgotten,
    Materialized,
    Pinned,
    Position,
    Renamed,
    Retention,
    RunFinished,
    RunStarted,
    SourceObserved,
    StepFailed,
    SymbolText,
    Unpinned,
    ValueIdentity,
)

_COLUMNS = {
    "facts": "counter segment kind payload",
    "materializations": "id asset partition step run_id data_version blob codec size_bytes n_rows kind basis provenance "
    "definition code_version published trace origin started_at duration_s is_inline output_index python platform "
    "counter segment",
    "inputs": "materialization_id name step partition upstream upstream_partition n_partitions version data_version is_source column_names counter segment",
    "columns": "counter segment asset partition ordinal data_version name type digest materialization_id",
    "run_events": "counter segment run_id started_at command selection finished_at status duration_s branch commit",
    "steps": "counter segment run_id step partition outcome materialization_id provenance recorded_at duration_s error_type "
    "message reasons figures links",
    "checks": "counter segment run_id asset partition name definition data_version passed blocking message ran_at",
    "metrics": "counter segment name value run_id asset partition materialization_id check_name recorded_at",
    "symbol_uses": "counter segment ordinal code_version name kind digest defined_in via short_source text_digest",
    "symbol_texts": "counter segment digest text",
    "observations": "counter segment run_id asset partition data_version kind basis n_rows size_bytes observed_at",
    "decisions": "counter segment asset partition run_id action reasons",
    "forgotten": "counter segment asset partition forgotten_at command",
    "pins": "counter segment asset partition purpose is_lifted materialization_id data_version recorded_at note",
    "renames": "counter segment old_asset new_asset renamed_at",
}
_KEPT_WHOLE = Materialized | StepFailed | CheckRan | SourceObserved | Retention
COLUMNS: Mapping[str, tuple[str, ...]] = {table: tuple(names.split()) for table, names in _COLUMNS.items()}


class Rows:
    """Rows by table, collected fact by fact."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}

    def add(self, position: Position, fact: Fact | None, kind: str, payload: str) -> None:
        """Add one line of the journal; `fact` is None where this release cannot read it."""
        place = (position.counter, position.segment)
        needs_all = fact is None or isinstance(fact, _KEPT_WHOLE)
        self._rows["facts"].append((*place, kind, payload if needs_all else None))
        match fact:
            case Materialized():
                self._add_materialized(place, fact)
            case StepFailed():
                self._add_step_failed(place, fact)
            case CheckRan():
                self._add_check(place, fact)
            case SourceObserved():
                self._add_observed(place, fact)
            case CodeRecorded():
                self._rows["symbol_uses"].extend(
                    (*place, n, fact.code, s.name, str(s.kind), s.digest, s.where, s.via, s.source, s.text or None)
                    for n, s in enumerate(fact.symbols)
                )
            case SymbolText():
                self._rows["symbol_texts"].append((*place, fact.digest, fact.text))
            case RunStarted():
                selection = json.dumps(list(fact.selection))
                started = (fact.run_id, moment_of(fact.started_at), fact.command, selection)
                self._rows["run_events"].append((*place, *started, None, None, None, fact.branch, fact.commit))
            case RunFinished():
                self._add_run_finished(place, fact)
            case Forgotten() | Pinned() | Unpinned() | Renamed():
                self._add_retention(place, fact)
            case None:
                return

    def columns(self, table: str) -> dict[str, list[Any]]:
        """Return the rows of one table, column by column; empty if there are none."""
        rows = self._rows[table]
        return dict(zip(COLUMNS[table], map(list, zip(*rows, strict=True)), strict=True)) if rows else {}

    def _add_materialized(self, place: tuple[int, str], fact: Materialized) -> None:
        definition = fact.provenance.definition
        started = moment_of(fact.started_at)
        for n, output in enumerate(fact.outputs):
            value = output.value
            made = (
                fact.id,
                *_key(output.target),
                fact.step.asset,
                fact.run_id,
                value.version,
                output.blob,
                output.codec,
            )
            what = (output.size_bytes, value.n_rows, value.kind, value.basis, fact.provenance.digest)
            how = (definition.digest, definition.code, fact.published, fact.trace.value, fact.origin, started)
            rest = (fact.duration_s, output.inline is not None, n, fact.python, fact.platform)
            self._rows["materializations"].append((*made, *what, *how, *rest, *place))
            self._add_columns(place, output.target, value, fact.id)
        self._rows["inputs"].extend(
            (
                fact.id,
                i.name,
                *_key(fact.step),
                i.upstream,
                i.partition or "",
                None if i.fan_in is None else i.fan_in.n,
                i.version,
                i.data_version,
                i.is_source,
                json.dumps(i.columns),
                *place,
            )
            for i in fact.provenance.inputs
        )
        outcome = "materialized" if fact.origin is None else "reused"
        shown = (json.dumps(_plain(fact.reasons)), json.dumps(dict(fact.figures)), json.dumps(dict(fact.links)))
        done = (fact.id, fact.provenance.digest, started, fact.duration_s, None, None)
        self._rows["steps"].append((*place, fact.run_id, *_key(fact.step), outcome, *done, *shown))
        self._add_metrics(place, fact.metrics, (fact.run_id, *_key(fact.step), fact.id, None, started))

    def _add_columns(self, place: tuple[int, str], target: Target, value: ValueIdentity, made_by: str | None) -> None:
        def row(n: int, column: ColumnDigest) -> tuple[Any, ...]:
            return (*place, *_key(target), n, value.version, column.name, column.type, column.digest, made_by)

        self._rows["columns"].extend(row(n, column) for n, column in enumerate(value.columns))

    def _add_metrics(self, place: tuple[int, str], metrics: Mapping[str, float], rest: tuple[Any, ...]) -> None:
        self._rows["metrics"].extend((*place, name, value, *rest) for name, value in metrics.items())

    def _add_step_failed(self, place: tuple[int, str], fact: StepFailed) -> None:
        done = (None, fact.provenance, moment_of(fact.failed_at), fact.duration_s, fact.error_type, fact.message)
        self._rows["steps"].append((*place, fact.run_id, *_key(fact.step), "failed", *done, "[]", "{}", "{}"))

    def _add_check(self, place: tuple[int, str], fact: CheckRan) -> None:
        asked = (fact.run_id, *_key(fact.target), fact.check, fact.definition, fact.data_version)
        ran_at = moment_of(fact.ran_at)
        answer = (fact.passed, fact.blocking, fact.message, ran_at)
        self._rows["checks"].append((*place, *asked, *answer))
        self._add_metrics(place, fact.metrics, (fact.run_id, *_key(fact.target), None, fact.check, ran_at))

    def _add_observed(self, place: tuple[int, str], fact: SourceObserved) -> None:
        value = fact.value
        seen = (fact.run_id, *_key(fact.target), value.version, value.kind, value.basis, value.n_rows, fact.size_bytes)
        self._rows["observations"].append((*place, *seen, moment_of(fact.observed_at)))
        self._add_columns(place, fact.target, value, None)

    def _add_run_finished(self, place: tuple[int, str], fact: RunFinished) -> None:
        ended = (moment_of(fact.finished_at), str(fact.status), fact.duration_s)
        self._rows["run_events"].append((*place, fact.run_id, None, None, None, *ended, None, None))
        self._rows["decisions"].extend(
            (*place, *_key(d.target), fact.run_id, str(d.action), json.dumps(_plain(d.reasons))) for d in fact.decisions
        )

    def _add_retention(self, place: tuple[int, str], fact: Retention) -> None:
        match fact:
            case Forgotten(targets, when, command):
                self._rows["forgotten"].extend(
                    (*place, *_key(target), moment_of(when), command) for target in dict.fromkeys(targets)
                )
            case Pinned(target, made, version, purpose, when, note):
                said = (purpose.value, False, made, version, moment_of(when), note)
                self._rows["pins"].append((*place, *_key(target), *said))
            case Unpinned(target, purpose, lifted, when):
                self._rows["pins"].append(
                    (*place, *_key(target), purpose.value, True, lifted, None, moment_of(when), "")
                )
            case Renamed(old, new, when):
                self._rows["renames"].append((*place, old, new, moment_of(when)))


def _key(target: Target) -> tuple[str, str]:
    """Return the columns `asset` and `partition`; the second is empty where there is none."""
    return target.asset, target.partition_key or ""


def _plain(reasons: tuple[Mapping[str, Any], ...]) -> list[dict[str, Any]]:
    return [dict(reason) for reason in reasons]
