"""What runs: the planner's promise and the run loop's deeds, on the real loop with stores in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assetctl.assets.checks import CheckResult
from assetctl.lineage.deciding import reasons as r
from assetctl.lineage.deciding.events import StepFailed, StepFinished, StepKept, StepRetried, StepSkipped, event_json
from assetctl.lineage.deciding.staleness import Fresh, Stale, Undecided
from assetctl.lineage.facts.records import Digest
from tests.engine.worlds import World


@pytest.fixture
def chain() -> World:
    """a -> b -> c, where b passes on the first letter of what a says."""
    world = World()
    world.asset("a", data="apple").asset("b", upstream=["a"], data=lambda a: a[0]).asset(
        "c", upstream=["b"], data=lambda b: b * 3
    )
    return world


def test_a_first_build_runs_everything_upstreams_first(chain):
    assert chain.build().ran == ["a", "b", "c"]
    assert chain.value("c") == "aaa"


def test_after_a_build_the_plan_is_all_fresh_and_a_second_build_records_nothing(chain):
    chain.build()
    facts = len(chain.journal.read_since({})[0])
    assert set(chain.plan().values()) == {Fresh()}
    assert chain.build().ran == []
    assert len(chain.journal.read_since({})[0]) == facts


def test_editing_an_asset_makes_it_stale_and_its_downstream_undecided(chain):
    chain.build()
    chain.edit("a", code="v2")
    assert chain.plan() == {"a": Stale((r.CodeChanged("v1", "v2"),)), "b": Undecided(("a",)), "c": Undecided(("b",))}


def test_equal_output_upstream_spares_the_downstream(chain):
    chain.build()
    chain.edit("a", code="v2", data="avocado")  # b's first letter stays
    built = chain.build()
    assert built.ran == ["a", "b"]
    assert built.fresh == ["c"]
    kept = [e for e in built.result.events if isinstance(e, StepKept)]
    assert [(e.step, e.by_cutoff) for e in kept] == [("c", True)]


def test_forcing_an_upstream_with_the_same_output_keeps_the_downstream(chain):
    chain.build()
    assert chain.build("a", force=True).ran == ["a"]
    assert chain.build().ran == []


def test_force_applies_to_what_is_named_not_to_its_upstreams(chain):
    chain.build()
    assert chain.build("c", force=True).ran == ["c"]


def test_undoing_an_edit_restores_without_running(chain):
    chain.build()
    chain.edit("a", code="v2", data="banana").build()
    chain.edit("a", code="v1", data="apple")
    assert chain.actions() == {"a": "restore", "b": "restore", "c": "restore"}
    built = chain.build()
    assert (built.ran, built.restored) == ([], ["a", "b", "c"])
    assert chain.value("c") == "aaa"
    assert set(chain.plan().values()) == {Fresh()}


def test_force_never_restores(chain):
    chain.build()
    chain.edit("a", code="v2", data="banana").build()
    chain.edit("a", code="v1", data="apple")
    assert chain.build("a", force=True).ran == ["a"]


def test_a_changed_source_is_a_reason_of_its_own():
    world = World().source("s", "one").asset("a", upstream=["s"])
    world.specs["a"].upstream = ()  # the function is not handed the file
    world.specs["a"].options["deps"] = ("s",)
    world.build()
    world.source("s", "two")
    (reason,) = world.plan()["a"].reasons
    assert isinstance(reason, r.SourceChanged) and reason.source == "s"


def test_a_new_and_a_removed_upstream_are_reasons(chain):
    chain.build()
    chain.asset("d", data="date").edit("b", upstream=["d"], data=lambda d: d[0])
    assert chain.plan("b")["b"] == Stale((r.UpstreamAdded("d", "d"), r.UpstreamRemoved("a", "a")))


def test_swapping_the_order_of_keyword_upstreams_keeps():
    world = World().asset("a", data=1).asset("b", data=2).asset("c", upstream=["a", "b"], data="c")
    world.build()
    world.edit("c", upstream=["b", "a"])
    assert world.plan("c")["c"] == Fresh()


def test_swapping_which_upstream_a_parameter_reads_rebuilds():
    world = World().asset("a", data=1).asset("b", data=1)
    world.asset("c", upstream=["x", "y"], data="c", ins={"x": "a", "y": "b"}).build()
    world.specs["c"].options["ins"] = {"x": "b", "y": "a"}
    assert [type(reason) for reason in world.plan("c")["c"].reasons] == [r.UpstreamAdded] * 2 + [r.UpstreamRemoved] * 2


def test_a_failure_skips_its_downstream_and_leaves_other_branches():
    world = World().asset("a", data=lambda: 1 / 0).asset("b", upstream=["a"]).asset("other", data="fine")
    built = world.build()
    assert (built.failed, built.skipped, built.materialized) == (["a"], ["b"], ["other"])
    assert built.result.exit_code == 1
    failed = next(e for e in built.result.events if isinstance(e, StepFailed))
    assert (failed.error_type, failed.message) == ("ZeroDivisionError", "division by zero")
    assert next(e for e in built.result.events if isinstance(e, StepSkipped)).because == "a"


def test_a_failed_attempt_runs_again_though_nothing_changed_and_the_rest_is_kept():
    world = World().asset("a", data=lambda: 1 / 0).asset("b", upstream=["a"]).asset("other", data="fine")
    world.build()
    assert [type(reason) for reason in world.plan("a")["a"].reasons] == [r.NeverMaterialized, r.LastAttemptFailed]
    world.specs["a"].make = lambda: "now"
    assert world.build().ran == ["a", "b"]


def test_going_back_after_a_failed_attempt_is_fresh(chain):
    chain.build()
    chain.edit("a", code="v2", data=lambda: 1 / 0).build()
    assert chain.value("a") == "apple"
    chain.edit("a", code="v1", data="apple")
    assert chain.plan()["a"] == Fresh()


def test_a_missing_output_is_rebuilt_only_if_asked_for(chain):
    chain.build()
    chain.data.lose(chain.output("b"))
    assert chain.build("c").ran == []
    assert chain.plan("b")["b"] == Stale((r.OutputMissing(),))
    assert chain.build("b").ran == ["b"]


def test_a_missing_output_is_rebuilt_when_a_step_that_runs_reads_it(chain):
    chain.build()
    chain.data.lose(chain.output("b"))
    chain.edit("c", code="v2")
    assert chain.actions("c") == {"a": "keep", "b": "run", "c": "run"}
    assert chain.build("c").ran == ["b", "c"]


def test_a_missing_output_waits_for_its_reader_to_be_decided():
    world = World().asset("a", data="x").asset("b", data="y").asset("c", upstream=["a", "b"], data="c")
    world.build()
    world.data.lose(world.output("b"))
    world.edit("a", code="v2")  # same data: c turns out fresh, so b is not needed
    assert world.plan("c")["b"] == Undecided(("a",))
    assert world.build("c").ran == ["a"]
    world.edit("a", code="v3", data="z")
    assert world.build("c").ran == ["a", "b", "c"]


def test_corrupt_bytes_are_never_handed_over_but_rebuilt(chain):
    chain.build()
    chain.data.corrupt(chain.output("b"))
    chain.edit("c", code="v2")
    built = chain.build("c")
    assert built.ran == ["b", "c"]
    assert chain.value("c") == "aaa"


def test_an_input_that_changes_while_the_asset_runs_leaves_no_trace():
    world = World().source("s", "one")

    def read() -> str:
        world.sources["s"] = "two"
        return "read one"

    world.asset("a", data=read, deps=("s",)).build()
    assert world.value("a") == "read one"
    kinds = [type(reason) for reason in world.plan()["a"].reasons]
    assert kinds == [r.SourceChanged, r.InputChangedDuringRun]
    world.source("s", "one")  # even going back does not make it trustworthy
    assert [type(reason) for reason in world.plan()["a"].reasons] == [r.InputChangedDuringRun]
    assert world.actions() == {"a": "run"}


def test_a_blocking_check_keeps_the_last_good_version_published():
    world = (
        World().asset("a", data=1).asset("b", upstream=["a"], data=lambda a: a).check("positive", "a", lambda v: v > 0)
    )
    world.build()
    world.edit("a", code="v2", data=-1)
    built = world.build()
    assert (built.ran, built.failed, built.skipped) == (["a"], ["a"], ["b"])
    assert world.value("a") == 1
    assert world.actions() == {"a": "held", "b": "maybe"}


def test_a_held_back_result_is_published_without_running_once_its_check_passes():
    world = World().asset("a", data=-1).check("positive", "a", lambda v: v > 0)
    assert world.build().failed == ["a"]
    again = world.build()
    assert (again.ran, again.failed) == ([], ["a"])
    world.check("positive", "a", lambda v: v > -5, code="v2")
    built = world.build()
    assert (built.ran, built.restored) == ([], ["a"])
    assert world.value("a") == -1
    assert world.plan()["a"] == Fresh()


def test_editing_a_check_asks_the_check_only():
    world = World().asset("a", data=1).check("positive", "a", lambda v: v > 0)
    world.build()
    asked: list[int] = []
    world.check("positive", "a", lambda v: asked.append(v) or True, code="v2")
    assert world.build().ran == []
    assert asked == [1]
    world.build()
    assert asked == [1]


def test_a_check_that_refuses_published_data_fails_the_run_and_skips_what_follows():
    world = World().asset("a", data=1).asset("b", upstream=["a"]).check("any", "a", lambda v: True)
    world.build()
    world.check("any", "a", lambda v: CheckResult(passed=False, message="one is too small"), code="v2")
    built = world.build()
    assert (built.ran, built.failed, built.skipped) == ([], ["a"], ["b"])
    assert world.plan()["a"] == Stale((r.CheckFailed("any", "one is too small"),))


def test_a_warning_check_publishes():
    world = World().asset("a", data=1).check("warns", "a", lambda v: False, blocking=False)
    assert world.build().materialized == ["a"]
    assert world.plan()["a"] == Fresh()


def test_a_check_that_raises_fails_with_its_message():
    world = World().asset("a", data="text").check("adds", "a", lambda v: v + 1)
    failed = next(e for e in world.build().result.events if isinstance(e, StepFailed))
    assert "TypeError" in failed.message


def test_only_leaves_upstreams_alone_even_if_stale(chain):
    chain.build()
    chain.edit("a", code="v2", data="banana").edit("c", code="v2")
    assert chain.build("c", only=True).ran == ["c"]
    assert chain.value("c") == "aaa"


def test_several_outputs_appear_together_and_one_selected_brings_all():
    world = World().asset("split", outs=("train", "test"), data=lambda: ("T", "t"))
    world.asset("model", upstream=["train"], data=lambda train: train + "!")
    built = world.build("model")
    assert (built.ran, built.materialized) == (["split", "model"], ["train", "test", "model"])
    assert (world.value("train"), world.value("test")) == ("T", "t")


def test_several_outputs_may_come_as_a_dict_by_key():
    world = World().asset("split", outs=("train", "test"), data=lambda: {"test": "t", "train": "T"})
    world.build()
    assert (world.value("train"), world.value("test")) == ("T", "t")


@pytest.mark.parametrize("wrong", [("T",), "T", {"train": 1, "other": 2}])
def test_outputs_that_do_not_fit_the_declaration_fail_the_step(wrong):
    world = World().asset("split", outs=("train", "test"), data=lambda: wrong)
    built = world.build()
    assert built.failed == ["train", "test"]


def test_a_value_no_codec_takes_fails_the_step_by_name():
    world = World().asset("a", data=lambda: (x for x in "abc"))
    failed = next(e for e in world.build().result.events if isinstance(e, StepFailed))
    assert "generator" in failed.message


def test_sys_exit_in_a_function_is_a_failure_of_that_step():
    def leave() -> None:
        raise SystemExit(0)

    built = World().asset("a", data=leave).asset("b", data=1).build()
    assert (built.failed, built.materialized) == (["a"], ["b"])


def test_retries_try_again_after_a_delay_and_then_succeed():
    tries: list[int] = []

    def flaky() -> int:
        tries.append(1)
        return 1 // (len(tries) - 1) if len(tries) < 3 else len(tries)

    def fails_twice() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")
        return len(tries)

    tries.clear()
    world = World().asset("a", data=fails_twice, retries=2)
    built = world.build()
    assert (built.materialized, len(tries)) == (["a"], 3)
    assert [e.attempt for e in built.result.events if isinstance(e, StepRetried)] == [2, 3]
    assert world.clock.seconds > 0


def test_a_step_whose_retries_are_used_up_fails_once():
    tries: list[int] = []

    def fails() -> int:
        tries.append(1)
        raise OSError("never")

    built = World().asset("a", data=fails, retries=1).build()
    assert (built.failed, len(tries)) == (["a"], 2)


def test_async_functions_work():
    async def later() -> str:
        return "done"

    world = World().asset("a", data=later)
    world.build()
    assert world.value("a") == "done"


def test_a_none_result_has_its_provenance_as_data_version_so_doing_it_again_counts():
    world = World().asset("a", data=lambda: None).asset("b", deps=("a",), data="b")
    world.specs["a"].make = lambda: None
    assert world.build().ran == ["a", "b"]
    assert world.build().ran == []
    world.edit("a", code="v2")
    world.specs["a"].make = lambda: None
    assert world.build().ran == ["a", "b"]


def test_a_consumer_may_mutate_what_it_was_given():
    world = World().asset("a", data=lambda: [1, 2]).asset("b", upstream=["a"], data=lambda a: a.append(3) or a)
    world.asset("c", upstream=["a"], data=lambda a: a)
    world.build()
    assert (world.value("a"), world.value("b"), world.value("c")) == ([1, 2], [1, 2, 3], [1, 2])


def test_a_clock_that_goes_backwards_does_not_change_what_is_latest(chain):
    chain.clock.tick(1000)
    chain.build()
    chain.clock.seconds = 0
    chain.edit("a", code="v2", data="banana").build()
    assert chain.value("a") == "banana"
    assert set(chain.plan().values()) == {Fresh()}


def test_equal_data_keep_the_bytes_that_are_already_stored(chain):
    chain.build()
    before = chain.output("a")
    chain.edit("a", code="v2").build()
    assert chain.output("a") == before


def test_a_renamed_asset_with_an_alias_keeps_its_history_and_its_readers():
    world = World().asset("old", data="x").asset("reader", upstream=["old"], data="r", ins={"old": "old"})
    world.asset("waits", data="w", deps=("old",)).build()
    del world.specs["old"]
    world.asset("new", data="x", aliases=("old",))
    world.specs["reader"].options["ins"] = {"old": "new"}
    world.specs["waits"].options["deps"] = ("new",)
    assert world.actions() == {"new": "restore", "reader": "keep", "waits": "keep"}
    assert world.build().ran == []
    assert world.value("new") == "x"


class Carried:
    """A class whose instances are stored; module-level, so that they can be pickled."""

    def __init__(self, k: int) -> None:
        self.k = k


def test_code_of_classes_within_a_stored_value_counts_for_its_readers():
    world = World().asset("a", data=lambda: Carried(1)).asset("reads", upstream=["a"], data=lambda a: a.k)
    world.asset("waits", deps=("a",), data="w").build()
    (name,) = [name for name in world.output("a").value.classes if name.endswith(":Carried")]
    assert set(world.plan().values()) == {Fresh()}
    world.classes[name] = "edited"
    assert (world.actions()["a"], world.actions()["waits"]) == ("keep", "keep")
    (reason,) = world.plan()["reads"].reasons
    assert reason.classes == (name,)
    assert world.build().ran == ["reads"]
    assert set(world.plan().values()) == {Fresh()}


def test_records_of_an_earlier_format_of_identity_stay_fresh_and_are_carried_on(chain):
    chain.build()
    chain.code_format = "fp/2"
    assert set(chain.plan().values()) == {Fresh()}
    assert chain.build().ran == []
    chain.edit("b", code="v2")  # a real change is one in any format
    assert chain.actions() == {"a": "keep", "b": "run", "c": "maybe"}
    assert chain.build().ran == ["b"]
    assert chain.build().ran == []
    chain.edit("a", data="banana", code="v2")
    assert chain.build().ran == ["a", "b", "c"]
    assert set(chain.plan().values()) == {Fresh()}


def test_an_asset_that_gives_other_data_from_the_same_inputs_is_said_to_be_random():
    numbers = iter(range(10))
    world = World().asset("a", data=lambda: next(numbers)).asset("b", upstream=["a"], data=lambda a: a)
    world.build()
    built = world.build("a", force=True)
    warnings = [w for e in built.result.events for w in getattr(e, "warnings", ())]
    assert len(warnings) == 1 and "`a` is not deterministic" in warnings[0]
    assert world.build().ran == ["b"]
    world.edit("a", code="v2")  # other code may well give other data
    again = world.build("a")
    assert not [w for e in again.result.events for w in getattr(e, "warnings", ())]


def test_events_are_numbered_in_order_and_say_when_by_the_clock():
    world = World()

    def slow() -> str:
        world.clock.tick(90)
        return "a"

    world.asset("a", data=slow).asset("b", upstream=["a"])
    events = world.build().result.events
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    assert (events[0].at, events[-1].at) == (began, began + timedelta(seconds=90))
    said = [event_json(event) for event in events]
    assert said[-1]["seq"] == len(events)
    assert said[-1]["at"] == "2026-01-01T00:01:30.000000+00:00"
    assert list(said[0])[:4] == ["schema", "event", "seq", "at"]


def test_the_result_s_last_event_is_the_one_that_was_said(chain):
    result = chain.build().result
    assert result.finished is result.events[-1] and result.finished.seq == len(result.events)


# --- what is said of a step ------------------------------------------------------------


def said_of(built, key: str) -> list[str]:
    return [w for e in built.result.events if isinstance(e, StepFinished) and e.step == key for w in e.warnings]


def test_not_deterministic_is_said_only_if_nothing_that_counts_differed():
    values = iter((1, 2, 3, 4))
    world = World().asset("a", data=lambda: next(values))
    world.build()
    (warning,) = said_of(world.build("a", force=True), "a")
    assert "is not deterministic" in warning
    world.undeclared["rates.csv"] = Digest("b3:1")  # it uses a file now: other data is no wonder
    assert not [w for w in said_of(world.build("a", force=True), "a") if "deterministic" in w]
    world.undeclared["rates.csv"] = Digest("b3:2")
    assert not [w for w in said_of(world.build("a"), "a") if "deterministic" in w]


def test_what_changed_while_a_step_ran_is_named_then_and_later():
    world = World().source("raw", "1").source("other", "1")
    world.asset("a", data=lambda *_: (world.source("raw", "2"), 1)[1], upstream=["raw", "other"])
    (warning,) = said_of(world.build(), "a")
    assert warning == "what `a` read (`raw`) changed while it ran, so it will be built again"
    reasons = world.plan()["a"].reasons
    assert r.InputChangedDuringRun(False, ("raw",)) in reasons
    assert r.describe(r.InputChangedDuringRun(False, ("raw", "x"))) == "`raw`, `x` changed while it ran"


def test_a_refused_result_says_how_to_look_at_it_and_a_published_one_by_its_key():
    world = World().asset("a", data=-1).check("positive", "a", lambda v: v > 0)

    def hint() -> str:
        return next(e.hint or "" for e in world.build().result.events if isinstance(e, StepFailed))

    assert "`assetctl show a@candidate` or `assetctl get a@candidate`" in hint()
    assert "`assetctl show a@" in hint() and "@candidate" not in hint()  # held back: by its version
    world.check("positive", "a", lambda v: True, code="v2").build()
    world.check("positive", "a", lambda v: v > 0, code="v3")
    assert "`assetctl show a` or `assetctl get a`" in hint()
