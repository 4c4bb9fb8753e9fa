"""A page for people: how good both models are, and when flights arrive late."""

import html
import io

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import RocCurveDisplay
from sklearn.pipeline import Pipeline

from assetctl import Context, asset
from delays.models import INPUTS, TARGET


def roc_figure(models: dict[str, Pipeline], test: pd.DataFrame) -> Figure:
    """Draw the ROC curve of each model."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for name, model in models.items():
        RocCurveDisplay.from_estimator(model, test[INPUTS], test[TARGET], ax=axes, name=name)
    axes.set_title("Ranking late flights, October to December")
    return figure


def hours_figure(airlines: pd.DataFrame, departures: pd.DataFrame, n_carriers: int) -> Figure:
    """Draw the median arrival delay by scheduled hour, for the carriers with most flights."""
    largest = departures["carrier"].value_counts().index[:n_carriers]
    names = airlines.set_index("carrier")["name"]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for carrier in largest:
        ours = departures[departures["carrier"] == carrier]
        axes.plot(ours.groupby("hour")["arr_delay"].median(), label=names.get(carrier, carrier))
    axes.set(title="Delay grows through the day", xlabel="scheduled hour", ylabel="median arrival delay [min]")
    axes.legend(fontsize="small")
    return figure


def as_svg(figure: Figure) -> str:
    """Return a figure as SVG text: the same figure gives the same text."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.hashsalt": "delays", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


@asset(group="delivery", kinds=["html"], owners=["team:flights"])
def report(
    logistic: Pipeline,
    boosted: Pipeline,
    metrics: dict[str, dict[str, float]],
    test: pd.DataFrame,
    departures: pd.DataFrame,
    airlines: pd.DataFrame,
    context: Context,
    n_carriers: int = 4,
) -> str:
    """One HTML page: scores and two plots."""
    roc = roc_figure({"logistic": logistic, "boosted": boosted}, test)
    hours = hours_figure(airlines, departures, n_carriers)
    context.figure("roc", roc)
    context.figure("hours", hours)
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>" + "".join(f"<td>{value:.3f}</td>" for value in found.values()) + "</tr>"
        for name, found in metrics.items()
    )
    return (
        "<!doctype html><meta charset='utf-8'><title>Flight delays</title><h1>Will this flight arrive late?</h1>"
        f"<table><tr><th>model</th><th>accuracy</th><th>F1</th><th>AUC</th></tr>{rows}</table>"
        f"{as_svg(roc)}{as_svg(hours)}\n"
    )
