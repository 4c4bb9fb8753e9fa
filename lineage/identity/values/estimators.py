"""Identity of estimators: class, parameters and fitted state, field by field.

The same fit gives the same digest in every process: how long it took, addresses in
memory and the number of threads do not count. What estimators hold beside arrays is
the job of `library_objects.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, state_of, type_name


def _write_estimator(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("estimator"), type(value))
    not_state = _NOT_STATE_OF.get(type_name(type(value)), _NOT_STATE)
    state = {name: item for name, item in state_of(value).items() if name not in not_state}
    if _draws_anew(state):
        del state["_random_seed"]
        state.pop("_feature_subsample_rng", None)
        mapper = state.get("_bin_mapper")
        state["_bin_mapper"] = mapper and {n: i for n, i in state_of(mapper).items() if n not in _DRAWN}
    results = state.get("cv_results_")
    if isinstance(results, dict):  # of a search: scores count, how long they took does not
        state["cv_results_"] = {k: v for k, v in results.items() if not str(k).endswith("_time")}
    out.length(len(state))
    for name in sorted(state):
        yield out.text(name), state[name], f".{name}"


def _draws_anew(state: dict[str, object]) -> bool:
    """Say whether a seed was drawn for one fit only (of histogram boosting): the next fit draws another."""
    never_asked = state.get("random_state", "") is None and state.get("warm_start", "") is False
    return "_random_seed" in state and never_asked


_DRAWN = {"random_state", "n_threads"}
_NOT_STATE = {"_stop_words_id", "refit_time_", "_n_threads"}  # an address in memory; a duration; the machine's cores
_NOT_STATE_OF = {"sklearn.ensemble._hist_gradient_boosting.binning._BinMapper": {"n_threads"}}


def _write_bunch(walk: Walk, out: Framed, value: Bunch) -> Iterator[Child]:
    """Write the items: what a Bunch keeps beside them does not survive pickling."""
    walk.class_of(out.tag("bunch"), type(value))
    yield out, dict(dict.items(value)), ""


def encoders() -> dict[type, Encoder]:
    """Return how scikit-learn's classes are written."""
    return {
        BaseEstimator: Encoder(_write_estimator, is_compound=True, whole=True),
        Bunch: Encoder(_write_bunch, is_compound=True),
    }
