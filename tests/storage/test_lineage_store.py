"""One conformance suite for the lineage stores, then what only the one in DuckDB must do."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from assetctl.assets.errors import EnvironmentFault, SelectionError, WaitTimeout
from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.ports import LineageStore
from assetctl.lineage.facts.records import (
    CodeRecorded,
    Decision,
    Fact,
    Pinned,
    Purpose,
    RunFinished,
    RunId,
    RunStarted,
    Symbol,
    SymbolText,
    Trace,
)
from assetctl.lineage.facts.snapshot import Snapshot
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.duck import interruptible, opened
from assetctl.storage.lineage_store.folding import fold_scan
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import step_lock, step_lock_file, store_lock
from tests.storage.facts import (
    WHEN,
    checked,
    digest,
    failed,
    forgotten,
    made,
    observed,
    output,
    pinned,
    provenance_of,
    read,
    renamed,
    unpinned,
    value,
    version,
)
from tests.storage.memory import MemoryLineageStore


def keys(*names: str) -> list[Target]:
    return [Target.parse(name) for name in names]


ROOT = Path(__file__).parents[2]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout.of(tmp_path)
    ensure_state(layout)
    return layout


@pytest.fixture
def journal(layout: Layout) -> FileJournal:
    return FileJournal(layout)


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, layout: Layout, journal: FileJournal) -> LineageStore:
    return MemoryLineageStore(journal) if request.param == "memory" else DuckLineageStore(layout, journal)


# --- both ----------------------------------------------------------------------------


def test_nothing_is_known_before_anything_was_recorded(store: LineageStore) -> None:
    store.refresh()
    assert store.snapshot(keys("a")) == Snapshot()
    assert store.traces(keys("a")) == {}


def test_latest_is_the_last_recorded_and_comes_back_whole(store: LineageStore, journal: FileJournal) -> None:
    old = made("a", "1")
    new = replace(
        made(
            "a", "2", of="p2", inputs=(read("x", "s", "0", columns=("c",)),), outputs=(output("a", "2", inline=b"{}"),)
        ),
        metrics={"auc": 0.1 + 0.2},
        reasons=({"kind": "code_changed", "symbols": ["f"]},),
        links={"mlflow": "runs:/1"},
    )
    journal.append([old])
    store.refresh()
    position = journal.append([new])
    store.refresh()
    (recorded,) = store.snapshot(keys("a", "b")).latest.values()
    assert (recorded.position, recorded.materialization, recorded.output) == (position, new, new.outputs[0])


def test_the_greater_position_is_the_latest_whatever_the_clock_says(store: LineageStore, journal: FileJournal) -> None:
    journal.append([replace(made("a", "1"), started_at="2030-01-01T00:00:00+00:00")])
    journal.append([replace(made("a", "2"), started_at="2020-01-01T00:00:00+00:00")])
    store.refresh()
    assert store.snapshot(keys("a")).latest[Target.parse("a")].output.value == value("2")


def test_outputs_of_one_step_share_their_materialization(store: LineageStore, journal: FileJournal) -> None:
    both = made("split", "1", outputs=(output("train", "1"), output("test", "2")))
    journal.append([both])
    store.refresh()
    latest = store.snapshot(keys("train", "test")).latest
    assert {key: recorded.output.target for key, recorded in latest.items()} == {"train": "train", "test": "test"}
    assert [recorded.materialization for recorded in latest.values()] == [both, both]
    assert list(store.snapshot(keys("test")).latest) == ["test"]


def test_a_candidate_is_not_the_latest_but_can_be_traced(store: LineageStore, journal: FileJournal) -> None:
    good, held_back = made("a", "1"), made("a", "2", of="p2", published=False)
    journal.append([good, held_back])
    store.refresh()
    assert store.snapshot(keys("a")).latest[Target.parse("a")].materialization == good
    assert store.traces(keys("a")) == {
        (Target.parse("a"), provenance_of("p1")): good,
        (Target.parse("a"), provenance_of("p2")): held_back,
    }


def test_traces_are_sound_newest_and_of_first_outputs(store: LineageStore, journal: FileJournal) -> None:
    newer = made("a", "2", run="run2")
    pair = made("split", "3", outputs=(output("train", "3"), output("test", "4")))
    journal.append([made("a", "1"), newer, made("a", "5", of="p3", trace=Trace.INPUT_CHANGED), pair])
    store.refresh()
    assert store.traces(keys("a", "test")) == {(Target.parse("a"), provenance_of("p1")): newer}
    assert list(store.traces(keys("train")).values()) == [pair]


@pytest.mark.parametrize(
    ("history", "is_known"),
    [
        ([failed("a")], True),
        ([made("a", "1"), failed("a")], True),
        ([failed("a"), made("a", "1")], False),
        ([failed("a"), made("a", "1", published=False)], False),
        ([failed("a"), made("b", "1")], True),
    ],
    ids=["never made", "newer", "made since", "a candidate since", "another step since"],
)
def test_a_failure_holds_until_its_step_is_made(
    store: LineageStore, journal: FileJournal, history: list[Fact], is_known: bool
) -> None:
    journal.append(history)
    store.refresh()
    assert store.snapshot(keys("a")).failures == ({Target.parse("a"): failed("a")} if is_known else {})


def test_a_failure_is_found_through_an_output_of_its_step(store: LineageStore, journal: FileJournal) -> None:
    journal.append([made("split", "1", outputs=(output("train", "1"),)), failed("split")])
    store.refresh()
    assert store.snapshot(keys("train")).failures == {Target.parse("split"): failed("split")}


def test_the_latest_answer_of_a_check_holds_for_each_data_version(store: LineageStore, journal: FileJournal) -> None:
    answers = [checked("a", "1", passed=False), checked("a", "2"), checked("a", "1"), checked("b", "1", check="other")]
    journal.append(answers)
    store.refresh()
    assert store.snapshot(keys("a")).checks == {
        (digest("check ok"), version("1")): answers[2],
        (digest("check ok"), version("2")): answers[1],
    }


def test_columns_of_versions_that_were_read_are_known(store: LineageStore, journal: FileJournal) -> None:
    table = made("a", "1", outputs=(output("a", "1", columns=("x", "y")),))
    inputs = (read("a", "a", "1"), read("s", "s", "7", is_source=True), read("lost", "l", "0"))
    journal.append([table, observed("s", "7", columns=("k",)), observed("s", "8"), made("b", "2", inputs=inputs)])
    journal.append([made("a", "9")])  # what b was made from is no longer the latest
    store.refresh()
    assert store.snapshot(keys("b")).columns == {
        (Target.parse("a"), version("1")): value("1", ("x", "y")),
        (Target.parse("s"), version("7")): value("7", ("k",)),
    }
    assert store.snapshot(keys("a")).columns == {}


def test_the_last_observation_of_a_source_is_known(store: LineageStore, journal: FileJournal) -> None:
    journal.append([observed("s", "1"), observed("s", "2"), observed("t", "1")])
    store.refresh()
    assert store.snapshot(keys("s")).observed == {Target.parse("s"): observed("s", "2")}


def test_texts_of_symbols_are_known_by_digest(store: LineageStore, journal: FileJournal) -> None:
    store.refresh()
    assert store.texts() == frozenset()
    long = SymbolText(digest("long"), "def f(): ...")
    journal.append([long, SymbolText(digest("other"), "def g(): ...")])
    journal.append([long, CodeRecorded(made("a", "1").provenance.definition.code, (symbol("f", text=digest("long")),))])
    store.refresh()
    assert store.texts() == {digest("long"), digest("other")}


def test_text_that_is_not_unicode_is_kept(store: LineageStore, journal: FileJournal) -> None:
    awkward = replace(failed("a"), message="caf\udce9 \0 \U0001f600")
    journal.append([awkward])
    store.refresh()
    assert store.snapshot(keys("a")).failures == {Target.parse("a"): awkward}


# --- forgetting, pins, new names ---------------------------------------------------------


def test_what_was_forgotten_answers_nothing_recorded_before(store: LineageStore, journal: FileJournal) -> None:
    journal.append([made("a", "1"), failed("a", of="p2"), checked("a", "1"), observed("a", "1"), forgotten("x", "a")])
    store.refresh()
    assert store.snapshot(keys("a")) == Snapshot()
    assert store.traces(keys("a")) == {}


def test_what_is_recorded_after_a_forgetting_counts(store: LineageStore, journal: FileJournal) -> None:
    journal.append([made("a", "1"), forgotten("a"), again := made("a", "2"), checked("a", "2"), observed("a", "3")])
    store.refresh()
    snapshot = store.snapshot(keys("a"))
    assert snapshot.latest[Target.parse("a")].materialization == again
    assert (list(snapshot.checks), list(snapshot.observed)) == ([(digest("check ok"), version("2"))], ["a"])
    assert store.traces(keys("a")) == {(Target.parse("a"), provenance_of("p1")): again}


def test_forgetting_one_output_leaves_the_others_but_no_trace_of_their_step(
    store: LineageStore, journal: FileJournal
) -> None:
    pair = made("train", "1", outputs=(output("train", "1"), output("test", "2")))
    journal.append([pair, forgotten("test")])
    store.refresh()
    assert list(store.snapshot(keys("train", "test")).latest) == ["train"]
    assert store.traces(keys("train")) == {}


def test_an_older_trace_does_not_stand_in_for_a_forgotten_one_of_the_same_asset(
    store: LineageStore, journal: FileJournal
) -> None:
    alone = made("train", "1")
    pair = made("train", "2", outputs=(output("train", "2"), output("test", "2")))
    journal.append([alone, pair, forgotten("test")])
    store.refresh()
    assert store.traces(keys("train")) == {(Target.parse("train"), provenance_of("p1")): alone}
    journal.append([forgotten("train")])
    store.refresh()
    assert store.traces(keys("train")) == {}


def test_forgetting_reaches_the_records_under_earlier_names(store: LineageStore, journal: FileJournal) -> None:
    journal.append([made("a", "1"), renamed("a", "b"), new := made("a", "2", of="p2"), forgotten("b")])
    store.refresh()
    assert store.traces(keys("a")) == {(Target.parse("a"), provenance_of("p2")): new}  # another asset of that name


def test_forgetting_an_asset_leaves_those_that_had_its_name(store: LineageStore, journal: FileJournal) -> None:
    journal.append([old := made("a", "1"), renamed("a", "b"), made("a", "2", of="p2"), forgotten("a")])
    store.refresh()
    assert store.traces(keys("a")) == {(Target.parse("a"), provenance_of("p1")): old}


def test_a_forgotten_answer_of_a_check_leaves_that_of_another_asset(store: LineageStore, journal: FileJournal) -> None:
    other = checked("b", "1", passed=False)
    journal.append([other, checked("a", "1"), forgotten("a")])
    store.refresh()
    assert store.snapshot(keys("a", "b")).checks == {(digest("check ok"), version("1")): other}


OLD, NEW = made("a", "1"), made("a", "2", of="p2")
KEEP = Purpose.KEEP


@pytest.mark.parametrize(
    ("history", "in_force"),
    [
        ([pinned(OLD)], [pinned(OLD)]),
        ([pinned(OLD), pinned(NEW)], [pinned(NEW)]),
        ([pinned(OLD), pinned(NEW), unpinned("a", NEW)], []),
        ([pinned(OLD), unpinned("a", NEW)], [pinned(OLD)]),
        ([pinned(OLD), unpinned("a"), pinned(OLD, note="again")], [pinned(OLD, note="again")]),
        ([pinned(OLD), forgotten("a")], []),
        ([forgotten("a"), pinned(OLD)], [pinned(OLD)]),
        ([pinned(OLD), renamed("a", "b")], [replace(pinned(OLD), target=Target.parse("b"))]),
        ([pinned(OLD), renamed("a", "b"), forgotten("b")], []),
        ([pinned(OLD), renamed("a", "b"), unpinned("a")], [replace(pinned(OLD), target=Target.parse("b"))]),
        ([pinned(OLD, KEEP), pinned(NEW, KEEP)], [pinned(OLD, KEEP), pinned(NEW, KEEP)]),
        ([pinned(OLD, KEEP), pinned(NEW, KEEP), unpinned("a", OLD, KEEP)], [pinned(NEW, KEEP)]),
        ([pinned(OLD, KEEP), pinned(NEW, KEEP), unpinned("a", None, KEEP)], []),
        ([pinned(OLD, KEEP), pinned(NEW)], [pinned(OLD, KEEP), pinned(NEW)]),
        ([pinned(OLD, KEEP), pinned(NEW), unpinned("a")], [pinned(OLD, KEEP)]),
    ],
)
def test_pins_hold_until_they_are_lifted(
    store: LineageStore, journal: FileJournal, history: list[Fact], in_force: list[Pinned]
) -> None:
    journal.append(history)
    store.refresh()
    assert list(store.pins()) == in_force
    served = {pin.target: pin for pin in in_force if pin.purpose is Purpose.SERVE}
    assert store.snapshot(keys("a", "b")).pins == served
    assert store.snapshot(keys("c")).pins == {}


@pytest.mark.parametrize(
    ("history", "names"),
    [
        ([renamed("a", "b")], {"b": ("a",)}),
        ([renamed("a", "b"), renamed("b", "c")], {"c": ("a", "b")}),
        ([renamed("a", "b"), renamed("b", "a")], {"a": ("a", "b")}),
        ([renamed("a", "b"), renamed("b", "a"), renamed("a", "b")], {"b": ("a", "b")}),
        ([renamed("a", "b"), made("a", "1"), renamed("a", "c")], {"b": ("a",), "c": ("a",)}),
        ([renamed("a", "b"), renamed("x", "a")], {"b": ("a",), "a": ("x",)}),
    ],
)
def test_names_are_followed_by_position(
    store: LineageStore, journal: FileJournal, history: list[Fact], names: dict[str, tuple[str, ...]]
) -> None:
    journal.append(history)
    store.refresh()
    assert store.names() == names


def test_a_name_that_was_given_up_begins_anew(store: LineageStore, journal: FileJournal) -> None:
    journal.append([made("a", "1"), checked("a", "1"), failed("a", of="p2"), observed("a", "1"), renamed("a", "b")])
    store.refresh()
    assert store.snapshot(keys("a")) == Snapshot(names={AssetKey("b"): (AssetKey("a"),)})
    assert list(store.traces(keys("a"))) == [(Target.parse("a"), provenance_of("p1"))]  # for what goes on as `b`


def symbol(name: str, *, source: str = "", text: str = "") -> Symbol:
    return Symbol(name, "function", digest(name), "p.py:1", "", source, text)


def some_history(seed: int, n_facts: int = 60) -> list[Fact]:
    """A random but repeatable history over few names, so that facts supersede each other."""
    pick = random.Random(seed)
    facts: list[Fact] = [RunStarted(RunId("run1"), WHEN, ("a",), "materialize a", "main", "0f" * 20)]
    for n in range(n_facts):
        name, text, of = pick.choice("abc"), pick.choice("123"), pick.choice(["p1", "p2", "p3"])
        inputs = tuple(read(up, up, pick.choice("123"), is_source=up == "s") for up in pick.sample("abcs", 2))
        outputs = (output(name, text, columns=("x",)), output(name + "2", text)) if pick.random() < 0.5 else ()
        choices: list[Fact] = [
            made(
                name,
                text,
                of=of,
                inputs=inputs,
                outputs=outputs,
                published=pick.random() < 0.8,
                trace=pick.choice(list(Trace)),
                run=f"run{n}",
            ),
            failed(name, of=of),
            checked(name, text, check=pick.choice("uv"), passed=pick.random() < 0.5),
            observed("s", text, columns=("k",)),
        ]
        if pick.random() < 0.2:
            purpose, lifted = pick.choice(list(Purpose)), pick.choice([None, made(name, text, of=of)])
            choices = [
                forgotten(*pick.sample(["a", "a2", "b", "b2", "c", "s"], 2)),
                pinned(made(name, text, of=of), purpose),
                unpinned(name, lifted, purpose),
                renamed(*pick.sample("abcd", 2)),
            ]
        facts.append(pick.choice(choices))
    facts.append(made("a", "1", of="p9"))  # whatever was forgotten, something is known of it
    facts.append(SymbolText(digest("long"), "def g(): ..."))
    symbols = (symbol("f", source="def f(): ..."), symbol("g", text=digest("long")))
    facts.append(CodeRecorded(made("a", "1").provenance.definition.code, symbols))
    facts.append(RunFinished(RunId("run1"), WHEN, "succeeded", 1.5, (Decision(Target.parse("a"), "fresh", ()),)))
    return facts


@pytest.mark.parametrize("seed", range(6))
def test_both_stores_answer_alike(layout: Layout, seed: int) -> None:
    """Three processes write a random history, folded in two parts by one store and at once by the other."""
    history = some_history(seed)
    writers = [FileJournal(layout) for _ in range(3)]
    ours = DuckLineageStore(layout, FileJournal(layout))
    for n, fact in enumerate(history):
        writers[n % 3].append([fact])
        if n == 20:
            ours.refresh()
    ours.refresh()
    theirs = MemoryLineageStore(FileJournal(layout))
    theirs.refresh()
    for asked in (keys("a"), keys("b2", "s"), keys("a", "a2", "b", "b2", "c", "c2", "s", "nothing"), []):
        assert ours.snapshot(asked) == theirs.snapshot(asked)
        assert ours.traces(asked) == theirs.traces(asked)
    assert ours.texts() == theirs.texts()
    assert ours.pins() == theirs.pins()
    assert ours.names() == theirs.names()


# --- DuckDB alone ----------------------------------------------------------------------


@pytest.fixture
def duck(layout: Layout, journal: FileJournal) -> DuckLineageStore:
    journal.append(some_history(1))
    duck = DuckLineageStore(layout, journal)
    duck.refresh()
    return duck


TABLES = [
    "assets",
    "materializations",
    "inputs",
    "columns",
    "runs",
    "steps",
    "checks",
    "metrics",
    "symbols",
    "symbol_uses",
    "symbol_texts",
    "observations",
    "decisions",
    "forgotten",
    "pins",
    "renames",
    "facts",
    "folded",
    "run_events",
]


def all_rows(store: DuckLineageStore) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and view, read on one connection."""
    return store._ask(
        lambda con: {
            table: sorted(con.execute(f"SELECT * FROM lineage.{table}").fetchall(), key=repr) for table in TABLES
        }
    )


