"""The result of a run: everything it said, and how to show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assetctl.assets.ids import Target
from assetctl.engine.answers.versions import CANDIDATE
from assetctl.engine.steps.tasks import CheckAnswer, Failure
from assetctl.engine.workspace.seen import NOTHING_THERE
from assetctl.lineage.deciding import events
from assetctl.lineage.deciding.decide import StepDecision
from assetctl.lineage.deciding.events import Event, RunFinished
from assetctl.lineage.deciding.html_table import table
from assetctl.lineage.deciding.reasons import CheckFailed, PinNotPublished, describe
from assetctl.lineage.deciding.relied_on import ReliedOn
from assetctl.lineage.deciding.staleness import Fresh
from assetctl.lineage.facts.kinds import LOST_LOOK, Outcome, RunStatus, UndeclaredKind
from assetctl.lineage.facts.records import CodeIdentity, Materialized, Trace, Undeclared
from assetctl.lineage.facts.snapshot import Recorded

_MOST_NAMED = 10  # things of one kind that one step used without declaring them


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """Everything a run said, and what its outcome rests on; `finished` is its last event."""

    events: tuple[Event, ...]
    finished: RunFinished
    relied_on: ReliedOn

    @property
    def is_noop(self) -> bool:
        """Say that everything was fresh, and nothing was run, restored or asked."""
        done = self.finished
        others = (done.materialized, done.restored, done.failed, done.skipped)
        return (
            done.status is RunStatus.SUCCEEDED
            and not any(others)
            and not any(isinstance(event, events.CheckFinished) for event in self.events)
        )

    @property
    def status(self) -> RunStatus:
        return self.finished.status

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        done = self.finished
        parts = [f"{len(keys)} {name}" for name in Outcome if (keys := getattr(done, name))]
        return f"{done.status} in {done.duration_s:.1f} s: {', '.join(parts) or 'nothing to do'}"

    def _repr_html_(self) -> str:
        reasons = {step.step: step.reasons for step in self.events if isinstance(step, events.StepStarted)}
        messages = {e.step: f"{e.error_type}: {e.message}" for e in self.events if isinstance(e, events.StepFailed)}
        rows = [
            (name, key, messages.get(key) or "; ".join(map(describe, reasons.get(key, ()))))
            for name in Outcome
            for key in getattr(self.finished, name)
        ]
        return f"<p>{self}</p>{table(('', 'asset', 'why'), rows)}"

    @property
    def exit_code(self) -> int:
        return {RunStatus.SUCCEEDED: 0, RunStatus.FAILED: 1, RunStatus.CANCELLED: 130}[self.status]


def refusal_in(answers: tuple[CheckAnswer, ...], *, is_published: bool = False) -> Failure | None:
    """Return the failure of a step to whose result a blocking check said no; None if none did.

    `is_published`: the result was published before the check was asked.
    """
    for answer in answers:
        if answer.task.blocking and not answer.passed:
            version = "" if is_published else f"@{CANDIDATE}"
            return _refused(describe(CheckFailed(answer.task.name, answer.message)), f"{answer.task.target}{version}")
    return None


def pin_text(decision: StepDecision) -> str | None:
    """Return the pin that keeps a step as it is, as one clause; None if there is none."""
    served = [v.served for v in decision.verdicts.values() if isinstance(v, Fresh) and v.served is not None]
    return served[0].describe() if served else None


def _refused(message: str, what: str) -> Failure:
    """Return the failure of a step whose result is kept, but not published."""
    look = f"its result is kept: look at it with `assetctl show {what}` or `assetctl get {what}`"
    return Failure("CheckFailed", message, hint=f"{look}; fix the check or the asset, or build it anew with `--force`")


def held_back(decision: StepDecision) -> Failure:
    """Return why a step is neither kept nor built: a check said no to its result, or a pin cannot be served."""
    if not decision.pins:
        failed = next(r for r in decision.reasons if isinstance(r, CheckFailed))
        return _refused(describe(failed), decision.refused or str(decision.target))
    pin = next(iter(decision.pins.values()))
    why = "; ".join(map(describe, decision.reasons))
    lift = f"lift the pin with `assetctl rollback {pin.target} --lift`"
    again = f"serve it again with `assetctl rollback {pin.target}@{pin.materialization_id}`"
    is_other = any(isinstance(reason, PinNotPublished) for reason in decision.reasons)
    hint = f"{again if is_other else 'bring its bytes back from a remote or a backup'}, or {lift}"
    version = pin.data_version.removeprefix("b3:")[:8]
    return Failure("Pinned", f"`{pin.target}` is pinned to b3:{version}, so it is not built: {why}", hint=hint)


def warnings_of(
    fact: Materialized, code: CodeIdentity, notes: tuple[tuple[str, ...], ...], *, is_random: bool
) -> tuple[str, ...]:
    """Return what a person should know about a step that went well.

    `notes` say how each output was kept; `is_random`: equal inputs gave other data.
    """
    warnings: list[str] = []
    if is_random:
        warnings.append(f"`{fact.step}` is not deterministic: the same code and inputs gave other data than last time")
    if fact.trace is not Trace.SOUND:
        warnings.append(_changed_meanwhile(fact))
    warnings += [f"`{fact.step}` has code that cannot be followed ({place})" for place in code.dynamic]
    warnings += [_not_seen(fact, what) for what in fact.unseen]
    by_kind: dict[str, list[Undeclared]] = {}
    for used in fact.undeclared:
        # Using a codec is how one declares it; what is not there counts, but libraries look for much that never is.
        if used.kind not in (UndeclaredKind.CODEC, UndeclaredKind.UNSEEN) and used.digest != NOTHING_THERE:
            by_kind.setdefault(used.kind, []).append(used)
    for alike in by_kind.values():
        named = alike if len(alike) <= _MOST_NAMED else alike[:1]
        more = "" if named is alike else f", and {len(alike) - 1} more like it,"
        warnings += [f"`{fact.step}` {_did(u)}{more} without declaring it; it counts from now on" for u in named]
    warnings += [f"`{output.target}` {note}" for output, said in zip(fact.outputs, notes, strict=True) for note in said]
    return tuple(warnings)


def _not_seen(fact: Materialized, what: str) -> str:
    if what.startswith(LOST_LOOK):
        return f"`{fact.step}` had {what}, so it will be built again"
    return f"`{fact.step}` used {what}: what it depends on there is not seen, and does not count"


def _did(used: Undeclared) -> str:
    """Say what a step did with something that it used."""
    match used.kind:
        case UndeclaredKind.LISTING | UndeclaredKind.ENTRIES:
            return f"looked for names in `{used.name}`"
        case UndeclaredKind.PLACE:
            return f"looked whether `{used.name}` is there"
        case UndeclaredKind.SIZE | UndeclaredKind.TIME | UndeclaredKind.MODE:
            return f"asked for the {used.kind} of `{used.name}`"
        case UndeclaredKind.VARIABLE if used.name == "*":
            return "read all environment variables"
        case UndeclaredKind.VARIABLE:
            return f"read the environment variable `{used.name}`"
        case _:
            return f"used the {used.kind} `{used.name.rstrip(':')}`"


def _changed_meanwhile(fact: Materialized) -> str:
    named = f" ({', '.join(f'`{name}`' for name in fact.changed)})" if fact.changed else ""
    if fact.trace is Trace.CODE_CHANGED:
        return f"another step had changed values that `{fact.step}` captures{named}, so it will be built again"
    return f"what `{fact.step}` read{named} changed while it ran, so it will be built again"


def is_nondeterministic(fact: Materialized, before: Mapping[Target, Recorded | None]) -> bool:
    """Say whether the data changed although nothing did that is known to count.

    That is, what the last materialization was made from, what it was seen to use besides,
    and the Python that ran it; and neither time did anything change while it ran.
    """
    return fact.trace is Trace.SOUND and any(
        was is not None
        and was.output.value.version != output.value.version
        and was.materialization.trace is Trace.SOUND
        and _circumstances(was.materialization) == _circumstances(fact)
        for output in fact.outputs
        for was in (before[output.target],)
    )


def _circumstances(fact: Materialized) -> tuple[object, ...]:
    return fact.provenance.digest, frozenset(fact.undeclared), fact.python, fact.platform
