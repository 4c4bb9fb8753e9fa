"""What a run makes of facts that people record while it runs, and of those that it records itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.ids import AssetKey, whole
from assetctl.engine.runs.recording import Recorder
from assetctl.lineage.deciding.decide import Deliberation
from assetctl.lineage.facts.records import Fact, Position, Purpose, RunId, RunStarted, StepFailed
from tests.engine.worlds import FakeClock, World
from tests.storage.facts import forgotten, made, pinned, renamed, unpinned
from tests.storage.memory import MemoryDataStore, MemoryJournal

A = whole(AssetKey("a"))
PIN = pinned(made("a", "1"))


@pytest.fixture
def deliberation() -> Deliberation:
    """Two assets that were built, and nothing settled yet in this run."""
    world = World().asset("a", data="x").asset("b", data="y", upstream=["a"])
    world.build()
    _, deliberation = world._deliberate(())
    return deliberation


def learn(deliberation: Deliberation, *facts: Fact, settled: bool = False) -> None:
    if not settled:
        deliberation.known.unsettle(list(deliberation.known.values))
    for n, fact in enumerate(facts):
        deliberation.known.learn(Position(100 + n, "other"), fact)


@pytest.mark.parametrize(
    ("facts", "pins"),
    [
        ((PIN,), {"a": PIN}),
        ((replace(PIN, purpose=Purpose.KEEP),), {}),
        ((PIN, unpinned("a")), {}),
        ((PIN, unpinned("a", made("a", "2"))), {"a": PIN}),
        ((PIN, forgotten("a")), {}),
        ((PIN, renamed("a", "z")), {"z": replace(PIN, target=whole(AssetKey("z")))}),
    ],
)
def test_pins_set_and_lifted_meanwhile_are_known(deliberation, facts, pins):
    learn(deliberation, *facts)
    assert deliberation.known.pins == pins


@pytest.mark.parametrize("fact", [forgotten("a"), renamed("a", "z")])
def test_what_was_forgotten_meanwhile_is_not_the_latest(deliberation, fact):
    learn(deliberation, fact)
    assert A not in deliberation.known.latest


def test_what_the_run_had_settled_on_stays_what_its_readers_get(deliberation):
    learn(deliberation, forgotten("a"), settled=True)
    assert A in deliberation.known.latest


def test_nothing_is_restored_from_what_was_forgotten_meanwhile(deliberation):
    assert any(key == "a" for key, _ in deliberation.known.traces)
    learn(deliberation, forgotten("a"))
    assert {key for key, _ in deliberation.known.traces} == {"b"}


def test_a_pinned_step_is_kept_or_held_whatever_could_be_restored(deliberation):
    learn(deliberation, PIN)
    decision = deliberation.decide(deliberation.graph.steps[A.asset])
    assert (decision.action.value, decision.reusable, [type(r).__name__ for r in decision.reasons]) == (
        "held",
        None,
        ["PinNotPublished"],
    )


def test_a_failed_attempt_that_this_run_records_is_known_at_once(deliberation):
    recorder = Recorder(MemoryJournal(), FakeClock(), MemoryDataStore(), deliberation, RunId("run2"), (), "test")
    recorder.failed(deliberation.decide(deliberation.graph.steps[A.asset]), "ValueError", "no", 0.5)
    began, failed = (fact for _, fact in recorder.journal.read_since({})[0])
    assert (type(began), type(failed)) == (RunStarted, StepFailed)
    assert deliberation.known.failures == {"a": failed}
    decision = deliberation.decide(deliberation.graph.steps[A.asset])
    assert [type(r).__name__ for r in decision.reasons] == ["LastAttemptFailed"]
