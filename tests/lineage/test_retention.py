"""Which records belong to which asset after renaming and forgetting, as tables of literals."""

from __future__ import annotations

import pytest

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.records import Fact, Position
from assetctl.lineage.facts.retention import forgotten_spans, name_now, name_spans
from tests.storage.facts import forgotten, renamed

Spans = list[tuple[str, int | None, int | None]]


def placed(*facts: Fact) -> list[tuple[Position, Fact]]:
    """Facts at places 10, 20, ..., given in an order that says nothing."""
    return [(Position(10 * n, "s"), fact) for n, fact in enumerate(facts, start=1)][::-1]


def as_numbers(spans: object) -> Spans:
    numbered = [(str(s.asset), s.since and s.since.counter, s.until and s.until.counter) for s in spans]  # type: ignore[attr-defined]
    return [(name, since or None, until or None) for name, since, until in numbered]


@pytest.mark.parametrize(
    ("facts", "key", "spans"),
    [
        ((), "a", [("a", None, None)]),
        ((renamed("a", "b"),), "b", [("b", None, None), ("a", None, 10)]),
        ((renamed("a", "b"),), "a", [("a", 10, None)]),
        ((renamed("a", "b"), renamed("b", "c")), "c", [("c", None, None), ("b", None, 20), ("a", None, 10)]),
        ((renamed("a", "b"), renamed("b", "a")), "a", [("a", 10, None), ("b", None, 20), ("a", None, 10)]),
        ((renamed("a", "b"), renamed("a", "c")), "c", [("c", None, None), ("a", 10, 20)]),
        ((renamed("x", "y"),), "a", [("a", None, None)]),
    ],
)
def test_records_of_an_asset_are_found_under_the_names_it_had(facts: tuple[Fact, ...], key: str, spans: Spans) -> None:
    assert as_numbers(name_spans(placed(*facts), AssetKey(key))) == spans


@pytest.mark.parametrize(
    ("facts", "spans"),
    [
        ((forgotten("a"),), [("a", None, 10)]),
        ((forgotten("a"), forgotten("a")), [("a", None, 10), ("a", None, 20)]),
        ((renamed("a", "b"), forgotten("b")), [("b", None, 20), ("a", None, 10)]),
        ((renamed("a", "b"), forgotten("a")), [("a", 10, 20)]),
        ((forgotten("a"), renamed("a", "b")), [("a", None, 10)]),
    ],
)
def test_forgetting_reaches_what_the_asset_recorded_until_then(facts: tuple[Fact, ...], spans: Spans) -> None:
    assert as_numbers(forgotten_spans(placed(*facts))) == spans


@pytest.mark.parametrize(("key", "position", "now"), [("a", 5, "c"), ("a", 15, "d"), ("b", 15, "c"), ("x", 5, "x")])
def test_a_record_is_known_by_the_name_that_its_asset_has_now(key: str, position: int, now: str) -> None:
    facts = placed(renamed("a", "b"), renamed("b", "c"), renamed("a", "d"))
    assert name_now(facts, AssetKey(key), Position(position, "s")) == now
