"""Identity of other objects of scikit-learn, scipy and numpy: by their state, whichever of them is loaded.

Objects in compiled classes say their state through `__reduce_ex__`, which is called for
classes of these libraries only; anybody else's unknown object has no identity here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import HEAP_TYPE, Child, Encoder, Walk, type_name, write_state

_TRUSTED = ("sklearn", "scipy", "numpy", "statsmodels", "patsy")
_MISNAMED = {"_loss": "sklearn._loss._loss"}
"""The module that compiled classes of older versions say they are from -> where they are."""


def _write_trusted(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    cls = type(value)
    walk.class_of(out.tag("object"), cls)
    if _keeps_all(cls):
        yield from write_state(walk, out, value)
        return
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  (whatever a library raises where it cannot say its state)
        reduced = None
    if not isinstance(reduced, tuple):
        walk.refuse(value)
        return
    out.length(len(reduced))
    for part in reduced[:3]:
        yield out, part, ".__reduce_ex__()"
    for part in reduced[3:]:
        yield out, None if part is None else list(part), ".__reduce_ex__()"


def _write_function(walk: Walk, out: Framed, value: Any) -> None:
    walk.named(out, value, (value.__module__, value.__qualname__))


def _keeps_all(cls: Any) -> bool:
    """Say whether a class leaves its state to its attributes: plain Python, no hook of its own."""
    hooks = ("__reduce__", "__reduce_ex__", "__getstate__")
    if any(getattr(cls, hook, None) is not getattr(object, hook, None) for hook in hooks):
        return False
    return bool(cls.__flags__ & HEAP_TYPE)


def trusted(cls: type) -> Encoder | None:
    """Return the encoder of other objects that estimators hold, for classes of trusted libraries."""
    module = str(type.__dict__["__module__"].__get__(cls))
    name = type_name(cls).rpartition(".")[2]
    if name == "cython_function_or_method":
        return Encoder(_write_function, whole=True)
    if module in _MISNAMED and getattr(sys.modules.get(_MISNAMED[module]), name, None) is cls:
        module = _MISNAMED[module]
    if module.partition(".")[0] not in _TRUSTED or module not in sys.modules:
        return None
    return Encoder(_write_trusted, is_compound=True, whole=True)
