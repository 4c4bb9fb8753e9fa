"""Hand the chosen model to MLflow's registry, with its scores and a link back to what made it."""

import pandas as pd
from sklearn.pipeline import Pipeline

from assetctl import Context, asset
from assetctl.integrations.mlflow import Registration, register_model
from delays.models import INPUTS, score


@asset(group="delivery", kinds=["mlflow"], owners=["team:ml"])
def registered(model: Pipeline, test: pd.DataFrame, context: Context, name: str = "flight-delays") -> Registration:
    """Name, version and run of the model in MLflow."""
    return register_model(
        context,
        model,
        name=name,
        metrics=score(model, test),
        params={"estimator": type(model[-1]).__name__},
        input_example=test[INPUTS].head(5),
    )
