"""Identity of boosted models of XGBoost, LightGBM and CatBoost: what their own formats keep of them."""

from __future__ import annotations

import json
import sys
from typing import Any

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Encoder, Walk, is_of


def _write_xgboost(walk: Walk, out: Framed, value: Any) -> None:
    if not is_of(type(value), "xgboost"):
        walk.refuse(value)
    out.tag("xgboost.Booster").raw(bytes(value.save_raw("ubj")))


def _write_lightgbm(walk: Walk, out: Framed, value: Any) -> None:
    if not is_of(type(value), "lightgbm"):
        walk.refuse(value)
    out.tag("lightgbm.Booster").text(value.model_to_string(num_iteration=-1)).integer(
        max(value.best_iteration, 0)
    )  # without one it is 0, read again -1


def _write_catboost(walk: Walk, out: Framed, value: Any) -> None:
    if not is_of(type(value), "catboost"):
        walk.refuse(value)
    walk.class_of(out.tag("catboost"), type(value))
    out.text(json.dumps(value.get_params(), sort_keys=True, default=str))
    if value.is_fitted():
        out.raw(catboost_bytes(value))


def catboost_bytes(model: Any) -> bytes:
    """Return a fitted model in CatBoost's own format, without when and by whom it was trained."""
    content = model.copy()
    for name in ("train_finish_time", "model_guid"):
        content.get_metadata()[name] = ""
    return bytes(content._serialize_model())


def encoders() -> dict[type, Encoder]:
    """Return how the classes of those libraries that are loaded are written."""
    known = (
        ("xgboost.core", "Booster", _write_xgboost),
        ("lightgbm.basic", "Booster", _write_lightgbm),
        ("catboost.core", "CatBoost", _write_catboost),
    )
    return {
        getattr(sys.modules[module], name): Encoder(write, whole=True, after_code=True)
        for module, name, write in known
        if hasattr(sys.modules.get(module), name)
    }
