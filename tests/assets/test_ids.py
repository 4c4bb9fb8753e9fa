"""Targets and partition keys: how they are written, compared and read back."""

from __future__ import annotations

import copy
import pickle

import pytest

from assetctl.assets.errors import DeclarationError
from assetctl.assets.ids import AssetKey, PartitionKey, Target, whole


@pytest.mark.parametrize(
    ("text", "asset", "partition"),
    [
        ("features", "features", None),
        ("clean/features", "clean/features", None),
        ("features[2013-03]", "features", "2013-03"),
        ("features[2013-01|EU]", "features", "2013-01|EU"),
        ("features[a/b]", "features", "a/b"),
        ("features[a]b]", "features", "a]b"),
        ("features[[x]]", "features", "[x]"),
        ("features[ä ö]", "features", "ä ö"),
    ],
)
def test_a_target_is_read_back_as_it_is_written(text, asset, partition):
    target = Target.parse(text)
    assert (target.asset, target.partition_key, str(target)) == (asset, partition, text)
    assert Target.parse(str(target)) == target
    for same in (pickle.loads(pickle.dumps(target)), copy.deepcopy(target)):
        assert (same, same.asset, same.partition_key) == (target, asset, partition)


@pytest.mark.parametrize("text", ["", "features[]", "features[x", "[x]", "a b", "features[x]y", "features[a\nb]"])
def test_what_is_no_target_is_refused(text):
    with pytest.raises(DeclarationError):
        Target.parse(text)


@pytest.mark.parametrize("key", ["ä", "größe", "clean/ä", "ключ", "a b", "x²", "a:b"])
def test_a_key_of_other_characters_is_told_which_letters_are_meant(key):
    with pytest.raises(DeclarationError) as caught:
        AssetKey(key)
    (problem,) = caught.value.problems
    segment = key.rpartition("/")[2]
    assert f"segment {segment!r} has other characters than the letters a to z, digits, `_`, `.`, `-`" in problem.message
    assert "a to z and A to Z" in str(problem.hint)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\tb", "a\x00", "a\u2028b", "a\x7f"])
def test_a_partition_key_has_up_to_200_characters_none_of_them_control(key):
    with pytest.raises(DeclarationError):
        PartitionKey(key)
    assert PartitionKey("x" * 200) == "x" * 200


def test_targets_are_equal_and_ordered_by_their_text():
    months = [Target.parse(f"features[2013-{month:02}]") for month in (3, 1, 2)]
    assert [t.partition_key for t in sorted(months)] == ["2013-01", "2013-02", "2013-03"]
    assert len({*months, *map(copy.copy, months), whole(AssetKey("features"))}) == 4
    assert whole(AssetKey("features")).partition_key is None


def test_a_target_does_not_change():
    target = Target.parse("features[2013-03]")
    for name in ("asset", "partition_key", "other"):
        with pytest.raises(AttributeError):
            setattr(target, name, "x")
