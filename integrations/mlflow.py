"""Hand a trained model to MLflow: one logged run and one registered version per materialization.

The only file that knows MLflow, which is imported (3 to 7 s) in the step that needs it and nowhere else. What is
logged is tagged with the materialization it came from, and the tag is searched before anything is written: a retried
attempt goes on where the last one stopped, and nothing is logged twice.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from assetctl.assets.context import Context
from assetctl.assets.errors import AssetFailed, Problem
from assetctl.storage.state.layout import Layout

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

MATERIALIZATION_TAG = "assetctl.materialization_id"
RUN_TAG = "assetctl.run_id"
ASSET_TAG = "assetctl.asset"

# Types of these packages may be named as trusted: their loading code is the library's own. Not `builtins`, which
# holds `eval`.
TRUSTED_PACKAGES = frozenset({"lightgbm", "numpy", "pandas", "scipy", "sklearn", "xgboost"})

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Registration(TypedDict):
    """Where a registered model is found: `uri` is what `mlflow.sklearn.load_model` takes."""

    model: str
    version: str
    run_id: str
    uri: str


@dataclass(frozen=True, slots=True)
class Serialization:
    """How a model is written: "skops" with the types a reader must trust, else "cloudpickle"."""

    format: str
    trusted_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackingStore:
    """Where MLflow keeps runs; `artifacts` is None where the store decides by itself."""

    uri: str
    artifacts: str | None = None


def tracking_store(state_folder: str) -> TrackingStore:
    """Return `MLFLOW_TRACKING_URI`, else the project's own SQLite store with a folder beside it.

    Without that folder named, MLflow would put files below the working directory.
    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    if chosen:
        return TrackingStore(chosen)
    state = Path(state_folder).absolute()
    return TrackingStore(f"sqlite:///{state / 'mlflow.db'}", (state / "mlflow-artifacts").as_uri())


def register_model(
    context: Context,
    model: object,
    name: str,
    metrics: Mapping[str, float],
    params: Mapping[str, object] | None = None,
    input_example: object = None,
) -> Registration:
    """Log a fitted scikit-learn model with its metrics and register it as a new version of `name`.

    Called again for the same materialization, it completes what is missing and returns the
    same version. `input_example` (a few rows) gives the model its signature. The experiment
    is `MLFLOW_EXPERIMENT_NAME`, else `name`. The materialization gets the links `mlflow`
    (the version) and `mlflow_run`.

    Raises:
        AssetFailed: the model is not a scikit-learn estimator, or MLflow is not installed.
    """
    _refuse_unless_estimator(model)
    store = tracking_store(context.state_folder)
    with _mlflow_at(store.uri):
        from mlflow import MlflowClient

        client = MlflowClient()
        run = _run_of(client, _experiment_of(client, name, store, Path(context.state_folder)), context)
        if run.info.status != "FINISHED":
            _complete(run, context, model, _Wanted(name, dict(metrics), dict(params or {}), input_example))
        version = _version_of(client, name, run.info.run_id)
    if version is None:
        raise AssetFailed(
            Problem(
                "registered-model-gone",
                f"MLflow's run {run.info.run_id} is finished, but the version of `{name}` it made is gone",
                (("tracking store", store.uri),),
                "build the asset again with `--force`: a new materialization registers a new version",
            )
        )
    found = Registration(
        model=name, version=str(version.version), run_id=run.info.run_id, uri=f"models:/{name}/{version.version}"
    )
    context.link("mlflow", found["uri"])
    context.link("mlflow_run", found["run_id"])
    return found


def choose_serialization(model: object) -> Serialization:
    """Choose skops when everything in the model comes from trusted packages, cloudpickle otherwise.

    MLflow's own default refuses forests and boosted trees, whose inner types skops does
    not know; they are scikit-learn's all the same.
    """
    import skops.io

    try:
        unknown = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    except Exception:  # noqa: BLE001  skops passes on whatever the object's own reduction raises
        return Serialization("cloudpickle")
    if all(kind.split(".")[0] in TRUSTED_PACKAGES for kind in unknown):
        return Serialization("skops", tuple(sorted(unknown)))
    return Serialization("cloudpickle")