def aside(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.state.glob("lineage.duckdb.corrupt-*"))


def test_rebuilding_gives_equal_rows(duck: DuckLineageStore, layout: Layout) -> None:
    before = all_rows(duck)
    assert all(before.values())
    duck.rebuild()
    assert all_rows(duck) == before
    assert [path.name for path in layout.state.glob("lineage*")] == ["lineage.duckdb"]


def test_folding_twice_adds_nothing(duck: DuckLineageStore, layout: Layout) -> None:
    before = all_rows(duck)
    con = duckdb.connect()
    con.execute(
        f"ATTACH '{layout.lineage_db}' AS store; UPDATE store.lineage.folded SET seen_bytes = 0, size_bytes = 0"
    )
    con.close()
    again = DuckLineageStore(layout, FileJournal(layout))
    again.refresh()
    assert all_rows(again) == before


def test_looking_at_a_project_without_records_writes_nothing(layout: Layout) -> None:
    before = sorted(layout.state.iterdir())
    store = DuckLineageStore(layout, FileJournal(layout))
    store.refresh()
    assert store.snapshot(keys("a")) == Snapshot()
    assert store.query("SELECT count(*) AS n FROM lineage.runs").to_pylist() == [{"n": 0}]
    assert sorted(layout.state.iterdir()) == before
    assert store.warnings == []


