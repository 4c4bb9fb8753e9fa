"""Identity of scipy's frozen distributions: which one, and its parameters; not the random state that all share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scipy.stats._distn_infrastructure import rv_frozen, rv_generic

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of


def _write_frozen(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "scipy"):
        walk.refuse(value)
    out.tag("scipy.frozen")
    yield out, value.dist, ".dist"
    yield out, value.args, ".args"
    yield out, value.kwds, ".kwds"


def _write_distribution(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "scipy"):
        walk.refuse(value)
    walk.class_of(out.tag("scipy.distribution"), type(value))
    made_with = {name: item for name, item in value._updated_ctor_param().items() if name != "seed"}
    yield out, made_with, "._updated_ctor_param()"


def encoders() -> dict[type, Encoder]:
    """Return how scipy's distributions are written."""
    return {
        rv_frozen: Encoder(_write_frozen, is_compound=True, whole=True, after_code=True),
        rv_generic: Encoder(_write_distribution, is_compound=True, whole=True, after_code=True),
    }
