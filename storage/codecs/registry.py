"""Which codec a value gets: by its type, the first that gives it back; or the one the asset names."""

from __future__ import annotations

from assetctl.assets.errors import DeclarationError, Problem
from assetctl.storage.codecs.base import Codec
from assetctl.storage.codecs.plain import BytesCodec, JsonCodec, PickleCodec, TextCodec
from assetctl.storage.codecs.science import FigureCodec, NumpyCodec, SkopsCodec
from assetctl.storage.codecs.tables import CsvCodec, IpcCodec, ParquetCodec

NONE = "none/1"
FILE = "file/1"
FOLDER = "folder/1"
PARQUET = ParquetCodec()

_IN_ORDER: list[Codec] = [
    PARQUET,
    IpcCodec(),
    TextCodec(),
    BytesCodec(),
    JsonCodec(),
    NumpyCodec(),
    SkopsCodec(),
    FigureCodec("svg"),
    PickleCodec(),
]
_ON_REQUEST: list[Codec] = [CsvCodec(), FigureCodec("png"), TextCodec("html/1", ".html"), TextCodec("svg/1", ".svg")]


def codec_for(value: object, override: str | None) -> list[Codec]:
    """Return the codecs to try for a value, in order: those its type suggests, or just the one named.

    Raises:
        DeclarationError: no codec has that name.
    """
    if override is not None:
        return [codec_named(override)]
    return [codec for codec in _IN_ORDER if codec.takes(value)]


def codec_named(name: str) -> Codec:
    """Return the codec of a name, with its version ("parquet/1") or without ("parquet").

    Raises:
        DeclarationError: no codec has that name; the message lists those that exist.
    """
    wanted = name.partition(":")[0]
    for codec in (*_IN_ORDER, *_ON_REQUEST):
        if wanted in (codec.name, codec.name.partition("/")[0]):
            return codec
    raise DeclarationError(
        Problem(
            f"there is no codec `{name}`",
            (("codecs", ", ".join(known_codecs())),),
            "leave `codec=` away to let the value's type decide",
        )
    )


def known_codecs() -> list[str]:
    """Return the names a person may give as `codec=`, sorted."""
    return sorted(codec.name.partition("/")[0] for codec in (*_IN_ORDER, *_ON_REQUEST))


def register_codec(codec: Codec) -> None:
    """Add a codec for values of one's own; it is asked before all others, and may replace one of its name."""
    for known in (_IN_ORDER, _ON_REQUEST):
        known[:] = [other for other in known if other.name != codec.name]
    _IN_ORDER.insert(0, codec)