def test_a_refresh_with_nothing_new_does_not_touch_the_file(duck: DuckLineageStore, layout: Layout) -> None:
    before = layout.lineage_db.stat()
    again = DuckLineageStore(layout, FileJournal(layout))
    again.refresh()
    after = layout.lineage_db.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("damage", ["empty", "garbage", "truncated", "flipped", "a folder"])
def test_a_damaged_file_is_set_aside_and_folded_anew(duck: DuckLineageStore, layout: Layout, damage: str) -> None:
    before, snapshot = all_rows(duck), duck.snapshot(keys("a", "b2"))
    path, whole = layout.lineage_db, layout.lineage_db.read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        half = len(whole) // 2
        flipped = bytes(byte ^ 255 for byte in whole[:16384])
        path.write_bytes(
            {"empty": b"", "garbage": b"x" * 9000, "truncated": whole[:half], "flipped": flipped + whole[16384:]}[
                damage
            ]
        )
    again = DuckLineageStore(layout, FileJournal(layout))
    again.refresh()
    assert again.snapshot(keys("a", "b2")) == snapshot
    assert all_rows(again) == before
    assert len(aside(layout)) == 1
    assert len(again.warnings) == 1
    assert aside(layout)[0] in again.warnings[0]


def test_damage_met_while_asking_is_healed_too(duck: DuckLineageStore, layout: Layout) -> None:
    snapshot = duck.snapshot(keys("a"))
    layout.lineage_db.write_bytes(b"x" * 9000)
    assert duck.snapshot(keys("a")) == snapshot
    assert len(aside(layout)) == 1


