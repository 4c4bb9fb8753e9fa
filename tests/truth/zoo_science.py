"""Values of numpy, scipy and scikit-learn: every dtype and order, sparse formats, distributions, estimators."""

# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.truth import zoo_kinds as k
from tests.truth.zoo import Refused, Zoo

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "longdouble", "complex64", "complex128", "clongdouble", ">f8", ">i4", "U3", ">U3", "S3", "datetime64[D]", "datetime64[ns]",
    "timedelta64[s]", "object",
)  # fmt: skip
RECORD = [("a", "i4"), ("b", "U2"), ("c", "f8", (2,))]


def numbers(dtype: Any) -> Any:
    return np.arange(6).reshape(2, 3).astype(dtype)


def changed(made: Any) -> Any:
    made = made.copy()
    made[0, 0] = made[1, 2]
    return made


def mapped() -> Any:
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(np.arange(4.0).tobytes())
    return np.memmap(file.name, dtype="f8", mode="r")


def filled(shape: Any, *items: Any) -> Any:
    made = np.empty(shape, object)
    made[...] = items
    return made


def shared_array() -> Any:
    one = np.arange(3)
    return {"a": one, "b": one}


def view_and_base() -> Any:
    one = np.arange(4)
    return [one, one[:2]]


def rng(seed: int, draws: int = 0) -> Any:
    made = np.random.default_rng(seed)
    made.random(draws)
    return made


