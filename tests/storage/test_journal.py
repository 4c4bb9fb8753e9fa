"""The journal: what was appended is read back, whatever the disk and other processes do."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import AssetKey, PartitionKey, Target
from assetctl.lineage.facts.kinds import RunStatus, SymbolKind, UndeclaredKind, run_status
from assetctl.lineage.facts.records import (
    BlobDigest,
    CheckRan,
    CodeRecorded,
    CodeVersion,
    Decision,
    Digest,
    Fact,
    Forgotten,
    Materialized,
    Output,
    Pinned,
    Position,
    Purpose,
    Renamed,
    RunFinished,
    RunId,
    RunStarted,
    SourceObserved,
    StepFailed,
    Symbol,
    SymbolText,
    Undeclared,
    Unpinned,
)
from assetctl.storage.journal.journal import FileJournal, has_no_writer
from assetctl.storage.journal.segments import Flaw, NotReadable, frame, read_lines
from assetctl.storage.journal.wire import UnknownFact, WireError, from_json, to_json
from assetctl.storage.state.layout import Layout
from tests.storage.facts import checked, digest, every_fact, failed, made, observed, output, read
from tests.storage.memory import MemoryJournal

KEYS = st.from_regex(r"\A[a-z][a-z0-9.-]{0,5}(/[a-z]{1,5})?\Z").map(AssetKey)
PARTITIONS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=9).map(
    PartitionKey
)
TARGETS = st.builds(Target, KEYS, st.none() | PARTITIONS)


def of_one_partition(fact: Materialized) -> Materialized:
    """All that a step makes is of the partition that the step is of."""
    key = fact.step.partition_key
    outputs = tuple(replace(output, target=Target(output.target.asset, key)) for output in fact.outputs)
    return replace(fact, outputs=outputs, provenance=replace(fact.provenance, partition=key))


def facts() -> st.SearchStrategy[Fact]:
    """Any fact: every field of every kind, with awkward text and numbers."""
    st.register_type_strategy(AssetKey, KEYS)
    st.register_type_strategy(PartitionKey, PARTITIONS)
    st.register_type_strategy(Target, TARGETS)
    st.register_type_strategy(BlobDigest, st.binary(min_size=32, max_size=32).map(lambda data: "b3:" + data.hex()))
    st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=4,
    )
    reasons = st.lists(st.dictionaries(st.text(), json_values, max_size=2), max_size=2).map(tuple)
    numbers = st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=2)
    texts = st.dictionaries(st.text(), st.text(), max_size=2)
    digests = st.integers(0, 2**256 - 1).map("b3:{:064x}".format)
    outputs = st.lists(st.builds(Output, blob=st.none() | digests), max_size=2).map(tuple)
    figures = st.dictionaries(st.text(), digests, max_size=2)
    decisions = st.lists(st.builds(Decision, reasons=reasons), max_size=2).map(tuple)
    return st.one_of(
        st.builds(Materialized, reasons=reasons, metrics=numbers, figures=figures, links=texts, outputs=outputs,
                  duration_s=st.floats(allow_nan=False)).map(of_one_partition),
        st.builds(StepFailed, duration_s=st.floats(allow_nan=False)),
        st.builds(CheckRan, metrics=numbers),
        st.builds(SourceObserved),
        st.builds(CodeRecorded),
        st.builds(SymbolText),
        st.builds(RunStarted),
        st.builds(RunFinished, decisions=decisions, duration_s=st.floats(allow_nan=False)),
        st.builds(Forgotten, TARGETS.map(lambda target: (target, target)), st.text(), st.text()),
        st.builds(Pinned, TARGETS, st.text(), st.text(), st.sampled_from(Purpose), st.text(), st.text()),
        st.builds(Unpinned, TARGETS, st.sampled_from(Purpose), st.none() | st.text(min_size=1), st.text()),
        st.builds(Renamed, KEYS, KEYS, st.text()),
    )  # fmt: skip


@given(facts())
@settings(max_examples=150, deadline=None)
def test_every_fact_survives_its_json_form(fact: Fact) -> None:
    line = frame(fact, 7)
    assert line.count(b"\n") == 1
    (parsed,) = read_lines("s", line, 0).lines
    assert parsed.counter == 7
    assert from_json(json.loads(parsed.payload)) == fact


@pytest.mark.parametrize("kind", ["function", "class", "value", "code", "macro"])
def test_kinds_of_symbols_are_recorded_as_text_and_unknown_ones_stay_what_they_are(kind: str) -> None:
    fact = CodeRecorded(CodeVersion("b3:1"), (Symbol("f", kind, Digest("b3:2"), "p.py:1", "", "f"),))
    recorded = to_json(fact)
    assert recorded["symbols"] == [["f", kind, "b3:2", "p.py:1", "", "f"]]
    again = from_json(recorded)
    assert isinstance(again, CodeRecorded)
    assert type(again.symbols[0].kind) is (str if kind == "macro" else SymbolKind)
    assert again == fact
    assert json.dumps(to_json(again)) == json.dumps(recorded)


@pytest.mark.parametrize("kind", ["file", "symbol", "module", "codec", "socket"])
def test_kinds_of_undeclared_uses_are_recorded_as_text_and_unknown_ones_stay_what_they_are(kind: str) -> None:
    fact = replace(made("a", "1"), undeclared=(Undeclared(kind, "x", Digest("b3:2")),))
    recorded = to_json(fact)
    assert recorded["undeclared"] == [[kind, "x", "b3:2"]]
    again = from_json(recorded)
    assert isinstance(again, Materialized)
    assert type(again.undeclared[0].kind) is (str if kind == "socket" else UndeclaredKind)
    assert again == fact
    assert json.dumps(to_json(again)) == json.dumps(recorded)


@pytest.mark.parametrize(
    ("codec", "data", "field"),
    [
        ("json", b'{"a": 1}', "text"),
        ("text", "ü\n".encode(), "text"),
        ("json", b"\xff\x00", "base64"),
        ("pickle", b"abc", "base64"),
        ("text", b"", "text"),
    ],
)
def test_inline_bytes_are_readable_where_they_are_text(codec: str, data: bytes, field: str) -> None:
    kept = output("a", "x", inline=data)
    kept = type(kept)(kept.target, kept.value, codec, kept.blob, len(data), data)
    fact = made("a", "x", outputs=(kept,))
    shown = to_json(fact)
    assert field in shown["outputs"][0]
    assert from_json(json.loads(json.dumps(shown))) == fact


def test_unknown_fields_are_ignored_and_unknown_kinds_are_told_apart() -> None:
    shown = to_json(failed("a"))
    assert from_json({**shown, "from_the_future": 1}) == failed("a")
    with pytest.raises(UnknownFact, match="retired"):
        from_json({"k": "retired", "v": 1})
    with pytest.raises(UnknownFact, match="version 3"):
        from_json({**shown, "v": 3})


def test_facts_are_written_and_read_as_earlier_releases_wrote_them() -> None:
    lines = Path(__file__).with_name("fixtures").joinpath("facts.jsonl").read_text("utf-8").splitlines()
    recorded = [from_json(json.loads(line)) for line in lines]
    assert recorded[: len(every_fact())] == every_fact()
    assert [json.dumps(to_json(fact), separators=(",", ":")) for fact in recorded] == lines


def test_symbols_that_were_recorded_as_objects_are_read() -> None:
    row = ["a.fn", "function", digest("a"), "a.py:1", "", "def fn(): ..."]
    symbol = dict(zip(("name", "kind", "digest", "where", "via", "source"), row, strict=True))
    fact = {"k": "code_recorded", "v": 1, "code": digest("code"), "symbols": [symbol]}
    assert from_json(fact) == from_json({**fact, "v": 2, "symbols": [row]})


@pytest.mark.parametrize(
    "change",
    [
        {"step": "../x"},
        {"step": None},
        {"duration_s": "soon"},
        {"duration_s": None},
        {"duration_s": 10**400},
        {"message": 1},
        {"provenance": "half a character \ud800"},
        {"partition": ""},
        {"partition": ["2013"]},
    ],
)
def test_fields_that_cannot_be_right_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(WireError):
        from_json({**to_json(failed("a")), **change})


@pytest.fixture(params=["memory", "file"])
def journal(request: pytest.FixtureRequest, layout: Layout) -> FileJournal | MemoryJournal:
    return FileJournal(layout) if request.param == "file" else MemoryJournal()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path)


def test_facts_come_back_in_the_order_they_were_appended(journal: FileJournal | MemoryJournal) -> None:
    first, second, third = made("a", "1", inputs=(read("x", "b", "0"),)), failed("a"), checked("a", "1")
    journal.append([first])
    last = journal.append([second, third])
    journal.sync()
    recorded, seen = journal.read_since({})
    assert [fact for _, fact in recorded] == [first, second, third]
    assert [position.counter for position, _ in recorded] == [1, 2, 3]
    assert recorded[-1][0] == last
    assert journal.read_since(seen) == ([], seen)
    journal.append([observed("s", "1")])
    assert [fact for _, fact in journal.read_since(seen)[0]] == [observed("s", "1")]


def test_an_append_of_nothing_is_a_mistake(journal: FileJournal | MemoryJournal) -> None:
    with pytest.raises(ValueError, match="at least one"):
        journal.append([])


def test_opening_reading_and_syncing_leave_no_file(layout: Layout) -> None:
    journal = FileJournal(layout)
    assert journal.read_since({}) == ([], {})
    journal.sync()
    journal.close()
    assert list(layout.root.iterdir()) == []


def test_a_counter_is_greater_than_any_other_process_has_written(layout: Layout) -> None:
    ours, theirs = FileJournal(layout), FileJournal(layout)
    assert ours.append([failed("a")]).counter == 1
    assert theirs.append([failed("a"), failed("b")]).counter == 3
    assert ours.append([failed("a")]).counter == 4
    assert theirs.append([failed("b")]).counter == 5  # a segment that was looked at may still grow
    assert ours.append([failed("a")]).counter == 6
    theirs.close()
    assert FileJournal(layout).append([failed("c")]).counter == 7
    assert ours.append([failed("a")]).counter == 8


def test_the_counter_is_found_behind_long_lines_and_a_torn_tail(layout: Layout) -> None:
    first = FileJournal(layout)
    long = made("a", "x", outputs=(output("a", "x", inline=b"y" * 90_000),))
    position = first.append([failed("a"), long])
    first.close()
    with first.path(position.segment).open("ab") as file:
        file.write(b"0" * 50_000)
    assert FileJournal(layout).append([failed("b")]).counter == 3


def test_a_segment_has_a_writer_until_it_is_closed(layout: Layout) -> None:
    journal = FileJournal(layout)
    path = journal.path(journal.append([failed("a")]).segment)
    assert not has_no_writer(path)
    journal.close()
    assert has_no_writer(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_only_has_the_name_of_a_segment_stands_in_nobodys_way(layout: Layout, make) -> None:
    journal = FileJournal(layout)
    journal.append([failed("a")])
    make(layout.journal / "0-0-0.log")
    assert journal.append([failed("b")]).counter == 2
    reader = FileJournal(layout)
    assert [fact.step for _, fact in reader.read_since({})[0] if isinstance(fact, StepFailed)] == ["a", "b"]
    assert [path.name for path in reader.not_segments()] == ["0-0-0.log"]


def test_a_segment_reached_through_a_link_is_read(layout: Layout) -> None:
    journal = FileJournal(layout)
    path = journal.path(journal.append([failed("a")]).segment)
    journal.close()
    moved = path.rename(layout.root / "moved")
    path.symlink_to(moved)
    assert len(FileJournal(layout).read_since({})[0]) == 1


def test_after_closing_a_new_segment_is_begun(layout: Layout) -> None:
    journal = FileJournal(layout)
    before = journal.append([failed("a")])
    journal.close()
    after = journal.append([failed("a")])
    assert after.segment != before.segment
    assert after > before


@pytest.mark.parametrize("n_facts", [1, 3])
def test_a_tail_torn_at_any_byte_hides_only_the_last_line(layout: Layout, n_facts: int) -> None:
    journal = FileJournal(layout)
    facts = [failed(f"a{n}") for n in range(n_facts)]
    path = journal.path(journal.append(facts).segment)
    journal.close()
    whole = path.read_bytes()
    start = whole.rfind(b"\n", 0, -1) + 1
    for stop in range(start, len(whole)):
        path.write_bytes(whole[:stop])
        reader = FileJournal(layout)
        recorded, seen = reader.read_since({})
        assert [fact for _, fact in recorded] == facts[:-1]
        assert seen.get(path.stem, 0) == start
        assert [problem.is_tail for problem in reader.problems] == [True] * (stop > start)
    path.write_bytes(whole)  # its writer was alive after all, and finished
    assert [fact for _, fact in FileJournal(layout).read_since({path.stem: start})[0]] == facts[-1:]


def test_a_flipped_bit_costs_one_line_and_is_reported(layout: Layout) -> None:
    journal = FileJournal(layout)
    path = journal.path(journal.append([failed("a"), failed("b"), failed("c")]).segment)
    journal.close()
    whole = path.read_bytes()
    start, stop = whole.index(b"\n") + 1, whole.rindex(b"\n", 0, -1)
    for at in range(start, stop, 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        reader = FileJournal(layout)
        recorded, seen = reader.read_since({})
        assert [fact.step for _, fact in recorded if isinstance(fact, StepFailed)] == ["a", "c"]
        assert [(p.offset, p.is_tail) for p in reader.problems][:1] == [(start, False)]
        assert seen == {path.stem: len(whole)}


def test_a_fact_from_a_newer_release_is_skipped_and_reported(layout: Layout) -> None:
    journal = FileJournal(layout)
    path = journal.path(journal.append([failed("a")]).segment)
    journal.close()
    line = frame(failed("b"), 2)
    future = line[17:].replace(b'"k":"step_failed"', b'"k":"from_the_future"')
    from blake3 import blake3

    path.write_bytes(path.read_bytes() + blake3(future[:-1]).hexdigest(8).encode() + b" " + future)
    reader = FileJournal(layout)
    assert len(reader.read_since({})[0]) == 1
    (problem,) = reader.problems
    assert "from_the_future" in problem.what
    assert (problem.flaw, problem.is_newer, problem.is_damage) == (Flaw.NEWER, True, False)


def test_a_short_write_counts_as_nothing_and_the_next_append_works(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = FileJournal(layout)
    journal.append([failed("a")])
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[: len(data) - 5]))
    with pytest.raises(EnvironmentFault, match="journal cannot be written") as caught:
        journal.append([failed("b"), failed("c")])
    assert str(layout.journal) in caught.value.problems[0].facts[0][1]
    monkeypatch.undo()
    journal.append([failed("d")])
    recorded, _ = FileJournal(layout).read_since({})
    assert [fact.step for _, fact in recorded if isinstance(fact, StepFailed)] == ["a", "d"]
    assert len({position.segment for position, _ in recorded}) == 2  # a reader may have seen the withdrawn bytes


def test_a_failed_first_write_leaves_no_segment(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(EnvironmentFault, match="does not count"):
        FileJournal(layout).append([failed("a")])
    assert list(layout.journal.iterdir()) == []


def test_an_unwritable_state_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".assetctl").write_text("a file where the folder belongs")
    with pytest.raises(EnvironmentFault) as caught:
        FileJournal(Layout.of(tmp_path)).append([failed("a")])
    assert ".assetctl" in caught.value.problems[0].facts[0][1]


def test_a_failed_sync_is_never_made_good_by_another(layout: Layout) -> None:
    calls: list[int] = []

    def broken(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    journal = FileJournal(layout, sync=broken)
    journal.append([failed("a")])
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match="durable"):
            journal.sync()
    assert len(calls) == 1


def test_sync_syncs_what_was_appended_since_and_nothing_else(layout: Layout) -> None:
    calls: list[int] = []
    journal = FileJournal(layout, sync=calls.append)
    journal.append([failed("a")])
    journal.append([failed("b")])
    journal.sync()
    journal.sync()
    assert len(calls) == 1
    journal.append([failed("c")])
    journal.sync()
    assert len(calls) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_begins_a_segment_of_its_own(layout: Layout) -> None:
    journal = FileJournal(layout)
    before = journal.append([failed("a")])
    child = os.fork()
    if child == 0:  # pragma: no cover
        journal.append([failed("b")])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    after = journal.append([failed("c")])
    recorded, _ = FileJournal(layout).read_since({})
    assert [fact.step for _, fact in recorded if isinstance(fact, StepFailed)] == ["a", "b", "c"]
    assert len({position.segment for position, _ in recorded}) == 2
    assert (before.segment, before.counter, after.counter) == (after.segment, 1, 3)


_APPEND_MANY = """
import sys
from pathlib import Path
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from tests.storage.facts import failed
journal = FileJournal(Layout.of(Path(sys.argv[1])))
for n in range(200):
    journal.append([failed(f"{sys.argv[2]}{n}")])
