"""Identity of Pillow's images: class, mode, size, pixels, palette, and what was read of a file beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PIL import Image

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of, type_name


def _write_image(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "PIL"):
        walk.refuse(value)
    out.tag("PIL.Image").text(type_name(type(value))).text(value.mode).text(str(value.size)).raw(value.tobytes())
    yield out, value.getpalette() if value.mode in {"P", "PA"} else None, ".palette"
    yield out, dict(value.info), ".info"


def encoders() -> dict[type, Encoder]:
    """Return how Pillow's classes are written."""
    return {Image.Image: Encoder(_write_image, is_compound=True, whole=True, after_code=True)}
