"""What happens during a run, as values: the terminal, JSON, notebooks and tests read the same events.

Events have tense: `StepStarted` fires before the function is called, `StepFinished`
after its outputs are stored and recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from assetctl.assets.ids import Target
from assetctl.lineage.deciding.reasons import Reason, to_json
from assetctl.lineage.facts.kinds import RunStatus
from assetctl.lineage.facts.records import CheckRan, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What every event of a run has: its number, from 1, and when it happened, in aware UTC.

    Two events that say the same are equal, whenever they were said.
    """

    seq: int = field(default=0, compare=False)
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RunStarted(Happening):
    """`n_run` steps will run or be restored for certain, `n_maybe` may, `n_keep` are fresh."""

    run_id: str
    n_run: int
    n_maybe: int
    n_keep: int


@dataclass(frozen=True, slots=True)
class StepStarted(Happening):
    step: Target
    outputs: tuple[Target, ...]
    reasons: tuple[Reason, ...]
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class StepFinished(Happening):
    """The function ran and its outputs are published. `changed` maps an output to whether its data differ."""

    step: Target
    outputs: tuple[Output, ...]
    reasons: tuple[Reason, ...]
    duration_s: float
    changed: Mapping[Target, bool]
    log: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRestored(Happening):
    """An earlier result of exactly this provenance was brought back; nothing ran."""

    step: Target
    outputs: tuple[Output, ...]
    reasons: tuple[Reason, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class StepKept(Happening):
    """Fresh. `by_cutoff`: it was undecided in the plan, and its upstreams came out equal.

    `pinned` says of a pinned step what holds it, and what would otherwise be reasons to build it.
    """

    step: Target
    outputs: tuple[Target, ...]
    by_cutoff: bool
    pinned: str | None = None


@dataclass(frozen=True, slots=True)
class StepFailed(Happening):
    """The function raised, its value could not be stored, or a blocking check said no.

    `traceback` starts at the person's own code; `log` is the last part of what it printed.
    """

    step: Target
    outputs: tuple[Target, ...]
    reasons: tuple[Reason, ...]
    error_type: str
    message: str
    traceback: str
    log: str
    duration_s: float
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class StepRetried(Happening):
    step: Target
    attempt: int
    n_attempts: int
    error_type: str
    message: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class StepSkipped(Happening):
    """Not run because an upstream failed (or was skipped itself); `because` names the one that failed."""

    step: Target
    outputs: tuple[Target, ...]
    because: Target


@dataclass(frozen=True, slots=True)
class CheckFinished(Happening):
    ran: CheckRan


@dataclass(frozen=True, slots=True)
class Warned(Happening):
    """Something a person should know that stops nothing."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ResultsShared(Happening):
    """Results were uploaded to the shared cache; `n_waiting` are still on their way.

    `n_blobs` and `size_bytes` count what had to be sent, once nothing is waiting.
    """

    remote: str
    n_results: int
    n_waiting: int
    n_blobs: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RunFinished(Happening):
    """The last event of every run; the lists hold asset keys in the order they were decided."""

    run_id: str
    status: RunStatus
    materialized: tuple[Target, ...]
    restored: tuple[Target, ...]
    fresh: tuple[Target, ...]
    failed: tuple[Target, ...]
    skipped: tuple[Target, ...]
    duration_s: float


Event = (
    RunStarted
    | StepStarted
    | StepFinished
    | StepRestored
    | StepKept
    | StepFailed
    | StepRetried
    | StepSkipped
    | CheckFinished
    | Warned
    | ResultsShared
    | RunFinished
)

_NAMES: dict[type, str] = {
    RunStarted: "run_started",
    StepStarted: "step_started",
    StepFinished: "step_finished",
    StepRestored: "step_restored",
    StepKept: "step_kept",
    StepFailed: "step_failed",
    StepRetried: "step_retried",
    StepSkipped: "step_skipped",
    CheckFinished: "check_finished",
    Warned: "warning",
    ResultsShared: "results_shared",
    RunFinished: "run_finished",
}

_OF_EVERY_EVENT = {part.name for part in fields(Happening)}


def event_json(event: Event) -> dict[str, Any]:
    """Return one event as JSON of schema `assetctl.run/1`."""
    document: dict[str, Any] = {"schema": "assetctl.run/1", "event": _NAMES[type(event)]}
    if event.at is not None:
        document |= {"seq": event.seq, "at": event.at.isoformat(timespec="microseconds")}
    if isinstance(event, CheckFinished):
        ran = event.ran
        return {
            **document,
            "asset": ran.target.asset,
            "check": ran.check,
            "passed": ran.passed,
            "blocking": ran.blocking,
            "message": ran.message,
            "metrics": dict(ran.metrics),
        }
    for name in (part.name for part in fields(event)):
        if name not in _OF_EVERY_EVENT:
            document[name] = _json(getattr(event, name))
    return document


def _json(value: Any) -> Any:
    if isinstance(value, Output):
        return {
            "asset": value.target.asset,
            "data_version": value.value.version,
            "kind": value.value.kind,
            "n_rows": value.value.n_rows,
            "size_bytes": value.size_bytes,
            "codec": value.codec,
        }
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return to_json(value)
