"""MLflow over a real SQLite store: one run and one version per materialization, safe to load, complete after a retry."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from assetctl.assets.errors import AssetFailed
from assetctl.integrations.mlflow import (
    MATERIALIZATION_TAG,
    Serialization,
    TrackingStore,
    choose_serialization,
    pinned_requirements,
    register_model,
    tracking_store,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and what it imports warn about themselves

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) >= 10


@dataclass
class Step:
    """A running asset, as a context sees it."""

    state_folder: str
    materialization_id: str = "m1"
    asset: str = "registered"
    run_id: str = "r1"
    upstream_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def log(self, message: str) -> None: ...

    def metric(self, name: str, value: float) -> None: ...

    def figure(self, name: str, figure: object) -> None: ...

    def link(self, name: str, target: str) -> None:
        self.links[name] = target


class FirstParty(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.full(len(x), self.classes_[0])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One store for all tests of this file: making its tables takes seconds."""
    return str(tmp_path_factory.mktemp("project") / ".assetctl")


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)  # a stray ./mlruns would be seen
    yield
    assert "MLFLOW_TRACKING_URI" not in os.environ or "persons_own" in os.environ["PYTEST_CURRENT_TEST"]
    assert list(tmp_path.iterdir()) == []


def client_of(store: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
    return MlflowClient(tracking_store(store).uri)


def test_a_forest_is_registered_with_metrics_and_loads_without_pickle(store):
    forest = RandomForestClassifier(n_estimators=3, random_state=0).fit(X, Y)
    step = Step(store, "forest")
    registered = register_model(step, forest, "forest", {"auc": 0.9}, {"n": 3}, input_example=X[:2])

    client = client_of(store)
    run = client.get_run(registered["run_id"])
    assert (run.data.metrics, run.data.params, run.info.status) == ({"auc": 0.9}, {"n": "3"}, "FINISHED")
    assert run.data.tags[MATERIALIZATION_TAG] == "forest"
    assert client.get_model_version("forest", registered["version"]).tags[MATERIALIZATION_TAG] == "forest"
    assert step.links == {"mlflow": "models:/forest/1", "mlflow_run": registered["run_id"]}
    [artifact] = Path(store, "mlflow-artifacts").rglob("model.skops")
    pins = (artifact.parent / "requirements.txt").read_text().split()
    assert any(pin.startswith("scikit-learn==") for pin in pins)
    assert all("==" in pin for pin in pins)
    assert "inputs" in (artifact.parent / "MLmodel").read_text(), "no signature"
    assert (load(store, registered["uri"]).predict(X) == forest.predict(X)).all()


def load(store: str, uri: str):
    import mlflow
    import mlflow.sklearn

    mlflow.set_tracking_uri(tracking_store(store).uri)
    try:
        return mlflow.sklearn.load_model(uri)
    finally:
        mlflow.set_tracking_uri(None)


def test_the_same_materialization_logs_nothing_twice(store):
    model = LogisticRegression().fit(X, Y)
    first = register_model(Step(store, "once"), model, "once", {"auc": 0.9})
    again = register_model(Step(store, "once"), model, "once", {"auc": 0.9})
    next_one = register_model(Step(store, "later"), model, "once", {"auc": 0.8})

    assert again == first
    assert (first["version"], next_one["version"]) == ("1", "2")
    client = client_of(store)
    assert len(client.search_model_versions("name = 'once'")) == 2
    experiment = client.get_experiment_by_name("once").experiment_id
    assert len(client.search_runs([experiment])) == 2
    assert len(client.get_metric_history(first["run_id"], "auc")) == 1


def test_a_retried_attempt_completes_the_run_that_failed(store):
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(Exception, match="nonsense"):
        register_model(Step(store, "retried"), model, "retried", {"auc": "nonsense"}, {"c": 1})  # type: ignore[dict-item]
    client = client_of(store)
    experiment = client.get_experiment_by_name("retried").experiment_id
    [failed] = client.search_runs([experiment])
    assert failed.info.status == "FAILED"

    registered = register_model(Step(store, "retried"), model, "retried", {"auc": 0.7}, {"c": 1})
    [run] = client.search_runs([experiment])
    assert (run.info.run_id, run.info.status) == (registered["run_id"], "FINISHED")
    assert (run.data.metrics, len(run.outputs.model_outputs)) == ({"auc": 0.7}, 1)


def test_a_tracking_store_of_the_persons_own_is_used(tmp_path_factory, monkeypatch):
    elsewhere = f"sqlite:///{tmp_path_factory.mktemp('elsewhere') / 'team.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
    assert tracking_store("/nowhere/.assetctl") == TrackingStore(elsewhere, artifacts=None)


@pytest.mark.parametrize(
    ("model", "expected_format", "trusts_nothing"),
    [
        (LogisticRegression(), "skops", True),
        (HistGradientBoostingClassifier(max_iter=2), "skops", False),
        (FirstParty(), "cloudpickle", True),
    ],
)
def test_only_trusted_packages_go_through_skops(model, expected_format, trusts_nothing):
    chosen = choose_serialization(model.fit(X, Y))
    assert chosen.format == expected_format
    assert (chosen.trusted_types == ()) is trusts_nothing


def test_requirements_are_exact_and_name_the_format():
    names = [pin.split("==")[0] for pin in pinned_requirements(Serialization("cloudpickle"))]
    assert "cloudpickle" in names
    assert "skops" not in names


def test_what_is_not_an_estimator_is_refused_before_anything_is_written(tmp_path_factory):
    state = tmp_path_factory.mktemp("refused")
    with pytest.raises(AssetFailed, match="not a scikit-learn estimator"):
        register_model(Step(str(state)), {"a": 1}, "x", {})
    assert list(state.iterdir()) == []


def test_importing_the_integration_does_not_import_mlflow():
    code = "import sys, assetctl.integrations.mlflow; sys.exit(bool({'mlflow', 'sklearn', 'skops'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