"""


def test_two_processes_appending_at_once_lose_nothing(layout: Layout) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _APPEND_MANY, str(layout.root), name]) for name in ("x", "y")]
    reader = FileJournal(layout)
    seen: dict[str, int] = {}
    met: list[tuple[Position, Fact]] = []
    while any(writer.poll() is None for writer in writers):
        new, seen = reader.read_since(seen)
        met += new
    assert [writer.returncode for writer in writers] == [0, 0]
    met += reader.read_since(seen)[0]
    steps = [fact.step for _, fact in met if isinstance(fact, StepFailed)]
    assert sorted(steps) == sorted([f"{name}{n}" for name in ("x", "y") for n in range(200)])
    whole, _ = FileJournal(layout).read_since({})
    assert [position for position, _ in whole] == sorted(position for position, _ in whole)
    for name in ("x", "y"):
        own = [fact.step for _, fact in whole if isinstance(fact, StepFailed) and fact.step.startswith(name)]
        assert own == [f"{name}{n}" for n in range(200)]


def test_positions_order_by_counter_first() -> None:
    assert Position(2, "a") > Position(1, "b")
    assert Position(1, "b") > Position(1, "a")


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "paused"])
def test_how_a_run_ended_is_recorded_as_text_and_an_unknown_status_stays_what_it_is(status: str) -> None:
    recorded = to_json(RunFinished(RunId("r"), "2026-01-01T00:00:00+00:00", run_status(status), 1.0, ()))
    assert (recorded["status"], type(recorded["status"])) == (status, str)
    again = from_json(recorded)
    assert isinstance(again, RunFinished)
    assert type(again.status) is (str if status == "paused" else RunStatus)


def forged(layout: Layout, name: str, counter: int) -> None:
    """Write a segment of one line, whose checksum is right, that claims a place of its own choice."""
    (line,) = frame(failed("forged"), 1).splitlines()
    payload = line[17:].replace(b'{"c":1,', b'{"c":%d,' % counter, 1)
    checksum = blake3(payload).hexdigest(8).encode()
    layout.journal.mkdir(parents=True, exist_ok=True)
    (layout.journal / f"{name}.log").write_bytes(b"%s %s\n" % (checksum, payload))


@pytest.mark.parametrize("counter", [10**15 + 1, 10**18 - 1, 10**18, 2**63])
def test_a_place_that_cannot_be_right_costs_its_own_line_only(tmp_path, counter):
    layout = Layout.of(tmp_path)
    forged(layout, "0-forged", counter)
    journal = FileJournal(layout)
    assert [journal.append([failed(name)]).counter for name in ("a", "b")] == [1, 2]
    reader = FileJournal(layout)
    assert [fact.step for _, fact in reader.read_since({})[0] if isinstance(fact, StepFailed)] == ["a", "b"]
    assert [problem.segment for problem in reader.problems] == ["0-forged"]


@pytest.mark.parametrize(("counter", "n_facts"), [(10**15, 1), (10**15 - 1, 2)])
def test_what_could_not_be_read_back_is_not_written_and_the_segment_in_the_way_is_named(tmp_path, counter, n_facts):
    layout = Layout.of(tmp_path)
    forged(layout, "0-forged", counter)
    with pytest.raises(EnvironmentFault) as refused:
        FileJournal(layout).append([failed("a")] * n_facts)
    (problem,) = refused.value.problems
    assert (problem.code, problem.facts) == ("journal-exhausted", (("segment", str(layout.journal / "0-forged.log")),))
    assert len(list(layout.journal.iterdir())) == 1
    if n_facts == 2:  # there is room for one
        assert FileJournal(layout).append([failed("a")]).counter == 10**15
        assert len(FileJournal(layout).read_since({})[0]) == 2


def test_a_segment_whose_descriptor_was_closed_is_left_alone_and_another_begun(tmp_path):
    """A step that closes descriptors below some number may have opened a file of its own under that number."""
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    journal.append([failed("a")])
    segment = journal._segment
    assert segment is not None
    with (tmp_path / "theirs").open("wb") as theirs:
        os.dup2(theirs.fileno(), segment.descriptor)
        journal.append([failed("b")])
        journal.sync()
        journal.close()
        os.close(segment.descriptor)
    assert (tmp_path / "theirs").read_bytes() == b""
    assert len(FileJournal(layout).read_since({})[0]) == 2


@pytest.mark.parametrize(
    "fact",
    [
        replace(failed("a"), message=5),
        replace(failed("a"), step="a"),
        replace(made("a", "1"), metrics={1: 2.0}),  # type: ignore[dict-item]
        replace(made("a", "1"), started_at=None),
        replace(made("a", "1"), links={"page": None}),  # type: ignore[dict-item]
        replace(observed("a", "1"), size_bytes=2**63),
        RunFinished(RunId("r"), "2026-01-01T00:00:00+00:00", "succeeded", "1.5", ()),  # type: ignore[arg-type]
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_record_that_would_not_read_back_as_it_is_stops_the_call_before_anything_is_written(tmp_path, fact):
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    with pytest.raises((NotReadable, TypeError, AttributeError)):
        journal.append([failed("b"), fact])
    assert not layout.journal.exists()
    assert journal.append([failed("c")]).counter == 1


def test_a_number_that_is_none_reads_back_as_it_is(tmp_path):
    journal = FileJournal(Layout.of(tmp_path))
    journal.append([replace(made("a", "1"), metrics={"loss": math.nan, "best": math.inf})])
    ((_, fact),) = journal.read_since({})[0]
    assert math.isnan(fact.metrics["loss"])
    assert fact.metrics["best"] == math.inf
