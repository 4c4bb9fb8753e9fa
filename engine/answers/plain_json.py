"""What JSON can say of any value, and the document of an error. Light: an error must not cost the import of a store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assetctl.assets.errors import Problem


def plain(value: object) -> Any:
    """Return the value with what JSON cannot say (dates, decimals, bytes) as text, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def error_json(problems: Sequence[Problem], exit_code: int) -> dict[str, Any]:
    """Return what went wrong as schema `assetctl.error/1`."""
    return {
        "schema": "assetctl.error/1",
        "exit_code": exit_code,
        "problems": [{"code": p.code, "message": p.message, "facts": dict(p.facts), "hint": p.hint} for p in problems],
    }
