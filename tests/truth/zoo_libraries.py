"""Values of libraries for models, pictures, graphs and labelled arrays; each is made where its library is installed."""

# mypy: ignore-errors

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.truth.zoo import Refused, Zoo

X = np.arange(40.0).reshape(20, 2)
Y = (X[:, 0] > 20).astype(int)


def of(library: str, expression: str) -> Callable[[], Any]:
    """Return a maker that imports a library under its last name and evaluates an expression, with `X`, `Y`, `np`, `pd`."""

    def make() -> Any:
        import importlib

        names: dict[str, Any] = {"np": np, "pd": pd, "X": X, "Y": Y, "io": io, **globals()}
        for name in library.split():
            names[name.partition(".")[0]] = importlib.import_module(name.partition(".")[0])
            names[name.rpartition(".")[2]] = importlib.import_module(name)
        return eval(expression, names)

    return make


def both(library: str, one: str, other: str | Refused) -> tuple[Callable[[], Any], Any]:
    return of(library, one), other if isinstance(other, Refused) else of(library, other)


def trained(model: Any) -> Any:
    """Return a module after one step of an optimizer."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return model


def net(width: int = 3) -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.BatchNorm1d(width), torch.nn.ReLU())


def tied() -> Any:
    import torch

    torch.manual_seed(0)
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.weight = one.weight
    return torch.nn.Sequential(one, other)


def untied() -> Any:
    import torch

    made = tied()
    made[1].weight = torch.nn.Parameter(made[0].weight.detach().clone())
    return made


def shared_tensor(*, copy: bool) -> Any:
    import torch

    one = torch.arange(3.0)
    return {"a": one, "b": one.clone() if copy else one, "note": "n"}


def settings(**given: Any) -> Any:
    from pydantic import create_model

    if "Made" not in globals():
        fields: Any = {"names": (set[str], {"p", "q"}), "depth": (int, 1), "inner": (dict[str, Any], {})}
        globals()["Made"] = made = create_model("Made", **fields)
        made.__module__, made.__qualname__ = __name__, "Made"
    return globals()["Made"](**given)


def image(mode: str = "RGB", pixel: int = 0) -> Any:
    from PIL import Image

    made = Image.fromarray((np.arange(48, dtype=np.uint8) + pixel).reshape(4, 4, 3))
    return made.convert(mode)


def jpeg(quality: int = 75) -> Any:
    from PIL import Image

    stream = io.BytesIO()
    image().resize((16, 16)).save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue()))


def graph(cls: str = "Graph", weight: int = 1) -> Any:
    import networkx as nx

    made = getattr(nx, cls)(name="g")
    made.add_edge("a", "b", weight=weight)
    made.add_node("z", tags=["t"])
    made.add_edge("c", "a")
    return made


def shared_in_graph(node: Any) -> Any:
    import networkx as nx

    box, made = [1], nx.Graph()
    made.add_node(node, a=box)
    made.add_node(2, a=box)
    return made


def drawn(last: int = 2, *, axes: bool = False) -> Any:
    from matplotlib.figure import Figure

    made = Figure()
    ax = made.subplots()
    ax.plot([0, 1], [1, last], label="line")
    ax.legend()
    return ax if axes else made


def labelled(attrs: Any = None, **more: Any) -> Any:
    import xarray as xr

    days = pd.date_range("2024", periods=2)
    return xr.DataArray(X[:2], dims=("day", "y"), coords={"day": days}, attrs=attrs or {"unit": "m"}, name="t", **more)


def lightgbm_of(rounds: int) -> str:
    return (
        f"lightgbm.train({{'verbose': -1, 'num_threads': 1, 'min_data_in_leaf': 1}}, lightgbm.Dataset(X, Y), {rounds})"
    )


def xgboost_of(rounds: int) -> str:
    return f"xgboost.train({{'max_depth': 2, 'nthread': 1}}, xgboost.DMatrix(X, Y, feature_names=['a', 'b']), {rounds})"


CAT = "catboost.CatBoostClassifier(iterations={}, verbose=0, thread_count=1, allow_writing_files=False)"
LGBM = "lightgbm.LGBMClassifier(n_estimators={}, verbose=-1, min_child_samples=1, n_jobs=1)"

BOOSTERS: Zoo = {
    "xgboost booster": both("xgboost", xgboost_of(3), xgboost_of(2)),
    "xgboost classifier": both("xgboost", "xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y)", "xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, Y)"),
    "xgboost unfitted": both("xgboost", "xgboost.XGBRegressor(n_estimators=2)", "xgboost.XGBRegressor(n_estimators=3)"),
    "xgboost ranker": both("xgboost", "xgboost.XGBRanker(n_estimators=2, n_jobs=1).fit(X, Y, qid=Y)", "xgboost.XGBRanker(n_estimators=3, n_jobs=1).fit(X, Y, qid=Y)"),
    "lightgbm booster": both("lightgbm", lightgbm_of(3), lightgbm_of(2)),
    "lightgbm classifier": both("lightgbm", LGBM.format(2) + ".fit(X, Y)", LGBM.format(3) + ".fit(X, Y)"),
    "lightgbm unfitted": both("lightgbm", LGBM.format(2), LGBM.format(3)),
    "lightgbm stopped early": both(
        "lightgbm",
        LGBM.format(9) + ".fit(X, Y, eval_set=[(X, Y)], callbacks=[lightgbm.early_stopping(2, verbose=False)])",
        LGBM.format(2) + ".fit(X, Y)",
    ),
    "catboost classifier": both("catboost", CAT.format(3) + ".fit(X, Y)", CAT.format(2) + ".fit(X, Y)"),
    "catboost unfitted": both("catboost", CAT.format(3), CAT.format(2)),
    "boosters by name": both("lightgbm", f"{{'a': {lightgbm_of(2)}, 'n': 1}}", f"{{'a': {lightgbm_of(2)}, 'n': 2}}"),
    "pipeline of lightgbm": both(
        "lightgbm sklearn.pipeline sklearn.preprocessing",
        f"pipeline.make_pipeline(preprocessing.StandardScaler(), {LGBM.format(2)}).fit(X, Y)",
        f"pipeline.make_pipeline(preprocessing.StandardScaler(), {LGBM.format(3)}).fit(X, Y)",
    ),
}  # fmt: skip

TORCH: Zoo = {
    **{f"tensor {name}": both("torch", f"torch.arange(6).reshape(2, 3).to(torch.{name})", f"torch.arange(6).reshape(3, 2).to(torch.{name})") for name in (
        "bool", "int8", "uint8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "uint16", "float8_e4m3fn",
    )},
    "tensor slice": both("torch", "torch.arange(100_000.0)[10:20]", "torch.arange(100_000.0)[11:21]"),
    "tensor transposed": both("torch", "torch.arange(6.0).reshape(2, 3).T", "torch.arange(6.0).reshape(3, 2)"),
    "tensor expanded": both("torch", "torch.ones(1).expand(4)", "torch.ones(1).expand(5)"),
    "tensor scalar": both("torch", "torch.tensor(1.5)", "torch.tensor([1.5])"),
    "tensor empty": both("torch", "torch.empty(0, 3)", "torch.empty(3, 0)"),
    "tensor with gradient": both("torch", "torch.arange(3.0, requires_grad=True)", "torch.arange(3.0)"),
    "tensor conjugated": both("torch", "torch.ones(2, dtype=torch.complex64).conj()", "torch.zeros(2, dtype=torch.complex64)"),
    "tensor sparse": both("torch", "torch.eye(2).to_sparse()", "torch.zeros(2, 2).to_sparse()"),
    "parameter": both("torch", "torch.nn.Parameter(torch.ones(2))", "torch.ones(2, requires_grad=True)"),
    "tensors": both("torch", "[torch.ones(2), torch.zeros(2)]", "[torch.ones(2), torch.ones(2)]"),
    "shared tensor": both("torch", "shared_tensor(copy=False)", "shared_tensor(copy=True)"),
    "view of a tensor": both("torch", "(lambda t: [t, t[:2]])(torch.arange(4.0))", "(lambda t: [t, t[:3]])(torch.arange(4.0))"),
    "module": both("torch", "net()", "net(4)"),
    "trained module": both("torch", "trained(net())", "net()"),
    "module in evaluation": both("torch", "net().eval()", "net()"),
    "tied module": both("torch", "tied()", "untied()"),
    "state dict": both("torch", "net().state_dict()", "net(4).state_dict()"),
    "checkpoint": both("torch", "{'epoch': 1, 'model': net().state_dict()}", "{'epoch': 2, 'model': net().state_dict()}"),
    "optimizer": both("torch", "torch.optim.Adam(net().parameters())", "torch.optim.Adam(net().parameters(), lr=0.1)"),
    "scheduler": both("torch", "torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net().parameters(), lr=0.1), 3)", "torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net().parameters(), lr=0.1), 4)"),
    "data set": both("torch.utils.data", "data.TensorDataset(torch.ones(4))", "data.TensorDataset(torch.zeros(4))"),
    "loader": both("torch.utils.data", "data.DataLoader(data.TensorDataset(torch.ones(4)), batch_size=2)", "data.DataLoader(data.TensorDataset(torch.ones(4)), batch_size=1)"),
    "torch dtype": both("torch", "[torch.float32, torch.device('cpu')]", "[torch.float64, torch.device('cpu')]"),
    "torch size": both("torch", "torch.ones(2, 3).shape", "torch.ones(3, 2).shape"),
    "torch generator": both("torch", "torch.Generator().manual_seed(1)", "torch.Generator().manual_seed(2)"),
}  # fmt: skip

PICTURES: Zoo = {
    **{f"image {mode}": both("PIL.Image", f"image({mode!r})", f"image({mode!r}, 90)") for mode in ("RGB", "RGBA", "L", "P", "1", "CMYK", "F", "I", "LA", "HSV")},
    "image from a file": both("PIL.Image", "jpeg()", "jpeg(20)"),
    "list of images": both("PIL.Image", "[image(), image('L')]", "[image(), image('L', 1)]"),
    "figure": both("matplotlib.figure", "drawn()", "drawn(3)"),
    "axes": both("matplotlib.figure", "drawn(axes=True)", "drawn(3, axes=True)"),
    "dict of figures": both("matplotlib.figure", "{'a': drawn(), 'n': 1}", "{'a': drawn(3), 'n': 1}"),
    "plotly figure": both("plotly.graph_objects", "graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=X[:2, 0]))", "graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=X[1:3, 0]))"),
    "plotly express": both("plotly.express", "express.scatter(pd.DataFrame({'a': [1], 'b': [2]}), x='a', y='b')", "express.scatter(pd.DataFrame({'a': [1], 'b': [3]}), x='a', y='b')"),
    "plotly in a dict": both("plotly.graph_objects", "{'f': graph_objects.Figure(graph_objects.Bar(y=[1]))}", "{'f': graph_objects.Figure(graph_objects.Bar(y=[2]))}"),
    "altair chart": both("altair", "altair.Chart(pd.DataFrame({'a': [1]})).mark_point().encode(x='a')", "altair.Chart(pd.DataFrame({'a': [2]})).mark_point().encode(x='a')"),
    "altair interactive": both("altair", "altair.Chart(pd.DataFrame({'a': [1]})).mark_bar().interactive()", "altair.Chart(pd.DataFrame({'a': [1]})).mark_bar()"),
    "altair layers": both("altair", "altair.layer(altair.Chart('u.csv').mark_bar(), altair.Chart('v.csv').mark_line())", "altair.layer(altair.Chart('u.csv').mark_bar(), altair.Chart('w.csv').mark_line())"),
}  # fmt: skip

OTHERS: Zoo = {
    **{f"graph {cls}": both("networkx", f"graph({cls!r})", f"graph({cls!r}, 2)") for cls in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph")},
    "graph of numbers": both("networkx", "networkx.path_graph(4)", "networkx.path_graph(5)"),
    "graph of tuples": both("networkx", "networkx.grid_2d_graph(2, 2)", "networkx.grid_2d_graph(2, 3)"),
    "shared in a graph": (of("networkx", "shared_in_graph((1, 2))"), None),  # node-link does not keep it
    "view of a graph": both("networkx", "graph().subgraph(['a', 'b'])", "graph('Graph', 2).subgraph(['a', 'b'])"),
    "data array": both("xarray", "labelled()", "labelled({'unit': 'km'})"),
    "data array of objects": both("xarray", "xarray.DataArray(np.array([{1}, 'a'], object))", "xarray.DataArray(np.array([{2}, 'a'], object))"),
    "data array of texts": both("xarray", "xarray.DataArray(['a', 'bcd'])", "xarray.DataArray(['a', 'bce'])"),
    "data array with odd attrs": both("xarray", "labelled({'at': {'x': 1}})", "labelled({'at': {'x': 2}})"),
    "data array of levels": both("xarray", "pd.Series([1, 2], pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['k', 'n'])).to_xarray()", "pd.Series([1, 3], pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['k', 'n'])).to_xarray()"),
    "data set": both("xarray", "xarray.Dataset({'t': labelled(), 'n': ('y', [0.5, 2])}, attrs={'v': 2})", "xarray.Dataset({'t': labelled(), 'n': ('y', [0.5, 3])}, attrs={'v': 2})"),
    "data set empty": both("xarray", "xarray.Dataset()", "xarray.Dataset(attrs={'a': 1})"),
    "pydantic model": both("pydantic", "settings(names={'x', 'y', 'z'}, depth=2)", "settings(names={'x', 'y'}, depth=2)"),
    "pydantic fields set": both("pydantic", "settings(depth=1)", "settings()"),
    "shared in a model": both("pydantic", "(lambda box: settings(inner={'a': box, 'b': box}))({1})", "settings(inner={'a': {1}, 'b': {1}})"),
    "pydantic models": both("pydantic", "[settings(inner={'a': {'u', 'v', 'w'}})]", "[settings(inner={'a': {'u', 'v'}})]"),
    "statsmodels": both("statsmodels.api", "api.OLS(Y, api.add_constant(X[:, 0])).fit()", "api.OLS(Y, X[:, 0]).fit()"),
    "statsmodels glm": both("statsmodels.api", "api.GLM(Y, api.add_constant(X[:, 0] % 7)).fit()", "api.GLM(Y, X[:, 0] % 7).fit()"),
    "statsmodels formula": both(
        "statsmodels.formula.api",
        "api.ols('a ~ b', pd.DataFrame({'a': [1.0, 2, 4], 'b': [1.0, 2, 3]})).fit()",
        "api.ols('a ~ b', pd.DataFrame({'a': [1.0, 2, 5], 'b': [1.0, 2, 3]})).fit()",
    ),
    "sympy": both("sympy", "sympy.Symbol('x') ** 2 + 1", "sympy.Symbol('x') ** 2 + 2"),
    "sympy matrix": both("sympy", "sympy.Matrix([[1, sympy.Symbol('x')]])", "sympy.Matrix([[1, sympy.Symbol('y')]])"),
    "duckdb relation": both("duckdb", "duckdb.sql('select 1 as a').to_arrow_table()", "duckdb.sql('select 2 as a').to_arrow_table()"),
    "duckdb connection": both("duckdb", "duckdb.connect()", Refused("DuckDBPyConnection")),
    "click command": both("click", "click.Option(['--a'])", "click.Option(['--b'])"),
}  # fmt: skip

FAMILIES: dict[str, Zoo] = {"boosters": BOOSTERS, "torch": TORCH, "pictures": PICTURES, "libraries": OTHERS}
