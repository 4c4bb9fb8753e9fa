"""Find the first-party classes and functions that a pickled value refers to: their code runs where it is loaded."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
from collections.abc import Iterable
from typing import Any

from assetctl.assets.importing import is_personal
from assetctl.storage.codecs.pickled_names import names_in_pickle


def carried_classes(value: object, pickled: bytes) -> tuple[str, ...]:
    """Return "module:qualname" of every first-party class or function that a value or its pickle names, sorted."""
    noting = _NotingPickler()
    # What cannot be pickled by name was pickled by value; what was seen before that is still named.
    with contextlib.suppress(pickle.PicklingError, AttributeError):
        noting.dump(value)
    return tuple(sorted({*first_party_names(noting.seen), *names_in_pickle(pickled)}))


def first_party_names(candidates: Iterable[Any]) -> tuple[str, ...]:
    """Return "module:qualname" of those classes and functions that are first-party, sorted."""
    return tuple(sorted({f"{one.__module__}:{one.__qualname__}" for one in candidates if _is_first_party(one)}))


class _NotingPickler(pickle.Pickler):
    """Notes the class of every object that is not a plain built-in, and every class and function itself."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), protocol=5, buffer_callback=lambda buffer: False)
        self.seen: set[Any] = set()

    def reducer_override(self, obj: Any) -> Any:
        self.seen.add(obj if isinstance(obj, type) or _is_function(obj) else type(obj))
        return NotImplemented


class _Nowhere(io.RawIOBase):
    """Discards the bytes written to it."""

    def write(self, data: Any) -> int:
        return len(data)


def _is_function(obj: object) -> bool:
    return type(obj).__name__ in {"function", "builtin_function_or_method"} and hasattr(obj, "__qualname__")


def _is_first_party(candidate: Any) -> bool:
    module = sys.modules.get(getattr(candidate, "__module__", None) or "")
    if module is None or "<" in candidate.__qualname__:
        return False
    if module.__name__ == "__main__":
        return True
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_personal(file)