def test_a_deleted_file_is_folded_anew(duck: DuckLineageStore, layout: Layout) -> None:
    before = all_rows(duck)
    layout.lineage_db.unlink()
    assert all_rows(duck) == before
    assert aside(layout) == []


def test_a_database_ahead_of_its_journal_is_not_believed(duck: DuckLineageStore, layout: Layout) -> None:
    (segment,) = layout.journal.iterdir()
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:5]))
    again = DuckLineageStore(layout, FileJournal(layout))
    again.refresh()
    assert again.query("SELECT count(*) AS n FROM lineage.facts").to_pylist() == [{"n": 5}]
    assert "more than the journal" in again.warnings[0]


def test_a_state_folder_of_a_newer_release_is_refused_untouched(duck: DuckLineageStore, layout: Layout) -> None:
    layout.format_file.write_text("assetctl-state 9\n")
    before = layout.lineage_db.stat().st_mtime_ns
    with pytest.raises(EnvironmentFault, match="newer assetctl"):
        DuckLineageStore(layout, FileJournal(layout)).refresh()
    with pytest.raises(EnvironmentFault, match="newer assetctl"):
        ensure_state(layout)
    assert layout.lineage_db.stat().st_mtime_ns == before


_HOLD = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
con.close()
"""


def test_a_foreign_lock_costs_a_warning_and_nothing_else(duck: DuckLineageStore, layout: Layout) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(layout.lineage_db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        journal = FileJournal(layout)
        journal.append([made("new", "1")])
        store = DuckLineageStore(layout, journal)
        store.refresh()
        assert list(store.snapshot(keys("new")).latest) == ["new"]
        assert store.query("SELECT count(*) AS n FROM lineage.assets WHERE asset = 'new'").to_pylist() == [{"n": 1}]
        assert len(store.warnings) == 1
        assert f"in use by process {holder.pid} (" in store.warnings[0]
        assert "nothing is wrong" in store.warnings[0]
    finally:
        holder.stdin.close()
        holder.wait()
    holder.stdout.close()
    journal.append([made("new", "2")])
    store.refresh()
    assert DuckLineageStore(layout, journal).snapshot(keys("new")).latest[Target.parse("new")].output.value == value(
        "2"
    )
    assert aside(layout) == []


def test_working_in_memory_leaves_no_word_at_exit(duck: DuckLineageStore, layout: Layout) -> None:
    code = """
