"""Checks: declared questions about an asset's value, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assetctl.assets.compute import PythonFunction
from assetctl.assets.definition import AssetDef, CheckDef, SourceDef


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found. `metrics` are finite numbers; `message` says what is wrong, for people."""

    passed: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


def check(
    *,
    asset: AssetDef | SourceDef | str,
    blocking: bool = True,
    name: str | None = None,
    description: str | None = None,
) -> Callable[[Callable[..., Any]], CheckDef]:
    """Declare a check of `asset`; the function takes the asset's value as its one input.

    It returns a bool or a `CheckResult`. A value whose blocking check fails is kept but
    not published; a failing check with `blocking=False` is a warning. Editing a check
    re-runs the check, never the asset.
    """

    def declare(fn: Callable[..., Any]) -> CheckDef:
        return CheckDef(PythonFunction(fn), asset, blocking=blocking, name=name, description=description)

    return declare
