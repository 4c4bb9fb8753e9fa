"""Estimators count by class, parameters and fitted state, in every process alike."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from assetctl.lineage.identity.values.identify import identify_value

ESTIMATORS: dict[str, BaseEstimator] = {
    "logistic": LogisticRegression(C=0.5),
    "boosted": HistGradientBoostingClassifier(max_iter=4, random_state=0),
    "forest": RandomForestClassifier(n_estimators=4, random_state=0),
    "neighbours": KNeighborsClassifier(algorithm="kd_tree"),
    "balls": KNeighborsClassifier(algorithm="ball_tree"),
    "vectors": SVC(),
    "tree": DecisionTreeClassifier(random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=3, random_state=np.random.RandomState(0)),
    "extra": ExtraTreesClassifier(n_estimators=3, random_state=0),
    "vote": VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier(random_state=0))]),
    "stack": StackingClassifier([("a", DecisionTreeClassifier(random_state=0))], LogisticRegression(), cv=2),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    "pipeline": make_pipeline(
        ColumnTransformer([("numbers", StandardScaler(), [0, 1]), ("kinds", OneHotEncoder(), [2])]),
        FunctionTransformer(np.abs),
        LogisticRegression(),
    ),
}


def fitted(name: str, rows: slice = slice(None)) -> BaseEstimator:
    generator = np.random.default_rng(7)
    features = generator.random((120, 3))
    features[:, 2] = features[:, 2] > 0.5
    return clone(ESTIMATORS[name]).fit(features[rows], (features[:, 0] > 0.5).astype(int)[rows])


def version(value: object) -> str:
    return identify_value(value).version


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_fit_counts_and_nothing_else(name: str) -> None:
    estimator = fitted(name)
    assert identify_value(estimator).basis == "content"
    assert version(estimator) == version(fitted(name)) == version(pickle.loads(pickle.dumps(estimator)))
    assert version(estimator) != version(fitted(name, slice(0, 60)))
    assert version(estimator) != version(clone(estimator))


def test_a_parameter_counts() -> None:
    assert version(LogisticRegression(C=1.0)) != version(LogisticRegression(C=2.0))
    assert version(OneHotEncoder(dtype=np.float64)) != version(OneHotEncoder(dtype=np.float32))


@pytest.mark.slow
def test_two_processes_agree() -> None:
    here = Path(__file__)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_value_estimators import *\n"
        "print({name: version(fitted(name)) for name in ESTIMATORS})"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(here.parent)],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(here.parent.parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str({name: version(fitted(name)) for name in ESTIMATORS})


@pytest.mark.parametrize(
    ("estimator", "thread_count"),
    [(KMeans(2, random_state=0), "_n_threads"), (HistGradientBoostingClassifier(max_iter=2), "_bin_mapper.n_threads")],
    ids=["clusters", "boosted"],
)
def test_the_number_of_cores_leaves_no_trace(estimator: BaseEstimator, thread_count: str) -> None:
    features = np.random.default_rng(7).random((60, 2))
    estimator.fit(features, features[:, 0] > 0.5)
    before = version(estimator)
    *owner, name = thread_count.split(".")
    setattr(getattr(estimator, owner[0]) if owner else estimator, name, 96)
    assert version(estimator) == before


def test_objects_of_scipy_have_an_identity_before_scikit_learn_is_loaded() -> None:
    script = (
        "import sys\nfrom scipy import interpolate\nfrom assetctl.lineage.identity.values.identify import identify_value\n"
        "curve = interpolate.CubicSpline([0, 1, 2], [0, 1, 4])\nbefore = identify_value(curve)\n"
        "assert 'sklearn' not in sys.modules\nimport sklearn.base\nassert identify_value(curve) == before"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def test_sparse_matrices_count_by_their_entries() -> None:
    one = sparse.csr_matrix(([1.0, 2.0], [1, 0], [0, 2]), shape=(1, 2))
    tidy = one.copy()
    tidy.sort_indices()
    summed = sparse.csr_matrix(([0.5, 0.5, 2.0], [1, 1, 0], [0, 3]), shape=(1, 2))
    assert version(one) == version(tidy) == version(summed)
    assert version(one) != version(one.tocsc())
    assert version(one) != version(2 * one)


def test_random_state_counts() -> None:
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    assert version(one) == version(other)
    other.random()
    assert version(one) != version(other)
