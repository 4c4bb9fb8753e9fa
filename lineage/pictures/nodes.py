"""What a lineage picture shows of each asset, whatever draws it.

The looks live here once, so that every drawing uses the same word, symbol and colour
for a state. A state is never told by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """One asset in a picture, or something that a step was seen to use without declaring it.

    The latter's `key` is what it is and its name ("file data/rates.csv"), which no asset key can be. `state` is one of `LOOKS`. `is_changed`: the cause lies in this asset itself (its code,
    config, environment or, for a source, its content), not in an upstream. `why` is a
    clause for people, "" where there is nothing to say.
    """

    key: str
    kind: str  # "asset", "source" or "undeclared"
    group: str | None
    state: str
    is_changed: bool = False
    why: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Return what stands below the name: the state, and the cause if it lies here."""
        look = LOOKS[self.state]
        state = f"{look.symbol} {look.word}".strip()
        lines = (state, shorten(self.why, 48) if self.is_changed else "")
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is told: word, symbol, colours as `#rrggbb` (dark text on `fill` has a contrast above 4.5)."""

    word: str
    symbol: str
    fill: str
    border: str


Edge = tuple[str, str]  # upstream, downstream

LOOKS: dict[str, Look] = {
    "source": Look("source", "◊", "#eef0f3", "#5b6570"),
    "undeclared": Look("used, not declared", "◌", "#f7f2e6", "#7a6a3a"),
    "fresh": Look("fresh", "●", "#e2f3e4", "#2b7a35"),
    "pinned": Look("pinned", "◆", "#d9f0ef", "#1c6f6b"),
    "stale": Look("stale", "▲", "#fcdfd2", "#b0431a"),
    "undecided": Look("undecided", "?", "#fff2c4", "#8a6a00"),
    "restorable": Look("restorable", "◄", "#dceafb", "#2160a6"),
    "missing": Look("not materialized", "○", "#ffffff", "#6b737c"),
    "held": Look("held", "■", "#efe0f7", "#6c2f93"),
    "unknown": Look("", "", "#ffffff", "#5b6570"),
}


def shorten(text: str, length: int) -> str:
    """Return the text in one line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
