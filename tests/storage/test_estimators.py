"""Estimators of scikit-learn in the data store: skops where it can, a pickle and a word about it where not."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import Birch
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators

from assetctl.assets.errors import AssetFailed
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Stored, Wanted
from assetctl.lineage.facts.records import ProvenanceDigest
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.e2e.projects import DiskProject

_CHANCE = np.random.default_rng(0)
_X = np.abs(_CHANCE.normal(size=(40, 4)))
_Y = (_X[:, 0] > 0.7).astype(int)
_WAYS_TO_FIT: list[tuple[Any, ...]] = [
    (_X, _Y), (_X,), (_X, np.c_[_Y, _Y]), (_X[:, 0], _Y), (["a b", "b c"],), ([{"a": 1}, {"b": 2}],), (_Y,),
    (_X, _X), (_X @ _X.T,), (_X, _X[:, 0] + 1), (_X[:, :3],),
]  # fmt: skip


class Doubled(StandardScaler):
    """An estimator of the project's own, which skops would have to trust."""


def put(tmp_path: Path, model: object, codec: str | None = None) -> tuple[Stored, Any]:
    store = BlobDataStore(Layout.of(tmp_path))
    stored = store.put(model, codec=codec, unordered=False, provenance=ProvenanceDigest("b3:p"))
    return stored, store.load(stored.as_output(Target.parse("model")), Wanted())


def test_a_model_that_skops_would_have_to_trust_is_a_pickle_and_names_the_types(tmp_path: Path) -> None:
    model = make_pipeline(Doubled(), LogisticRegression()).fit(_X, _Y)
    stored, back = put(tmp_path, model)
    assert stored.codec == "pickle/1"
    assert stored.notes == (f"is kept as a pickle: skops would have to trust `{__name__}.Doubled`",)
    assert identify_value(back).version == stored.value.version
    assert put(tmp_path, LinearRegression())[0].notes == ()


def test_a_function_within_a_model_is_named_too(tmp_path: Path) -> None:
    stored, _ = put(tmp_path, make_pipeline(FunctionTransformer(put), LogisticRegression()))
    assert f"`{__name__}.put`" in stored.notes[0]


def test_asked_for_skops_it_fails_and_lists_what_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(AssetFailed) as raised:
        put(tmp_path, Doubled(), "skops")
    ((_, tried),) = raised.value.problems[0].facts
    assert tried == f"skops: skops would have to trust `{__name__}.Doubled`"


def test_a_model_that_skops_cannot_write_is_a_pickle_and_says_why(tmp_path: Path) -> None:
    stored, _ = put(tmp_path, Birch(n_clusters=2).fit(_X))
    assert stored.codec == "pickle/1"
    assert stored.notes[0].startswith("is kept as a pickle: skops")


def test_the_person_is_told_when_the_step_is_done(tmp_path: Path) -> None:
    project = DiskProject(tmp_path)
    project.file("own.py", "from sklearn.preprocessing import StandardScaler\nclass Mine(StandardScaler): ...\n")
    project.top("from own import Mine")
    project.asset("model", "return Mine().fit([[0.0], [1.0]])")
    with project.open() as opened:
        result = opened.materialize(jobs=1)
    (finished,) = [event for event in result.events if type(event).__name__ == "StepFinished"]
    assert finished.warnings == ("`model` is kept as a pickle: skops would have to trust `own.Mine`",)


def _instances() -> Iterator[tuple[str, Any]]:
    for name, cls in all_estimators():
        if cls is FrozenEstimator:
            yield name, FrozenEstimator(LinearRegression().fit(_X, _Y))
            continue
        try:
            from sklearn.utils._test_common.instance_generator import _construct_instances
        except ImportError:  # where older releases have it
            from sklearn.utils.estimator_checks import _construct_instances  # type: ignore[attr-defined]
        yield name, next(iter(_construct_instances(cls)))


def _fitted(model: Any) -> BaseEstimator | None:
    for data in _WAYS_TO_FIT:
        try:
            fitted: BaseEstimator = clone(model).fit(*data)
        except Exception:  # noqa: BLE001  this model takes other data
            continue
        return fitted
    return None


_NOT_BY_SKOPS = {"Birch", "FeatureAgglomeration"}  # a tree of cycles; a function of numpy that has no identity


@pytest.mark.slow
def test_every_estimator_of_scikit_learn_comes_back(tmp_path: Path) -> None:
    kept: dict[str, list[str]] = collections.defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, model in _instances():
            fitted = _fitted(model)
            kept["fitted" if fitted is not None else "not fitted"].append(name)
            stored, back = put(tmp_path, fitted if fitted is not None else model)
            kept[stored.codec].append(name)
            assert type(back) is type(model), name
            if stored.value.basis == "content":
                assert identify_value(back).version == stored.value.version, name
    print({how: len(names) for how, names in kept.items()})
    assert set(kept["pickle/1"]) <= _NOT_BY_SKOPS
    assert len(kept["fitted"]) > 200 and len(kept["not fitted"]) < 4, kept["not fitted"]