def pinned_requirements(serialization: Serialization) -> list[str]:
    """Return `name==version` of what loading the model takes. MLflow's inference of them takes 24 s."""
    from importlib.metadata import PackageNotFoundError, version

    wanted = {"mlflow", "numpy", "pandas", "scikit-learn", "scipy", serialization.format}
    wanted |= {kind.split(".")[0] for kind in serialization.trusted_types if kind.startswith(("lightgbm.", "xgboost."))}
    pins = []
    for name in sorted(wanted):
        try:
            known: str | None = version(name)
            pins.append(f"{name}=={known}" if known else name)
        except PackageNotFoundError:
            continue  # not here, so the model was trained without it
    return pins


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    metrics: dict[str, float]
    params: dict[str, object]
    input_example: object


def _refuse_unless_estimator(model: object) -> None:
    base = sys.modules.get("sklearn.base")
    if base is not None and isinstance(model, base.BaseEstimator):
        return
    kind = type(model)
    raise AssetFailed(
        Problem(
            "not-an-estimator",
            f"a {kind.__module__}.{kind.__qualname__} is not a scikit-learn estimator, and only those can be registered",
            hint="register the fitted estimator itself, or call MLflow in the asset",
        )
    )


@contextmanager
def _mlflow_at(uri: str) -> Iterator[None]:
    """Import MLflow without its telemetry, point it at a store, and put back where it pointed."""
    import warnings

    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    with warnings.catch_warnings():
        # MLflow and what it imports warn about themselves; none of it is the person's to fix.
        warnings.simplefilter("ignore")
        try:
            import mlflow
        except ModuleNotFoundError as error:
            raise AssetFailed(
                Problem("library-missing", "MLflow is not installed", hint="pip install 'assetctl[ml]'")
            ) from error
        # Setting it also sets the environment variable, and None unsets that again: left behind, the variable
        # would pass for the person's own choice.
        before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
        mlflow.set_tracking_uri(uri)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def _experiment_of(client: MlflowClient, name: str, store: TrackingStore, state_folder: Path) -> str:
    """Return the id of the experiment, made at need.

    Behind a lock: two steps that open a new SQLite store at once would both create its tables.
    """
    from filelock import FileLock

    wanted = os.environ.get("MLFLOW_EXPERIMENT_NAME") or name
    locks = Layout(state_folder.parent, state_folder).locks
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / "mlflow.lock"):
        found = client.get_experiment_by_name(wanted)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(wanted, artifact_location=store.artifacts))


def _run_of(client: MlflowClient, experiment: str, context: Context) -> Run:
    """Return the run of this materialization: the one an earlier attempt began, else a new one."""
    query = f"tags.`{MATERIALIZATION_TAG}` = '{context.materialization_id}'"
    found = client.search_runs([experiment], query, max_results=1)
    if found:
        return found[0]
    return client.create_run(experiment, tags=_tags(context), run_name=f"{context.asset} {context.materialization_id}")


def _complete(run: Run, context: Context, model: object, wanted: _Wanted) -> None:
    """Log what the run lacks, and register its model; the run is finished only when all of it is there."""
    import mlflow

    with mlflow.start_run(run_id=run.info.run_id, nested=True, log_system_metrics=False):
        logged = run.outputs.model_outputs if run.outputs else []
        model_id = logged[0].model_id if logged else _log_model(context, model, wanted)
        # Values that are there already are from an earlier attempt; a parameter must not be given twice.
        mlflow.log_params({key: value for key, value in wanted.params.items() if key not in run.data.params})
        missing = {key: value for key, value in wanted.metrics.items() if key not in run.data.metrics}
        mlflow.log_metrics(missing, model_id=model_id)
        if _version_of(mlflow.MlflowClient(), wanted.name, run.info.run_id) is None:
            mlflow.register_model(f"models:/{model_id}", wanted.name, tags=_tags(context))


def _log_model(context: Context, model: object, wanted: _Wanted) -> str:
    import mlflow.sklearn

    serialization = choose_serialization(model)
    described: dict[str, Any] = {}
    if serialization.format == "skops":
        described["skops_trusted_types"] = list(serialization.trusted_types)
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        serialization_format=serialization.format,
        pip_requirements=pinned_requirements(serialization),
        input_example=wanted.input_example,
        tags=_tags(context),
        **described,
    )
    return str(logged.model_id)


def _version_of(client: MlflowClient, name: str, run_id: str) -> ModelVersion | None:
    versions = client.search_model_versions(f"run_id = '{run_id}'")
    return next((version for version in versions if version.name == name), None)


def _tags(context: Context) -> dict[str, str]:
    return {
        MATERIALIZATION_TAG: context.materialization_id,
        RUN_TAG: context.run_id,
        ASSET_TAG: context.asset,
    }
