"""Facts as JSON objects: the one translation between `lineage.records` and what the journal keeps.

Reading is forward tolerant: fields that are not known here are ignored, and a fact of an
unknown kind, or of a newer version of a known kind, raises `UnknownFact`, so that the
reader can skip it and say so. A change that an older reader must not skip needs a newer
state format instead (`storage/state/format.py`). Every object holds `k` (kind) and `v`
(version; each kind counts its own); a field that has its default value is left out; floats are exact; stored bytes
are text where they are JSON or UTF-8 text, base64 otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assetctl.assets.errors import AssetctlError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.kinds import run_status, symbol_kind, undeclared_kind
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeRecorded,
    CodeVersion,
    DataVersion,
    Decision,
    Digest,
    Fact,
    Forgotten,
    MaterializationId,
    Materialized,
    Pinned,
    ProvenanceDigest,
    Renamed,
    RunFinished,
    RunId,
    RunStarted,
    SourceObserved,
    StepFailed,
    Symbol,
    SymbolText,
    Trace,
    Undeclared,
    Unpinned,
)
from assetctl.storage.journal.shapes import require_shape
from assetctl.storage.journal.wire_parts import (
    Json,
    output_to_json,
    provenance_to_json,
    read_blob,
    read_numbers,
    read_output,
    read_provenance,
    read_target,
    read_value,
    value_to_json,
    without_defaults,
)
from assetctl.storage.journal.wire_retention import (
    forgotten_to_json,
    pinned_to_json,
    read_forgotten,
    read_pinned,
    read_renamed,
    read_unpinned,
    renamed_to_json,
    unpinned_to_json,
)
from assetctl.storage.state.malformed import MALFORMED

_FIRST = 1
_WRITTEN = {"code_recorded": 2}
# A fact that names a partition is of a version that earlier releases do not know: they would take it for the asset's.
_WITH_PARTITION = dict.fromkeys(
    ["materialized", "step_failed", "check_ran", "source_observed", "run_finished", "forgotten", "pinned", "unpinned"],
    2,
)
_LATEST = {**_WRITTEN, **_WITH_PARTITION}


class WireError(ValueError):
    """A JSON object is not a fact."""


class UnknownFact(WireError):
    """A fact of a kind or version that this release does not know."""


def to_json(fact: Fact) -> Json:
    """Return a fact as a JSON object."""
    kind, encode = _ENCODERS[type(fact)]
    version = _WITH_PARTITION[kind] if _names_partition(fact) else _WRITTEN.get(kind, _FIRST)
    return {"k": kind, "v": version, **encode(fact)}


def _names_partition(fact: Fact) -> bool:
    match fact:
        case Materialized(step=step, provenance=made):
            return step.partition_key is not None or any(
                i.partition is not None or i.fan_in is not None for i in made.inputs
            )
        case StepFailed(step=target):
            return target.partition_key is not None
        case CheckRan(target=target) | SourceObserved(target=target) | Pinned(target=target) | Unpinned(target=target):
            return target.partition_key is not None
        case RunFinished(decisions=decisions):
            return any(decision.target.partition_key is not None for decision in decisions)
        case Forgotten(targets=targets):
            return any(target.partition_key is not None for target in targets)
        case _:
            return False


def from_json(record: Json) -> Fact:
    """Return the fact that a JSON object stands for.

    Raises:
        UnknownFact: its kind or version is not known to this release.
        WireError: a field is missing or has a value that cannot be right.
    """
    fact = folded_fact(record)
    try:
        return require_shape(fact)
    except TypeError as cause:
        raise WireError(f"a `{record['k']}` fact that cannot be read: {cause}") from cause


def folded_fact(record: Json) -> Fact:
    """Return the fact of a JSON object whose shape was checked when it was folded: the check is a third of the cost.

    Raises:
        WireError: see `from_json`.
    """
    kind = record.get("k")
    decode = _DECODERS.get(kind) if isinstance(kind, str) else None
    if decode is None:
        raise UnknownFact(f"a fact of unknown kind {record.get('k')!r}")
    version = record.get("v")
    if type(version) is not int or not _FIRST <= version <= _LATEST.get(record["k"], _FIRST):
        raise UnknownFact(f"a `{record['k']}` fact of unknown version {record.get('v')!r}")
    try:
        return decode(record)
    except (*MALFORMED, AssetctlError) as cause:
        raise WireError(f"a `{record['k']}` fact that cannot be read: {type(cause).__name__} {cause}") from cause


# --- facts ---------------------------------------------------------------------------


def _materialized_to_json(fact: Materialized) -> Json:
    return {
        "id": fact.id,
        "run": fact.run_id,
        "step": fact.step.asset,
        "provenance": provenance_to_json(fact.provenance),
        "outputs": [output_to_json(output) for output in fact.outputs],
        "started_at": fact.started_at,
        "duration_s": fact.duration_s,
        "published": fact.published,
        "trace": fact.trace.value,
        **without_defaults(
            origin=fact.origin,
            metrics=dict(fact.metrics),
            figures=dict(fact.figures),
            links=dict(fact.links),
            reasons=[dict(reason) for reason in fact.reasons],
            python=fact.python,
            platform=fact.platform,
            undeclared=[[str(used.kind), used.name, used.digest] for used in fact.undeclared],
            changed=list(fact.changed),
            partition=fact.step.partition_key,
        ),
    }


def _materialized(fields: Json) -> Materialized:
    origin = fields.get("origin")
    step = read_target(fields["step"], fields.get("partition"))
    return Materialized(
        MaterializationId(fields["id"]),
        RunId(fields["run"]),
        step,
        read_provenance(fields["provenance"], step.partition_key),
        tuple([read_output(output, step.partition_key) for output in fields["outputs"]]),
        fields["started_at"],
        float(fields["duration_s"]),
        bool(fields["published"]),
        Trace(fields["trace"]),
        None if origin is None else MaterializationId(origin),
        read_numbers(fields.get("metrics", {})),
        {name: read_blob(blob) for name, blob in fields.get("figures", {}).items()},
        fields.get("links", {}),
        tuple(fields.get("reasons", ())),
        fields.get("python", ""),
        fields.get("platform", ""),
        tuple(
            [
                Undeclared(undeclared_kind(kind), name, Digest(digest))
                for kind, name, digest in fields.get("undeclared", ())
            ]
        ),
        tuple(fields.get("changed", ())),
    )


def _step_failed_to_json(fact: StepFailed) -> Json:
    return {
        "run": fact.run_id,
        "step": fact.step.asset,
        "provenance": fact.provenance,
        "error_type": fact.error_type,
        "message": fact.message,
        "failed_at": fact.failed_at,
        "duration_s": fact.duration_s,
        **without_defaults(partition=fact.step.partition_key),
    }


def _step_failed(fields: Json) -> StepFailed:
    return StepFailed(
        RunId(fields["run"]),
        read_target(fields["step"], fields.get("partition")),
        ProvenanceDigest(fields["provenance"]),
        fields["error_type"],
        fields["message"],
        fields["failed_at"],
        float(fields["duration_s"]),
    )


def _check_ran_to_json(fact: CheckRan) -> Json:
    return {
        "run": fact.run_id,
        "asset": fact.target.asset,
        "check": fact.check,
        "definition": fact.definition,
        "data_version": fact.data_version,
        "passed": fact.passed,
        "blocking": fact.blocking,
        "ran_at": fact.ran_at,
        **without_defaults(message=fact.message, metrics=dict(fact.metrics), partition=fact.target.partition_key),
    }


def _check_ran(fields: Json) -> CheckRan:
    return CheckRan(
        RunId(fields["run"]),
        read_target(fields["asset"], fields.get("partition")),
        fields["check"],
        Digest(fields["definition"]),
        DataVersion(fields["data_version"]),
        bool(fields["passed"]),
        bool(fields["blocking"]),
        fields.get("message", ""),
        read_numbers(fields.get("metrics", {})),
        fields["ran_at"],
    )


def _observed_to_json(fact: SourceObserved) -> Json:
    return {
        "run": fact.run_id,
        "asset": fact.target.asset,
        "value": value_to_json(fact.value),
        "size_bytes": fact.size_bytes,
        "observed_at": fact.observed_at,
        **without_defaults(partition=fact.target.partition_key),
    }


def _observed(fields: Json) -> SourceObserved:
    return SourceObserved(
        RunId(fields["run"]),
        read_target(fields["asset"], fields.get("partition")),
        read_value(fields["value"]),
        int(fields["size_bytes"]),
        fields["observed_at"],
    )


def _code_to_json(fact: CodeRecorded) -> Json:
    return {
        "code": fact.code,
        "symbols": [
            [s.name, str(s.kind), s.digest, s.where, s.via, s.source, *([s.text] if s.text else [])]
            for s in fact.symbols
        ],
    }


def _code(fields: Json) -> CodeRecorded:
    return CodeRecorded(CodeVersion(fields["code"]), tuple([_symbol(symbol) for symbol in fields["symbols"]]))


def _symbol(row: list[str] | dict[str, str]) -> Symbol:
    """Read a symbol; in version 1 it is an object with its source."""
    if isinstance(row, dict):
        row = [row[name] for name in ("name", "kind", "digest", "where", "via", "source")]
    name, kind, digest, where, via, source, *text = row
    return Symbol(name, symbol_kind(kind), Digest(digest), where, via, source, Digest(text[0] if text else ""))


def _symbol_text_to_json(fact: SymbolText) -> Json:
    return {"digest": fact.digest, "text": fact.text}


def _symbol_text(fields: Json) -> SymbolText:
    return SymbolText(Digest(fields["digest"]), fields["text"])


def _run_started_to_json(fact: RunStarted) -> Json:
    return {
        "run": fact.run_id,
        "started_at": fact.started_at,
        "selection": list(fact.selection),
        "command": fact.command,
        **without_defaults(branch=fact.branch, commit=fact.commit),
    }


def _run_started(fields: Json) -> RunStarted:
    return RunStarted(
        RunId(fields["run"]),
        fields["started_at"],
        tuple(fields["selection"]),
        fields["command"],
        fields.get("branch", ""),
        fields.get("commit", ""),
    )


def _run_finished_to_json(fact: RunFinished) -> Json:
    return {
        "run": fact.run_id,
        "finished_at": fact.finished_at,
        "status": str(fact.status),
        "duration_s": fact.duration_s,
        "decisions": [
            [d.target.asset, str(d.action), [dict(reason) for reason in d.reasons], *_rest(d.target)]
            for d in fact.decisions
        ],
    }


def _rest(target: Target) -> list[str]:
    return [] if target.partition_key is None else [target.partition_key]


def _run_finished(fields: Json) -> RunFinished:
    return RunFinished(
        RunId(fields["run"]),
        fields["finished_at"],
        run_status(fields["status"]),
        float(fields["duration_s"]),
        tuple(
            Decision(read_target(asset, *partition), action, tuple(reasons))
            for asset, action, reasons, *partition in fields["decisions"]
        ),
    )


_ENCODERS: dict[type, tuple[str, Callable[[Any], Json]]] = {
    Materialized: ("materialized", _materialized_to_json),
    StepFailed: ("step_failed", _step_failed_to_json),
    CheckRan: ("check_ran", _check_ran_to_json),
    SourceObserved: ("source_observed", _observed_to_json),
    SymbolText: ("symbol_text", _symbol_text_to_json),
    CodeRecorded: ("code_recorded", _code_to_json),
    RunStarted: ("run_started", _run_started_to_json),
    RunFinished: ("run_finished", _run_finished_to_json),
    Forgotten: ("forgotten", forgotten_to_json),
    Pinned: ("pinned", pinned_to_json),
    Unpinned: ("unpinned", unpinned_to_json),
    Renamed: ("renamed", renamed_to_json),
}
_DECODERS: dict[str, Callable[[Json], Fact]] = {
    "materialized": _materialized,
    "step_failed": _step_failed,
    "check_ran": _check_ran,
    "source_observed": _observed,
    "symbol_text": _symbol_text,
    "code_recorded": _code,
    "run_started": _run_started,
    "run_finished": _run_finished,
    "forgotten": read_forgotten,
    "pinned": read_pinned,
    "unpinned": read_unpinned,
    "renamed": read_renamed,
}


def known_kinds() -> str:
    """Return every kind of fact that can be read, with its latest version: what a fold by this release understands."""
    return " ".join(f"{kind}/{_LATEST.get(kind, _FIRST)}" for kind in sorted(_DECODERS))
