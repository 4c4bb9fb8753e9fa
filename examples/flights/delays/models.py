"""Two models, their scores on months they have not seen, and the better of them."""

import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from assetctl import CheckResult, Context, asset, check
from delays.features import CATEGORIES, NUMBERS, TARGET

INPUTS = [*NUMBERS, *CATEGORIES]


@asset(group="models", tags={"family": "linear"}, kinds=["sklearn"], owners=["team:ml"])
def logistic(train: pd.DataFrame, penalty: float = 1.0) -> Pipeline:
    """Logistic regression on scaled numbers and one-hot categories; a greater `penalty` is stricter."""
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            ("categories", OneHotEncoder(handle_unknown="ignore", min_frequency=200), CATEGORIES),
        ]
    )
    return make_pipeline(prepare, LogisticRegression(C=1 / penalty, max_iter=300)).fit(train[INPUTS], train[TARGET])


@asset(group="models", tags={"family": "trees"}, kinds=["sklearn"], owners=["team:ml"])
def boosted(train: pd.DataFrame, n_trees: int = 120, learning_rate: float = 0.1) -> Pipeline:
    """Gradient boosted trees; missing numbers stay missing, categories are codes."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("categories", codes, CATEGORIES)])
    trees = HistGradientBoostingClassifier(
        max_iter=n_trees,
        learning_rate=learning_rate,
        categorical_features=list(range(len(NUMBERS), len(INPUTS))),
        early_stopping=False,
        random_state=0,
    )
    return make_pipeline(prepare, trees).fit(train[INPUTS], train[TARGET])


def score(model: ClassifierMixin, test: pd.DataFrame) -> dict[str, float]:
    """Return accuracy, F1 of the late flights, and area under the ROC curve."""
    chance = model.predict_proba(test[INPUTS])[:, 1]
    guess = chance >= 0.5
    return {
        "accuracy": float(accuracy_score(test[TARGET], guess)),
        "f1": float(f1_score(test[TARGET], guess)),
        "auc": float(roc_auc_score(test[TARGET], chance)),
    }


@asset(group="models", kinds=["json"], owners=["team:ml"])
def metrics(logistic: Pipeline, boosted: Pipeline, test: pd.DataFrame, context: Context) -> dict[str, dict[str, float]]:
    """Scores of both models, beside always saying "on time"."""
    on_time = float(1 - test[TARGET].mean())
    scores = {
        "baseline": {"accuracy": on_time, "f1": 0.0, "auc": 0.5},
        "logistic": score(logistic, test),
        "boosted": score(boosted, test),
    }
    for name, found in scores.items():
        for measure, value in found.items():
            context.metric(f"{name}_{measure}", value)
    return scores


@check(asset=metrics, blocking=False)
def beats_the_baseline(metrics: dict[str, dict[str, float]]) -> CheckResult:
    """Warn if neither model is more often right than always saying "on time"."""
    best = max(metrics["logistic"]["accuracy"], metrics["boosted"]["accuracy"])
    gain = best - metrics["baseline"]["accuracy"]
    return CheckResult(gain > 0, {"accuracy_gain": gain}, f"accuracy is {gain:+.3f} against the baseline")


def better(metrics: dict[str, dict[str, float]], criterion: str) -> str:
    """Return the name of the model with the greater score; a tie goes to the simpler one."""
    return max(("logistic", "boosted"), key=lambda name: metrics[name][criterion])


@asset(group="models", tags={"tier": "gold"}, kinds=["sklearn"], owners=["team:ml"])
def model(
    logistic: Pipeline, boosted: Pipeline, metrics: dict[str, dict[str, float]], criterion: str = "auc"
) -> Pipeline:
    """The better model by `criterion`: "accuracy", "f1" or "auc"."""
    return {"logistic": logistic, "boosted": boosted}[better(metrics, criterion)]
