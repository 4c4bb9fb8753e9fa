"""Cleaning up: what a rule drops goes, what anything needs stays."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import (
    BlobDigest,
    Forgotten,
    Materialized,
    Output,
    Pinned,
    Purpose,
    Renamed,
    RunId,
    RunStarted,
    Unpinned,
)
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.folders import put_folder
from assetctl.storage.care.gc import Cleaning, GcPlan, apply_gc, plan_gc
from assetctl.storage.care.retention_rules import KeepRules
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.journal.segments import _checksum
from assetctl.storage.journal.wire import to_json
from assetctl.storage.state.descend import delete
from assetctl.storage.state.layout import Layout
from tests.storage.facts import made, value, version

DAY = 24 * 3600.0
NOW = datetime.fromisoformat("2026-06-01T00:00:00+00:00").timestamp()
MANY_DAYS_AGO, YESTERDAY = "2026-01-01T00:00:00+00:00", "2026-05-31T00:00:00+00:00"


class Store:
    """A state folder with real blobs and records; names in, names out."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout.of(root)
        self.blobs = Blobs(self.layout)
        self.journal = FileJournal(self.layout)
        self.names: dict[BlobDigest, str] = {}

    def blob(self, text: str, *, days_old: float = 30) -> BlobDigest:
        digest = self.blobs.put_bytes(text.encode())
        self.names[digest] = text
        self._age(self.layout.blob(digest), days_old)
        return digest

    def make(
        self,
        asset: str,
        text: str,
        *,
        at: str = MANY_DAYS_AGO,
        published: bool = True,
        figure: str = "",
        run: str = "run1",
        inline: bool = False,
    ) -> Materialized:
        data = text.encode() if inline else None  # kept within the record: there is no blob of it
        blob = BlobDigest(digest_bytes(text.encode())) if inline else self.blob(text)
        output = Output(Target.parse(asset), value(text), "text/1", blob, len(text), data)
        figures = {"plot": str(self.blob(figure))} if figure else {}
        fact = made(asset, text, of=text, outputs=(output,), published=published, run=run)
        fact = replace(fact, started_at=at, figures=figures)
        self.journal.append([fact])
        return fact

    def make_folder(self, asset: str, files: dict[str, str]) -> None:
        folder = self.layout.root / "made"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        digest, entries, _ = put_folder(self.blobs, folder)
        self.names[digest] = f"{asset}/"
        self.names |= {entry.digest: f"{asset}/{entry.name}" for entry in entries}
        output = Output(Target.parse(asset), value(asset), FOLDER, digest, sum(len(text) for text in files.values()))
        self.journal.append([made(asset, asset, of=asset, outputs=(output,))])
        for entry in self.names:
            self._age(self.layout.blob(entry), 30)

    def cleaning(self, rules: KeepRules, declared: list[str] | None = None) -> Cleaning:
        keys = None if declared is None else {Target.parse(name): Target.parse(name) for name in declared}
        return Cleaning(self.layout, self.journal, rules, NOW, keys)

    def plan(self, rules: KeepRules, declared: list[str] | None = None) -> GcPlan:
        return plan_gc(self.cleaning(rules, declared))

    def apply(self, rules: KeepRules) -> GcPlan:
        return apply_gc(self.cleaning(rules))

    def goes(self, rules: KeepRules, declared: list[str] | None = None) -> list[str]:
        return sorted(self.names[r.digest] for r in self.plan(rules, declared).reclaims if r.digest is not None)

    def left(self) -> list[str]:
        return sorted(name for digest, name in self.names.items() if self.layout.blob(digest).exists())

    @staticmethod
    def _age(path: Path, days: float) -> None:
        if path.exists():
            os.utime(path, (NOW - days * DAY, NOW - days * DAY))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("rules", "goes"),
    [
        (KeepRules(), []),
        (KeepRules(keep_last=1), ["a1", "a2"]),
        (KeepRules(keep_last=2), ["a1"]),
        (KeepRules(keep_last=3), []),
        (KeepRules(younger_than_s=7 * DAY), ["a1"]),
        (KeepRules(younger_than_s=3600.0), ["a1", "a2"]),
        (KeepRules(keep_last=1, younger_than_s=7 * DAY), ["a1"]),
        (KeepRules(keep_last=0), ["a1", "a2"]),
    ],
)
def test_rules_decide_about_earlier_versions(store: Store, rules: KeepRules, goes: list[str]) -> None:
    store.make("a", "a1")
    store.make("a", "a2", at=YESTERDAY)
    store.make("a", "a3", at=MANY_DAYS_AGO)
    store.make("b", "b1")
    assert store.goes(rules) == goes


