"""What `code_deps` name: files, folders and patterns, followed, and refused where they match nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetctl.assets.decorator import asset
from assetctl.assets.errors import DeclarationError
from assetctl.engine.workspace.code_files import CodeFiles
from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.code.identify import file_patterns
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.file_digests import FileDigests
from tests.e2e.projects import DiskProject

QUERIES = ("queries/.hidden.sql", "queries/a.sql", "queries/deep/b.sql", "queries/deep/c.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    left_out = ("queries/__pycache__/a.pyc", "queries/.git/x", "venv/pyvenv.cfg", "venv/x.sql", ".assetctl/x.sql")
    for name in (*QUERIES, *left_out, "top.sql", "a[1].sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "queries" / "loop").symlink_to(tmp_path / "queries")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("queries", QUERIES),
        ("queries/", QUERIES),
        ("./queries", QUERIES),
        ("queries/**", QUERIES),
        ("queries/*", QUERIES),
        ("queries/*.sql", ("queries/.hidden.sql", "queries/a.sql")),
        ("queries/**/*.sql", ("queries/.hidden.sql", "queries/a.sql", "queries/deep/b.sql")),
        ("queries/a.sql", ("queries/a.sql",)),
        ("a[1].sql", ("a[1].sql",)),
        (".", ("a[1].sql", *QUERIES, "top.sql")),
        ("nothing", ()),
        ("nothing/**", ()),
        ("quieries", ()),
        ("queries/**.sql/x**", ()),
        ("", ("a[1].sql", *QUERIES, "top.sql")),
    ],
)
def test_patterns_are_matched_and_folders_followed(root: Path, pattern: str, names: tuple[str, ...]) -> None:
    matched = CodeFiles(root, None).matching(pattern)
    assert tuple(name for name in matched if "/loop/" not in name) == names


def test_absolute_and_outer_paths_are_followed(root: Path) -> None:
    files = CodeFiles(root / "venv", None)
    assert files.matching("../queries/deep") == ("../queries/deep/b.sql", "../queries/deep/c.txt")
    assert files.matching(f"{root}/queries/deep") == (f"{root}/queries/deep/b.sql", f"{root}/queries/deep/c.txt")
    assert files.matching(f"{root}/*.sql") == (f"{root}/a[1].sql", f"{root}/top.sql")
    assert files.matching(f"{root}/gone.sql") == ()


@pytest.mark.parametrize(
    ("pattern", "hint"), [("querys/a.sql", "`queries`"), ("queries/b.sql", "`a.sql`"), ("*.yaml", "correct it")]
)
def test_what_matches_nothing_is_named_with_what_may_be_meant(root: Path, pattern: str, hint: str) -> None:
    problem = CodeFiles(root, None).problem_of(pattern, "model", "p.py:3")
    assert problem.message == f"asset `model` names `{pattern}` in `code_deps`, which matches no file"
    assert hint in str(problem.hint)
    assert problem.facts[0] == ("declared in", "p.py:3")


def test_paths_are_files_and_a_text_is_no_list() -> None:
    assert file_patterns([Path("a/b.sql"), "c", len, {"k": 1}]) == ["a/b.sql", "c"]
    options: Any = {"code_deps": "queries/*.sql"}
    with pytest.raises(DeclarationError, match="not a list"):
        asset(lambda: 1, **options)


def test_files_that_are_named_count_and_are_declared(tmp_path: Path) -> None:
    project = DiskProject(tmp_path)
    for name in ("queries/a.sql", "more.sql", "other.sql"):
        project.file(name, "select 1\n")
    body = "return [(HERE / n).read_text() for n in ('queries/a.sql', 'more.sql', 'other.sql')]"
    project.top("from pathlib import Path\nHERE = Path(__file__).parent")
    project.asset("model", body, options="code_deps=['queries', HERE / 'more.sql']")
    with project.open() as opened:
        result = opened.materialize(jobs=1)
        (finished,) = [event for event in result.events if type(event).__name__ == "StepFinished"]
    assert "`other.sql`" in str(finished.warnings)
    assert "a.sql" not in str(finished.warnings)
    assert "more.sql" not in str(finished.warnings)
    assert project.build() == []
    for name in ("queries/a.sql", "more.sql", "queries/new.sql", "other.sql"):
        project.file(name, "select 2\n")
        assert project.build() == ["model"], name
    project.asset("model", "return 1", options="code_deps=['quries', 'gone/*.sql']")
    project.asset("fine", "return 1", options="code_deps=['queries']")
    with project.open() as opened, pytest.raises(DeclarationError) as raised:
        opened.materialize(jobs=1)
    assert [problem.code for problem in raised.value.problems] == ["unmatched-code-deps"] * 2
    assert "did you mean `queries`?" in str(raised.value.problems[0].hint)
    for ask in (lambda p: p.select(), lambda p: p.assets(), lambda p: p.show("model"), lambda p: p.why("model")):
        with project.open() as opened, pytest.raises(DeclarationError):
            ask(opened)
    with project.open() as opened:
        assert [asset.key for asset in opened.assets("fine")] == list(opened.select(["fine"])) == ["fine"]


class Meanwhile(FileDigests):
    """Has something happen to a file between its listing and its opening."""

    def __init__(self, root: Path, happens: Callable[[Path], object]) -> None:
        super().__init__(root / "cache")
        self.racing, self._happens = root / "queries" / "a.sql", happens

    def of(self, path: Path) -> Digest:
        if path == self.racing and self.racing.is_file():
            self.racing.unlink()
            self._happens(self.racing)
        return super().of(path)


@pytest.mark.parametrize(
    ("happens", "is_read"),
    [(lambda path: path.write_text("new"), True), (os.mkfifo, False), (Path.mkdir, False), (lambda path: None, False)],
    ids=["replaced", "a pipe", "a folder", "removed"],
)
def test_a_file_that_changes_after_it_was_listed_counts_as_what_was_read(
    root: Path, happens: Callable[[Path], object], is_read: bool
) -> None:
    files = CodeFiles(root, Meanwhile(root, happens))
    assert files.matching("queries/*.sql") == ("queries/.hidden.sql", "queries/a.sql")
    digest = files.digest("queries/a.sql")
    assert digest == (digest_bytes(b"new") if is_read else None)
    assert files.digest("queries/a.sql") == digest
    assert CodeFiles(root, None).digest("queries/a.sql") == digest  # not waited for without a memory of digests either


def test_a_folder_that_cannot_be_listed_counts_as_one_that_cannot(root: Path) -> None:
    class Gone(CodeFiles):
        def _is_state(self, path: str) -> bool:
            if path.endswith("deep") and Path(path).exists():
                shutil.rmtree(path)
            return super()._is_state(path)

    files = Gone(root, None)
    (root / "queries" / "loop").unlink()
    assert files.matching("queries") == ("queries/.hidden.sql", "queries/a.sql", "queries/deep/")
    assert files.digest("queries/deep/") is None
