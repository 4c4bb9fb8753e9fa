"""Keep the values of secret parameters out of what a step leaves behind: its log, messages and tracebacks."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from assetctl.engine.tasks import StepResult
from assetctl.lineage.graph import Step
from assetctl.storage.remote.keys import hidden_texts

MASK = "***"
_SHORTEST = 4  # shorter values occur by chance in any text


def secrets_of(step: Step) -> tuple[str, ...]:
    """Return the texts by which a step's secret values, and the project's signing key, would show, longest first."""
    values = [*(step.config.get(name) for name in step.declaration.options.secret), *hidden_texts()]
    texts = {form for value in values if value is not None for form in _forms(str(value)) if len(form) >= _SHORTEST}
    return tuple(sorted(texts, key=len, reverse=True))


def masked(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def mask_result(result: StepResult, secrets: tuple[str, ...]) -> StepResult:
    """Return a result whose failure names no secret."""
    if not secrets or result.failure is None:
        return result
    failure = replace(
        result.failure,
        message=masked(result.failure.message, secrets),
        traceback=masked(result.failure.traceback, secrets),
    )
    return replace(result, failure=failure)


def mask_log(log: Path, secrets: tuple[str, ...]) -> None:
    """Write a log anew without the secrets, if any is in it."""
    if not secrets or not log.is_file():
        return
    text = log.read_bytes().decode("utf-8", "surrogateescape")
    clean = masked(text, secrets)
    if clean != text:
        temporary = log.with_name(f"{log.name}.{os.getpid()}.tmp")
        temporary.write_bytes(clean.encode("utf-8", "surrogateescape"))
        temporary.replace(log)


def _forms(value: str) -> set[str]:
    """Return a value as it is, and as URLs, JSON, Python and base64 write it."""
    encoded = base64.b64encode(value.encode()).decode()
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1], encoded, encoded.rstrip("=")}
