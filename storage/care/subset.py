"""Which of the stored blobs to read: a percentage, a fixed part, or an amount of bytes.

`5%` and `1G` choose at random in each call, so that enough calls read everything. `2/10` is
the second of ten parts that never overlap: reading all ten reads everything once. A blob's
part follows from its digest alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from assetctl.storage.care.verify import Piece

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Share:
    """A percentage of all bytes."""

    percent: float


@dataclass(frozen=True, slots=True)
class Part:
    """One of `of` parts, counted from 1."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of bytes, or all if there are fewer."""

    size_bytes: int


Subset = Share | Part | Amount


def parse_subset(text: str) -> Subset:
    """Return the subset that a text such as `5%`, `2/10` or `1G` means (K, M, G, T are powers of 1024).

    Raises:
        ValueError: it is not a subset.
    """
    if match := re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)%", text):
        if 0 < float(match[1]) <= 100:
            return Share(float(match[1]))
    elif match := re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text):
        if 1 <= int(match[1]) <= int(match[2]):
            return Part(int(match[1]), int(match[2]))
    elif (match := re.fullmatch(r"([0-9]{1,18})([KMGT]?)", text.upper())) and int(match[1]) > 0:
        return Amount(int(match[1]) * _UNITS[match[2]])
    raise ValueError(f"{text!r} is no subset; write a share (5%), a part (2/10) or a size (500M, 1G)")


def choose(pieces: Sequence[Piece], subset: Subset, random: Random) -> list[Piece]:
    """Return the pieces to read: of a share or an amount, enough to reach it (at least one piece)."""
    if isinstance(subset, Part):
        return [piece for piece in pieces if _number(piece) % subset.of == subset.number - 1]
    if isinstance(subset, Share):
        wanted = sum(piece.size_bytes or 0 for piece in pieces) * subset.percent / 100
    else:
        wanted = float(subset.size_bytes)
    shuffled = list(pieces)
    random.shuffle(shuffled)
    chosen: list[Piece] = []
    n_bytes = 0
    for piece in shuffled:
        if chosen and n_bytes >= wanted:
            break
        chosen.append(piece)
        n_bytes += piece.size_bytes or 0
    return chosen


def _number(piece: Piece) -> int:
    return int(piece.digest.removeprefix("b3:")[:12], 16)
