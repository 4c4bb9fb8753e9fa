"""`decide` as tables: what one step needs, by what is known of it, of its upstreams and of its checks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.staleness import Fresh, Stale
from assetctl.lineage.facts.records import CodeIdentity, CodeVersion, Trace, Undeclared
from assetctl.lineage.facts.snapshot import OutputState
from tests.lineage.deliberations import EVERYTHING, THEN, A, X, Y, decide, definition, deliberation, made, output, step
from tests.storage.facts import checked, digest, failed, pinned

MISSING, CORRUPT = OutputState.MISSING, OutputState.CORRUPT
V2 = CodeIdentity(CodeVersion("v2"))
PUZZLE = CodeIdentity(CodeVersion("v1"), undecidable=("house.py:2 an open socket",))
SETTLED = {"a": "1", "x": "1", "y": "1"}
OTHER = {**SETTLED, "a": "2"}  # `a` holds other data than what was read of it
OF_OTHER = made("x", "2", reads={"a": "2"})
RESTORABLE = {"settled": OTHER, "traces": [OF_OTHER]}
USED = Undeclared("file", "scale.txt", digest("scale"))


def check(expected: str, key: str = "x", *recorded, **known) -> None:
    """Compare with "action Reason Reason ..."; of `x` and `y`, which one step makes, where no other key is given."""
    decision = decide(deliberation(*(recorded or EVERYTHING), **{"settled": SETTLED, **known}), step(key))
    assert " ".join([decision.action.value, *(type(r).__name__ for r in decision.reasons)]) == expected


def test_what_was_never_made_is_run():
    check("run NeverMaterialized", "x", made("a"))


def test_where_nothing_differs_it_is_kept():
    check("keep")


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("run CodeChanged", {"code": {"x": V2}}, id="its code"),
        pytest.param("run UpstreamChanged", {"settled": OTHER}, id="an upstream's data"),
        pytest.param("run Forced", {"forced": "x"}, id="forced, if only for one of its outputs"),
        pytest.param("run Undecidable", {"code": {"x": PUZZLE}}, id="code without an identity"),
        pytest.param("run CodeChanged", {"settled": {}, "code": {"x": V2}}, id="its code, whatever its upstream gives"),
        pytest.param("maybe", {"settled": {}}, id="an upstream that is not known yet"),
    ],
)
def test_what_differs_makes_it_run_or_wait(expected, known):
    check(expected, **known)


def test_a_changed_source_makes_its_reader_run():
    check("run SourceChanged", "a", sources={"s": "2"})


def test_what_is_waited_for_counts_as_what_is_read_does():
    check("run UpstreamChanged", "w", settled=OTHER)


@pytest.mark.parametrize(("key", "settled", "waits_for"), [("x", {}, (A,)), ("b", {"x": "1"}, (Y,))])
def test_what_it_waits_for_is_named(key, settled, waits_for):
    assert decide(deliberation(*EVERYTHING, settled=settled), step(key)).waiting_on == waits_for


def test_a_step_runs_for_any_one_of_its_outputs():
    decision = decide(deliberation(*EVERYTHING, settled=SETTLED, forced="y"), step("x"))
    assert (decision.verdicts[X], type(decision.verdicts[Y])) == (Fresh(), Stale)
    assert decision.action is Action.RUN


# --- stored bytes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("keep", {"states": {"x": MISSING}}, id="missing, wanted by nobody"),
        pytest.param("keep", {"states": {"x": CORRUPT}}, id="corrupt, wanted by nobody"),
        pytest.param("keep", {"states": {"x": MISSING}, "named": "y"}, id="missing, while the other output is wanted"),
        pytest.param("keep", {"states": {"x": CORRUPT}, "named": "y"}, id="corrupt, while the other output is wanted"),
        pytest.param("run OutputMissing", {"states": {"x": MISSING}, "named": "x"}, id="missing and named"),
        pytest.param("run OutputCorrupt", {"states": {"x": CORRUPT}, "named": "x"}, id="corrupt and named"),
        pytest.param("run OutputMissing", {"states": {"y": MISSING}, "named": "y"}, id="the second output, missing"),
        pytest.param("run OutputCorrupt", {"states": {"y": CORRUPT}, "named": "xy"}, id="the second output, corrupt"),
        pytest.param("run OutputMissing", {"gone": "y"}, id="what it did outside is gone"),
    ],
)
def test_lost_bytes_are_a_reason_only_where_they_are_wanted(expected, known):
    check(expected, **known)


@pytest.mark.parametrize(("state", "reason"), [(MISSING, "OutputMissing"), (CORRUPT, "OutputCorrupt")])
def test_bytes_that_a_step_demands_are_wanted(state, reason):
    asked = deliberation(*EVERYTHING, settled=SETTLED, states={"y": state})
    asked.known.demand([Y])
    assert [type(r).__name__ for r in decide(asked, step("x")).reasons] == [reason]


# --- restoring -------------------------------------------------------------------------


def test_what_was_made_of_the_same_before_is_restored():
    check("restore UpstreamChanged", settled=OTHER, traces=[OF_OTHER])
    check("restore NeverMaterialized", "x", made("a"), traces=[made("x")])


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("run UpstreamChanged", {"traces": [made("x")]}, id="it was made of other data"),
        pytest.param("run UpstreamChanged", {"traces": [replace(OF_OTHER, step=A)]}, id="another step made it"),
        pytest.param(
            "run UpstreamChanged", {"traces": [replace(OF_OTHER, outputs=OF_OTHER.outputs[:1])]}, id="one output lacks"
        ),
        pytest.param("run UpstreamChanged Forced", {"traces": [OF_OTHER], "forced": "y"}, id="it is forced"),
        pytest.param("run UpstreamChanged OutputMissing", {"traces": [OF_OTHER], "gone": "y"}, id="it is gone outside"),
        pytest.param(
            "run UpstreamChanged Undecidable", {"traces": [OF_OTHER], "code": {"x": PUZZLE}}, id="its code is a puzzle"
        ),
        pytest.param(
            "run UpstreamChanged", {"traces": [replace(OF_OTHER, undeclared=(USED,))]}, id="a file it used has changed"
        ),
    ],
)
def test_what_may_not_answer_is_not_restored(expected, known):
    check(expected, settled=OTHER, **known)


def test_what_used_a_file_that_is_as_it_was_is_restored():
    trace = replace(OF_OTHER, undeclared=(USED,))
    check("restore UpstreamChanged", settled=OTHER, traces=[trace], used={"scale.txt": digest("scale")})


def test_a_file_that_was_used_without_being_declared_counts():
    users = [m if m.step != "x" else replace(m, undeclared=(USED,)) for m in EVERYTHING]
    check("keep", "x", *users, used={"scale.txt": digest("scale")})
    check("run ObservedChanged", "x", *users, used={"scale.txt": digest("other")})
    check("run ObservedChanged", "x", *users)


# --- failures --------------------------------------------------------------------------


def attempt(**reads):
    return replace(failed("x"), provenance=made("x", reads=reads).provenance.digest)


def test_a_failed_attempt_counts_only_while_nothing_has_changed():
    check("run LastAttemptFailed", failures=[attempt(a="1")])
    check("keep", failures=[attempt(a="2")])


def test_an_input_that_changed_meanwhile_is_no_ground_to_keep():
    unsound = [m if m.step != "x" else replace(m, trace=Trace.INPUT_CHANGED) for m in EVERYTHING]
    check("run InputChangedDuringRun", "x", *unsound)


# --- pins ------------------------------------------------------------------------------

PINS = [pinned(made("x"), asset=key) for key in ("x", "y")]


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("keep", {}, id="nothing differs"),
        pytest.param("keep", {"code": {"x": V2}}, id="its code differs"),
        pytest.param("keep", {"settled": {}}, id="its upstream is not known"),
        pytest.param("keep", {"forced": "x"}, id="forced, which the request should not have let through"),
        pytest.param("keep", {"settled": OTHER, "traces": [OF_OTHER]}, id="something else could be restored"),
        pytest.param("keep", {"states": {"y": MISSING}}, id="its bytes are lost, and nobody wants them"),
        pytest.param("held OutputMissing", {"states": {"y": MISSING}, "named": "y"}, id="its bytes are lost"),
        pytest.param("held OutputCorrupt", {"states": {"x": CORRUPT}, "named": "x"}, id="its bytes are damaged"),
    ],
)
def test_a_pinned_step_is_kept_or_held_and_never_built(expected, known):
    check(expected, pins=PINS, **known)


def test_a_pin_to_what_is_not_published_holds():
    check("held PinNotPublished", "x", made("a"), made("x", "2"), pins=PINS)
    check("held PinNotPublished", "x", made("a"), pins=PINS, traces=[made("x")])


def test_of_a_pinned_step_the_pins_are_told_and_no_check_is_asked():
    known = deliberation(*EVERYTHING, pins=PINS, checks={"x": ["ok"]}, **RESTORABLE)
    decision = decide(known, step("x"))
    assert (decision.pins, decision.reusable, decision.pending_checks) == (
        dict(zip((X, Y), PINS, strict=True)),
        None,
        {},
    )


# --- checks ----------------------------------------------------------------------------

REFUSED_1, REFUSED_2 = checked("x", "1", passed=False), checked("x", "2", passed=False)
CHECKS = {"x": ["ok"], "y": ["fine"]}


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        pytest.param("keep", {"answers": [checked("x", "1")]}, id="it said yes"),
        pytest.param("run CheckFailed", {"answers": [REFUSED_1]}, id="no to what is published, which is no candidate"),
        pytest.param("keep", {"answers": [replace(REFUSED_1, blocking=False)]}, id="no, as a warning"),
        pytest.param("keep", {"answers": [REFUSED_2]}, id="no to other data"),
        pytest.param("keep", {"answers": [replace(REFUSED_1, definition=digest("check was"))]}, id="no, once"),
        pytest.param("held CheckFailed", {"answers": [REFUSED_1], "traces": [made("x")]}, id="no to the candidate"),
        pytest.param(
            "held UpstreamChanged CheckFailed",
            {"answers": [replace(REFUSED_2, target=Y, check="fine", definition=digest("check fine"))], **RESTORABLE},
            id="no to the second output of what would be restored",
        ),
        pytest.param("restore UpstreamChanged", {"answers": [checked("x", "2")], **RESTORABLE}, id="yes to that"),
    ],
)
def test_what_a_blocking_check_refused_is_not_published(expected, known):
    check(expected, checks=CHECKS, **known)


@pytest.mark.parametrize(
    ("pending", "known"),
    [
        pytest.param(CHECKS, {}, id="kept, never asked"),
        pytest.param({"y": ("fine",)}, {"answers": [checked("x", "1")]}, id="kept, one of them answered"),
        pytest.param({"x": ("ok",), "y": ("fine",)}, {"answers": [checked("x", "2")]}, id="answered for other data"),
        pytest.param(
            {"y": ("fine",)}, {"answers": [checked("x", "2")], **RESTORABLE}, id="restored, one of them answered"
        ),
        pytest.param(
            CHECKS, {"answers": [checked("x", "1")], "code": {"x": V2}}, id="run: both, of whatever comes out"
        ),
        pytest.param(CHECKS, {"answers": [checked("x", "1")], "settled": {}}, id="may run"),
    ],
)
def test_checks_without_an_answer_for_what_readers_would_get_are_pending(pending, known):
    decision = decide(deliberation(*EVERYTHING, **{"settled": SETTLED, "checks": CHECKS, **known}), step("x"))
    assert decision.pending_checks == {key: tuple(names) for key, names in pending.items()}


# --- earlier formats of identity -------------------------------------------------------


def test_what_was_recorded_in_an_earlier_format_is_kept_as_it_is_and_made_anew_in_the_present_one():
    records = [made("a"), made("x", code=THEN)]
    kept = decide(deliberation(*records, settled=SETTLED), step("x"))
    assert (kept.action, kept.provenance) == (Action.KEEP, records[1].provenance)
    for settled, action in ((OTHER, Action.RUN), ({}, Action.MAYBE)):
        made_anew = decide(deliberation(*records, settled=settled), step("x"))
        assert (made_anew.action, made_anew.inputs.definition) == (action, definition("v1"))


def test_a_trace_of_an_earlier_format_is_restored_with_its_own_provenance():
    trace = made("x", "2", code=THEN, reads={"a": "2"})
    decision = decide(deliberation(made("a"), made("x", code=THEN), settled=OTHER, traces=[trace]), step("x"))
    assert (decision.action, decision.reusable, decision.provenance) == (Action.RESTORE, trace, trace.provenance)


def test_a_check_that_failed_for_one_output_says_nothing_of_another_with_the_same_data():
    two_and_one = replace(made("x", reads={"a": "2"}), outputs=(output("x", "2"), output("y", "1")))
    refused = checked("x", "1", passed=False)  # data that `y` would hold, and `x` would not
    known = {"checks": {"x": ["ok"]}, "settled": OTHER, "traces": [two_and_one], "answers": [refused]}
    check("restore UpstreamChanged", "x", made("a"), made("x", "3"), **known)