def test_equal_values_count_once_and_are_kept_by_any_version(store: Store) -> None:
    for text in ("x", "old", "x", "y", "x"):
        store.make("a", text)
    assert store.goes(KeepRules(keep_last=2)) == ["old"]


def test_bytes_shared_with_another_asset_stay(store: Store) -> None:
    store.make("a", "shared")
    store.make("a", "new")
    store.make("b", "shared")
    assert store.goes(KeepRules(keep_last=1)) == []


def test_what_was_held_back_after_the_latest_stays(store: Store) -> None:
    store.make("a", "old")
    store.make("a", "published")
    store.make("a", "candidate", published=False)
    assert store.goes(KeepRules(keep_last=1)) == ["old"]


def test_figures_live_as_long_as_their_version(store: Store) -> None:
    store.make("a", "old", figure="old plot")
    store.make("a", "new", figure="new plot")
    assert store.goes(KeepRules(keep_last=1)) == ["old", "old plot"]


def test_figures_of_values_kept_within_a_record_live_as_long_as_their_version(store: Store) -> None:
    store.make("a", "old", figure="old plot", inline=True)
    store.make("a", "new", figure="new plot", inline=True)
    assert store.goes(KeepRules()) == []
    assert store.goes(KeepRules(keep_last=1)) == ["old plot"]
    store.apply(KeepRules(keep_last=1))
    assert store.left() == ["new plot"]


def test_a_folder_keeps_its_manifest_and_every_file(store: Store) -> None:
    store.make_folder("f", {"one": "1", "two": "22"})
    assert store.goes(KeepRules(keep_last=1)) == []
    assert store.goes(KeepRules(drop_removed=True), declared=[]) == ["f/", "f/one", "f/two"]


def test_removed_assets_go_only_when_told_to(store: Store) -> None:
    store.make("gone", "g1")
    store.make("gone", "g2")
    store.make("a", "a1")
    assert store.goes(KeepRules(), declared=["a"]) == []
    assert store.goes(KeepRules(drop_removed=True), declared=["a"]) == ["g1", "g2"]
    why = {reclaim.why for reclaim in store.plan(KeepRules(drop_removed=True), ["a"]).reclaims}
    assert why == {"`gone` is no longer declared"}


def test_orphans_go_after_their_grace(store: Store) -> None:
    """A blob is durable before its record: a young one may be a step that is just finishing."""
    store.blob("young", days_old=0.5)
    store.blob("old", days_old=2)
    assert store.goes(KeepRules()) == ["old"]
    assert store.goes(KeepRules(grace_s=0)) == ["old", "young"]


def test_planning_changes_nothing_and_applying_does_what_it_said(store: Store) -> None:
    store.make("a", "a1")
    store.make("a", "a2")
    store.blob("orphan")
    plan = store.plan(KeepRules(keep_last=1))
    assert store.left() == ["a1", "a2", "orphan"]
    assert (plan.n_kept, plan.kept_bytes, plan.reclaimed_bytes) == (1, 2, len("a1") + len("orphan"))
    assert store.apply(KeepRules(keep_last=1)) == plan
    assert store.left() == ["a2"]
    assert store.plan(KeepRules(keep_last=1)).reclaims == ()


