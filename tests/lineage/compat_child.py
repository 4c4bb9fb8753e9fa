"""Print the digests of the golden values as JSON, with whatever versions of the libraries this interpreter has.

Run by the compatibility campaign in interpreters of its own. A value that these
versions cannot make is "absent"; one that has no identity is "refused".
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import metadata

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.walk import Unencodable
from tests.lineage.golden_values import CASES

ESTIMATORS: list[BaseEstimator] = [
    StandardScaler(), OneHotEncoder(), PCA(2), LinearRegression(), LogisticRegression(), DecisionTreeClassifier(),
    RandomForestClassifier(4, random_state=0), GradientBoostingRegressor(n_estimators=4, random_state=0),
    HistGradientBoostingRegressor(max_iter=4, random_state=0), KNeighborsClassifier(), SVC(),
    make_pipeline(StandardScaler(), LogisticRegression()),
]  # fmt: skip
LIBRARIES = ("numpy", "pyarrow", "pandas", "polars", "scikit-learn", "scipy")


def digests() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, make in CASES.items():
        try:
            value = make()
        except Exception as cause:  # noqa: BLE001  (a type or argument that this version does not know)
            found[name] = f"absent: {type(cause).__name__}"
            continue
        try:
            found[name] = identify_value(value).version
        except Unencodable as cause:
            found[name] = f"refused: {cause}"
        except Exception as cause:  # noqa: BLE001
            found[name] = f"failed: {type(cause).__name__}: {cause}"
    return found


def estimators() -> dict[str, str]:
    """Return the digests of estimators fitted here; their state is the library's own, and may differ by version."""
    features = np.arange(60.0).reshape(20, 3) % 7
    target = (features[:, 0] > 3).astype(int)
    found: dict[str, str] = {}
    for each in ESTIMATORS:
        try:
            found[type(each).__name__] = identify_value(each.fit(features, target)).version
        except Unencodable:
            found[type(each).__name__] = "b3:refused"
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if pd.__version__.startswith("2."):
        pd.set_option("future.infer_string", True)  # so that plain texts get the dtype that pandas 3 gives them
    versions = {name: metadata.version(name) for name in LIBRARIES}
    versions["Python"] = ".".join(map(str, sys.version_info[:3]))
    print(json.dumps({"versions": versions, "digests": digests(), "estimators": estimators()}))
