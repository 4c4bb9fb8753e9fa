"""Take the secrets out of a step's result before it is recorded or shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from assetctl.engine.secrets.masking import Mask
from assetctl.engine.steps.tasks import CheckAnswer, Failure, StepResult

_T = TypeVar("_T")


def mask_result(result: StepResult, mask: Mask) -> StepResult:
    """Return a result in which nothing that is recorded or shown names a secret.

    What the step returned is left as it is. A file whose name holds a secret can not be found
    again by what is recorded of it, so the step is built again each time.
    """
    if not mask:
        return result
    return replace(
        result,
        failure=None if result.failure is None else _masked_failure(result.failure, mask.text),
        checks=tuple(_masked_answer(answer, mask.text) for answer in result.checks),
        metrics=_masked_names(result.metrics, mask.text),
        figures=_masked_names(result.figures, mask.text),
        links={name: mask.text(target) for name, target in _masked_names(result.links, mask.text).items()},
        undeclared=tuple(replace(used, name=mask.text(used.name)) for used in result.undeclared),
        outputs=tuple(replace(stored, notes=tuple(map(mask.text, stored.notes))) for stored in result.outputs),
    )


def _masked_failure(failure: Failure, masked: Callable[[str], str]) -> Failure:
    return replace(
        failure,
        error_type=masked(failure.error_type),
        message=masked(failure.message),
        traceback=masked(failure.traceback),
        hint=None if failure.hint is None else masked(failure.hint),
    )


def _masked_answer(answer: CheckAnswer, masked: Callable[[str], str]) -> CheckAnswer:
    return replace(answer, message=masked(answer.message), metrics=_masked_names(answer.metrics, masked))


def _masked_names(values: Mapping[str, _T], masked: Callable[[str], str]) -> dict[str, _T]:
    """Return values under masked names; those that would then be called the same are numbered."""
    renamed: dict[str, _T] = {}
    for name, value in values.items():
        shown = plain = masked(name)
        n = 1
        while shown in renamed:
            n += 1
            shown = f"{plain} {n}"
        renamed[shown] = value
    return renamed
