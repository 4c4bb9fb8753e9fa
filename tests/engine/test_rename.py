"""`mv`: what of an asset's history goes on under its new name, and when the code says otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import CheckRan, Materialized, Renamed, RunFinished, RunStarted, SourceObserved
from tests.engine.recorded import Recorded, version_of
from tests.storage.facts import checked, observed, renamed, version

CODE = """
@asset
def new(): ...
@asset
def other(): ...
@asset(outs=['x', 'y'])
def pair(): ...
raw = source.file('raw.csv')
"""


@pytest.fixture
def world(tmp_path) -> Recorded:
    return Recorded(tmp_path, CODE)


def kinds(world: Recorded) -> list[type]:
    """Return the kinds of facts that were added, but for those that frame the run."""
    began, *facts, ended = world.facts()
    assert (type(began), type(ended)) == (RunStarted, RunFinished)
    return [type(fact) for fact in facts]


def test_the_name_comes_first_and_the_record_under_it_after(world):
    old = version_of("old", "1")
    world.record(old)
    moved = world.project.move("old", "new")
    assert (moved.changed, moved.data_version) == (True, version("1"))
    assert kinds(world) == [Renamed, Materialized]
    again = next(fact for fact in world.facts() if isinstance(fact, Materialized))
    assert again == replace(
        old,
        id=again.id,
        run_id=again.run_id,
        step=Target.parse("new"),
        outputs=(replace(old.outputs[0], target=Target.parse("new")),),
        started_at=again.started_at,
        duration_s=0.0,
        origin=old.id,
        reasons=({"kind": "renamed", "upstream": "old"},),
    )


def test_what_was_restored_keeps_its_first_origin(world):
    world.record(replace(version_of("old", "1"), origin="m-first"))
    world.project.move("old", "new")
    assert world.project.find("new").materialization.origin == "m-first"


def test_answers_of_checks_about_this_version_go_along_and_others_do_not(world):
    world.record(version_of("old", "0"), checked("old", "0", check="then"), version_of("old", "1"), checked("old", "1"))
    world.project.move("old", "new")
    assert [(fact.target, fact.check) for fact in world.facts() if isinstance(fact, CheckRan)] == [("new", "ok")]


def test_one_output_of_several_takes_those_along_that_are_still_its_own(world):
    both = version_of("x", "1", ["old", "y"])
    world.record(both)
    world.project.move("old", "x")
    again = world.project.find("x").materialization
    assert (again.step, [output.target for output in again.outputs]) == ("x", ["x", "y"])


def test_an_output_that_was_made_again_meanwhile_stays_as_it_is(world):
    world.record(version_of("x", "1", ["old", "y"]), version_of("x", "2", ["y"]))
    world.project.move("old", "x")
    assert [output.target for output in world.project.find("x").materialization.outputs] == ["x"]
    assert world.served("y") == version("y 2")


def test_a_source_goes_on_with_what_was_observed_last(world):
    world.record(observed("old", "1"), observed("old", "2"))
    assert world.project.move("old", "raw").data_version == version("2")
    assert kinds(world) == [Renamed, SourceObserved]


def test_a_second_call_changes_nothing(world):
    world.record(version_of("old", "1"))
    world.project.move("old", "new")
    n_facts = len(world.facts())
    assert not world.project.move("old", "new").changed
    assert len(world.facts()) == n_facts


def test_after_a_kill_between_name_and_record_the_same_call_completes_it(world):
    world.record(version_of("old", "1"), renamed("old", "new"))
    assert world.project.move("old", "new").changed
    assert kinds(world) == [Materialized]


def test_what_a_declared_alias_restored_already_only_lacks_the_name(world):
    old = version_of("old", "1")
    world.record(
        old,
        replace(old, id="m-restored", step=Target.parse("new"), origin=old.id, outputs=version_of("new", "1").outputs),
    )
    world.project.move("old", "new")
    assert kinds(world) == [Renamed]


@pytest.mark.parametrize(
    ("history", "old", "new", "words"),
    [
        ([version_of("old", "1")], "old", "nowhere", "does not declare `nowhere`"),
        ([version_of("other", "1")], "other", "new", "still declares `other`"),
        ([version_of("old", "1"), version_of("new", "2")], "old", "new", "has a history of its own"),
        ([], "old", "new", "never materialized"),
        ([], "old", "raw", "never observed"),
        ([version_of("old", "1", published=False)], "old", "new", "never materialized"),
    ],
)
def test_what_the_code_or_the_records_do_not_bear_out_is_refused(world, history, old, new, words):
    if history:
        world.record(*history)
    with pytest.raises(SelectionError, match=words):
        world.project.move(old, new)
    assert world.facts() == []
