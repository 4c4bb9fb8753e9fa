"""What `why`, `status`, `history`, `diff` and `show` look like, on answers of literals."""

from __future__ import annotations

import io

from rich.console import Console

from assetctl.assets.ids import AssetKey
from assetctl.cli.text import render_answers as shown
from assetctl.engine.answers.values import (
    AssetStatus,
    ColumnChange,
    Explanation,
    HistoryEntry,
    RootCause,
    SymbolChange,
    VersionDiff,
)
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.reasons import Change as Difference
from assetctl.lineage.deciding.reasons import CodeChanged, ConfigChanged, NeverMaterialized
from assetctl.lineage.deciding.staleness import Fresh, Stale, Undecided
from tests.cli.planned import planned, shop

CLEAN, MODEL, TRAIN = AssetKey("clean"), AssetKey("model"), AssetKey("train")
CODE = CodeChanged("b3:a", "b3:b")


def lines(show, answer, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    show(console, answer)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]


def entry(version: str, n_rows: int | None, action: str = "materialized", reasons=()) -> HistoryEntry:
    digest = f"b3:{version * 64}"
    return HistoryEntry(
        MODEL, "m1", "r1", action, digest, "2026-11-22T18:03:00+00:00", 1.5, n_rows, 2000, tuple(reasons), {}
    )


def test_why_leads_from_the_verdict_to_the_line_that_changed():
    plan = planned(shop(), "model", Stale((CODE,)), Action.RUN)
    symbol = SymbolChange(
        "prep.scale", "changed", "prep.py:41", ("model", "prep.scale"), "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y"
    )
    cause = RootCause((MODEL, TRAIN, CLEAN), (ConfigChanged((Difference("limit", "1", "2"),)),))
    said = lines(shown.show_explanation, Explanation(MODEL, plan, (cause,), (symbol,), None, ("a.py:3 eval",)))
    assert said == [
        "model is stale   never materialized",
        "  1. code changed",
        "  begins at clean",
        "    model ← train ← clean",
        "    config changed: limit 1 → 2",
        "  changed prep.scale   prep.py:41",
        "    model → prep.scale",
        "    @@ -1 +1 @@",
        "    -x",
        "    +y",
        "  cannot be followed: a.py:3 eval",
    ]


def test_why_tells_sources_undecided_restorable_and_unchecked_assets_apart():
    def said(verdict, action, checks=()) -> list[str]:
        plan = planned(shop(), "model", verdict, action, checks)
        return lines(shown.show_explanation, Explanation(MODEL, plan, (), (), None, ()))[1:]

    source = Explanation(AssetKey("orders"), None, (), (), None, ())
    assert lines(shown.show_explanation, source) == ["orders is a source: it is observed, not computed"]
    assert said(Undecided((TRAIN, CLEAN)), Action.MAYBE, ("c",)) == ["  it runs only if train or clean changes"]
    assert said(Stale((CODE,)), Action.RESTORE)[1].endswith("it is restored, nothing runs")
    assert said(Fresh(), Action.KEEP, ("no_nulls",)) == ["  check `no_nulls` was not asked about this data yet"]


def test_a_long_diff_is_cut():
    symbol = SymbolChange("f", "added", "a.py:1", (), "\n".join(f"+line {n}" for n in range(100)))
    plan = planned(shop(), "model", Stale((CODE,)), Action.RUN)
    said = lines(shown.show_explanation, Explanation(MODEL, plan, (), (symbol,), None, ()))
    assert said[-1] == "    40 more lines; --json has all"


def test_status_gives_reasons_where_there_is_room():
    states = [
        AssetStatus(CLEAN, "fresh", "2026-11-22T18:03:00+00:00", "b3:1", 41202, 2_400_000, 3.1, (), None),
        AssetStatus(MODEL, "missing", None, None, None, None, None, (NeverMaterialized(),), None),
    ]
    assert lines(shown.show_status, states) == [
        "state    asset  materialized        rows    size   took",
        "fresh    clean  2026-11-22 18:03  41,202  2.4 MB  3.1 s",
        "missing  model",
        "1 fresh, 1 missing",
    ]
    assert lines(shown.show_status, states, 120)[2].endswith("never materialized")


def test_history_says_how_and_why():
    reasons = (
        {"kind": "upstream_changed", "upstream": "a"},
        {"kind": "upstream_changed", "upstream": "b"},
        {"kind": "config_changed", "changes": [{"name": "limit"}]},
        {"kind": "forced"},
    )
    said = lines(shown.show_history, [entry("c", 5, reasons=reasons), entry("d", None, "restored")], 160)
    assert said[1].split("  ")[-1] == "upstream changed (a, b); config changed (limit); forced"
    assert said[2].split() == ["2026-11-22", "18:03", "model", "dddddddd", "restored", "2.0", "kB"]


def test_a_diff_says_why_rows_columns_and_text():
    columns = (
        ColumnChange("fare", "added", None, "double"),
        ColumnChange("age", "type", "int32", "int64"),
        ColumnChange("name", "changed", "string", "string"),
    )
    diff = VersionDiff(
        MODEL,
        entry("a", 10),
        entry("b", 12),
        False,
        columns,
        "@@ -1 +1 @@\n-1\n+2",
        (CODE,),
        {"added": 2, "removed": 0},
    )
    assert lines(shown.show_diff, diff) == [
        "model  aaaaaaaa → bbbbbbbb",
        "  old        2026-11-22 18:03, 10 rows, 2.0 kB",
        "  new        2026-11-22 18:03, 12 rows, 2.0 kB",
        "  made from  code changed",
        "  rows: 2 added, 0 removed",
        "  added column fare  double",
        "  changed type column age  int32 → int64",
        "  changed column name",
        "  @@ -1 +1 @@",
        "  -1",
        "  +2",
    ]
    same = VersionDiff(MODEL, entry("a", 10), entry("a", 10), True, (), None, (), None)
    assert lines(shown.show_diff, same)[3:] == [
        "  made from  the same definition and inputs",
        "  equal: both versions have the same content",
    ]
