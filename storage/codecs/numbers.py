"""Codec for numpy's scalars, alone and in lists and dicts: what metrics are.

One alone is plain JSON, and its type is in the record. In a list or dict each is an object that names its type.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, BinaryIO

from assetctl.lineage.identity.values.walk import type_name
from assetctl.storage.codecs.base import Encoded, NotEncodable, Undecodable
from assetctl.storage.codecs.plain import refuse_endless, refuse_inexact

_TYPE, _VALUE = "numpy", "value"
_NUMBERS = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
))  # fmt: skip


class NumpyScalarCodec:
    """A number, truth value or text of numpy as JSON; a NaN or infinity as text."""

    name = "numpy-scalar/1"
    extension = ".json"
    may_inline = True

    def takes(self, value: object) -> bool:
        return _is_scalar(value)

    def encode(self, value: Any, sink: BinaryIO) -> None:
        sink.write(json.dumps(_plain(value)).encode())

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        return _scalar(kind.removeprefix("numpy."), json.loads(stored.read()))

    def is_lossless(self, value: Any) -> bool:
        return False


class MetricsCodec:
    """Lists and dicts with string keys, nested, of what JSON has and of numpy's scalars."""

    name = "json-numpy/1"
    extension = ".json"
    may_inline = True

    def takes(self, value: object) -> bool:
        return type(value) in (dict, list) and "numpy" in sys.modules

    def encode(self, value: Any, sink: BinaryIO) -> None:
        refuse_endless(value)
        refuse_inexact(value, also=_is_scalar)
        sink.write(json.dumps(_tagged(value)).encode())

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        return json.loads(stored.read(), object_hook=_untagged)

    def is_lossless(self, value: Any) -> bool:
        return False


def _is_scalar(value: object) -> bool:
    np = sys.modules.get("numpy")
    return np is not None and isinstance(value, np.generic) and type(value).__module__ == "numpy"


def _plain(value: Any) -> Any:
    """Return what stands for a scalar in JSON; floats by the shortest text that their own type reads back.

    Raises:
        NotEncodable: it is of another kind.
    """
    if type(value).__name__.rstrip("_") not in _NUMBERS:
        if value.dtype.kind == "U":
            return str(value)
        raise NotEncodable(f"JSON has no `{type_name(type(value))}`")
    if value.dtype.kind != "f":
        return value.item()
    number = float(str(value))
    return number if math.isfinite(number) else str(value)


def _scalar(name: str, plain: Any) -> Any:
    import numpy as np

    if name.rstrip("_") not in {*_NUMBERS, "str"}:
        raise Undecodable(f"it has no type `numpy.{name}`")
    return getattr(np, name)(plain)


def _tagged(value: Any) -> Any:
    """Return a value with each scalar replaced by an object that names its type; nesting ends where JSON's does."""
    if _is_scalar(value):
        return {_TYPE: type(value).__name__, _VALUE: _plain(value)}
    if type(value) is dict:
        if value.keys() == {_TYPE, _VALUE}:
            raise NotEncodable("it has a dict that reads like a number of numpy's")
        return {key: _tagged(item) for key, item in value.items()}
    return [_tagged(item) for item in value] if type(value) is list else value


def _untagged(item: dict[str, Any]) -> Any:
    return _scalar(item[_TYPE], item[_VALUE]) if item.keys() == {_TYPE, _VALUE} else item
