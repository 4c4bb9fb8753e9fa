"""What a run came to: everything it said, and how to show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assetctl.assets.ids import AssetKey
from assetctl.lineage import events
from assetctl.lineage.decide import Deliberation
from assetctl.lineage.events import Event, RunFinished
from assetctl.lineage.html import table
from assetctl.lineage.reasons import describe
from assetctl.lineage.records import CodeIdentity, Materialized, Recorded, Trace

OUTCOMES = ("materialized", "restored", "fresh", "failed", "skipped")


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """Everything a run said; `finished` is its last event."""

    events: tuple[Event, ...]
    finished: RunFinished
    deliberation: Deliberation  # what was known when it ended

    @property
    def is_noop(self) -> bool:
        """Say that everything was fresh, and nothing was run, restored or asked."""
        done = self.finished
        others = (done.materialized, done.restored, done.failed, done.skipped)
        return (
            done.status == "succeeded"
            and not any(others)
            and not any(isinstance(event, events.CheckFinished) for event in self.events)
        )

    @property
    def status(self) -> str:
        return self.finished.status

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        done = self.finished
        parts = [f"{len(keys)} {name}" for name in OUTCOMES if (keys := getattr(done, name))]
        return f"{done.status} in {done.duration_s:.1f} s: {', '.join(parts) or 'nothing to do'}"

    def _repr_html_(self) -> str:
        reasons = {step.step: step.reasons for step in self.events if isinstance(step, events.StepStarted)}
        messages = {e.step: f"{e.error_type}: {e.message}" for e in self.events if isinstance(e, events.StepFailed)}
        rows = [
            (name, key, messages.get(key) or "; ".join(map(describe, reasons.get(key, ()))))
            for name in OUTCOMES
            for key in getattr(self.finished, name)
        ]
        return f"<p>{self}</p>{table(('', 'asset', 'why'), rows)}"

    @property
    def exit_code(self) -> int:
        return {"succeeded": 0, "failed": 1, "cancelled": 130}[self.status]


def warnings_of(
    fact: Materialized, code: CodeIdentity, notes: tuple[tuple[str, ...], ...], *, is_random: bool
) -> tuple[str, ...]:
    """Return what a person should know about a step that went well.

    `notes` say how each output was kept; `is_random`: equal inputs gave other data.
    """
    found: list[str] = []
    if is_random:
        found.append(f"`{fact.step}` is not deterministic: the same code and inputs gave other data than last time")
    if fact.trace is not Trace.SOUND:
        found.append(f"what `{fact.step}` read changed while it ran, so it will be built again")
    found += [f"`{fact.step}` has code that cannot be followed ({place})" for place in code.dynamic]
    found += [
        f"`{fact.step}` used the {used.kind} `{used.name.rstrip(':')}` without declaring it; it counts from now on"
        for used in fact.undeclared
        if used.kind != "codec"  # using it is how one declares it
    ]
    found += [f"`{output.asset}` {note}" for output, said in zip(fact.outputs, notes, strict=True) for note in said]
    return tuple(found)


def is_nondeterministic(fact: Materialized, before: Mapping[AssetKey, Recorded | None]) -> bool:
    """Say whether the provenance of the last materialization gave other data this time."""
    return any(
        was is not None
        and was.materialization.provenance.digest == fact.provenance.digest
        and was.materialization.trace is Trace.SOUND
        and was.output.value.version != output.value.version
        for output in fact.outputs
        for was in (before[output.asset],)
    )
