"""Values of machine-learning and plotting libraries: equal in every process, given back equal, in their own formats."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.e2e.projects import ROOT

X = np.arange(40.0).reshape(20, 2)
Y = (X[:, 0] > 20).astype(int)


def xgboost() -> Any:
    import xgboost

    data = xgboost.DMatrix(X, Y, feature_names=["a", "b"])
    return xgboost.train({"max_depth": 2, "nthread": 1, "objective": "binary:logistic"}, data, 3)


def xgboost_in_a_pipeline() -> Any:
    import xgboost
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=2, n_jobs=1)).fit(X, Y)


def lightgbm() -> Any:
    import lightgbm

    return lightgbm.train({"verbose": -1, "num_threads": 1, "min_data_in_leaf": 1}, lightgbm.Dataset(X, Y), 3)


def catboost() -> Any:
    import catboost

    return catboost.CatBoostClassifier(iterations=3, verbose=0, thread_count=1, allow_writing_files=False).fit(X, Y)


def tensor() -> Any:
    import torch

    return torch.arange(100_000.0)[10:20]


def transposed() -> Any:
    import torch

    return torch.arange(10.0).bfloat16().reshape(2, 5).T


def network() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))


def weights() -> Any:
    return network().state_dict()


def checkpoint() -> Any:
    import torch

    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    return {"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "itself": optimizer}


def loader() -> Any:
    import torch.utils.data

    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4)), batch_size=2)


def settings() -> Any:
    from pydantic import create_model

    made = create_model("Settings", names=(set[str], {"p", "q", "r"}), depth=(int, 1))
    globals()["Settings"] = made
    made.__module__, made.__qualname__ = __name__, "Settings"
    return made(depth=2, names={"x", "y", "z"})


def labelled() -> Any:
    import xarray

    days = pd.date_range("2024", periods=2)
    return xarray.DataArray(X[:2], dims=("day", "y"), coords={"day": days}, attrs={"n": 1}, name="t")


def dataset() -> Any:
    import xarray

    return xarray.Dataset({"t": labelled(), "n": ("y", np.array([0.5, 2]))}, attrs={"version": 2, "by": "me"})


def picture() -> Any:
    image = pytest.importorskip("PIL.Image")
    return image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


def picture_of_numbers() -> Any:
    image = pytest.importorskip("PIL.Image")
    return image.fromarray(np.ones((2, 2), np.float32))


def graph() -> Any:
    import networkx

    made = networkx.DiGraph(name="g")
    made.add_edge("a", "b", weight=1)
    made.add_node("z", tags=["t"])
    return made


def graph_of_tuples() -> Any:
    import networkx

    return networkx.grid_2d_graph(2, 2)


def plotly() -> Any:
    import plotly.graph_objects

    return plotly.graph_objects.Figure(plotly.graph_objects.Scatter(x=[1, 2], y=np.array([3, 4.0])))


def altair() -> Any:
    import altair

    return altair.Chart(pd.DataFrame({"a": [1, 2], "b": [3, 4]})).mark_point().encode(x="a", y="b")


def search() -> Any:
    from scipy.stats import randint, uniform
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RandomizedSearchCV

    asked = {"C": uniform(0, 1), "max_iter": randint(50, 100)}
    return RandomizedSearchCV(LogisticRegression(), asked, n_iter=2, random_state=0)


ZOO: dict[Callable[[], Any], tuple[str, str]] = {
    xgboost: ("xgboost/1", "xgboost"),
    xgboost_in_a_pipeline: ("pickle/1", "xgboost"),
    lightgbm: ("lightgbm/1", "lightgbm"),
    catboost: ("pickle/1", "catboost"),
    tensor: ("safetensors/1", "safetensors"),
    transposed: ("safetensors/1", "safetensors"),
    weights: ("safetensors/1", "safetensors"),
    network: ("pickle/1", "torch"),
    checkpoint: ("pickle/1", "torch"),
    loader: ("pickle/1", "torch"),
    settings: ("pickle/1", "pydantic"),
    labelled: ("netcdf/1", "xarray"),
    dataset: ("netcdf/1", "xarray"),
    picture: ("png/1", "PIL"),
    picture_of_numbers: ("pickle/1", "PIL"),
    graph: ("node-link/1", "networkx"),
    graph_of_tuples: ("pickle/1", "networkx"),
    plotly: ("plotly/1", "plotly"),
    altair: ("vega-lite/1", "altair"),
    search: ("pickle/1", "sklearn"),
}
_NEEDS = {weights: "torch", tensor: "torch", transposed: "torch"}


def kept(folder: Path, value: object) -> Output:
    stored = BlobDataStore(Layout.of(folder)).put(
        value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p")
    )
    return stored.as_output(Target.parse("thing"))


def load(folder: Path, output: Output) -> Any:
    return BlobDataStore(Layout.of(folder)).load(output, Wanted())


def make(maker: Callable[[], Any]) -> Any:
    for library in (ZOO[maker][1], _NEEDS.get(maker, "sys")):
        pytest.importorskip(library)
    return maker()


@pytest.mark.parametrize("maker", ZOO, ids=lambda maker: maker.__name__)
@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_a_value_of_a_library_comes_back_equal_in_its_own_format(tmp_path: Path, maker: Callable[[], Any]) -> None:
    value = make(maker)
    output = kept(tmp_path, value)
    back = load(tmp_path, output)
    assert output.codec == ZOO[maker][0]
    assert type(back) is type(value)
    assert kept(tmp_path, back).value == output.value
    assert kept(tmp_path, maker()).value == output.value


@pytest.mark.filterwarnings("ignore")
def test_values_of_libraries_have_one_version_in_every_process(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, warnings; warnings.simplefilter('ignore')\n"
        "from tests.storage import test_library_values as t\n"
        "for maker in t.ZOO:\n"
        "    value = t._made(maker)\n"
        "    if value is None: continue\n"
        "    print(maker.__name__, t.kept(pathlib.Path(sys.argv[1]), value).value.version)\n"
    )
    here = {maker.__name__: kept(tmp_path, value).value.version for maker in ZOO if (value := _made(maker)) is not None}
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(tmp_path / "other")]
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert dict(line.split() for line in there.splitlines()) == here
    assert {"search", "settings", "graph"} <= here.keys()


def _made(maker: Callable[[], Any]) -> Any:
    """Return a value to compare, or None where its library is not installed."""
    try:
        return make(maker)
    except pytest.skip.Exception:
        return None


def test_ordinary_tools_open_what_is_kept(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    networkx = pytest.importorskip("networkx")
    blobs = BlobDataStore(Layout.of(tmp_path)).blobs
    picture_output, graph_output = kept(tmp_path, picture()), kept(tmp_path, graph())
    with image.open(io.BytesIO(blobs.read_bytes(picture_output.blob))) as opened:
        assert (opened.format, np.asarray(opened).tolist()) == ("PNG", np.asarray(picture()).tolist())
    described = json.loads(blobs.read_bytes(graph_output.blob))
    assert networkx.utils.graphs_equal(networkx.node_link_graph(described, edges="edges"), graph())


def test_what_a_picture_or_graph_has_beside_counts() -> None:
    from assetctl.lineage.identity.values.identify import identify_value

    networkx = pytest.importorskip("networkx")
    plain, with_text = picture(), picture()
    with_text.info["title"] = "t"
    other = networkx.DiGraph(graph())
    other.nodes["z"]["tags"] = ["u"]
    assert identify_value(plain).version != identify_value(with_text).version
    assert identify_value(graph()).version != identify_value(other).version


def test_a_slice_of_a_tensor_keeps_only_what_it_shows(tmp_path: Path) -> None:
    value = make(tensor)
    output = kept(tmp_path, value)
    assert output.size_bytes < 1000
    value[0] = -1
    assert load(tmp_path, output)[0] == 10


def test_the_predictions_of_boosted_models_are_the_same(tmp_path: Path) -> None:
    model = make(lightgbm)
    assert load(tmp_path, kept(tmp_path, model)).predict(X).tolist() == model.predict(X).tolist()