NUMPY: Zoo = {
    **{f"numpy {name}": ((lambda d=name: numbers(d)), (lambda d=name: changed(numbers(d)))) for name in DTYPES},
    **{f"scalar {name}": ((lambda d=name: numbers(d)[1, 1]), (lambda d=name: numbers(d)[0, 0])) for name in DTYPES if name not in ("object", ">U3", ">f8", ">i4")},
    **{f"zero dimensions {name}": ((lambda d=name: np.array(numbers(d)[1, 1])), (lambda d=name: np.array(numbers(d)[0, 0]))) for name in ("bool", "int64", "U3", "float64", "datetime64[D]")},
    "numpy fortran": (lambda: np.asfortranarray(numbers("f8")), lambda: np.asfortranarray(numbers("f8")).T),
    "numpy strided": (lambda: np.arange(12)[::3], lambda: np.arange(12)[::4]),
    "numpy reversed": (lambda: np.arange(4)[::-1], lambda: np.arange(4)),
    "numpy broadcast": (lambda: np.broadcast_to(np.arange(2), (3, 2)), lambda: np.broadcast_to(np.arange(2), (4, 2))),
    "numpy empty": (lambda: np.empty((0, 3)), lambda: np.empty((3, 0))),
    "numpy nan": (lambda: np.array([np.nan, -0.0]), lambda: np.array([np.nan, 0.0])),
    "numpy record": (lambda: np.array([(1, "x", (1, 2))], RECORD), lambda: np.array([(1, "y", (1, 2))], RECORD)),
    "numpy aligned record": (lambda: np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)), lambda: np.zeros(2, np.dtype([("a", "i1"), ("c", "f8")]))),
    "numpy nested record": (lambda: np.zeros(2, [("a", [("b", "i1")])]), lambda: np.zeros(2, [("a", [("c", "i1")])])),
    "numpy record of objects": (lambda: np.array([(1, {"x"})], [("a", "i4"), ("o", "O")]), lambda: np.array([(1, {"y"})], [("a", "i4"), ("o", "O")])),
    "numpy recarray": (lambda: np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), lambda: np.rec.array([(1, 3.0)], dtype=[("a", "i4"), ("b", "f8")])),
    "numpy void": (lambda: np.array([(1, "x", (1, 2))], RECORD)[0], lambda: np.array([(2, "x", (1, 2))], RECORD)[0]),
    "numpy matrix": (lambda: np.zeros((2, 2)).view(np.matrix), lambda: np.zeros((2, 2))),
    "numpy masked": (lambda: np.ma.array([1, 2, 3], mask=[0, 1, 0]), lambda: np.ma.array([1, 2, 3], mask=[0, 0, 1])),
    "numpy masked fill": (lambda: np.ma.array([1.5], fill_value=9), lambda: np.ma.array([1.5], fill_value=8)),
    "numpy hard mask": (lambda: np.ma.array([1, 2], mask=[0, 1], hard_mask=True), None),
    "numpy masked constant": (lambda: [np.ma.masked], lambda: [0]),
    "numpy memmap": (mapped, lambda: np.arange(4.0) + 1),
    "numpy strings": (lambda: np.array(["a", "long text"], np.dtypes.StringDType()), lambda: np.array(["a", "other"], np.dtypes.StringDType())),
    "numpy strings na": (lambda: np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan)), lambda: np.array(["a", None], np.dtypes.StringDType(na_object=None))),
    "numpy sets": (lambda: filled(2, {"p", "q", "r"}, {"s"}), lambda: filled(2, {"p", "q"}, {"s"})),
    "numpy ragged": (lambda: filled(2, np.arange(2), np.arange(3)), lambda: filled(2, np.arange(2), np.arange(4))),
    "numpy read only": (lambda: np.frombuffer(b"abcd", np.uint8), lambda: np.frombuffer(b"abce", np.uint8)),
    "shared array": (shared_array, lambda: {"a": np.arange(3), "b": np.arange(3)}),
    "view and base": (view_and_base, lambda: [np.arange(4), np.arange(3)]),
    "dict of arrays": (lambda: {"x": np.arange(3), "y": np.eye(2)}, lambda: {"x": np.arange(3), "y": np.eye(3)}),
    "dict of scalars": (lambda: {"auc": np.float64(0.5), "n": np.int64(3)}, lambda: {"auc": 0.5, "n": 3}),
    "object with arrays": (lambda: k.Plain(a=np.arange(3), b={"x", "y", "z"}), lambda: k.Plain(a=np.arange(3), b={"x", "y"})),
    "dtype": (lambda: np.dtype(RECORD), lambda: np.dtype("f8")),
    "aligned dtype": (lambda: np.dtype([("a", "i1"), ("b", "f8")], align=True), lambda: np.dtype("i8")),
    "generator state": (lambda: rng(1), lambda: rng(1, 1)),
    "random state": (lambda: np.random.RandomState(1), lambda: np.random.RandomState(2)),
    "bit generator": (lambda: np.random.PCG64(1), lambda: np.random.MT19937(1)),
    "seed sequence": (lambda: np.random.SeedSequence(1), lambda: np.random.SeedSequence(2)),
    "ufunc": (lambda: [np.log1p], lambda: [np.log]),
    "vectorized": (lambda: np.vectorize(k.double), lambda: np.vectorize(k.scaled)),
    "polynomial": (lambda: np.polynomial.Polynomial([1, 2]), lambda: np.polynomial.Polynomial([1, 3])),
    "poly1d": (lambda: np.poly1d([1, 2]), lambda: np.poly1d([1, 3])),
    "flat iterator": (lambda: np.arange(3).flat, Refused("flatiter")),
}  # fmt: skip


def sparse(form: str, *, cls: str = "array", entry: float = 2.0) -> Any:
    from scipy import sparse as sp

    return getattr(sp, f"{form}_{cls}")(np.array([[0, 1.0], [entry, 0]]))


def distribution(name: str, *args: Any, **more: Any) -> Any:
    from scipy import stats

    return getattr(stats, name)(*args, **more)


def scipy(expression: str) -> Any:
    import scipy.interpolate
    import scipy.optimize
    import scipy.spatial
    import scipy.stats

    return eval(expression, {"np": np, "scipy": scipy})


