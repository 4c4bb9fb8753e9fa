"""Which names are suggested for one that is not known, and in which words."""

from __future__ import annotations

import pytest

from assetctl.assets.hints import did_you_mean, similar, suggestion


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("order", ["customers", "orders"], "did you mean `orders`?"),
        ("order", ("orders", "order_lines"), "did you mean `orders`?"),
        ("order", {"orders": 1}, "did you mean `orders`?"),
        ("order", (name for name in ["orders"]), "did you mean `orders`?"),
        ("order", ["customers"], None),
        ("order", [], None),
        ("", ["orders"], None),
    ],
)
def test_the_most_similar_name_is_suggested(name, known, hint):
    assert did_you_mean(name, known) == hint


def test_several_names_come_in_order_of_their_similarity():
    names = ["clean/model", "model_a", "models", "shuttles"]
    assert similar("model", names, limit=2) == ["models", "model_a"]
    assert similar("model", reversed(names), limit=9) == ["models", "model_a", "clean/model"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], None),
        (["a"], "did you mean `a`?"),
        (["a", "b"], "did you mean `a` or `b`?"),
        (["a", "b", "c"], "did you mean `a` or `b` or `c`?"),
    ],
)
def test_the_words_of_a_suggestion(names, words):
    assert suggestion(names) == words
