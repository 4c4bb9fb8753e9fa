"""Suggest the names that were probably meant, in the same words everywhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the question whether the most similar of `known` was meant, or None if none is similar."""
    return suggestion(similar(name, known))


def similar(name: str, known: Iterable[str], limit: int = 1) -> list[str]:
    """Return up to `limit` of `known` that are similar to a name, the most similar first."""
    return difflib.get_close_matches(name, list(known), n=limit)


def suggestion(names: Iterable[str]) -> str | None:
    """Return the question whether one of these was meant: "did you mean `a` or `b`?"; None if there are none."""
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {' or '.join(quoted)}?" if quoted else None
