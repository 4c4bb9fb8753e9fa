"""Files and folders count by their bytes; a remembered digest is never a stale one."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import DeclarationError, EnvironmentFault
from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed, digest_bytes
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.blobs.file_digests import FileDigests, _place, digest_directory, digest_file, list_directory
from assetctl.storage.sources.observing import observe_source, table_identity
from assetctl.storage.sources.parsing import parse_table

_LONG_AGO_NS = 1_600_000_000 * 10**9


def write(path: Path, text: str, mtime_ns: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def test_a_file_counts_by_its_bytes(tmp_path: Path) -> None:
    one = write(tmp_path / "a.txt", "same")
    other = write(tmp_path / "elsewhere" / "b.txt", "same", _LONG_AGO_NS)
    other.chmod(0o600)
    assert digest_file(one) == digest_file(other) == digest_bytes(b"same")
    assert digest_file(write(one, "samf")) != digest_file(other)


def test_a_folder_counts_by_relative_paths_and_bytes(tmp_path: Path) -> None:
    def folder(name: str, *files: str) -> Path:
        for file in files:
            write(tmp_path / name / file, file)
        return tmp_path / name

    base = digest_directory(folder("a", "x", "sub/y"))
    assert base == digest_directory(folder("b", "sub/y", "x"))
    assert base[1] == len("x") + len("sub/y")
    others = [digest_directory(folder(*case)) for case in (("c", "x", "sub/z"), ("d", "x"), ("e", "x", "y", "sub/y"))]
    assert len({base, *others}) == 4


def test_an_empty_folder_counts_and_others_keep_their_digest(tmp_path: Path) -> None:
    write(tmp_path / "f" / "sub" / "x", "x")
    folder = tmp_path / "f"
    plain = Framed("av/1").tag("directory").length(1).text("sub/x").child(digest_file(folder / "sub" / "x"))
    seen = [digest_directory(folder)[0]]
    assert seen == [plain.hexdigest()]  # as it was before empty folders counted
    for name in ("a", "b/c", "sub/d"):
        (folder / name).mkdir(parents=True)
        seen.append(digest_directory(folder)[0])
    (folder / "a").rename(folder / "z")
    seen.append(digest_directory(folder)[0])
    write(folder / "z" / "y", "")
    seen.append(digest_directory(folder)[0])
    assert len(set(seen)) == len(seen)
    (folder / "z" / "y").unlink()
    (folder / "z").rmdir()
    (folder / "linked").symlink_to(folder / "b" / "c")
    (folder / "loop").symlink_to(folder)
    assert list_directory(folder)[1] == ["b/c", "linked", "sub/d"]


def test_links_count_as_what_they_point_at(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "f", "one")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to("nowhere")
    before = digest_directory(folder)
    write(tmp_path / "outside" / "f", "two")
    after = digest_directory(folder)
    assert before != after
    (folder / "dangling").unlink()
    (folder / "dangling").symlink_to("elsewhere")
    assert digest_directory(folder) != after


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Aged:
    """A file whose times lie in the past, so that its digest is remembered; `swap` keeps its stat."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remembered_digest(self, cache: Path, pretend: str) -> str:
        """Plant a remembered digest for the file's present stat, as an earlier process would have."""
        digests = FileDigests(cache)
        status = self.path.stat()
        signature = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digests._remember(_place(self.path), signature, pretend)  # type: ignore[arg-type]
        return FileDigests(cache).of(self.path)


def test_an_unchanged_stat_is_answered_from_the_cache(tmp_path: Path, cache: Path) -> None:
    file = Aged(write(tmp_path / "f", "data", _LONG_AGO_NS))
    assert file.remembered_digest(cache, "b3:planted") == "b3:planted"


@pytest.mark.parametrize(
    "change",
    [
        lambda path: write(path, "longer than before", _LONG_AGO_NS),
        lambda path: os.utime(path, ns=(_LONG_AGO_NS + 1, _LONG_AGO_NS + 1)),
        lambda path: path.chmod(0o600),
        lambda path: write(path.with_name("g"), "data", _LONG_AGO_NS).replace(path),
    ],
    ids=["size", "mtime", "ctime", "inode"],
)
def test_any_changed_part_of_the_stat_is_hashed_anew(tmp_path: Path, cache: Path, change) -> None:
    path = write(tmp_path / "f", "data", _LONG_AGO_NS)
    Aged(path).remembered_digest(cache, "b3:planted")
    change(path)
    assert FileDigests(cache).of(path) == digest_file(path)


def test_a_file_changed_just_now_is_not_remembered(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "f", "one")
    assert FileDigests(cache).of(path) == digest_bytes(b"one")
    assert not cache.exists()


