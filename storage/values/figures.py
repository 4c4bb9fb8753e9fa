"""Pictures recorded with a materialization: what a step hands over, as bytes."""

from __future__ import annotations

import io

from assetctl.assets.errors import AssetFailed, Problem
from assetctl.storage.codecs.science import FigureCodec

_PNG = b"\x89PNG\r\n\x1a\n"


def picture_bytes(figure: object) -> bytes:
    """Return a matplotlib figure as SVG; SVG text and PNG bytes as they are.

    Raises:
        AssetFailed: it is none of these.
    """
    codec = FigureCodec("svg")
    if codec.takes(figure):
        stream = io.BytesIO()
        codec.encode(figure, stream)
        return stream.getvalue()
    if isinstance(figure, str) and "<svg" in figure[:1000]:
        return figure.encode()
    if isinstance(figure, bytes) and figure.startswith(_PNG):
        return figure
    raise AssetFailed(
        Problem(
            "not-a-picture",
            f"a `{type(figure).__name__}` is not a picture",
            hint="give `context.figure` a matplotlib figure, SVG text or PNG bytes",
        )
    )
