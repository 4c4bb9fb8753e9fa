"""Steps with several outputs, and runs that are cancelled: what a failure breaks, what is kept, what still starts."""

from __future__ import annotations

import pytest

from assetctl.lineage.deciding.events import StepFinished, StepRetried, StepSkipped
from assetctl.lineage.facts.snapshot import OutputState
from tests.engine.worlds import World


def fail(*_: object) -> object:
    raise OSError("not today")


@pytest.fixture
def split() -> World:
    """raw → (train, test) of one step → model reads train, score reads test, report reads score."""
    world = World().asset("raw", data="ab")
    world.asset("split", outs=("train", "test"), upstream=["raw"], data=lambda raw: (raw[0], raw[1]))
    world.asset("model", upstream=["train"], data=lambda train: f"model {train}")
    world.asset("score", upstream=["test"], data=lambda test: f"score {test}")
    return world.asset("report", upstream=["score"], data=lambda score: f"report {score}")


# --- a failure -------------------------------------------------------------------------


def test_a_failed_step_breaks_the_readers_of_every_output(split):
    split.edit("split", data=fail)
    built = split.build()
    assert (built.failed, sorted(built.skipped)) == (["train", "test"], ["model", "report", "score"])
    assert built.ran == ["raw", "split"]
    because = {e.step: e.because for e in built.result.events if isinstance(e, StepSkipped)}
    assert because == {"model": "train", "score": "train", "report": "train"}


def test_a_skipped_step_breaks_the_readers_of_every_output(split):
    split.edit("raw", data=fail)
    built = split.build()
    assert (built.failed, sorted(built.skipped)) == (["raw"], ["model", "report", "score", "test", "train"])
    assert {e.because for e in built.result.events if isinstance(e, StepSkipped)} == {"raw"}


@pytest.mark.parametrize("refused", ["train", "test"])
def test_a_check_that_refuses_one_output_holds_all_of_them_back_and_breaks_their_readers(split, refused):
    split.check("never", refused, lambda value: False)
    built = split.build()
    assert (built.failed, sorted(built.skipped)) == (["train", "test"], ["model", "report", "score"])
    again = split.build()
    assert (again.ran, again.failed, sorted(again.skipped)) == ([], ["train", "test"], ["model", "report", "score"])


@pytest.mark.parametrize("reader", ["model", "report"])
def test_a_failed_step_is_only_the_business_of_its_readers(split, reader):
    split.edit("score" if reader == "model" else "model", data=fail)
    assert reader in split.build().materialized


# --- one of several outputs ------------------------------------------------------------


def test_an_output_that_came_out_equal_spares_its_readers_though_another_did_not(split):
    split.build()
    split.edit("split", code="v2", data=lambda raw: (raw[0], "other"))
    built = split.build()
    assert built.ran == ["split", "score", "report"]
    (changed,) = [e.changed for e in built.result.events if isinstance(e, StepFinished) and e.step == "train"]
    assert changed == {"train": False, "test": True}


@pytest.mark.parametrize("lost", ["train", "test"])
def test_what_was_made_before_is_not_restored_if_any_of_its_bytes_is_lost(split, lost):
    split.build()
    before = split.output(lost)
    split.edit("split", code="v2", data=lambda raw: ("other", "other")).build()
    split.edit("split", code="v1", data=lambda raw: (raw[0], raw[1]))
    assert split.actions()["train"] == "restore"
    split.data.lose(before)
    assert split.actions()["train"] == "run"
    assert split.build().ran == ["split"]
    assert (split.value("train"), split.value("test")) == ("a", "b")


@pytest.mark.parametrize(("lost", "reader", "other"), [("train", "model", "score"), ("test", "score", "model")])
def test_a_damaged_output_is_made_again_for_the_step_that_reads_it(split, lost, reader, other):
    split.build()
    split.data.corrupt(split.output(lost))
    assert split.edit(other, code="v2").build().ran == [other]  # it reads the output that is not damaged
    assert split.edit(reader, code="v2").build(reader).ran == ["split", reader]
    assert split.data.state(split.output(lost)) is OutputState.PRESENT


@pytest.mark.parametrize("lose", ["lose", "corrupt"])
def test_bytes_that_nobody_wants_are_no_reason_to_build(split, lose):
    split.build()
    output = split.output("test")
    getattr(split.data, lose)(output)
    if lose == "corrupt":
        with pytest.raises(Exception, match="not what was recorded"):
            split.value("test")
        assert split.data.state(output) is OutputState.CORRUPT
    assert split.actions("train", "model")["test"] == "keep"
    assert split.build("train", "model").ran == []
    assert split.build("test").ran == ["split"]


# --- a run that is cancelled -----------------------------------------------------------


def test_a_cancelled_run_does_not_try_again():
    tries: list[int] = []
    world = World().asset("a", data=lambda: tries.append(1) or fail(), retries=5).asset("b", upstream=["a"])
    built = world.build(is_cancelled=lambda: bool(tries))
    assert (len(tries), built.failed, built.result.status) == (1, ["a"], "cancelled")
    assert not [e for e in built.result.events if isinstance(e, StepRetried)]


def test_a_run_that_is_cancelled_while_it_tries_again_stops_after_that_attempt():
    tries: list[int] = []
    world = World().asset("a", data=lambda: tries.append(1) or fail(), retries=5)
    built = world.build(is_cancelled=lambda: len(tries) == 3)
    assert (len(tries), built.failed, built.result.status) == (3, ["a"], "cancelled")
    assert [e.attempt for e in built.result.events if isinstance(e, StepRetried)] == [2, 3]


def test_a_cancelled_run_records_what_it_had_begun_and_starts_nothing_more(split):
    built = split.build(is_cancelled=lambda: "split" in split.calls)
    assert (built.ran, built.result.status) == (["raw", "split"], "cancelled")
    assert (built.materialized, built.failed, built.skipped) == (["raw", "train", "test"], [], [])
    assert sorted(split.build().ran) == ["model", "report", "score"]
