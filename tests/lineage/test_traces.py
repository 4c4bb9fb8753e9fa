"""Which earlier materializations may answer for a step, as tables of literals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.deciding.traces import renamed, trace_keys, usable_traces
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import with_former_names
from tests.lineage.deliberations import GRAPH, A, B, X, Y, by_provenance, made, output

PRESENT, MISSING, CORRUPT = OutputState.PRESENT, OutputState.MISSING, OutputState.CORRUPT
OLD, OLD_X, OLD_Y = AssetKey("old"), AssetKey("old_x"), AssetKey("old_y")


def of_old(key: str, outputs: tuple[str, ...], text: str = "1"):
    """What a step of this graph made when it was called `outputs[0]`."""
    return replace(made(key, text), step=AssetKey(outputs[0]), outputs=tuple(output(o, text) for o in outputs))


def check(expected: dict[str, str], *materializations, names=None, lost=None) -> None:
    """Compare with step → what its outputs are called; `lost` are the outputs that cannot be read."""
    graph = with_former_names(GRAPH, names or {})
    lookup = trace_keys(graph, {step.key for step in graph.steps.values()})
    states = {Target.parse(key): state for key, state in (lost or {}).items()}
    traces = by_provenance(materializations)
    usable = usable_traces(traces, lookup, lambda output: states.get(output.target, PRESENT))
    assert {key: " ".join(o.target for o in m.outputs) for (key, _), m in usable.items()} == expected
    assert all(key == m.step for (key, _), m in usable.items())


# --- where to look ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "lookup"),
    [
        pytest.param({}, {"a": ["a"], "x": ["x"]}, id="nothing was renamed"),
        pytest.param({A.asset: (OLD,)}, {"a": ["a"], "old": ["a"], "x": ["x"]}, id="renamed once"),
        pytest.param({A.asset: (OLD, A)}, {"a": ["a"], "old": ["a"], "x": ["x"]}, id="renamed, and back"),
        pytest.param(
            {A.asset: (OLD,), X.asset: (OLD,)}, {"a": ["a"], "old": ["a", "x"], "x": ["x"]}, id="both had the name"
        ),
        pytest.param({Y.asset: (OLD_Y,)}, {"a": ["a"], "x": ["x"]}, id="an output that its step does not go by"),
        pytest.param({A.asset: (X,)}, {"a": ["a"], "x": ["a", "x"]}, id="one has the name that the other gave up"),
    ],
)
def test_a_step_is_looked_up_under_every_name_it_had(names, lookup):
    graph = with_former_names(GRAPH, names)
    keys = trace_keys(graph, [A.asset, X.asset])
    assert {name: [step.key for step in steps] for name, steps in keys.items()} == lookup


# --- what may answer -------------------------------------------------------------------


@pytest.mark.parametrize("state", [MISSING, CORRUPT])
@pytest.mark.parametrize("lost", [["x"], ["y"], ["x", "y"]])
def test_what_can_be_read_only_in_part_answers_nothing(lost, state):
    check({"a": "a"}, made("a"), made("x"), lost=dict.fromkeys(lost, state))


def test_what_can_be_read_whole_answers():
    check({"a": "a", "x": "x y", "b": "b"}, made("a"), made("x"), made("b"), lost={"w": MISSING})


def test_each_provenance_answers_for_itself():
    graph_lookup = trace_keys(GRAPH, [X.asset])
    mine = [made("x", "1"), made("x", "2", reads={"a": "2"})]
    assert list(usable_traces(by_provenance(mine), graph_lookup, lambda output: PRESENT).values()) == mine


def test_what_was_made_under_an_earlier_name_answers_under_the_present_one():
    check({"a": "a"}, of_old("a", ("old",)), names={A.asset: (OLD,)})
    check({"x": "x y"}, of_old("x", ("old_x", "old_y")), names={X.asset: (OLD_X,), Y.asset: (OLD_Y,)})


def test_only_the_first_output_of_several_was_renamed():
    check({"x": "x y"}, of_old("x", ("old_x", "y")), names={X.asset: (OLD_X,)})


@pytest.mark.parametrize("is_own_first", [True, False])
def test_what_a_step_made_itself_comes_before_what_was_made_under_an_earlier_name(is_own_first):
    own, old = made("a", "2"), of_old("a", ("old",), "1")
    recorded = [own, old] if is_own_first else [old, own]
    graph = with_former_names(GRAPH, {A.asset: (OLD,)})
    (answer,) = usable_traces(by_provenance(recorded), trace_keys(graph, [A.asset]), lambda output: PRESENT).values()
    assert answer == own


def test_a_name_that_passed_on_answers_for_every_step_that_had_it():
    check({"a": "a", "b": "b"}, of_old("a", ("old",)), names={A.asset: (OLD,), B.asset: (OLD,)})


# --- under the present names -----------------------------------------------------------


def test_outputs_take_the_present_names_in_order_and_all_else_stays():
    graph = with_former_names(GRAPH, {X.asset: (OLD_X,), Y.asset: (OLD_Y,)})
    was = of_old("x", ("old_x", "old_y"))
    now = renamed(was, graph.steps[X])
    assert (now.step, [o.target for o in now.outputs]) == (X, [X, Y])
    assert replace(now, step=was.step, outputs=was.outputs) == was
    assert [replace(o, target=old.target) for o, old in zip(now.outputs, was.outputs, strict=True)] == list(was.outputs)


def test_what_was_made_with_other_outputs_or_by_a_step_that_had_one_name_stays():
    graph = with_former_names(GRAPH, {X.asset: (OLD_X,)})
    fewer = of_old("x", ("old_x",))
    assert renamed(fewer, graph.steps[X]) == fewer
    assert renamed(made("a"), GRAPH.steps[A]) == made("a")


def test_of_equal_provenance_the_last_counts():
    first, last = made("a", "1"), replace(made("a", "2"), provenance=made("a").provenance)
    assert by_provenance([first, last, made("x")]) == {
        (A, first.provenance.digest): last,
        (X, made("x").provenance.digest): made("x"),
    }
