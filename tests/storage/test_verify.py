"""Hashing stored bytes again: every damage is found, nothing else is, and nothing is moved."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Materialized, Output
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.folders import put_folder
from assetctl.storage.care.subset import Amount, Part, Share, Subset, choose, parse_subset
from assetctl.storage.care.verify import Damage, Piece, read_again, take_inventory
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from tests.storage.damage import DAMAGES, damage, line_of, swap
from tests.storage.facts import made, value

N_DAMAGES = 5  # of each kind, in the default suite


def keep(layout: Layout, asset: str, data: bytes, *, codec: str = "bytes/1") -> Output:
    return Output(Target.parse(asset), value(asset), codec, Blobs(layout).put_bytes(data), len(data))


def record(layout: Layout, *outputs: Output, of: str = "p1", **fields: object) -> None:
    journal = FileJournal(layout)
    for output in outputs:
        fact = made(output.target, "x", of=of, outputs=(output,))
        journal.append([Materialized(**{**{f: getattr(fact, f) for f in Materialized.__slots__}, **fields})])
    journal.close()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Blobs of several sizes, a folder, a figure, a value inside its record, two assets that share one blob."""
    layout = Layout.of(tmp_path)
    blobs = Blobs(layout)
    record(layout, *(keep(layout, f"a{n}", bytes([n]) * size) for n, size in enumerate((1, 5000, 70_000, 2_500_000))))
    shared = keep(layout, "one", b"shared by two" * 999)
    record(layout, shared, Output(Target.parse("two"), value("two"), "bytes/1", shared.blob, shared.size_bytes))
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a" * 6000)
    (folder / "deep" / "b.txt").write_text("b" * 6000)
    manifest, files, _ = put_folder(blobs, folder)
    record(layout, Output(Target.parse("folder"), value("f"), FOLDER, manifest, sum(file.size_bytes for file in files)))
    record(layout, keep(layout, "plotted", b"p" * 5000), figures={"roc": blobs.put_bytes(b"<svg/>" * 900)})
    inline = Output(Target.parse("small"), value("s"), "text/1", BlobDigest(digest_bytes(b"7")), 1, b"7")
    record(layout, inline)
    return layout


def verify(layout: Layout, assets: set[str] | None = None, *, latest_only: bool = False) -> list[Damage]:
    stored = take_inventory(layout, None if assets is None else set(map(Target.parse, assets)), latest_only=latest_only)
    return [*stored.damages, *read_again(stored.pieces, lambda _n_bytes: None)]


def blobs_of(layout: Layout) -> list[Path]:
    return sorted(path for path in layout.blobs.rglob("*") if path.is_file())


def seen(layout: Layout) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in layout.state.rglob("*")}


def test_a_sound_store_has_no_damage_and_all_of_it_was_read(layout: Layout) -> None:
    stored = take_inventory(layout, None)
    n_read: list[int] = []
    assert list(read_again(stored.pieces, n_read.append)) == []
    assert stored.damages == ()
    assert {piece.path for piece in stored.pieces} == set(blobs_of(layout))
    assert sum(n_read) == stored.stored_bytes == sum(path.stat().st_size for path in blobs_of(layout))
    assert stored.n_inline == 1


@pytest.mark.parametrize("kind", list(DAMAGES))
def test_every_damage_is_found_alone_and_stays_where_it_is(layout: Layout, kind: str) -> None:
    choose_ = random.Random(kind)
    for path in choose_.sample(blobs_of(layout), N_DAMAGES):
        whole = path.read_bytes()
        before_ns = path.stat().st_mtime_ns
        damage(path, kind, choose_)
        if path.is_file() and not path.is_symlink() and path.read_bytes() == whole:
            continue  # a page that was zeros before
        before = seen(layout)
        (reported,) = verify(layout)
        assert (reported.path, reported.is_missing) == (path, False)
        assert seen(layout) == before
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(whole)
        os.utime(path, ns=(before_ns, before_ns))
    assert verify(layout) == []


