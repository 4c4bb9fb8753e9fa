"""Going back to an earlier version: what is published again, what is pinned, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.lineage.facts.records import Materialized, Pinned, Purpose, RunFinished, RunStarted, Unpinned
from tests.engine.recorded import Recorded, stored, version_of
from tests.storage.facts import made, pinned, renamed, version

CODE = """
@asset
def a(): ...
@asset(outs=['x', 'y'])
def pair(): ...
"""


@pytest.fixture
def world(tmp_path) -> Recorded:
    return Recorded(tmp_path, CODE)


def digits(text: str) -> str:
    return version(text).removeprefix("b3:")[:12]


def test_an_earlier_version_is_published_again_and_pinned_after_that(world):
    old = version_of("a", "1")
    world.record(old, version_of("a", "2"))
    done = world.project.rollback("a", digits("1"), note="scores fell")
    began, again, pin, ended = world.facts()
    assert (type(began), type(ended)) == (RunStarted, RunFinished)
    assert isinstance(again, Materialized)
    assert isinstance(pin, Pinned)
    assert again == replace(
        old,
        id=again.id,
        run_id=began.run_id,
        started_at=again.started_at,
        duration_s=0.0,
        origin=old.id,
        reasons=({"kind": "rolled_back"},),
    )
    assert (pin.materialization_id, pin.purpose, pin.note) == (again.id, Purpose.SERVE, "scores fell")
    assert (done.pins, done.origin) == ((pin,), old.id)
    assert world.served("a") == version("1")


def test_what_was_restored_before_keeps_its_first_origin(world):
    first = version_of("a", "1")
    world.record(first, replace(first, id="m-restored", origin=first.id), version_of("a", "2"))
    assert world.project.rollback("a", "m-restored").origin == first.id


def test_all_outputs_of_a_step_go_back_together(world):
    world.record(version_of("x", "1", ["x", "y"]), version_of("x", "2", ["x", "y"]))
    done = world.project.rollback("y", digits("y 1"))
    assert [pin.target for pin in done.pins] == ["x", "y"]
    assert (world.served("x"), world.served("y")) == (version("x 1"), version("y 1"))


def test_the_latest_version_is_pinned_as_it_is(world):
    latest = version_of("a", "2")
    world.record(version_of("a", "1"), latest)
    world.project.rollback("a", digits("2"))
    assert [type(fact) for fact in world.facts()] == [RunStarted, Pinned, RunFinished]
    assert world.project.find("a").materialization.id == latest.id


def test_a_version_of_only_one_output_being_the_latest_is_published_again(world):
    old = version_of("x", "1", ["x", "y"])
    world.record(old, version_of("x", "2", ["y"]))
    world.project.rollback("x", digits("x 1"))
    assert sum(isinstance(fact, Materialized) for fact in world.facts()) == 1
    assert world.served("y") == version("y 1")


def test_a_version_made_under_an_earlier_name_goes_back_under_the_present_one(world):
    old = version_of("old", "1")
    world.record(old, renamed("old", "a"), version_of("a", "2"))
    world.project.rollback("a", old.id)
    again = next(fact for fact in world.facts() if isinstance(fact, Materialized))
    assert (again.step, [o.target for o in again.outputs]) == ("a", ["a"])


@pytest.mark.parametrize(
    ("history", "key", "which", "words"),
    [
        ([version_of("a", "1"), version_of("a", "2", published=False)], "a", digits("2"), "never published"),
        ([made("a", "1", outputs=(stored("a", "1", lost=True),))], "a", digits("1"), "is missing in this version"),
        ([version_of("gone", "1")], "gone", digits("1"), "not declared as an asset"),
        ([version_of("x", "1", ["x", "y", "z"])], "x", digits("x 1"), "does not declare alike now"),
        ([version_of("a", "1")], "a", digits("7"), "has no version"),
    ],
    ids=["held back by a check", "its bytes are gone", "gone from the code", "other outputs now", "no such version"],
)
def test_what_cannot_be_served_is_refused_and_nothing_is_recorded(world, history, key, which, words):
    world.record(*history)
    with pytest.raises(SelectionError, match=words):
        world.project.rollback(key, which)
    assert world.facts() == []


def test_of_versions_that_a_name_fits_one_whose_bytes_are_there_is_taken(world):
    whole = version_of("a", "1")
    world.record(whole, replace(whole, id="m-later", outputs=(stored("a", "1", lost=True),)), version_of("a", "2"))
    assert world.project.rollback("a", digits("1")).origin == whole.id


def test_lifting_lifts_the_pins_of_all_outputs_and_no_other(world):
    both, one = version_of("x", "1", ["x", "y"]), version_of("a", "1")
    world.record(
        both, one, pinned(both, asset="x"), pinned(both, asset="y"), pinned(one), pinned(both, Purpose.KEEP, asset="x")
    )
    done = world.project.rollback("x")
    assert [(pin.target, pin.purpose) for pin in done.lifted] == [("x", Purpose.SERVE), ("y", Purpose.SERVE)]
    assert all(isinstance(fact, Unpinned) for fact in world.facts())
    assert {(pin.target, pin.purpose) for pin in world.project.pins().pins} == {
        ("a", Purpose.SERVE),
        ("x", Purpose.KEEP),
    }


def test_a_pin_that_only_keeps_bytes_is_not_lifted(world):
    kept = version_of("a", "1")
    world.record(kept, pinned(kept, Purpose.KEEP))
    with pytest.raises(SelectionError, match="not pinned to a version"):
        world.project.rollback("a")
