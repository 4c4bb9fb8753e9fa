"""Choose the codec of a value: the one the asset names, the project's own for its type, or the first that restores it.

A project's own codecs are loaded only when no built-in one applies: reading a table or a
number imports none of the project's code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assetctl.assets.codec import Codec as Declared
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.storage.codecs.base import Codec
from assetctl.storage.codecs.libraries import LIBRARIES
from assetctl.storage.codecs.numbers import MetricsCodec, NumpyScalarCodec
from assetctl.storage.codecs.own import OwnCodec
from assetctl.storage.codecs.plain import BytesCodec, HtmlCodec, JsonCodec, PickleCodec, TextCodec
from assetctl.storage.codecs.science import FigureCodec, NumpyCodec, SkopsCodec
from assetctl.storage.codecs.tables import CsvCodec, IpcCodec, ParquetCodec

NONE = "none/1"
FILE = "file/1"
FOLDER = "folder/1"
PICKLE = "pickle/1"
PARQUET = ParquetCodec()

_IN_ORDER: tuple[Codec, ...] = (
    PARQUET,
    IpcCodec(),
    TextCodec(),
    BytesCodec(),
    *LIBRARIES,
    JsonCodec(),
    NumpyScalarCodec(),
    MetricsCodec(),
    NumpyCodec(),
    SkopsCodec(),
    FigureCodec("svg"),
    PickleCodec(),
)
_ON_REQUEST: tuple[Codec, ...] = (CsvCodec(), FigureCodec("png"), HtmlCodec(), TextCodec("svg/1", ".svg"))
BUILT_IN = frozenset(codec.name.partition("/")[0] for codec in (*_IN_ORDER, *_ON_REQUEST))
RESERVED = BUILT_IN | {"file", "folder", "none"}
"""Names, without versions, that no codec of a project's own may have."""


_HOLDS = {
    "parquet": "tables of pandas, polars and Arrow, and streams of them",
    "arrow-ipc": "tables that Parquet would change; arrays of Arrow",
    "text": "text",
    "bytes": "bytes",
    "safetensors": "tensors of PyTorch, alone or in a dict such as a `state_dict`",
    "xgboost": "boosters of XGBoost",
    "lightgbm": "boosters of LightGBM",
    "netcdf": "arrays and datasets of xarray",
    "png": "images of Pillow that PNG gives back pixel by pixel",
    "node-link": "graphs of networkx whose nodes and attributes JSON has a form for",
    "plotly": "figures of plotly",
    "vega-lite": "charts of altair",
    "json": "numbers, lists and dicts of them",
    "numpy-scalar": "a number of numpy, such as a metric of scikit-learn",
    "json-numpy": "lists and dicts with numbers of numpy in them",
    "numpy": "arrays of numpy",
    "skops": "estimators of scikit-learn whose every type skops knows; of others a warning names the types",
    "figure-svg": "figures of matplotlib",
    "pickle": "anything else",
    "csv": "on request: tables",
    "figure-png": "on request: figures of matplotlib",
    "html": "on request: text, or an object that shows itself as HTML in a notebook",
    "svg": "on request: text",
}


def described() -> list[tuple[str, str, str]]:
    """Return the built-in codecs in the order in which they are tried: name, extension, what they hold."""
    names = ((codec.name.partition("/")[0], codec.extension) for codec in (*_IN_ORDER, *_ON_REQUEST))
    return [(name, extension, _HOLDS[name]) for name, extension in names]


class Codecs:
    """The codecs of one project. `own` returns those it declares; it may import the person's code."""

    def __init__(self, own: Callable[[], Sequence[type[Declared]]] = tuple) -> None:
        self._declared = own
        self._made: dict[type[Declared], OwnCodec] = {}

    def for_value(self, value: object, override: str | None) -> list[Codec]:
        """Return the codecs to try for a value, in order: just the one named, or those its type suggests.

        Raises:
            DeclarationError: no codec has that name.
        """
        if override is not None:
            return [self.named(override)]
        fitting = [(distance, codec) for codec in self._own() if (distance := codec.distance(value)) is not None]
        if fitting:  # what a person says about their type is tried alone
            return [min(fitting, key=lambda pair: pair[0])[1]]
        return [codec for codec in _IN_ORDER if _may_take(codec, value)]

    def named(self, name: str) -> Codec:
        """Return the codec with this name, given with its version ("parquet/1") or without ("parquet").

        Raises:
            DeclarationError: no codec has that name; the message lists those that exist.
        """
        wanted = name.partition(":")[0]
        known: Sequence[Codec] = (*_IN_ORDER, *_ON_REQUEST)
        if wanted.partition("/")[0] not in BUILT_IN:
            known = self._own()
        for codec in known:
            if wanted in (codec.name, codec.name.partition("/")[0]):
                return codec
        raise DeclarationError(
            Problem(
                "unknown-codec",
                f"there is no codec `{name}`",
                (("codecs", ", ".join(self.names())),),
                "omit `codec=` to let the value's type decide; a codec of your own is a subclass of "
                "`assetctl.Codec` in one of the project's files",
            )
        )

    def names(self) -> list[str]:
        """Return the names a person may give as `codec=`, sorted."""
        return sorted(BUILT_IN | {codec.name.partition("/")[0] for codec in self._own()})

    def _own(self) -> list[OwnCodec]:
        declarations = self._declared()
        self._made = {declared: self._made.get(declared) or OwnCodec(declared) for declared in declarations}
        return list(self._made.values())


def _may_take(codec: Codec, value: object) -> bool:
    try:
        return codec.takes(value)
    except Exception:  # noqa: BLE001  a value may answer what it is with anything
        return False
