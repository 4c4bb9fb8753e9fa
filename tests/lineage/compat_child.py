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
    digest_of: dict[str, str] = {}
    for name, make in CASES.items():
        try:
            value = make()
        except Exception as cause:  # noqa: BLE001  (a type or argument that this version does not know)
            digest_of[name] = f"absent: {type(cause).__name__}"
            continue
        try:
            digest_of[name] = identify_value(value).version
        except Unencodable as cause:
            digest_of[name] = f"refused: {cause}"
        except Exception as cause:  # noqa: BLE001
            digest_of[name] = f"failed: {type(cause).__name__}: {cause}"
    return digest_of


def estimators() -> dict[str, str]:
    """Return the digests of estimators fitted here; their state is the library's own, and may differ by version."""
    features = np.arange(60.0).reshape(20, 3) % 7
    target = (features[:, 0] > 3).astype(int)
    digest_of: dict[str, str] = {}
    for each in ESTIMATORS:
        try:
            digest_of[type(each).__name__] = identify_value(each.fit(features, target)).version
        except Unencodable:
            digest_of[type(each).__name__] = "b3:refused"
    return digest_of


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if pd.__version__.startswith("2."):
        pd.set_option("future.infer_string", True)  # so that plain texts get the dtype that pandas 3 gives them
    versions = {name: metadata.version(name) for name in LIBRARIES}
    versions["Python"] = ".".join(map(str, sys.version_info[:3]))
    print(json.dumps({"versions": versions, "digests": digests(), "estimators": estimators()}))
