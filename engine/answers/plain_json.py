"""What JSON can say of any value, and which values it says without losing what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import PurePath
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


class NoJson(Exception):
    """A part of a value is nothing that JSON can say; the message names it, and where it is."""


def readable(value: object, where: str = "") -> Any:
    """Return plain data as JSON says it: tuples as lists, numpy's numbers and arrays as Python's, times as text.

    NaN and infinities are null, as pandas writes them.

    Raises:
        NoJson: it holds something else.
    """
    if isinstance(value, dict):
        items = [readable(item, f"{where}[{key!r}]") for key, item in value.items()]
        return dict(zip(_names(value, where), items, strict=True))
    if isinstance(value, list | tuple):
        return [readable(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        listed = value.tolist()
        if type(listed).__module__ != "numpy":
            return readable(listed, where)
    raise NoJson(f"JSON has nothing for a `{type(value).__qualname__}`{f' at {where}' if where else ''}")


def _names(keys: Iterable[object], where: str) -> list[str]:
    """Return the names of an object's fields, as `json.dumps` writes such keys."""
    names = []
    for key in keys:
        if not (key is None or isinstance(key, str | bool | int | float)):
            raise NoJson(f"JSON has no name for the key `{key!r}`{f' at {where}' if where else ''}")
        names.append(key if isinstance(key, str) else json.dumps(key))
    if len(set(names)) != len(names):
        raise NoJson(f"JSON would give two fields one name{f' at {where}' if where else ''}")
    return names
