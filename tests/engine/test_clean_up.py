"""Cleaning up as a use case: which rules hold, what the answer says of each asset, and what is never deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.assets.ids import Target
from assetctl.engine.care.clean_up import CleanUpOptions, declared_names, space_by_asset
from assetctl.engine.workspace.settings import Keep
from assetctl.lineage.facts.records import Materialized, Output
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.care.gc import Reclaim
from tests.engine.recorded import Recorded
from tests.storage.facts import made, value

A, B = Target.parse("a"), Target.parse("b")
CODE = """
@asset(aliases=['was'])
def a(): ...
raw = source.file('raw.csv')
"""


@pytest.fixture
def world(tmp_path) -> Recorded:
    return Recorded(tmp_path, CODE)


@pytest.mark.parametrize(
    ("given", "settings", "rules"),
    [
        (CleanUpOptions(), Keep(), Keep()),
        (CleanUpOptions(), Keep(3, 60.0, True), Keep(3, 60.0, True)),
        (CleanUpOptions(keep_last=1), Keep(3, 60.0, True), Keep(1, 60.0, True)),
        (CleanUpOptions(keep_for_s=0.0), Keep(3, 60.0, True), Keep(3, 0.0, True)),
        (CleanUpOptions(keep_branches=False), Keep(3, 60.0, True), Keep(3, 60.0, False)),
        (CleanUpOptions(keep_branches=True), Keep(), Keep(None, None, True)),
    ],
)
def test_a_rule_that_is_given_replaces_that_of_the_settings(given, settings, rules):
    assert given.over(settings) == rules


def test_a_declared_asset_keeps_what_was_made_under_its_earlier_names_and_a_source_counts(world):
    assert declared_names(world.project.graph()) == {"a": "a", "was": "a", "raw": "raw"}


def test_what_goes_is_told_by_asset_and_what_belongs_to_none_comes_last():
    def file(size_bytes: int, why: str, asset: Target | None) -> Reclaim:
        return Reclaim(Path("/x"), None, size_bytes, why, asset)

    files = [file(1, "unfinished", None), file(5, "old", B), file(2, "old", A), file(3, "forgotten", A)]
    spaces = space_by_asset(files, {A: 70, Target.parse("c"): 9})
    assert [(s.asset, s.n_files, s.reclaimed_bytes, s.kept_bytes, s.why) for s in spaces] == [
        ("a", 2, 5, 70, ("forgotten", "old")),
        ("b", 1, 5, 0, ("old",)),
        (None, 1, 1, 0, ("unfinished",)),
    ]


def kept_blob(world: Recorded, asset: str, text: str) -> tuple[Materialized, Path]:
    """Store bytes and return the fact for them, and their file."""
    layout = world.project.workspace.layout
    blob = Blobs(layout).put_bytes(text.encode())
    output = Output(Target.parse(asset), value(text), "text/1", blob, len(text))
    return made(asset, text, of=text, outputs=(output,)), layout.blob(blob)


def test_only_applying_deletes_and_only_what_the_rules_drop(world):
    (old, old_file), (new, new_file) = kept_blob(world, "a", "one"), kept_blob(world, "a", "two!")
    world.record(old, new)
    assert world.project.gc().files == ()
    options = CleanUpOptions(keep_last=1)
    planned = world.project.gc(options)
    assert (planned.is_applied, planned.reclaimed_bytes, planned.n_kept, planned.kept_bytes) == (False, 3, 1, 4)
    assert old_file.exists()
    done = world.project.gc(options, apply=True)
    assert (done.is_applied, done.files) == (True, planned.files)
    assert (old_file.exists(), new_file.exists()) == (False, True)


def test_assets_gone_from_the_code_lose_their_bytes_only_if_that_is_asked_for(world):
    (here, _), (renamed, _), (gone, _) = (kept_blob(world, asset, asset) for asset in ("a", "was", "gone"))
    world.record(renamed, here, gone)
    assert world.project.gc().files == ()
    dropped = world.project.gc(CleanUpOptions(drop_removed=True))
    assert [space.asset for space in dropped.by_asset] == ["gone"]


def test_forgetting_a_root_that_is_none_is_refused_and_nothing_is_said_to_be_forgotten(world):
    told: list[Path] = []
    with pytest.raises(SelectionError, match="no project at `/nowhere`"):
        world.project.gc(CleanUpOptions(forget_roots=(Path("/nowhere"),)), on_root_forgotten=told.append)
    assert told == []


def test_branches_can_be_kept_in_a_git_repository_only(world):
    with pytest.raises(SelectionError, match="not in a git repository"):
        world.project.gc(CleanUpOptions(keep_branches=True))
