"""Refuse JSON that is nested deeper than its parsers can bear."""

from __future__ import annotations

from typing import Any

_DEEPEST_JSON = 200
_JSON_BLOCK_BYTES = 1 << 24
_BACKSLASH = ord("\\")


def refuse_depth(content: Any) -> None:
    """Refuse JSON nested deeper than real data is: the parser would overflow its stack and take the process down."""
    import numpy as np

    text = np.frombuffer(content, np.uint8)
    is_inside, depth, start = False, 0, 0
    while start < len(text):
        end = min(start + _JSON_BLOCK_BYTES, len(text))
        while end < len(text) and text[end - 1] == _BACKSLASH:  # what it escapes belongs to the same block
            end += 1
        block = text[start:end]
        is_quote = block == ord('"')
        is_quote[_escaped(block)] = False
        is_text = np.bitwise_xor.accumulate(is_quote) ^ is_inside
        shape = block | 0x20  # "[" and "{" differ in this bit, and so do "]" and "}"
        places = np.flatnonzero((shape == ord("{")) | (shape == ord("}")))
        brackets = shape[places[~is_text[places]]]
        depths = depth + np.cumsum(np.where(brackets == ord("{"), 1, -1))
        if len(depths) and depths.max() > _DEEPEST_JSON:
            raise ValueError(f"it is nested deeper than {_DEEPEST_JSON} levels")
        is_inside, depth = bool(is_text[-1]), int(depths[-1]) if len(depths) else depth
        start = end


def _escaped(block: Any) -> Any:
    """Return the places after an odd number of backslashes in a row."""
    import numpy as np

    slashes = np.flatnonzero(block == _BACKSLASH)
    first = slashes[np.diff(slashes, prepend=-2) != 1]
    last = slashes[np.diff(slashes, append=len(block) + 1) != 1]
    after = last[(last - first) % 2 == 0] + 1
    return after[after < len(block)]
