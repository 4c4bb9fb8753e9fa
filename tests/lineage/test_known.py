"""What a deliberation makes of facts and of what came of a step, as tables of literals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import CodeIdentity, CodeVersion, Fact, Position, Purpose, Trace
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from tests.lineage.deliberations import (
    EVERYTHING,
    A,
    B,
    S,
    X,
    Y,
    by_provenance,
    decide,
    deliberation,
    identities,
    made,
    output,
    step,
)
from tests.storage.facts import (
    checked,
    every_fact,
    failed,
    forgotten,
    pinned,
    renamed,
    unpinned,
    value,
)

LATER = Position(100, "other")
HELD_BACK = made("x", "2", published=False)
PIN, OTHER_PIN = pinned(made("a")), pinned(made("a", "2"))


def versions(asked, *keys):
    """What readers get of some assets, and what was published last of them, as text."""
    names = {value(text).version: text for text in ("1", "2")}
    get = {key: None if (v := asked.known.values.get(key)) is None else names[v.version] for key in keys}
    last = {key: names[r.output.value.version] for key in keys if (r := asked.known.latest.get(key)) is not None}
    return get, last


# --- learning facts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settled", "fact", "readers_get", "published_last", "news"),
    [
        pytest.param({}, made("x", "2"), [None, None], ["2", "2"], ["x", "y"], id="published, nothing settled yet"),
        pytest.param({"x": "1", "y": "1"}, made("x", "2"), ["2", "2"], ["2", "2"], ["x", "y"], id="published, settled"),
        pytest.param({"y": "1"}, made("x", "2"), [None, "2"], ["2", "2"], ["x", "y"], id="published, one settled"),
        pytest.param(
            {"x": "1", "y": "1"},
            replace(made("x", "2"), outputs=(output("y", "2"),)),
            ["1", "2"],
            ["1", "2"],
            ["y"],
            id="the second output only",
        ),
        pytest.param({"x": "1", "y": "1"}, HELD_BACK, ["1", "1"], ["1", "1"], [], id="held back by a check"),
        pytest.param({"x": "1", "y": "1"}, failed("x"), ["1", "1"], ["1", "1"], [], id="failed"),
        pytest.param({"x": "1", "y": "1"}, forgotten("x", "y"), ["1", "1"], ["1", "1"], [], id="forgotten, settled"),
        pytest.param({"y": "1"}, forgotten("x", "y"), [None, "1"], [None, "1"], [], id="forgotten, one settled"),
        pytest.param({}, renamed("y", "z"), [None, None], ["1", None], [], id="renamed"),
        pytest.param({"y": "1"}, renamed("y", "z"), [None, "1"], ["1", "1"], [], id="renamed, settled"),
    ],
)
def test_readers_get_what_was_published_last_and_keep_what_was_settled(
    settled, fact, readers_get, published_last, news
):
    asked = deliberation(*EVERYTHING, settled=settled)
    assert [o.target for o in asked.known.learn(LATER, fact)] == news
    get, last = versions(asked, X, Y)
    assert ([get[X], get[Y]], [last.get(X), last.get(Y)]) == (readers_get, published_last)


def test_a_record_that_was_learned_is_known_with_its_place():
    asked, fact = deliberation(), made("x", "2")
    asked.known.learn(LATER, fact)
    assert dict(asked.known.latest) == {o.target: Recorded(LATER, fact, o) for o in fact.outputs}


@pytest.mark.parametrize(
    ("facts", "failures"),
    [
        ([failed("x")], [X]),
        ([failed("x"), made("x")], []),
        ([failed("x"), HELD_BACK], []),
        ([failed("x"), made("a")], [X]),
        ([failed("x"), forgotten("x")], []),
        ([failed("x"), renamed("x", "z")], []),
        ([made("x"), failed("x"), failed("a")], [X, A]),
    ],
)
def test_a_failure_is_known_until_something_better_follows(facts, failures):
    asked = deliberation()
    for fact in facts:
        asked.known.learn(LATER, fact)
    assert dict(asked.known.failures) == {key: failed(key) for key in failures}


@pytest.mark.parametrize(
    ("facts", "pins"),
    [
        ([PIN], {"a": PIN}),
        ([PIN, OTHER_PIN], {"a": OTHER_PIN}),
        ([replace(PIN, purpose=Purpose.KEEP)], {}),
        ([PIN, unpinned("a")], {}),
        ([PIN, unpinned("a", made("a"))], {}),
        ([PIN, unpinned("a", made("a", "2"))], {"a": PIN}),
        ([PIN, unpinned("a", made("a"), Purpose.KEEP)], {"a": PIN}),
        ([unpinned("a")], {}),
        ([PIN, forgotten("a")], {}),
        ([PIN, forgotten("b")], {"a": PIN}),
        ([PIN, renamed("a", "z")], {"z": replace(PIN, target=Target.parse("z"))}),
    ],
)
def test_pins_set_and_lifted_meanwhile_are_known(facts, pins):
    asked = deliberation()
    for fact in facts:
        asked.known.learn(LATER, fact)
    assert asked.known.pins == pins


@pytest.mark.parametrize(
    ("facts", "answers"),
    [
        ([checked("a", "1")], [checked("a", "1")]),
        ([checked("a", "1"), checked("a", "1", passed=False)], [checked("a", "1", passed=False)]),
        ([checked("a", "1"), checked("a", "2")], [checked("a", "1"), checked("a", "2")]),
        ([checked("a", "1"), checked("b", "2"), forgotten("a")], [checked("b", "2")]),
        ([checked("a", "1"), renamed("a", "z")], []),
    ],
)
def test_the_last_answer_of_a_check_about_a_version_counts(facts, answers):
    asked = deliberation()
    for fact in facts:
        asked.known.learn(LATER, fact)
    assert list(asked.known.checks.values()) == answers


@pytest.mark.parametrize(
    ("fact", "restorable"),
    [
        pytest.param(HELD_BACK, ["a", "b", "x 1", "x 2"], id="held back: not to be made again"),
        pytest.param(replace(HELD_BACK, trace=Trace.INPUT_CHANGED), ["a", "b", "x 1"], id="held back, and not sound"),
        pytest.param(made("x", "2"), ["a", "b", "x 1"], id="published: what is published last answers for itself"),
        pytest.param(forgotten("a"), ["b", "x 1"], id="forgotten"),
        pytest.param(forgotten("y"), ["a", "b"], id="forgotten, if only one of several outputs"),
        pytest.param(forgotten("b", "a"), ["x 1"], id="several forgotten"),
        pytest.param(renamed("a", "z"), ["a", "b", "x 1"], id="renamed"),
    ],
)
def test_what_can_be_restored_follows_what_is_recorded(fact, restorable):
    asked = deliberation(traces=[made("a"), made("b"), made("x", reads={"a": "2"})])
    asked.known.learn(LATER, fact)
    texts = {value("1").version: "1", value("2").version: "2"}
    names = {
        f"{m.step} {texts[m.outputs[0].value.version]}" if m.step == "x" else m.step
        for m in asked.known.traces.values()
    }
    assert sorted(names) == restorable


def test_facts_of_which_nothing_follows_change_nothing():
    kinds = {"RunStarted", "RunFinished", "SymbolText", "CodeRecorded", "SourceObserved"}
    facts: list[Fact] = [fact for fact in every_fact() if type(fact).__name__ in kinds]
    assert {type(fact).__name__ for fact in facts} == kinds
    asked, before = deliberation(*EVERYTHING), deliberation(*EVERYTHING)
    assert [asked.known.learn(LATER, fact) for fact in facts] == [()] * len(facts)
    assert everything_of(asked) == everything_of(before)


# --- going through the graph -----------------------------------------------------------


def everything_of(asked):
    of = (
        asked.known.latest,
        asked.known.failures,
        asked.known.checks,
        asked.known.pins,
        asked.known.states,
        asked.known.traces,
        asked.known.values,
    )
    return [*map(dict, of), set(asked.known.demanded), set(asked.known.gone)]


def test_at_first_sources_give_what_was_observed_and_assets_out_of_scope_what_was_published_last():
    asked = deliberation(*EVERYTHING, scope="xb", sources={"s": "2"})
    assert versions(asked, S, A, X, B)[0] == {S: "2", A: "1", X: None, B: None}


V2 = CodeIdentity(CodeVersion("v2"))
READ_2 = made("x", "2", reads={"a": "2"})


@pytest.mark.parametrize(
    ("known", "assumed"),
    [
        pytest.param({}, "1", id="kept"),
        pytest.param({"code": {"x": V2}}, None, id="run"),
        pytest.param({"settled": {}}, None, id="may run"),
        pytest.param({"settled": {"a": "2"}, "traces": [READ_2]}, "2", id="restored"),
        pytest.param({"states": {"y": OutputState.MISSING}, "named": "y"}, "1", id="run to bring lost bytes back"),
        pytest.param({"states": {"y": OutputState.CORRUPT}, "named": "y"}, "1", id="run to replace damaged bytes"),
        pytest.param({"states": {"y": OutputState.MISSING}, "named": "y", "code": {"x": V2}}, None, id="and for more"),
        pytest.param(
            {
                "checks": {"x": ["ok"]},
                "answers": [checked("x", "2", passed=False)],
                "settled": {"a": "2"},
                "traces": [READ_2],
            },
            None,
            id="held",
        ),
    ],
)
def test_a_plan_assumes_what_readers_would_get(known, assumed):
    world = deliberation(*EVERYTHING, **{"settled": {"a": "1"}, **known})
    world.assume(decide(world, step("x")))
    assert versions(world, X, Y)[0] == {X: assumed, Y: assumed}


def test_a_plan_assumes_that_readers_of_a_pinned_asset_get_it_though_its_bytes_are_lost():
    pins = [pinned(made("x"), asset=key) for key in ("x", "y")]
    asked = deliberation(*EVERYTHING, pins=pins, states={"y": OutputState.MISSING}, named="y")
    asked.assume(decide(asked, step("x")))
    assert versions(asked, X, Y)[0] == {X: "1", Y: "1"}


def test_nothing_is_assumed_of_what_was_never_made():
    asked = deliberation(made("a"), settled={"a": "1"})
    asked.assume(decide(asked, step("x")))
    assert versions(asked, X, Y) == ({X: None, Y: None}, {})


def test_a_run_begins_without_assumptions_and_settles_what_is_delivered():
    asked = deliberation(*EVERYTHING, settled={"a": "2", "x": "2", "y": "2"})
    asked.known.unsettle([A, X, Y])
    assert versions(asked, A, X, Y)[0] == {A: None, X: None, Y: None}
    asked.known.deliver(identities(made("x").outputs))
    assert versions(asked, A, X, Y)[0] == {A: None, X: "1", Y: "1"}


# --- bytes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "unreadable"),
    [("x", [A]), ("b", [Y]), ("w", []), ("a", [])],  # `w` only waits for `a`, and `a` reads a source
)
def test_upstreams_that_are_read_and_not_there_are_unreadable(key, unreadable):
    lost = dict.fromkeys(("s", "a", "x"), OutputState.MISSING) | {"y": OutputState.CORRUPT}
    asked = deliberation(*EVERYTHING, states=lost)
    assert list(asked.unreadable(decide(asked, step(key)))) == unreadable


def test_nothing_is_restored_from_bytes_that_are_lost_whichever_output_they_are_of():
    mine, others = made("x"), made("x", "2", reads={"a": "2"})
    for lost in mine.outputs:
        asked = deliberation(*EVERYTHING, traces=[mine, others, made("a", "2")])
        asked.known.lose(lost, OutputState.CORRUPT)
        assert [m.step for m in asked.known.traces.values()] == ["x", "a"]
        assert asked.known.traces[X, others.provenance.digest] == others
        assert dict(asked.known.states) == {lost.target: OutputState.CORRUPT}


def test_looking_at_the_bytes_of_an_output_changes_nothing_else():
    asked = deliberation(*EVERYTHING, traces=[made("x")], states={"x": OutputState.PRESENT})
    asked.known.looked_at(output("x"), OutputState.MISSING)
    assert (dict(asked.known.states), len(asked.known.traces)) == ({X: OutputState.MISSING}, 1)


def test_what_was_stored_just_now_is_there_inside_and_outside():
    asked = deliberation(*EVERYTHING, states={"x": OutputState.MISSING, "a": OutputState.MISSING}, gone=["x", "y", "b"])
    asked.known.published(made("x").outputs)
    assert dict(asked.known.states) == {A: OutputState.MISSING, X: OutputState.PRESENT, Y: OutputState.PRESENT}
    assert asked.known.gone == {B}


def test_what_others_made_can_be_restored_until_it_is_withdrawn():
    first, second = made("x"), replace(made("x", "2"), provenance=made("x").provenance)
    asked = deliberation(traces=[made("a")])
    asked.known.may_restore([first])
    asked.known.may_restore([second])  # the same provenance: the later answer counts
    assert [(m.step, m.id) for m in asked.known.traces.values()] == [("a", made("a").id), ("x", second.id)]
    asked.known.cannot_restore(second)
    assert [m.step for m in asked.known.traces.values()] == ["a"]


# --- beginning anew --------------------------------------------------------------------


def test_beginning_anew_keeps_what_was_looked_at_and_nothing_that_was_learned_or_assumed():
    asked = deliberation(*EVERYTHING, traces=[made("a")], gone=["b"])
    asked.known.lose(output("x", "1"), OutputState.MISSING)
    asked.known.missed_outside([A])
    for fact in (made("a", "2"), failed("x"), PIN, checked("a", "1")):
        asked.known.learn(LATER, fact)
    asked.known.deliver(identities([output("a", "2")]))
    asked.known.demand([Y])
    anew = asked.begin_anew(by_provenance([made("x")]))
    as_at_first = deliberation(*EVERYTHING, traces=[made("x")], gone=["b", "a"], states={"x": OutputState.MISSING})
    assert everything_of(anew) == everything_of(as_at_first)


def test_what_begins_anew_shares_nothing_with_what_went_before():
    asked = deliberation(*EVERYTHING, traces=[made("a")], gone=["b"])
    before = everything_of(asked)
    anew = asked.begin_anew({})
    anew.known.lose(output("a", "1"), OutputState.MISSING)
    anew.known.published([output("b", "1")])
    anew.known.learn(LATER, made("a", "2"))
    anew.known.deliver(identities([output("a", "2")]))
    assert everything_of(asked) == before


# --- one owner -------------------------------------------------------------------------


def test_nobody_else_can_write_what_is_known():
    known = deliberation(*EVERYTHING).known
    for name in ("latest", "failures", "checks", "pins", "states", "traces", "values"):
        with pytest.raises(TypeError):
            getattr(known, name)[A] = None
    for name in ("demanded", "gone"):
        with pytest.raises(AttributeError):
            setattr(known, name, {A})


def test_what_was_given_is_not_written_to():
    made_before = made("a")
    asked = deliberation(*EVERYTHING, states={"x": OutputState.MISSING}, traces=[made_before])
    asked.known.published(made("x").outputs)
    asked.known.cannot_restore(made_before)
    asked.known.learn(LATER, made("a", "2"))
    assert dict(asked.question.states) == {X: OutputState.MISSING}
    assert asked.snapshot.latest[A].output == output("a", "1")
