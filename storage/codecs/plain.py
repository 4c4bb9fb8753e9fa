"""Codecs for plain values: text, bytes, JSON; and pickle, for what nothing else takes.

JSON takes only what comes back exactly the same: no tuples, no keys but strings, no
NaN. Pickle is read back only from blobs that this project wrote itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

from assetctl.lineage.identity.values.sharing import shared_ways
from assetctl.storage.codecs.base import Encoded, NotEncodable, Untrusted

_PROTOCOL = 5  # fixed: stored pickles are read by every supported Python


class TextCodec:
    """Strings as UTF-8. `svg/1` is the same under another extension."""

    may_inline = True

    def __init__(self, name: str = "text/1", extension: str = ".txt") -> None:
        self.name = name
        self.extension = extension

    def takes(self, value: object) -> bool:
        return type(value) is str

    def encode(self, value: str, sink: BinaryIO) -> None:
        try:
            sink.write(value.encode())
        except UnicodeEncodeError as cause:
            raise NotEncodable("it has lone surrogates, which UTF-8 has no bytes for") from cause

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> str:
        return stored.read().decode()

    def is_lossless(self, value: str) -> bool:
        return True


class HtmlCodec(TextCodec):
    """Strings of HTML. Of an object that shows itself in a notebook, `shown_as_html` is what is kept."""

    def __init__(self) -> None:
        super().__init__("html/1", ".html")


def shown_as_html(value: Any) -> Any:
    """Return the HTML of an object that shows itself as such; any other value as it is.

    Raises:
        NotEncodable: it shows itself, but not in HTML.
    """
    show = getattr(type(value), "_repr_html_", None)
    if show is None:
        return value
    shown = show(value)
    if not isinstance(shown, str):
        raise NotEncodable("its `_repr_html_` gave no text")
    return shown


class BytesCodec:
    """Bytes as they are."""

    name = "bytes/1"
    extension = ".bin"
    may_inline = True

    def takes(self, value: object) -> bool:
        return type(value) is bytes

    def encode(self, value: bytes, sink: BinaryIO) -> None:
        sink.write(value)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> bytes:
        return stored.read()

    def is_lossless(self, value: bytes) -> bool:
        return True


class JsonCodec:
    """None, booleans, numbers, strings, lists, and dicts with string keys, nested."""

    name = "json/1"
    extension = ".json"
    may_inline = True

    def takes(self, value: object) -> bool:
        return type(value) in (dict, list, str, int, float, bool)

    def encode(self, value: Any, sink: BinaryIO) -> None:
        refuse_endless(value)
        try:
            text = json.dumps(value, ensure_ascii=False)
            encoded = text.encode()
        except UnicodeEncodeError:
            encoded = json.dumps(value).encode()
        except (TypeError, ValueError, RecursionError) as cause:
            raise NotEncodable(f"it is not JSON: {cause}") from cause
        refuse_inexact(value)
        sink.write(encoded)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        return json.loads(stored.read())

    def is_lossless(self, value: Any) -> bool:
        return not shared_ways(value)  # what is one object in two places comes back as two


_MANY = 10_000
_AT_MOST_TIMES = 8


def refuse_endless(value: Any) -> None:
    """Refuse what is no tree: JSON would write the parts that it shares again and again, and those in a cycle for ever.

    Raises:
        NotEncodable: it holds itself, or has far fewer parts than it seems to.
    """
    waiting, n_visits, seen = [value], 0, set[int]()
    while waiting:
        item = waiting.pop()
        if type(item) is not dict and type(item) is not list:
            continue
        seen.add(id(item))
        n_visits += 1
        if n_visits > _MANY and n_visits > _AT_MOST_TIMES * len(seen):
            raise NotEncodable("it holds itself, or the same parts again and again")
        waiting.extend(part for part in (item.values() if type(item) is dict else item) if type(part) in (dict, list))


def refuse_inexact(value: Any, also: Callable[[object], bool] = lambda item: False) -> None:
    """Refuse what JSON would give back as something else; `also` says what else a codec has a form for.

    Raises:
        NotEncodable: there is such a part.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is dict:
            if not all(type(key) is str for key in item):
                raise NotEncodable("JSON objects have only strings as keys")
            waiting.extend(item.values())
        elif kind is list:
            waiting.extend(item)
        elif kind is float:
            if not math.isfinite(item):
                raise NotEncodable(f"JSON has no {item}")
        elif kind not in (str, int, bool, type(None)) and not also(item):
            raise NotEncodable(f"JSON would not give the `{kind.__qualname__}` back")


class PickleCodec:
    """Any object that can be pickled; by value where its class lives in a notebook or script."""

    name = "pickle/1"
    extension = ".pkl"
    may_inline = True

    def takes(self, value: object) -> bool:
        return True

    def encode(self, value: Any, sink: BinaryIO) -> None:
        try:
            data = dumps(value)
        except Exception as cause:
            raise NotEncodable(f"it cannot be pickled: {str(cause) or type(cause).__name__}") from cause
        sink.write(data)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        if not stored.trusted:
            raise Untrusted("a pickle that this project did not write itself is not loaded: it could run any code")
        return pickle.loads(stored.read())

    def is_lossless(self, value: Any) -> bool:
        return False


def dumps(value: Any) -> bytes:
    if getattr(type(value), "__module__", "") != "__main__":
        try:
            return pickle.dumps(value, _PROTOCOL)
        except (pickle.PicklingError, AttributeError):  # something defined in a function, a lambda
            if importlib.util.find_spec("cloudpickle") is None:
                raise
    elif importlib.util.find_spec("cloudpickle") is None:
        return pickle.dumps(value, _PROTOCOL)
    encoded: bytes = importlib.import_module("cloudpickle").dumps(value, _PROTOCOL)
    return encoded
