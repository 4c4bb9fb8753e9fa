"""Declared columns: the part of an upstream table that a consumer reads."""

from __future__ import annotations

from dataclasses import dataclass

from assetctl.assets.errors import DeclarationError, Problem


@dataclass(frozen=True, slots=True)
class Columns:
    """Column names in declared order; put it into `Annotated[pa.Table, columns("a", "b")]`."""

    names: tuple[str, ...]


def columns(*names: str) -> Columns:
    """Declare that a parameter reads only these columns of its upstream.

    The consumer then receives just these columns, in this order, and is stale only
    when one of them (or the number of rows) changes.

    Raises:
        DeclarationError: no name was given, or a name twice.
    """
    if not names or len(set(names)) != len(names) or not all(isinstance(n, str) for n in names):
        raise DeclarationError(
            Problem(
                "bad-columns",
                f"`columns{names!r}` needs one or more different column names",
                hint='write `Annotated[pa.Table, columns("carrier", "dep_delay")]`',
            )
        )
    return Columns(names)
