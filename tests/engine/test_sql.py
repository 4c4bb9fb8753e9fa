"""Which asset a name in a query means."""

from __future__ import annotations

import pytest

from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.sql import asset_named

KEYS = [AssetKey(key) for key in ("features", "clean/shuttles", "raw/shuttles", "Orders", "orders_eu")]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("features", "features"),
        ("clean/shuttles", "clean/shuttles"),
        ("clean__shuttles", "clean/shuttles"),
        ("FEATURES", "features"),
        ("orders", "Orders"),
        ("CLEAN__Shuttles", "clean/shuttles"),
        ("shuttles", None),
        ("features ", None),
        ("order", None),
        ("", None),
    ],
)
def test_a_name_means_an_asset_by_its_key_or_its_python_name_in_any_case(name, key):
    assert asset_named(name, KEYS) == key


@pytest.mark.parametrize(("name", "key"), [("orders", "orders"), ("Orders", "Orders"), ("ORDERS", None)])
def test_where_two_assets_differ_in_case_alone_case_decides(name, key):
    assert asset_named(name, [AssetKey("Orders"), AssetKey("orders")]) == key
