"""Identity of estimators: class, parameters and fitted state, field by field.

The same fit gives the same digest in every process. Objects in compiled classes say
their state through `__reduce_ex__`, which is called for classes of scikit-learn, scipy
and numpy only; anybody else's unknown object has no identity here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.walk import Child, Encoder, Walk, state_of, write_state

_TRUSTED = ("sklearn", "scipy", "numpy")


def _write_estimator(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("estimator"), type(value))
    state = {name: item for name, item in state_of(value).items() if name not in _NOT_STATE}
    results = state.get("cv_results_")
    if isinstance(results, dict):  # of a search: scores count, how long they took does not
        state["cv_results_"] = {k: v for k, v in results.items() if not str(k).endswith("_time")}
    out.length(len(state))
    for name in sorted(state):
        yield out.text(name), state[name], f".{name}"


_NOT_STATE = {"_stop_words_id", "refit_time_"}  # an address in memory; a duration


def _write_trusted(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    cls = type(value)
    walk.class_of(out.tag("object"), cls)
    if _keeps_all(cls):
        yield from write_state(walk, out, value)
        return
    reduced = value.__reduce_ex__(4)
    if not isinstance(reduced, tuple):
        walk.refuse(value)
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
    return bool(cls.__flags__ & _HEAP_TYPE)


_HEAP_TYPE = 1 << 9


def trusted(cls: type) -> Encoder | None:
    """Return the encoder of other objects that estimators hold, for classes of trusted libraries."""
    if cls.__name__ == "cython_function_or_method":
        return Encoder(_write_function, whole=True)
    module = cls.__module__
    if module.partition(".")[0] not in _TRUSTED or module not in sys.modules:
        return None
    return Encoder(_write_trusted, is_compound=True, whole=True)


def encoders() -> dict[type, Encoder]:
    """Return how scikit-learn's classes are written."""
    return {BaseEstimator: Encoder(_write_estimator, is_compound=True, whole=True)}
