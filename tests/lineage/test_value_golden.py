"""Pinned digests: `av/1` may never change, or every stored data version would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assetctl.lineage.identity.values.identify import identify_value
from tests.lineage.golden_values import CASES, table

GOLDEN = {
    "none": "b3:79e2a91ab375c31dd2eff207d4aa08b862909883e64ce76bb87d156d99753e0d",
    "numbers": "b3:2615db561bcaa5a89c39f7cc803f7634cb423ff10b39e0217da0c4f93661678e",
    "texts": "b3:7cfdd8a8c956455c2506b3f86abb377b9cea2490eaab3f27d4dd06d20f291b59",
    "containers": "b3:16f6b7278b3b7da2057ad3b31e95262abf4dc16ad2532fe60bed13fbe2c7f7b1",
    "times": "b3:73b56c152c004f353d5db312e2eaf9d004bd0ef2efbf2091b7989ab74cebdd76",
    "long floats": "b3:265c081a6deb01169f1179dd25af36d275d930ae973d07886a4778bc3ccbc7f9",
    "array": "b3:2041acc44f1f28bfddf0a5f59d493139819480546b4d3cc5edd6eb15c3273650",
    "records": "b3:c04fb3d241d4259999cbe7502006c0268699504ce8ea57d6ff0002677045bf17",
    "large array": "b3:75b3bac48cfa310d3089558f485a1030401dd5f73772ac6ed14cece30a3d6705",
    "sparse": "b3:49878e41c1a6abc030e206dc366deba90b20960b31cfbe5d81aa39792db3b939",
    "table": "b3:4da422cfb189d222340ccb88dc5258e28c40c47070929c09cb65c1f3edd13932",
    "large column": "b3:43e88ae0f79b5103a74d4421db2a13c63de6771eb70de1e9efd619206f322076",
    "pandas": "b3:059e674ca12c1728b9b6b3e813b6a7788dfbe3dae6338e2fa83a3f67e9537ca8",
    "polars": "b3:47ca4e31ebd659869d1d0f0d90c469e26921c0f624bed3383b896b76a5ff9d1a",
}

UNORDERED = "b3:6ed1eee03c1d4202b8f66d1f6304d4dadf007d20606bf7cf1733894fd69dfe86"

GOLDEN |= json.loads(Path(__file__).with_name("golden_digests.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_the_digest_is_the_pinned_one(name: str) -> None:
    assert identify_value(CASES[name]()).version == GOLDEN[name]


def test_every_pinned_digest_has_its_value() -> None:
    assert set(GOLDEN) == set(CASES)


def test_unordered_tables_are_pinned_too() -> None:
    assert identify_value(table(), unordered=True).version == UNORDERED
