"""Durations as people write them: a number and a unit, such as `500ms`, `90s`, `1.5h` or `30d`."""

from __future__ import annotations

import re

HOW_TO_WRITE = "write a number and a unit: 500ms, 90s, 10m, 12h or 30d"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", re.ASCII)


def parse_duration(text: str) -> float | None:
    """Return a duration in seconds, or None if the text is not one."""
    parts = _DURATION.fullmatch(text)
    return None if parts is None else float(parts[1]) * _UNITS[parts[2]]


def not_a_duration(what: str) -> str:
    """Return the message for something that should have been a duration; `HOW_TO_WRITE` is the hint that goes with it."""
    return f"{what} is not a duration"
