"""Codecs for arrays, estimators and figures.

Estimators go through skops, which builds only types it was told to trust: those of
scikit-learn, numpy, scipy and Python itself. A figure is stored as its picture and
comes back as that (SVG text, PNG bytes), not as a figure.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, BinaryIO

from assetctl.storage.codecs.base import Encoded, NotEncodable, Undecodable, Untrusted

_TRUSTED_PACKAGES = frozenset(("sklearn", "numpy", "scipy", "builtins", "collections", "functools"))
_NOT_TRUSTED = frozenset(f"builtins.{name}" for name in ("eval", "exec", "compile", "__import__", "open", "getattr"))


class NumpyCodec:
    """Arrays of numbers, times, fixed-width text or records as `.npy`."""

    name = "numpy/1"
    extension = ".npy"
    may_inline = True

    def takes(self, value: Any) -> bool:
        np = sys.modules.get("numpy")
        return np is not None and type(value) is np.ndarray and not value.dtype.hasobject

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import numpy as np

        try:
            np.save(sink, value, allow_pickle=False)
        except ValueError as cause:
            raise NotEncodable(f"`.npy` does not take it: {cause}") from cause

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        import io

        import numpy as np

        array = np.load(stored.path or io.BytesIO(stored.read()), allow_pickle=False)
        if not isinstance(array, np.ndarray):  # it also reads archives, whose arrays it would inflate later
            raise Undecodable("it is no `.npy` file")
        return array

    def is_lossless(self, value: Any) -> bool:
        return value.dtype.kind in "biufcSU"


class SkopsCodec:
    """Scikit-learn estimators as skops files, which run no code when loaded."""

    name = "skops/1"
    extension = ".skops"
    may_inline = False  # a model file loads with its own library

    def takes(self, value: object) -> bool:
        base = sys.modules.get("sklearn.base")
        return (
            base is not None and isinstance(value, base.BaseEstimator) and importlib.util.find_spec("skops") is not None
        )

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import skops.io

        try:
            data = skops.io.dumps(value)
            untrusted = untrusted_types(data)
        except Exception as cause:
            raise NotEncodable(f"skops does not take it: {cause}") from cause
        if untrusted:
            raise NotEncodable(f"skops would have to trust {', '.join(f'`{name}`' for name in untrusted)}")
        sink.write(data)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        import skops.io

        data = stored.read()
        _refuse_inflation(data)
        untrusted = untrusted_types(data)
        if untrusted:
            raise Untrusted(f"the model file needs types that are not trusted: {', '.join(untrusted)}")
        return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))

    def is_lossless(self, value: Any) -> bool:
        return False


def _refuse_inflation(data: bytes) -> None:
    """Refuse an archive that could grow when it is read: what skops writes is stored as it is."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > len(data)
    ):
        raise Undecodable("it would inflate to more than it is, which no model file of ours does")


def untrusted_types(data: bytes) -> list[str]:
    """Return the types of a skops file that belong to no trusted package."""
    import skops.io

    named = skops.io.get_untrusted_types(data=data)
    return [name for name in named if name.partition(".")[0] not in _TRUSTED_PACKAGES or name in _NOT_TRUSTED]


class FigureCodec:
    """Matplotlib figures as pictures."""

    may_inline = False

    def __init__(self, picture: str) -> None:
        self.name = f"figure-{picture}/1"
        self.extension = f".{picture}"
        self._picture = picture

    def takes(self, value: object) -> bool:
        module = sys.modules.get("matplotlib.figure")
        return module is not None and isinstance(value, module.Figure)

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import matplotlib as mpl

        dateless = {"Date": None} if self._picture == "svg" else {"Software": None}
        with mpl.rc_context({"svg.hashsalt": "assetctl"}):
            value.savefig(sink, format=self._picture, metadata=dateless)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> str | bytes:
        content = stored.read()
        return content.decode() if self._picture == "svg" else content

    def is_lossless(self, value: Any) -> bool:
        return True
