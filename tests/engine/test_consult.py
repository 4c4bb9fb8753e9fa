"""Asking others before a step runs: what they made is restored, and bytes that cannot be had are never relied on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from assetctl.assets.ids import Target
from assetctl.engine.sharing.port import consult
from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.facts.records import Materialized, Output
from assetctl.lineage.facts.snapshot import OutputState
from tests.engine.worlds import World

A, B = Target.parse("a"), Target.parse("b")


@dataclass
class Others:
    """A shared cache of literals; it notes what it was asked."""

    made: list[Materialized] = field(default_factory=list)
    reachable: bool = True  # whether bytes can be had
    asked: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)

    def find(self, decisions: Collection[StepDecision]) -> list[Materialized]:
        self.asked += [d.step.key for d in decisions]
        known = {d.provenance.digest for d in decisions if d.provenance is not None}
        answers = [made for made in self.made if made.provenance.digest in known]
        self.made = [made for made in self.made if made not in answers]  # each answer is given once
        return answers

    def bring(self, made: Materialized) -> bool:
        self.wanted += [o.target for o in made.outputs]
        return self.reachable

    def lacking(self, outputs: Iterable[Output]) -> list[Output]:
        outputs = list(outputs)
        self.wanted += [o.target for o in outputs]
        return [] if self.reachable else outputs

    def share(self, fact: Materialized) -> None:
        raise AssertionError("asking shares nothing")

    def settle(self, is_cancelled: object) -> Iterator[object]:
        raise AssertionError("asking waits for nothing")


def chain() -> World:
    return World().asset("a", data=1).asset("b", data=lambda a: a + 1, upstream=("a",))


def made_elsewhere(*keys: str) -> list[Materialized]:
    """What another machine made of the same code."""
    world = chain()
    world.build()
    facts, _ = world.journal.read_since({})
    return [fact for _, fact in facts if isinstance(fact, Materialized) and fact.step in keys]


def deliberate(world: World, *selection: str, **options: bool) -> Deliberation:
    """Begin to decide, up to `b`: what `a` gives is known if it is kept."""
    deliberation = world.deliberate(*selection, **options)[1]
    deliberation.assume(deliberation.decide(deliberation.graph.steps[A]))
    return deliberation


def ask(others: Others, deliberation: Deliberation, key: Target) -> StepDecision:
    return consult(others, deliberation, deliberation.decide(deliberation.graph.steps[key]))


def test_what_others_made_of_exactly_this_is_restored():
    (theirs,) = made_elsewhere("a")
    others = Others([theirs])
    decision = ask(others, deliberate(chain()), A)
    assert (decision.action, decision.reusable, others.wanted) == (Action.RESTORE, theirs, ["a"])


def test_where_others_have_nothing_the_step_runs():
    others = Others()
    assert ask(others, deliberate(chain()), A).action is Action.RUN
    assert (others.asked, others.wanted) == (["a"], [])


def test_what_others_made_and_nobody_can_bring_is_built():
    decision = ask(Others(made_elsewhere("a"), reachable=False), deliberate(chain()), A)
    assert (decision.action, decision.reusable) == (Action.RUN, None)


def test_of_two_answers_the_one_that_can_be_brought_is_restored():
    (theirs,) = made_elsewhere("a")

    class OnlyOne(Others):
        def bring(self, made: Materialized) -> bool:
            return made is not theirs

    world = chain()
    world.build()
    facts, _ = world.journal.read_since({})
    own = next(f for _, f in facts if isinstance(f, Materialized) and f.step == "a")
    (of_b,) = made_elsewhere("b")
    traces = {(A, theirs.provenance.digest): theirs, (B, of_b.provenance.digest): of_b}
    deliberation = deliberate(chain()).begin_anew(traces)
    decision = ask(OnlyOne([own]), deliberation, A)
    assert (decision.action, decision.reusable) == (Action.RESTORE, own)
    assert (B, of_b.provenance.digest) in deliberation.known.traces  # what cannot be brought costs no other its trace


def test_a_forced_step_asks_nobody():
    others = Others(made_elsewhere("a"))
    assert ask(others, deliberate(chain(), "a", force=True), A).action is Action.RUN
    assert others.asked == []


def test_a_step_whose_inputs_are_not_known_yet_asks_nobody():
    others = Others(made_elsewhere("b"))
    assert ask(others, deliberate(chain()), B).action is not Action.RESTORE
    assert others.asked == []


@pytest.mark.parametrize(("selection", "wanted"), [((), []), (("b",), ["b"])])
def test_bytes_of_what_is_kept_are_fetched_only_if_a_person_named_it(selection, wanted):
    world = chain()
    world.build()
    others = Others()
    assert ask(others, deliberate(world, *selection), B).action is Action.KEEP
    assert others.wanted == wanted


def test_a_named_value_that_cannot_be_had_counts_as_missing_and_is_built():
    world = chain()
    world.build()
    deliberation = deliberate(world, "b")
    assert ask(Others(reachable=False), deliberation, B).action is Action.RUN
    assert deliberation.known.states[B] is OutputState.MISSING


def test_a_value_that_only_a_new_check_has_to_look_at_is_fetched_or_built():
    for reachable, action in ((True, Action.KEEP), (False, Action.RUN)):
        world = chain()
        world.build()
        world.check("positive", "b", lambda b: b > 0)
        others = Others(reachable=reachable)
        assert ask(others, deliberate(world), B).action is action
        assert others.wanted[0] == "b"


def test_a_step_that_runs_has_its_inputs_fetched_and_those_that_cannot_be_had_are_missing():
    world = chain()
    world.build()
    world.edit("b", code="v2")
    for reachable, state in ((True, OutputState.PRESENT), (False, OutputState.MISSING)):
        others = Others(reachable=reachable)
        deliberation = deliberate(world)
        assert ask(others, deliberation, B).action is Action.RUN
        assert (others.wanted, deliberation.known.states[A]) == (["a"], state)