import sys, duckdb
from pathlib import Path
from assetctl.assets.ids import Target
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore
layout = Layout.of(Path(sys.argv[1]))
holder = duckdb.connect(str(layout.lineage_db), read_only=False)
store = DuckLineageStore(layout, FileJournal(layout))
store.refresh()
print(len(store.warnings), len(store.snapshot([Target.parse("a")]).latest))
holder.close()
"""
    done = subprocess.run([sys.executable, "-c", code, str(layout.root)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1 1\n", "")


def test_waiting_for_the_database_is_bounded(duck: DuckLineageStore, layout: Layout) -> None:
    with store_lock(layout, 1.0):
        impatient = DuckLineageStore(layout, FileJournal(layout), wait_s=0.01)
        impatient.refresh()
        assert list(impatient.snapshot(keys("a")).latest) == ["a"]
        assert "the lineage database is in use by" in impatient.warnings[0]
        with pytest.raises(WaitTimeout) as caught:
            impatient.rebuild()
    assert str(layout.locks / "lineage.lock") in dict(caught.value.problems[0].facts).values()


def test_a_person_queries_tables_and_assets_together(duck: DuckLineageStore, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "it's.parquet")
    answer = duck.answer(
        "SELECT sum(n) AS n, (SELECT count(*) FROM lineage.runs WHERE status = 'succeeded') AS runs"
        ' FROM "a/b" JOIN live USING (n)',
        tables={"a/b": tmp_path / "it's.parquet", "live": pa.table({"n": [2]})},
    )
    assert answer.table().to_pylist() == [{"n": 2, "runs": 1}]


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FROM nothing.at_all", "SELECT * FROM 'no.csv'"])
def test_a_query_that_does_not_work_says_so(duck: DuckLineageStore, sql: str) -> None:
    with pytest.raises(SelectionError, match=r"does not work|no table"):
        duck.answer(sql, {})


def test_sql_reaches_neither_variables_nor_the_network(duck: DuckLineageStore) -> None:
    names = ("python_enable_replacements", "autoinstall_known_extensions")
    settings = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    assert duck.query(f"SELECT {settings}").to_pylist() == [dict.fromkeys(names, False)]


def test_what_was_current_at_a_moment_can_be_asked(layout: Layout, journal: FileJournal) -> None:
    journal.append([replace(made("a", "1"), started_at="2026-01-01T00:00:00+00:00")])
    journal.append([replace(made("a", "2"), started_at="2026-03-01T00:00:00+00:00")])
    store = DuckLineageStore(layout, journal)
    current = store.query("SELECT data_version FROM lineage.materializations_as_of(TIMESTAMPTZ '2026-02-01 00:00+00')")
    assert current.to_pylist() == [{"data_version": version("1")}]


def test_what_was_forgotten_is_published_only_before_that_moment(layout: Layout, journal: FileJournal) -> None:
    journal.append([made("a", "1"), made("b", "1"), forgotten("a"), renamed("b", "c")])  # all at the same moment
    journal.append([replace(made("x", "1"), started_at="2026-03-01T00:00:00+00:00")])
    journal.append([replace(forgotten("x"), forgotten_at="2026-05-01T00:00:00+00:00")])
    store = DuckLineageStore(layout, journal)
    assets = store.query("SELECT asset, data_version, n_records FROM lineage.assets ORDER BY asset").to_pylist()
    assert assets == [{"asset": name, "data_version": None, "n_records": 1} for name in "abx"]
    for moment, published in (("2026-04-01", ["x"]), ("2026-06-01", [])):
        current = store.query(f"SELECT asset FROM lineage.materializations_as_of(TIMESTAMPTZ '{moment} 00:00+00')")
        assert current.column("asset").to_pylist() == published


def test_lines_that_cannot_be_read_do_not_stop_a_fold(layout: Layout, journal: FileJournal) -> None:
    from blake3 import blake3

    path = journal.path(journal.append([made("a", "1")]).segment)
    for payload in (b'{"c":2,"k":"retired","v":1}', b'{"c":3,"k":"step_failed","v":1}', b'{"c":4,"nonsense":[}'):
        with path.open("ab") as file:
            file.write(blake3(payload).hexdigest(8).encode() + b" " + payload + b"\n")
    store = DuckLineageStore(layout, journal)
    store.refresh()
    assert list(store.snapshot(keys("a")).latest) == ["a"]
    kinds = store.query("SELECT kind FROM lineage.facts ORDER BY counter").column(0).to_pylist()
    assert kinds == ["materialized", "retired", "step_failed", "unknown"]


def test_numbers_and_times_are_kept_exactly(layout: Layout, journal: FileJournal) -> None:
    fact = replace(
        made("a", "1"), metrics={"auc": 0.1 + 0.2}, duration_s=1 / 3, started_at="2026-01-02T04:04:05.000006+01:00"
    )
    journal.append([fact])
    store = DuckLineageStore(layout, journal)
    (row,) = store.query(
        "SELECT value, duration_s, started_at FROM lineage.metrics JOIN lineage.materializations m ON m.id = materialization_id"
    ).to_pylist()
    assert (row["value"], row["duration_s"], row["started_at"].isoformat()) == (0.1 + 0.2, 1 / 3, WHEN)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_neither_holds_nor_breaks_the_database(duck: DuckLineageStore, layout: Layout) -> None:
    """No connection is open between calls, so a child's fold is an ordinary one and nothing is lost."""
    journal = FileJournal(layout)
    child = os.fork()
    if child == 0:  # pragma: no cover
        journal.append([made("child", "1")])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    duck.refresh()
    assert list(duck.snapshot(keys("child")).latest) == ["child"]


