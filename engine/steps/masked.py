"""Take the secrets out of a step's result before it is recorded or shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assetctl.engine.secrets.masking import Mask
from assetctl.engine.steps.tasks import CheckAnswer, StepResult


def mask_result(result: StepResult, mask: Mask) -> StepResult:
    """Return a result whose failure, check messages and links name no secret."""
    if not mask:
        return result
    failure = result.failure
    if failure is not None:
        hint = None if failure.hint is None else mask.text(failure.hint)
        message, traceback = mask.text(failure.message), mask.text(failure.traceback)
        failure = replace(failure, message=message, traceback=traceback, hint=hint)
    checks = tuple(_masked_answer(answer, mask.text) for answer in result.checks)
    links = {mask.text(name): mask.text(target) for name, target in result.links.items()}
    return replace(result, failure=failure, checks=checks, links=links)


def _masked_answer(answer: CheckAnswer, masked: Callable[[str], str]) -> CheckAnswer:
    return replace(answer, message=masked(answer.message))
