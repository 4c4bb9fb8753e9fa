"""Identity of pydantic's models: class, fields, which of them were set, extra and private ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.main import BaseModel

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, write_state


def _write_model(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("pydantic"), type(value))
    yield from write_state(walk, out, value)


def encoders() -> dict[type, Encoder]:
    """Return how pydantic's models are written."""
    return {BaseModel: Encoder(_write_model, is_compound=True, whole=True, after_code=True)}
