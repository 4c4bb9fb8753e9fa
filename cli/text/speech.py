"""Words for people: safe text, sizes, durations and the shape of an error.

What others wrote is cleaned before it meets a terminal: a control character shown as
itself could move the cursor or recolour what follows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO, cast

from assetctl.assets.errors import Problem

# C0 and C1 controls but newline and tab, and the marks that turn the direction of text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PLAIN = str.maketrans(
    {
        "✓": "+", "✗": "x", "●": "*", "○": "o", "▲": "!", "◄": "<", "◊": "#", "◌": "~", "■": "=", "↺": "<", "▸": ">",
        "·": "-", "…": "...", "→": "->", "←": "<-", "↑": "^", "×": "x", "≤": "<=", "≥": ">=", "├": "|", "└": "`", "│": "|", "─": "-",
        "━": "-", "╺": "-", "╸": "-",
    }
)  # fmt: skip
_PADDING = re.compile(r"[ \t]+\n")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_MINUTE, _HOUR = 60.0, 3600.0


def clean(text: str) -> str:
    """Return the text with control characters shown as escapes (`\\x1b`)."""
    return _UNSAFE.sub(
        lambda match: f"\\x{ord(match[0]):02x}" if ord(match[0]) < 256 else f"\\u{ord(match[0]):04x}", text
    )


def one_line(text: str, length: int = 200) -> str:
    """Return cleaned text in one line of at most `length` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def size(n_bytes: int | None) -> str:
    """Return a size as people say it: `812 B`, `2.4 MB`."""
    if n_bytes is None:
        return ""
    amount, unit = float(n_bytes), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{n_bytes} B" if unit == 0 else f"{amount:.{1 if amount < 99.95 else 0}f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a duration as people say it: `12 ms`, `3.1 s`, `2 m 05 s`, `1 h 03 m`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < _HOUR - 0.5:
        minutes, rest = divmod(round(seconds), int(_MINUTE))
        return f"{minutes} m {rest:02d} s"
    hours, rest = divmod(round(seconds / _MINUTE), int(_MINUTE))
    return f"{hours} h {rest:02d} m"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 asset`, `41,202 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def names(keys: Sequence[str], limit: int = 6) -> str:
    """Return names as a list for people, cut after `limit`."""
    shown = ", ".join(keys[:limit])
    return shown if len(keys) <= limit else f"{shown} and {len(keys) - limit:,} more"


def either(keys: Sequence[str]) -> str:
    """Return names as alternatives: `a, b or c`."""
    *first, last = keys
    return f"{', '.join(first)} or {last}" if first else last


def moment(iso: str | None) -> str:
    """Return a recorded time (ISO, UTC) as `2026-11-22 18:03`, "" if there is none."""
    return iso[:16].replace("T", " ") if iso else ""


def problems_text(problems: Sequence[Problem], *, is_nothing_done: bool = False) -> str:
    """Return problems in the house's shape, a blank line between, their number at the end if several."""
    blocks = [_block(problem) for problem in problems]
    if len(blocks) > 1:
        ending = "; nothing was run" if is_nothing_done else ""
        blocks.append(f"error: {len(problems)} problems{ending}\n")
    return "\n".join(blocks)


def _block(problem: Problem) -> str:
    lines = [f"error: {clean(problem.message)}"]
    width = max((len(label) for label, _ in problem.facts), default=0) + 2
    for label, value in problem.facts:
        first, *rest = clean(value).splitlines() or [""]
        lines.append(f"  {clean(label):<{width}}{first}".rstrip())
        lines += [f"  {'':<{width}}{line}".rstrip() for line in rest]
    if problem.hint:
        lines.append(f"hint: {clean(problem.hint)}")
    return "\n".join(lines) + "\n"


class _PlainStream:
    """A stream for a terminal that is not UTF-8: our symbols become ASCII, other text is escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.translate(_PLAIN))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class TrimmedStream:
    """A stream for files and pipes: what pads a table's last column is left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_PADDING.sub("\n", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def adapt_streams() -> None:
    """Make stdout and stderr able to take any text, whatever the locale."""
    sys.stdout, sys.stderr = _adapted(sys.stdout), _adapted(sys.stderr)


def _adapted(stream: TextIO) -> TextIO:
    if isinstance(stream, _PlainStream):
        return stream
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    if (stream.encoding or "").lower().replace("-", "") == "utf8":
        return stream
    return cast("TextIO", _PlainStream(stream))