def test_unfinished_writes_of_dead_processes_go(store: Store) -> None:
    folder = store.layout.temporary
    folder.mkdir(parents=True)
    dead, alive = 2**22 + 1, os.getpid()
    names = {f"{dead}-old": 2, f"{dead}-young": 0.01, f"{alive}-old": 2, f"{dead}-folder": 2}
    for name, hours in names.items():
        path = folder / name
        if name.endswith("folder"):
            path.mkdir()
            (path / "part").write_text("xyz")
        else:
            path.write_text("xyz")
        os.utime(path, (NOW - hours * 3600, NOW - hours * 3600))
    plan = store.plan(KeepRules())
    assert [reclaim.path.name for reclaim in plan.reclaims] == [f"{dead}-folder", f"{dead}-old"]
    assert plan.reclaimed_bytes == 6
    store.apply(KeepRules())
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"{dead}-young", f"{alive}-old"])


def test_bytes_that_cannot_be_removed_are_named(store: Store) -> None:
    """A folder of the store that was replaced by a link is not followed."""
    digest = store.blob("orphan")
    folder = store.layout.blob(digest).parent
    reclaim = store.plan(KeepRules()).reclaims[0]
    folder.rename(store.layout.root / "elsewhere")
    folder.symlink_to(store.layout.root / "elsewhere")
    with pytest.raises(EnvironmentFault) as caught:
        delete(reclaim.path)
    assert dict(caught.value.problems[0].facts)["link"] == str(folder)
    assert store.left() == ["orphan"]


# --- what people decide: pins, forgetting, new names, branches -----------------------------------------


def test_pinned_versions_stay_whatever_the_rules_until_they_are_unpinned(store: Store) -> None:
    for purpose, text in (("keep", "a1"), ("serve", "a2")):
        made_ = store.make("a", text)
        store.journal.append([Pinned(made_.step, made_.id, version(text), Purpose(purpose), "")])
    for text in ("a3", "a4"):
        store.make("a", text)
    assert store.goes(KeepRules(keep_last=1)) == ["a3"]
    assert store.goes(KeepRules(drop_removed=True), declared=[]) == ["a3", "a4"]
    store.journal.append([Unpinned(Target.parse("a"), Purpose.KEEP, None, "")])
    assert store.goes(KeepRules(keep_last=1)) == ["a1", "a3"]


def test_what_was_forgotten_goes_under_any_rule_and_what_was_made_since_stays(store: Store) -> None:
    store.make("a", "a1")
    store.make("b", "b1")
    store.journal.append([Forgotten((Target.parse("a"),), "", "rm a")])
    store.make("a", "a2")
    assert store.goes(KeepRules()) == ["a1"]
    assert {reclaim.why for reclaim in store.plan(KeepRules()).reclaims} == {"`a` was forgotten"}


def test_a_renamed_asset_is_one_asset_and_another_that_takes_the_old_name_is_not(store: Store) -> None:
    store.make("old", "v1")
    store.make("old", "v2")
    store.journal.append([Renamed(Target.parse("old"), Target.parse("new"), "")])
    store.make("new", "v3")
    store.make("old", "other")
    assert store.goes(KeepRules(keep_last=1)) == ["v1", "v2"]
    assert store.goes(KeepRules(keep_last=2)) == ["v1"]
    assert store.goes(KeepRules(drop_removed=True), declared=["new"]) == ["other"]


def test_an_alias_counts_as_the_asset_that_declares_it(store: Store) -> None:
    store.make("old", "v1")
    store.make("new", "v2")
    declared = {Target.parse("new"): Target.parse("new"), Target.parse("old"): Target.parse("new")}
    asked = replace(store.cleaning(KeepRules(keep_last=1, drop_removed=True)), declared=declared)
    assert [store.names[r.digest] for r in plan_gc(asked).reclaims if r.digest] == ["v1"]