def test_eight_threads_of_one_process_can_share_a_store(duck: DuckLineageStore) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: duck.snapshot(keys("a")), range(16)))
    assert all(answer == answers[0] for answer in answers)


def test_a_moved_project_keeps_its_records(duck: DuckLineageStore, layout: Layout, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    shutil.copytree(layout.state, target / ".assetctl")
    moved = Layout.of(target)
    again = DuckLineageStore(moved, FileJournal(moved))
    again.refresh()
    assert again.snapshot(keys("a")) == duck.snapshot(keys("a"))
    assert again.warnings == []


# --- locks ------------------------------------------------------------------------------


def test_step_locks_of_different_steps_are_different_files(layout: Layout) -> None:
    names = ["a/b", "a_/b", "a/_b", "a.b", "A/b", "a" * 200]
    files = [step_lock_file(layout, Target.parse(name)) for name in names]
    assert len({file.name.lower() for file in files}) == len(names)
    assert all(file.parent == layout.locks and len(file.name) < 255 for file in files)


def test_a_step_lock_is_exclusive_named_and_released(layout: Layout) -> None:
    step = Target.parse("a/b")
    with step_lock(layout, step, 0.1):
        with pytest.raises(WaitTimeout, match="`a/b` is being built") as caught, step_lock(layout, step, 0.02):
            pass
        with step_lock(layout, Target.parse("other"), 0.1):
            pass
    assert str(step_lock_file(layout, step)) in dict(caught.value.problems[0].facts).values()
    with step_lock(layout, step, 0.1):
        pass


def test_the_lock_of_a_killed_process_does_not_block(layout: Layout) -> None:
    code = """
import sys
from pathlib import Path
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import step_lock
with step_lock(Layout.of(Path(sys.argv[1])), Target.parse("a"), 1):
    print("held", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(layout.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(WaitTimeout), step_lock(layout, Target.parse("a"), 0.02):
        pass
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    with step_lock(layout, Target.parse("a"), 0.5):
        pass


def test_a_signal_while_duckdb_works_is_that_signal_and_no_damage(duck: DuckLineageStore, layout: Layout) -> None:
    """DuckDB gives it as an error with these words, which looked like a bug; and a fold that it ended, like damage."""

    class Interrupted:
        def execute(self, query: str) -> None:
            raise (
                RuntimeError("Query interrupted") if query == "BEGIN" else duckdb.TransactionException("no transaction")
            )

    scan = FileJournal(layout).scan({})
    with pytest.raises(KeyboardInterrupt), interruptible(), opened(layout.lineage_db, read_only=True):
        fold_scan(Interrupted(), scan, {})  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="something else"), interruptible():
        raise RuntimeError("something else")
    duck.refresh()
    assert aside(layout) == []


def test_a_first_fold_that_is_killed_leaves_nothing_for_ever(layout: Layout) -> None:
    FileJournal(layout).append([made("a", "1")])
    code = """
import sys
from pathlib import Path
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
layout = Layout.of(Path(sys.argv[1]))
DuckLineageStore(layout, FileJournal(layout)).refresh()
"""
    for point in ("fold_inserted", "rebuild_folded"):
        environment = {**os.environ, "ASSETCTL_FAULT": f"{point}@1", "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code, str(layout.root)], env=environment, check=False)
        assert done.returncode == -signal.SIGKILL, point
        assert not layout.lineage_db.exists()
    store = DuckLineageStore(layout, FileJournal(layout))
    store.refresh()
    assert store.warnings == []
    left = {path.name for path in layout.state.iterdir()}
    assert left == {".gitignore", "format", "journal-v1", "locks", "lineage.duckdb"}