SCIPY: Zoo = {
    **{f"sparse {form}": ((lambda f=form: sparse(f)), (lambda f=form: sparse(f, entry=3.0))) for form in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")},
    **{f"sparse matrix {form}": ((lambda f=form: sparse(f, cls="matrix")), (lambda f=form: sparse(f))) for form in ("csr", "coo", "lil")},
    "frozen norm": (lambda: distribution("norm", 0, 1), lambda: distribution("norm", 0, 2)),
    "frozen randint": (lambda: distribution("randint", 1, 5), lambda: distribution("randint", 1, 6)),
    "frozen gamma": (lambda: distribution("gamma", a=2.0), lambda: distribution("gamma", a=3.0)),
    "frozen normal many": (lambda: distribution("multivariate_normal", [0, 0]), lambda: distribution("multivariate_normal", [0, 1])),
    "spline": (lambda: scipy("scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4])"), lambda: scipy("scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 5])")),
    "interpolator": (lambda: scipy("scipy.interpolate.interp1d([0, 1], [0, 1])"), lambda: scipy("scipy.interpolate.interp1d([0, 1], [0, 2])")),
    "optimum": (lambda: scipy("scipy.optimize.OptimizeResult(x=np.ones(2), fun=1.0)"), lambda: scipy("scipy.optimize.OptimizeResult(x=np.ones(2), fun=2.0)")),
    "tree": (lambda: scipy("scipy.spatial.cKDTree(np.eye(3))"), lambda: scipy("scipy.spatial.cKDTree(np.eye(4))")),
    "density": (lambda: scipy("scipy.stats.gaussian_kde([1.0, 2, 4])"), lambda: scipy("scipy.stats.gaussian_kde([1.0, 2, 5])")),
    "test result": (lambda: scipy("scipy.stats.ttest_ind([1, 2, 3], [2, 3, 5])"), Refused("module")),
}  # fmt: skip

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
WORDS = ["red fish", "blue fish", "old house", "new house"]


def learn(expression: str, fit: str = "") -> Any:
    """Return an estimator, fitted if the arguments of `fit` are given."""
    import sklearn.cluster
    import sklearn.compose
    import sklearn.decomposition
    import sklearn.ensemble
    import sklearn.feature_extraction.text
    import sklearn.gaussian_process
    import sklearn.impute
    import sklearn.isotonic
    import sklearn.linear_model
    import sklearn.model_selection
    import sklearn.naive_bayes
    import sklearn.neighbors
    import sklearn.neural_network
    import sklearn.pipeline
    import sklearn.preprocessing
    import sklearn.svm
    import sklearn.tree
    from scipy import stats

    names: dict[str, Any] = {
        "np": np,
        "k": k,
        "X": X,
        "Y": Y,
        "WORDS": WORDS,
        "stats": stats,
        "FRAME": pd.DataFrame(X, columns=list("abc")),
    }
    for module in (v for name, v in vars(sklearn).items() if type(v).__name__ == "module" and not name.startswith("_")):
        names |= {name: getattr(module, name) for name in getattr(module, "__all__", ()) if "Halving" not in name}
    names |= vars(sklearn.feature_extraction.text)
    made = eval(expression, names)
    return eval(f"made.fit({fit})", {**names, "made": made}) if fit else made


ESTIMATORS = {
    "linear": ("LinearRegression()", "X, Y"),
    "logistic": ("LogisticRegression(C=0.5)", "X, Y"),
    "ridge": ("RidgeCV()", "X, Y"),
    "sgd": ("SGDClassifier(random_state=0)", "X, Y"),
    "scaler": ("StandardScaler()", "FRAME"),
    "one hot": ("OneHotEncoder()", "Y.reshape(-1, 1).astype(str)"),
    "ordinal": ("OrdinalEncoder()", "Y.reshape(-1, 1).astype(object)"),
    "labels": ("LabelEncoder()", "Y"),
    "imputer": ("SimpleImputer(strategy='median')", "X"),
    "neighbour imputer": ("KNNImputer()", "X"),
    "tree": ("DecisionTreeClassifier(max_depth=2, random_state=0)", "X, Y"),
    "forest": ("RandomForestClassifier(4, random_state=0)", "X, Y"),
    "boosting": ("GradientBoostingClassifier(n_estimators=3, random_state=0)", "X, Y"),
    "histograms": ("HistGradientBoostingClassifier(max_iter=3)", "X, Y"),
    "histograms stopped early": ("HistGradientBoostingRegressor(max_iter=3, early_stopping=True, random_state=0)", "X, Y"),
    "histograms seeded": ("HistGradientBoostingClassifier(max_iter=3, random_state=0)", "X, Y"),
    "isolation": ("IsolationForest(n_estimators=3, random_state=0)", "X"),
    "voting": ("VotingClassifier([('l', LogisticRegression()), ('t', DecisionTreeClassifier(random_state=0))])", "X, Y"),
    "stacking": ("StackingClassifier([('l', LogisticRegression())], cv=2)", "X, Y"),
    "bagging": ("BaggingClassifier(n_estimators=2, random_state=0)", "X, Y"),
    "ada": ("AdaBoostClassifier(n_estimators=2, random_state=0)", "X, Y"),
    "svc": ("SVC(random_state=0)", "X, Y"),
    "linear svc": ("LinearSVC(random_state=0)", "X, Y"),
    "neighbours": ("KNeighborsClassifier(algorithm='kd_tree')", "X, Y"),
    "ball tree": ("KNeighborsClassifier(algorithm='ball_tree')", "X, Y"),
    "bayes": ("GaussianNB()", "X, Y"),
    "means": ("KMeans(2, n_init=1, random_state=0)", "X"),
    "dbscan": ("DBSCAN()", "X"),
    "pca": ("PCA(2)", "X"),
    "svd": ("TruncatedSVD(2, random_state=0)", "X"),
    "network": ("MLPClassifier((3,), max_iter=2, random_state=0)", "X, Y"),
    "isotonic": ("IsotonicRegression()", "X[:, 0], Y"),
    "gaussian process": ("GaussianProcessRegressor(random_state=0)", "X[:9], Y[:9]"),
    "tfidf": ("TfidfVectorizer(stop_words='english')", "WORDS"),
    "counts": ("CountVectorizer(ngram_range=(1, 2), stop_words=['the', 'a', 'an'])", "WORDS"),
    "hashing": ("HashingVectorizer(n_features=16)", "WORDS"),
    "pipeline": ("make_pipeline(StandardScaler(), LogisticRegression())", "X, Y"),
    "pipeline of columns": ("make_pipeline(ColumnTransformer([('s', StandardScaler(), ['a'])]), LogisticRegression())", "FRAME, Y"),
    "function": ("FunctionTransformer(np.log1p)", "abs(X)"),
    "first-party function": ("FunctionTransformer(k.double)", "X"),
    "grid": ("GridSearchCV(LogisticRegression(), {'C': [0.1, 1]}, cv=2)", "X, Y"),
    "random search": ("RandomizedSearchCV(LogisticRegression(), {'C': stats.uniform(0.1, 1)}, n_iter=2, cv=2, random_state=0)", "X, Y"),
    "grid of a pipeline": ("GridSearchCV(make_pipeline(StandardScaler(), SVC()), {'svc__C': [0.1, 1]}, cv=StratifiedKFold(2))", "X, Y"),
    "splitter": ("KFold(3, shuffle=True, random_state=0)", ""),
}  # fmt: skip

EDITS = {
    "histograms stopped early": "HistGradientBoostingRegressor(max_iter=4, early_stopping=True, random_state=0)",
    "histograms": "HistGradientBoostingClassifier(max_iter=4)",
    "first-party function": "FunctionTransformer(k.scaled)",
    "random search": "RandomizedSearchCV(LogisticRegression(), {'C': stats.uniform(0.1, 2)}, n_iter=2, cv=2, random_state=0)",
}

LEARN: Zoo = {
    **{f"fitted {name}": ((lambda m=make, f=fit: learn(m, f)), (lambda m=EDITS.get(name, make), f=(fit if name in EDITS else ""): learn(m, f) if name in EDITS or f else None)) for name, (make, fit) in ESTIMATORS.items()},
    **{f"unfitted {name}": ((lambda m=make: learn(m)), (lambda m=make: [learn(m)])) for name, (make, fit) in ESTIMATORS.items() if fit},
    "bunch": (lambda: learn("__import__('sklearn.utils').utils.Bunch(a=X, names=['x'])"), lambda: learn("__import__('sklearn.utils').utils.Bunch(a=X, names=['y'])")),
    "dict of estimators": (lambda: {"a": learn("LogisticRegression()", "X, Y"), "auc": 0.5}, lambda: {"a": learn("LogisticRegression()", "X, Y"), "auc": 0.6}),
}  # fmt: skip

FAMILIES: dict[str, Zoo] = {"numpy": NUMPY, "scipy": SCIPY, "sklearn": LEARN}