@pytest.mark.soak
def test_soak_ten_thousand_damages_are_found_and_nothing_else(layout: Layout) -> None:
    choose_ = random.Random(7)
    paths = [path for path in blobs_of(layout) if path.stat().st_size < 100_000]
    kinds = ["a flipped bit", "a truncation", "appended bytes", "a page of zeros"]
    owners = {path: _owners(layout, path) for path in paths}
    n_found = 0
    while n_found < 10_000:
        path, kind = choose_.choice(paths), choose_.choice(kinds)
        whole = path.read_bytes()
        damage(path, kind, choose_)
        if path.read_bytes() != whole:
            assert [reported.path for reported in verify(layout, owners[path])] == [path]
            n_found += 1
        path.chmod(0o644)
        path.write_bytes(whole)
    assert verify(layout) == []


def _owners(layout: Layout, path: Path) -> set[str]:
    return {
        str(use.target) for piece in take_inventory(layout, None).pieces if piece.path == path for use in piece.uses
    }


def test_two_blobs_that_were_swapped_are_both_found(layout: Layout) -> None:
    one, other = (layout.blob(keep(layout, name, name.encode() * 5000).blob) for name in ("x", "y"))
    record(layout, keep(layout, "x", b"x" * 5000), keep(layout, "y", b"y" * 5000))
    swap(one, other)
    assert sorted(reported.path for reported in verify(layout)) == sorted([one, other])


def test_a_damage_names_every_asset_and_part_that_it_hits(layout: Layout) -> None:
    shared = layout.blob(BlobDigest(digest_bytes(b"shared by two" * 999)))
    figure = layout.blob(BlobDigest(digest_bytes(b"<svg/>" * 900)))
    file = layout.blob(BlobDigest(digest_bytes(b"b" * 6000)))
    for path in (shared, figure, file):
        damage(path, "a flipped bit", random.Random(1))
    hit = {(str(use.target), use.part, use.is_latest) for reported in verify(layout) for use in reported.uses}
    assert hit == {
        ("one", "", True),
        ("two", "", True),
        ("plotted", "figure roc", True),
        ("folder", "file deep/b.txt", True),
    }


def test_a_damaged_list_of_files_is_one_damage_and_its_entries_are_not_believed(layout: Layout) -> None:
    (manifest,) = [path for path in blobs_of(layout) if path.read_bytes().startswith(b'{"format"')]
    text = manifest.read_bytes().replace(digest_bytes(b"b" * 6000).encode(), digest_bytes(b"c").encode())
    manifest.chmod(0o644)
    manifest.write_bytes(text)
    (reported,) = verify(layout)
    assert (reported.path, reported.uses[0].part) == (manifest, "the list of its files")


def test_a_value_inside_its_record_that_has_another_hash_is_found(layout: Layout) -> None:
    lie = Output(Target.parse("small"), value("s"), "text/1", BlobDigest(digest_bytes(b"8")), 1, b"9")
    record(layout, lie)
    (reported,) = verify(layout)
    assert reported.path.parent == layout.journal
    assert [use.target for use in reported.uses] == ["small"]


def test_a_damaged_line_of_the_journal_is_found_whatever_was_selected(layout: Layout) -> None:
    segment = min(layout.journal.iterdir())
    damage(segment, "a flipped bit", random.Random(3))
    (reported,) = verify(layout, {"small"})
    assert (reported.path, reported.uses) == (segment, ())


def test_a_torn_tail_and_a_fact_of_a_newer_release_are_no_damage(layout: Layout) -> None:
    segment = min(layout.journal.iterdir())
    with segment.open("ab") as file:
        file.write(line_of({"k": "invented", "v": 1}, 99) + b"0123 half a li")
    assert verify(layout) == []


def test_missing_bytes_of_a_latest_version_are_missing_and_of_an_earlier_one_were_cleaned_up(layout: Layout) -> None:
    old = layout.blob(BlobDigest(digest_bytes(b"\1" * 5000)))
    old.unlink()
    (reported,) = verify(layout)
    assert (reported.is_missing, reported.path) == (True, old)
    record(layout, keep(layout, "a1", b"newer" * 2000))
    assert verify(layout) == []


