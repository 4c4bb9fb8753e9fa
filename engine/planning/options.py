"""What a person may ask of a plan or a run, besides which assets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`force` builds the assets named even if fresh; `only` leaves their upstreams alone.

    `set` holds config assignments as written: "asset.param=value".
    """

    exclude: tuple[str, ...] = ()
    force: bool = False
    only: bool = False
    set: tuple[str, ...] = ()