def test_what_each_branch_published_last_stays(store: Store) -> None:
    for run, branch, commit, text in (
        ("r1", "main", "c1", "m1"),
        ("r2", "topic", "c2", "t1"),
        ("r3", "topic", "c3", "t2"),
        ("r4", "gone", "c4", "g1"),
        ("r5", "main", "c5", "m2"),
        ("r6", "main", "c6", "m3"),
    ):
        store.journal.append([RunStarted(RunId(run), "", (), "", branch, commit)])
        store.make("a", text, run=run)
    branches = {"main": frozenset(("c1", "c5", "c6")), "topic": frozenset(("c1", "c2", "c3"))}
    assert store.goes(KeepRules(branches=branches)) == ["g1", "m1", "m2", "t1"]
    assert store.goes(KeepRules(branches={"merged": frozenset(("c1",))})) == ["g1", "m2", "t1", "t2"]
    assert store.goes(KeepRules(branches={})) == ["g1", "m1", "m2", "t1", "t2"]
    assert store.goes(KeepRules(branches=branches, keep_last=3)) == ["m1", "t1"]


def test_records_of_a_newer_release_make_it_refuse(store: Store) -> None:
    store.make("a", "a1")
    store.make("a", "a2")
    payload = b'{"c":99,"k":"from_the_future","v":1}'
    segment = next(store.layout.journal.iterdir()).with_name("000000000000-1-00000000.log")
    segment.write_bytes(b"%s %s\n" % (_checksum(payload), payload))
    with pytest.raises(EnvironmentFault, match="newer"):
        store.apply(KeepRules(keep_last=1))
    assert store.left() == ["a1", "a2"]


def test_a_damaged_record_is_not_taken_for_one_of_a_newer_release(store: Store) -> None:
    """Whatever its message says: here that `unknown` is not a valid Trace."""
    store.make("a", "a1")
    store.make("a", "a2")
    payload = json.dumps({"c": 99, **to_json(made("a", "a3")), "trace": "unknown"}, separators=(",", ":")).encode()
    segment = next(store.layout.journal.iterdir()).with_name("000000000000-1-00000000.log")
    segment.write_bytes(b"%s %s\n" % (_checksum(payload), payload))
    reader = FileJournal(store.layout)
    reader.read_since({})
    (problem,) = reader.problems
    assert ("unknown" in problem.what, problem.is_newer, problem.is_damage) == (True, False, True)
    assert store.goes(KeepRules(keep_last=1)) == ["a1"]


def test_bytes_without_a_record_stay_while_a_line_of_the_journal_is_damaged(store: Store) -> None:
    """The record may be the line that cannot be read."""
    store.make("a", "a1")
    store.make("a", "a2")
    store.make("a", "a3")
    segment = next(store.layout.journal.iterdir())
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"X".join([lines[0], lines[1][1:]]) + lines[2])
    assert store.goes(KeepRules(keep_last=1)) == ["a1"]


def test_cleaning_up_where_nothing_is_kept_makes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    assert store.apply(KeepRules(keep_last=1)).reclaims == ()
    assert not store.layout.state.exists()


def test_what_killed_processes_left_of_replacing_files_goes_and_nothing_else(store: Store) -> None:
    state, cache = store.layout.state, store.layout.cache
    (cache / "noop").mkdir(parents=True)
    left = [
        state / ".0123456789ab.tmp",
        cache / ".0123456789ab.tmp",
        cache / "noop" / ".ba9876543210.tmp",
        state / "lineage.duckdb.new",
        state / "lineage.duckdb.new.wal",
    ]
    others = [state / ".mine.tmp", state / "0123456789ab.tmp", state / ".0123456789abcd.tmp", state / "lineage.duckdb"]
    young = state / ".aaaaaaaaaaaa.tmp"
    for path in (*left, *others, young):
        path.write_text("x")
        os.utime(path, (1, 1))
    os.utime(young)
    link = state / ".bbbbbbbbbbbb.tmp"
    link.symlink_to(others[0])
    os.utime(link, (1, 1), follow_symlinks=False)
    plan = store.apply(KeepRules(keep_last=1))
    assert sorted(reclaim.path for reclaim in plan.reclaims) == sorted([*left, link])
    assert [path.exists() for path in (*left, link)] == [False] * 6
    assert all(path.exists() for path in (*others, young))
