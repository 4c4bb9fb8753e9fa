"""What travels to whoever runs a step, and what comes back: keys and digests, never tables or paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.ports import Stored, Wanted
from assetctl.lineage.facts.records import (
    DataVersion,
    Digest,
    MaterializationId,
    Output,
    ProvenanceDigest,
    RunId,
    Undeclared,
)

BEGUN = "begun"  # what a worker says when a step with a timeout begins
UNFIT = "unfit"  # what a worker says when other steps changed it too much to perform this one
CONNECTION_LOST = 77  # the exit code of a worker whose step closed what it answers on


@dataclass(frozen=True, slots=True)
class OutputInput:
    """A parameter that reads a stored output."""

    parameter: str
    output: Output
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class SourceInput:
    """A parameter that reads a source, which held `version` when the plan was made."""

    parameter: str
    key: AssetKey
    version: DataVersion
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check to ask about one output (by asset key), with the check's definition."""

    target: Target
    name: str
    definition: Digest
    blocking: bool


@dataclass(frozen=True, slots=True)
class StepTask:
    """One step to run, or (where `stored` is given) only checks to ask about what is stored.

    `definition` is what the planner computed; a worker refuses to run other code.
    `set_config` are config assignments of the command line, as written; `former_names` are
    those recorded for its outputs.
    """

    step: Target
    definition: Digest
    provenance: ProvenanceDigest
    run_id: RunId
    materialization_id: MaterializationId
    inputs: tuple[OutputInput | SourceInput, ...] = ()
    checks: tuple[CheckTask, ...] = ()
    stored: tuple[Output, ...] = ()
    set_config: tuple[str, ...] = ()
    former_names: Mapping[AssetKey, tuple[AssetKey, ...]] = field(default_factory=dict)
    upstream_metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    captures_values: bool = False
    isolate: bool = False  # it wants a process in which nothing else was performed
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    task: CheckTask
    passed: bool
    message: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step gave nothing. `traceback` begins at the person's own code."""

    error_type: str
    message: str
    traceback: str = ""
    hint: str | None = None
    is_corruption: bool = False  # bytes it read turned out not to be what was recorded


@dataclass(frozen=True, slots=True)
class StepResult:
    """What running one task gave; `failure` is None exactly if `outputs` are usable.

    `code_changed` and `inputs_changed` say that the step ran with other code, or read other
    sources, than the plan was made with. `captured_changes` are what it changed of the objects
    that its code captures, by name and place.
    """

    step: Target
    outputs: tuple[Stored, ...] = ()
    checks: tuple[CheckAnswer, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    code_changed: bool = False
    captured_changes: tuple[str, ...] = ()
    inputs_changed: bool = False
    undeclared: tuple[Undeclared, ...] = ()
    duration_s: float = 0.0
    failure: Failure | None = None

    @property
    def notes(self) -> tuple[tuple[str, ...], ...]:
        """What a person should know about how each output was made and kept."""
        if not self.outputs:
            return ()
        first, *others = self.outputs
        return ((*self._made(), *first.notes), *(output.notes for output in others))

    def _made(self) -> Iterator[str]:
        if self.code_changed:
            yield "ran after another step had changed what its code captures, so its record is not trusted"
        for name in self.captured_changes:
            yield f"changed {name} while it was made: that counts as it was after import"
