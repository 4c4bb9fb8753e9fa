"""What JSON can say of any value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


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