def test_bytes_that_were_set_aside_are_still_a_damage(layout: Layout) -> None:
    path = layout.blob(BlobDigest(digest_bytes(b"\1" * 5000)))
    layout.quarantine.mkdir()
    aside = path.rename(layout.quarantine / (path.parent.name + path.name))
    (reported,) = verify(layout)
    assert (reported.is_missing, reported.path) == (False, aside)


def test_only_what_is_selected_is_read_and_earlier_versions_can_be_left_out(layout: Layout) -> None:
    damage(layout.blob(BlobDigest(digest_bytes(b"\1" * 5000))), "a flipped bit", random.Random(1))
    assert len(verify(layout, {"a1"})) == 1
    assert verify(layout, {"a2"}) == []
    record(layout, keep(layout, "a1", b"newer" * 2000))
    assert [reported.uses[0].is_latest for reported in verify(layout)] == [False]
    assert verify(layout, latest_only=True) == []


def test_a_blob_that_is_healed_while_it_is_read_is_no_damage(layout: Layout) -> None:
    """A build writes the blob anew, between the first block that was read and the end."""
    path = layout.blob(BlobDigest(digest_bytes(bytes([3]) * 2_500_000)))
    whole = path.read_bytes()
    damage(path, "a flipped bit", random.Random(1))
    healed = False

    def heal(_n_bytes: int) -> None:
        nonlocal healed
        if not healed:
            healed = True
            other = path.with_name("new")
            other.write_bytes(whole)
            other.replace(path)

    stored = take_inventory(layout, {Target.parse("a3")})
    assert list(read_again(stored.pieces, heal)) == []


_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from assetctl.storage.state.layout import Layout
from assetctl.storage.care.verify import read_again, take_inventory
stored = take_inventory(Layout.of(Path(sys.argv[1])), None)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert list(read_again(stored.pieces, lambda n: None)) == []
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_blob_is_read_in_little_memory(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    record(layout, keep(layout, "large", os.urandom(1 << 20) * 200))
    command = [sys.executable, "-c", _IN_LITTLE_MEMORY, str(tmp_path)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    assert grown * unit < 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("text", "subset"),
    [
        ("5%", Share(5)),
        ("0.5%", Share(0.5)),
        ("100%", Share(100)),
        ("2/10", Part(2, 10)),
        ("1/1", Part(1, 1)),
        ("1G", Amount(1 << 30)),
        ("500m", Amount(500 << 20)),
        ("12", Amount(12)),
    ],
)
def test_a_subset_is_a_share_a_part_or_a_size(text: str, subset: Subset) -> None:
    assert parse_subset(text) == subset


@pytest.mark.parametrize("text", ["", "0%", "101%", "-5%", "0/3", "4/3", "1/0", "1.5/3", "0G", "1X", "G", "٥%"])
def test_what_is_no_subset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no subset"):
        parse_subset(text)


def pieces(n: int, size: int = 100) -> list[Piece]:
    digests = [BlobDigest(digest_bytes(str(number).encode())) for number in range(n)]
    return [Piece(digest, Path("x"), size, ()) for digest in digests]


def test_all_parts_together_read_everything_once() -> None:
    all_pieces = pieces(500)
    parts = [choose(all_pieces, Part(number, 7), random.Random()) for number in range(1, 8)]
    assert sorted(p.digest for part in parts for p in part) == sorted(p.digest for p in all_pieces)
    assert min(map(len, parts)) > 0


def test_a_share_and_a_size_read_enough_and_another_choice_each_time() -> None:
    all_pieces = pieces(1000)
    assert len(choose(all_pieces, Share(5), random.Random(1))) == 50
    assert len(choose(all_pieces, Amount(1001), random.Random(1))) == 11
    assert len(choose(all_pieces, Amount(1 << 40), random.Random(1))) == 1000
    assert len(choose(all_pieces, Share(0.001), random.Random(1))) == 1
    assert choose([], Share(50), random.Random(1)) == []
    assert choose(all_pieces, Share(5), random.Random(1)) != choose(all_pieces, Share(5), random.Random(2))
