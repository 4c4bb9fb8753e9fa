"""What plans, runs and tables look like, at the widths people have."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from assetctl.assets.ids import Target
from assetctl.cli.text.render_plan import Row, plan_rows, show_plan
from assetctl.cli.text.render_run import Frame, event_lines, show_summary
from assetctl.cli.text.render_table import show_table
from assetctl.lineage.deciding import events
from assetctl.lineage.deciding.reasons import CodeChanged, Forced, NeverMaterialized
from assetctl.lineage.facts.kinds import RunStatus
from assetctl.lineage.facts.records import CheckRan, DataVersion, Digest, Output, RunId, ValueIdentity
from tests.cli.planned import busy_plan, fresh_plan, held_plan


def console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False)


def printed(shown: Console) -> list[str]:
    assert isinstance(shown.file, io.StringIO)
    return [line.rstrip() for line in shown.file.getvalue().splitlines()]


def test_a_plan_row_says_what_happens_why_and_via_whom():
    assert plan_rows(busy_plan()) == [
        Row("check", ("customers",), ("its data is fresh, but `no_nulls` was not asked about it",)),
        Row("run", ("clean",), ("code changed", "config changed: limit 1 → 2", "check `c` failed: m")),
        Row("maybe", ("train", "test"), ("if clean changes",)),
        Row(
            "restore",
            ("model",),
            (
                "upstream `train` changed (columns x, y)",
                "an earlier result was made from exactly this, so nothing runs",
            ),
        ),
        Row("maybe", ("report",), ("if test changes (begins at clean)",)),
    ]
    assert plan_rows(held_plan()) == [Row("held", ("model",), ("check `no_nulls` failed: 3 nulls",))]


def test_a_plan_at_80_columns():
    shown = console(80)
    show_plan(shown, busy_plan(), "report totals", explain=False)
    assert printed(shown) == [
        "Plan for report totals  7 assets",
        "",
        "  check    customers    its data is fresh, but `no_nulls` was not asked about it",
        "  run      clean        code changed; config changed: limit 1 → 2 (and 1 more",
        "                        reason)",
        "  maybe    train, test  if clean changes",
        "  restore  model        upstream `train` changed (columns x, y); an earlier",
        "                        result was made from exactly this, so nothing runs",
        "  maybe    report       if test changes (begins at clean)",
        "  fresh    1 asset      totals",
        "",
        "  will run 1, may run 3, restore 1, to check 1, fresh 1",
    ]


def test_a_plan_at_160_columns_explains_every_reason_when_asked():
    shown = console(160)
    show_plan(shown, busy_plan(), "", explain=True)
    lines = printed(shown)
    assert lines[0] == "Plan  7 assets"
    start = lines.index("  run      clean        code changed")
    assert lines[start + 1 : start + 3] == [f"{'':24}config changed: limit 1 → 2", f"{'':24}check `c` failed: m"]


def test_a_plan_without_work_says_so():
    shown = console()
    show_plan(shown, fresh_plan(), "model", explain=False)
    assert printed(shown)[-1] == "  everything is fresh: nothing to do for 2 assets"


def test_a_long_plan_is_cut_and_says_so():
    shown = console(160)
    show_plan(shown, busy_plan(), "", explain=False, limit=2)
    assert [line.split()[:2] for line in printed(shown)[2:6]] == [
        ["check", "customers"],
        ["run", "clean"],
        ["...", "3"],
        ["fresh", "1"],
    ]


def test_a_long_name_stays_whole_while_there_is_room():
    name = "a/very_long_name_of_an_asset_here"
    shown = console(80)
    from assetctl.cli.text.render import columns_table, text

    shown.print(columns_table(shown, [(text("run"), text(name), text("why " * 20))]))
    assert any(name in line for line in printed(shown))


def output(key: str, n_rows: int | None = 41202, size_bytes: int = 2_400_000) -> Output:
    return Output(
        Target.parse(key), ValueIdentity(DataVersion("b3:1"), "arrow.Table", n_rows), "parquet/1", None, size_bytes
    )


CLEAN = Target.parse("clean")
REASONS = (CodeChanged("b3:a", "b3:b"),)
FAILED = events.StepFailed(
    CLEAN, (CLEAN,), REASONS, "ValueError", "Input contains\nNaN\x1b", "Traceback ...\n  net.fit(X)", "epoch 1\nepoch 2", 12.0, "look"
)  # fmt: skip


def lines(event: events.Event, width: int = 160, name_width: int = 10) -> list[str]:
    return [line.plain for line in event_lines(event, Frame(width, name_width))]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            events.StepFinished(CLEAN, (output("clean"),), REASONS, 3.1, {CLEAN: True}),
            ["✓ clean          3.1 s     41,202 rows    2.4 MB  content changed   code changed"],
        ),
        (
            events.StepFinished(CLEAN, (output("clean", None, 54),), (), 0.001, {CLEAN: False}, warnings=("slow",)),
            ["✓ clean           1 ms                      54 B  identical content", "warning: slow"],
        ),
        (
            events.StepRestored(CLEAN, (output("clean", 1),), REASONS, "m1"),
            ["↺ clean       restored           1 row    2.4 MB   code changed"],
        ),
        (events.StepKept(CLEAN, (CLEAN,), True), ["= clean       kept   its upstreams came out identical"]),
        (events.StepKept(CLEAN, (CLEAN,), False), []),
        (events.StepSkipped(CLEAN, (CLEAN,), Target.parse("orders")), ["- clean       skipped   `orders` failed"]),
        (
            events.StepRetried(CLEAN, 2, 3, "IOError", "net\ndown", 2.0),
            ["! clean       attempt 2 of 3 in 2.0 s   IOError: net down"],
        ),
        (
            FAILED,
            [
                "✗ clean       failed after 12.0 s   ValueError: Input contains NaN\\x1b",
                "    Traceback ...\n      net.fit(X)",
                "    what it printed:",
                "    epoch 1\n    epoch 2",
                "hint: look",
            ],
        ),
        (events.Warned("careful", "do this"), ["warning: careful", "hint: do this"]),
        (events.RunStarted("r", 1, 0, 0), []),
    ],
)
def test_an_event_is_one_line_and_a_failure_a_block(event, said):
    assert lines(event) == said


def test_why_goes_to_a_line_of_its_own_where_it_does_not_fit():
    event = events.StepFinished(CLEAN, (output("clean"),), (Forced(), *REASONS), 3.1, {})
    assert lines(event, width=80)[0].splitlines()[1] == "    forced; code changed"


def test_a_first_result_is_new_and_needs_no_why():
    event = events.StepFinished(CLEAN, (output("clean"),), (NeverMaterialized(),), 3.1, {CLEAN: True})
    assert lines(event)[0].endswith("2.4 MB  new")


def test_a_finished_step_fits_into_80_columns_whatever_the_length_of_other_names():
    event = events.StepFinished(CLEAN, (output("clean"),), (), 3.1, {CLEAN: True})
    assert len(lines(event, width=80, name_width=60)[0]) <= 80


@pytest.mark.parametrize(
    ("passed", "blocking", "said"),
    [(True, True, []), (False, True, ["✗ clean       check `c` failed   3 nulls"]), (False, False, ["! clean       check `c` warns   3 nulls"])],
)  # fmt: skip
def test_a_check_is_told_only_when_it_says_no(passed, blocking, said):
    ran = CheckRan(RunId("r"), CLEAN, "c", Digest("b3:d"), DataVersion("b3:v"), passed, blocking, "3 nulls", {}, "")
    assert lines(events.CheckFinished(ran)) == said


def test_a_log_is_cut_to_its_end():
    long = replace(FAILED, log="\n".join(f"line {n}" for n in range(50)), hint=None)
    said = lines(long)
    assert said[2] == "    what it printed (the last 20 lines; all: `assetctl logs clean`):"
    assert said[3].splitlines()[0] == "    line 30"


def summary(finished: events.RunFinished, told: list[events.Event], *, quiet: bool = False) -> list[str]:
    shown = console(160)
    show_summary(shown, finished, told, quiet=quiet)
    return printed(shown)


def test_a_summary_counts_every_outcome():
    finished = events.RunFinished("r1", RunStatus.SUCCEEDED, (CLEAN,), (), (Target.parse("model"),), (), (), 52.4)
    told: list[events.Event] = [events.StepKept(Target.parse("model"), (Target.parse("model"),), True)]
    assert summary(finished, told) == ["succeeded in 52.4 s: 1 materialized, 1 fresh (1 by early cutoff)   run r1"]


def test_a_failed_run_says_who_was_skipped_for_whom_and_what_to_do():
    model = Target.parse("model")
    finished = events.RunFinished("r1", RunStatus.FAILED, (), (), (), (CLEAN,), (model,), 2.0)
    told = [FAILED, events.StepSkipped(model, (model,), CLEAN)]
    said = [
        "failed in 2.0 s: 1 failed, 1 skipped   run r1",
        "what these published before stays as it was",
        "hint: mend it and run the same command again: only what is missing runs",
    ]
    assert summary(finished, told) == said
    assert summary(finished, told, quiet=True) == [said[0], "skipped because `clean` failed: model", *said[1:]]
    never = replace(FAILED, reasons=(NeverMaterialized(),))
    assert summary(finished, [never]) == [said[0], said[2]]
    cancelled = events.RunFinished("r1", RunStatus.CANCELLED, (), (), (), (), (), 2.0)
    assert summary(cancelled, [])[-1] == "hint: run the same command again: what finished is kept"


def test_a_table_shows_the_columns_that_fit_and_names_the_others():
    import pyarrow as pa

    shown = console(24)
    table = pa.table({"name": ["a\x1b", None, "c"], "n": [1, 22, 3], "a_rather_long_column": [1.5, 2.0, 2.5]})
    show_table(shown, table, 2)
    assert printed(shown) == ["name    n", "a\\x1b   1", "null   22", "1 more column:", "a_rather_long_column"]


def test_columns_of_one_name_are_both_shown():
    import pyarrow as pa

    shown = console(30)
    show_table(shown, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), 5)
    assert printed(shown) == ["x  x", "1  2"]
