"""`make_plan` as tables: what follows for each asset, and which lost bytes are wanted after all."""

from __future__ import annotations

import pytest

from assetctl.lineage.deciding.plan import make_plan
from assetctl.lineage.deciding.relied_on import relied_on
from assetctl.lineage.deciding.staleness import Fresh, Undecided
from assetctl.lineage.facts.records import CodeIdentity, CodeVersion
from assetctl.lineage.facts.snapshot import OutputState
from tests.lineage.deliberations import EVERYTHING, GRAPH, A, B, S, W, X, Y, deliberation, made
from tests.storage.facts import checked, pinned, value

MISSING, CORRUPT = OutputState.MISSING, OutputState.CORRUPT
V2 = CodeIdentity(CodeVersion("v2"))


def check(expected: str, *recorded, **known) -> None:
    """Compare with "a:keep x:run ...", upstreams first; "w", "y" and so on alone are kept."""
    plan = make_plan(deliberation(*(recorded or EVERYTHING), **known))
    words = [p.target if p.action.is_keep else f"{p.target}:{p.action.value}" for p in plan.steps]
    assert " ".join(words) == expected


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("a w x y b c", {}, id="nothing differs"),
        pytest.param("a:run w:maybe x:maybe y:maybe b:maybe c:maybe", {"sources": {"s": "2"}}, id="the source differs"),
        pytest.param("a w x:run y:run b:maybe c:maybe", {"code": {"x": V2}}, id="code differs in the middle"),
        pytest.param("a:run w:maybe x:run y:run b:maybe c:maybe", {"code": {"a": V2, "x": V2}}, id="two differ"),
        pytest.param("a w x y b c:run", {"code": {"c": V2}}, id="the last differs"),
        pytest.param("a:run w:run x:run y:run b:run c:run", {"forced": "awxybc"}, id="all is forced"),
        pytest.param("x y b:run", {"scope": "xyb", "code": {"a": V2, "b": V2}}, id="not all is acted on"),
    ],
)
def test_what_differs_runs_and_what_follows_may(expected, known):
    check(expected, **known)


def test_what_is_restored_tells_its_readers_what_they_would_get():
    others = [made("a", "2", reads={"s": "2"}), made("w", "2", reads={"a": "2"}), made("x", "2", reads={"a": "2"})]
    check("a:restore w:restore x:restore y:restore b:run c:run", sources={"s": "2"}, traces=others)
    check("a:restore w:run x:run y:run b:maybe c:maybe", sources={"s": "2"}, traces=others[:1])


@pytest.mark.parametrize("state", [MISSING, CORRUPT])
@pytest.mark.parametrize(
    ("expected", "lost", "known"),
    [
        pytest.param("a w x y b c", "axyb", {}, id="nobody reads anything"),
        pytest.param("a w x:run y:run b:run c", "y", {"code": {"b": V2}}, id="the output that a step reads"),
        pytest.param("a w x y b:run c", "x", {"code": {"b": V2}}, id="the output that no step reads"),
        pytest.param("a:run w x:run y:run b:run c", "ay", {"code": {"b": V2}}, id="what is read for that, too"),
        pytest.param("a w:run x y b c:maybe", "a", {"code": {"w": V2}}, id="who waits for it reads nothing"),
        pytest.param("x y b:run", "a", {"scope": "xyb", "code": {"b": V2}}, id="nothing that is acted on"),
        pytest.param("b:run", "y", {"scope": "b", "code": {"b": V2}}, id="what is read is not acted on"),
        pytest.param("a w:run x:maybe y:maybe b c:maybe", "y", {"code": {"w": V2}}, id="the reader may run"),
    ],
)
def test_lost_bytes_are_made_again_where_a_step_that_runs_reads_them(expected, lost, known, state):
    check(expected, states=dict.fromkeys(lost, state), **known)


def test_lost_bytes_wait_for_what_their_reader_waits_for():
    plan = make_plan(deliberation(*EVERYTHING, code={"w": V2}, states={"y": MISSING}))
    assert (plan["x"].verdict, plan["y"].verdict, plan["c"].verdict) == (Fresh(), Undecided((W,)), Undecided((W,)))


def test_lost_bytes_of_a_pinned_asset_hold_its_readers_back_and_do_not_make_it_wait():
    pins = [pinned(made("x"), asset=key) for key in ("x", "y")]
    check("a w:run x y b c:maybe", code={"w": V2}, states={"y": MISSING}, pins=pins)
    check("a w x:held y:held b:run c", code={"b": V2}, states={"y": MISSING}, pins=pins)


def test_a_plan_says_for_each_asset_what_would_happen_and_why():
    plan = make_plan(
        deliberation(
            *EVERYTHING,
            pins=[pinned(made("a"))],
            code={"x": V2},
            sources={"s": "2"},
            checks={"a": ["ok"], "w": ["fine", "ok"], "b": ["ok"]},
            answers=[checked("w", "1")],
        )
    )
    assert (
        str(plan).replace(value("1").version.removeprefix("b3:")[:8], "VERSION")
        == """\
fresh   a  pinned to b3:VERSION since 2026-01-02; would be stale: source `s` changed
fresh   w  checks to ask: fine
run     x  code changed
run     y  code changed
maybe   b  if y changes
maybe   c  if y changes"""
    )
    rows = plan._repr_html_().count("<tr>")
    assert rows == 1 + len(plan.steps)


@pytest.mark.parametrize(
    ("known", "is_fresh"),
    [({}, True), ({"code": {"b": V2}}, False), ({"checks": {"y": ["ok"]}}, False), ({"states": {"y": MISSING}}, True)],
)
def test_a_plan_is_fresh_if_nothing_has_to_be_done_or_asked(known, is_fresh):
    assert make_plan(deliberation(*EVERYTHING, **known)).is_fresh is is_fresh


def test_what_an_answer_rests_on_is_what_was_acted_on():
    pins = [pinned(made("x"), asset="y"), pinned(made("a"))]
    rests_on = relied_on(deliberation(*EVERYTHING, scope="xyb", pins=pins))
    assert (rests_on.graph, rests_on.sources) == (GRAPH, (S,))
    assert (sorted(rests_on.latest), dict(rests_on.pins)) == ([B, X, Y], {Y: pins[0]})
    assert A not in rests_on.latest