def test_the_name_of_a_file_is_not_kept_and_goes_where_an_earlier_release_kept_it(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "hunter22", "data", _LONG_AGO_NS)
    Aged(path).remembered_digest(cache, "b3:planted")
    [file] = cache.iterdir()
    assert b"hunter22" not in file.read_bytes()
    whole = file.read_bytes()
    file.write_bytes(whole + b'\nafc2764e 1 2 3 4 b3:00 "/data/hunter22"\n')
    assert FileDigests(cache).of(path) == "b3:planted"
    assert b"hunter22" not in file.read_bytes()
    file.write_bytes(b'afc2764e 1 2 3 4 b3:00 "/data/hunter22"\n')
    assert FileDigests(cache).of(path) == digest_bytes(b"data")
    assert b"hunter22" not in file.read_bytes()


@pytest.mark.parametrize("damage", [b"\x00\xffgarbage\n", b"", b'00000000 1 2 3 4 b3:wrong "/f"\n'])
def test_a_damaged_cache_is_ignored(tmp_path: Path, cache: Path, damage: bytes) -> None:
    path = write(tmp_path / "f", "data", _LONG_AGO_NS)
    Aged(path).remembered_digest(cache, "b3:planted")
    [file] = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage + whole[: len(whole) // 2])
    assert FileDigests(cache).of(path) == digest_bytes(b"data")
    file.write_bytes(damage + whole)  # a torn line does not swallow the next one
    assert FileDigests(cache).of(path) == "b3:planted"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    path = write(tmp_path / "f", "data", _LONG_AGO_NS)
    assert FileDigests(write(tmp_path / "not a folder", "")).of(path) == digest_bytes(b"data")


def test_an_unreadable_file_is_an_environment_fault(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(EnvironmentFault) as raised:
        FileDigests(cache).of(tmp_path / "absent")
    assert ("file", str(tmp_path / "absent")) in raised.value.problems[0].facts


def observe(root: Path, path: str, shape: str) -> tuple[str, str, int]:
    value, size = observe_source(SourceDef(path, SourceShape(shape), where="p.py:3"), root, FileDigests(root / "cache"))
    return value.kind, value.version, size


def test_sources_are_observed_by_their_bytes(tmp_path: Path) -> None:
    for root in (tmp_path / "one", tmp_path / "two"):
        write(root / "data" / "a.csv", "n\n1\n")
        write(root / "data" / "sub" / "b.csv", "n\n2\n")
        write(root / "data" / "c.txt", "")
    for path, shape, size in (("data/a.csv", "file", 4), ("data", "directory", 8), ("data/**/*.csv", "glob", 8)):
        one = observe(tmp_path / "one", path, shape)
        assert one == observe(tmp_path / "two", path, shape)
        assert (one[0], one[2]) == (shape, size)
        write(tmp_path / "one" / "data" / "a.csv", "n\n3\n")
        assert observe(tmp_path / "one", path, shape) != one
        write(tmp_path / "one" / "data" / "a.csv", "n\n1\n")
    before = observe(tmp_path / "one", "data/**/*.csv", "glob")
    write(tmp_path / "one" / "data" / "c.txt", "more")
    assert observe(tmp_path / "one", "data/**/*.csv", "glob") == before


@pytest.mark.parametrize(
    ("path", "shape", "message", "hint"),
    [
        ("data/fligths.csv", "file", "source `data/fligths.csv` is not there", "did you mean `data/flights.csv`?"),
        ("data", "file", "source `data` is a folder; declare it with `source.directory`", None),
        ("nothing", "directory", "source `nothing` is not a folder", None),
        ("data/*.parquet", "glob", "source `data/*.parquet` matches no file", None),
    ],
)
def test_a_missing_source_says_which_where_and_what_to_do(
    tmp_path: Path, path: str, shape: str, message: str, hint: str | None
) -> None:
    write(tmp_path / "data" / "flights.csv", "")
    with pytest.raises(DeclarationError) as raised:
        observe(tmp_path, path, shape)
    problem = raised.value.problems[0]
    assert problem.message == message
    assert problem.facts == (("declared in", "p.py:3"), ("path", str(tmp_path / path)))
    assert problem.hint
    assert hint in (None, problem.hint)


_TABLE = pa.table({"n": [1, 2], "s": ["x", "y"]})


def _files(root: Path) -> Iterator[Path]:
    text = "n,s\n1,x\n2,y\n"
    yield write(root / "a.csv", text)
    yield write(root / "a.tsv", text.replace(",", "\t"))
    (root / "b.csv.gz").write_bytes(gzip.compress(text.encode()))
    yield root / "b.csv.gz"
    with pa.output_stream(str(root / "b.csv.zst"), compression="zstd") as stream:
        stream.write(text.encode())
    yield root / "b.csv.zst"
    for extension in ("json", "jsonl", "ndjson"):
        yield write(root / f"a.{extension}", "".join(json.dumps(row) + "\n" for row in _TABLE.to_pylist()))
    yield write(root / "array.json", json.dumps(_TABLE.to_pylist(), indent=1))
    parquet.write_table(_TABLE, root / "key=1.parquet")
    yield root / "key=1.parquet"
    feather.write_feather(_TABLE, root / "a.feather")
    yield root / "a.feather"
    with pa.OSFile(str(root / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, _TABLE.schema) as writer:
        writer.write_table(_TABLE)
    yield root / "a.arrow"
    with pa.OSFile(str(root / "stream.ipc"), "wb") as sink, pa.ipc.new_stream(sink, _TABLE.schema) as writer:
        writer.write_table(_TABLE)
    yield root / "stream.ipc"


def test_every_format_gives_the_same_table(tmp_path: Path, cache: Path) -> None:
    for path in _files(tmp_path):
        assert identify_value(parse_table(path)) == identify_value(_TABLE), path.name
        assert table_identity(path, digest_file(path), cache) == identify_value(_TABLE)


def test_a_parsed_table_is_remembered_by_bytes_and_a_damaged_memory_is_ignored(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "a.csv", "n\n1\n")
    digest = digest_file(path)
    known = table_identity(path, digest, cache)
    path.unlink()
    assert table_identity(path, digest, cache) == known
    [remembered] = (cache / "tables").iterdir()
    write(path, "n\n1\n")
    remembered.write_text(remembered.read_text().replace("int64", "int32"))
    assert table_identity(path, digest, cache) == known


def test_csv_types_are_inferred_from_the_whole_file(tmp_path: Path) -> None:
    path = write(tmp_path / "late.csv", "n\n" + "1\n" * 600_000 + "NA\nlate\n")
    assert parse_table(path).schema.field("n").type == pa.string()
    nulls = parse_table(write(tmp_path / "null.csv", "n,s\n1,\nNA,NA\n2,x\n"))
    assert nulls.to_pydict() == {"n": [1, None, 2], "s": ["", "NA", "x"]}


@pytest.mark.parametrize(("name", "content"), [("a.parquet", "no"), ("a.json", "[{"), ("a.xyz", ""), ("a.csv", "")])
def test_what_is_no_table_says_so(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be read as a table") as raised:
        parse_table(write(tmp_path / name, content))
    assert raised.value.problems[0].facts == (("file", str(tmp_path / name)),)


class Meanwhile(FileDigests):
    """Has something happen to a file between its listing and its opening, once."""

    def __init__(self, root: Path, name: str, happens: Callable[[Path], object], *, after: bool = False) -> None:
        super().__init__(root / "cache")
        self.racing, self._happens, self._after = root / "data" / name, happens, after

    def of(self, path: Path) -> Digest:
        is_due, digest = path == self.racing, None
        if is_due and self._after:
            digest = super().of(path)
        if is_due:
            self.racing.unlink()
            self._happens(self.racing)
        return digest or super().of(path)


SHAPES = {"file": "data/b.csv", "directory": "data", "glob": "data/*.csv"}
GONE: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: None,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write(tmp_path / "data" / f"{name}.csv", name)
    return tmp_path


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_is_replaced_after_it_was_listed_counts_as_what_was_read(listed: Path, shape: str) -> None:
    source = SourceDef(SHAPES[shape], SourceShape(shape), where="p.py:3")
    first, _ = observe_source(source, listed, FileDigests(listed / "cache"))
    (listed / "new").write_text("other")
    racing = Meanwhile(listed, "b.csv", (listed / "new").replace)
    read, _ = observe_source(source, listed, racing)
    assert read != first
    assert read == observe_source(source, listed, FileDigests(listed / "another cache"))[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", GONE)
def test_a_file_that_is_gone_after_it_was_listed_is_named_and_not_waited_for(
    listed: Path, what: str, shape: str
) -> None:
    source = SourceDef(SHAPES[shape], SourceShape(shape), where="p.py:3")
    with pytest.raises(EnvironmentFault) as raised:
        observe_source(source, listed, Meanwhile(listed, "b.csv", GONE[what]))
    assert ("file", str(listed / "data" / "b.csv")) in raised.value.problems[0].facts


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_is_gone_after_it_was_read_is_no_source_of_a_size(listed: Path, shape: str) -> None:
    source = SourceDef(SHAPES[shape], SourceShape(shape), where="p.py:3")
    with pytest.raises(EnvironmentFault) as raised:
        observe_source(source, listed, Meanwhile(listed, "b.csv", GONE["removed"], after=True))
    assert ("file", str(listed / "data" / "b.csv")) in raised.value.problems[0].facts
