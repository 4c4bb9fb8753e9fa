"""What counts as a change of an input, a parameter or the surroundings, through the command line: P18 to P36."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.projects import ROOT, DiskProject

TABLE = pa.table({"id": [1, 2, 3], "name": ["x", "y", "z"], "score": [0.5, None, 2.5]})


@pytest.fixture
def project(tmp_path: Path) -> DiskProject:
    return DiskProject(tmp_path / "project")


@pytest.fixture
def table(project: DiskProject) -> DiskProject:
    """A Parquet source read as a table by `rows`, whose value `size` reads."""
    project.top('import pyarrow as pa\nfrom typing import Annotated\nraw = source.file("raw.parquet")')
    pq.write_table(TABLE, project.root / "raw.parquet")
    project.asset("rows", "return raw", reads="raw: pa.Table").asset("size", "return len(rows)", reads="rows")
    assert project.build() == ["rows", "size"]
    return project


def rewrite(project: DiskProject, table: pa.Table, **options: object) -> None:
    pq.write_table(table, project.root / "raw.parquet", **options)


# --- P18: only times change --------------------------------------------------------------------


def test_p18_touching_every_file_keeps_everything(table):
    for path in table.root.glob("*.*"):
        if path.is_file():
            os.utime(path, (2_000_000_000, 2_000_000_000))
    assert table.plan().document["fresh"] is True
    assert table.materialize().ran == []


def test_p18_git_checkout_there_and_back_keeps_everything(project):
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]

    def call(*words: str) -> None:
        subprocess.run([*git, *words], cwd=project.root, check=True, capture_output=True)

    project.asset("a", "return 1").asset("b", "return a", reads="a").file(".gitignore", ".assetctl\nran.log\n")
    call("init", "-b", "main")
    call("add", ".")
    call("commit", "-m", "one")
    project.build()
    call("checkout", "-b", "other")
    project.asset("a", "return 2")
    call("commit", "-am", "two")
    call("checkout", "main")
    assert project.materialize().ran == []
    call("checkout", "other")
    assert project.materialize().ran == ["a", "b"]
    call("checkout", "main")
    built = project.materialize()
    assert (built.ran, built.outcome("restored")) == ([], ["a", "b"])


# --- P19 to P21, P23: tables -------------------------------------------------------------------


def test_p19_the_same_rows_by_another_writer_keep_everything(table):
    rewrite(table, TABLE, compression="gzip", row_group_size=1, use_dictionary=False, version="1.0")
    assert table.materialize().ran == []
    recoded = TABLE.set_column(1, "name", TABLE["name"].dictionary_encode()).replace_schema_metadata({"by": "other"})
    rewrite(table, recoded, compression="zstd")
    assert table.materialize().ran == []


def test_p20_another_column_order_rebuilds(table):
    rewrite(table, TABLE.select(["name", "id", "score"]))
    assert table.plan().kinds("rows") == ["source_changed"]
    assert table.materialize().ran == ["rows", "size"]


def test_p20_a_renamed_column_rebuilds(table):
    rewrite(table, TABLE.rename_columns(["id", "title", "score"]))
    assert table.materialize().ran == ["rows", "size"]


def test_p21_another_row_order_rebuilds_unless_declared_unordered(table):
    table.asset("bag", "return raw", reads="raw: pa.Table", options="unordered=True")
    table.asset("bag_size", "return len(bag)", reads="bag").build()
    rewrite(table, TABLE.take([2, 0, 1]))
    assert sorted(table.materialize().ran) == ["bag", "rows", "size"]
    rewrite(table, pa.concat_tables([TABLE, TABLE.slice(0, 1)]))  # a row twice is another multiset
    assert "bag_size" in table.materialize().ran


def test_p23_only_who_reads_a_changed_column_is_rebuilt(table):
    table.asset("narrow", "return rows.column_names", reads='rows: Annotated[pa.Table, columns("id", "name")]')
    table.asset("scores", "return rows.column_names", reads='rows: Annotated[pa.Table, columns("score")]').build()
    assert table.value("narrow") == ["id", "name"]
    rewrite(table, TABLE.set_column(2, "score", pa.array([0.5, 1.5, 2.5])))
    assert sorted(table.materialize().ran) == ["rows", "scores", "size"]
    rewrite(table, TABLE.set_column(2, "score", pa.array([0.5, 1.5, 2.5])).append_column("new", pa.array([1, 2, 3])))
    assert table.materialize().ran == ["rows", "size"]


def test_p23_columns_of_a_file_count_one_by_one_too(table):
    table.asset("ids", "return raw.column_names", reads='raw: Annotated[pa.Table, columns("id")]').build()
    rewrite(table, TABLE.append_column("new", pa.array([1, 2, 3])))
    assert table.materialize().ran == ["rows", "size"]
    rewrite(table, TABLE.set_column(0, "id", pa.array([1, 2, 4])))
    assert "ids" in table.materialize().ran


# --- P22: folders ------------------------------------------------------------------------------


def test_p22_a_folder_counts_by_names_and_bytes_and_not_by_times_or_rights(project):
    project.top('from pathlib import Path\nfolder = source.directory("in")\nfiles = source.glob("in/*.txt")')
    project.file("in/one.txt", "1").file("in/sub/two.txt", "2")
    project.asset("tree", "return sorted(p.name for p in folder.rglob('*.txt'))", reads="folder")
    project.asset("names", "return [p.name for p in files]", reads="files").build()
    os.utime(project.root / "in/one.txt", (1, 1))
    (project.root / "in/one.txt").chmod(0o600)
    assert project.materialize().ran == []
    project.file("in/three.txt", "3")
    assert sorted(project.materialize().ran) == ["names", "tree"]
    (project.root / "in/sub/two.txt").unlink()
    assert project.materialize().ran == ["tree"]  # below what the glob matches
    (project.root / "in/three.txt").rename(project.root / "in/drei.txt")
    assert sorted(project.materialize().ran) == ["names", "tree"]
    assert project.value("names") == ["drei.txt", "one.txt"]


# --- P24: parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [("1", "True"), ("1", "'1'"), ("-1", "-2"), ("1", "1.0"), ("'x'", "None"), ("[1, 2]", "(1, 2)")],
)
def test_p24_a_parameter_of_another_type_or_value_rebuilds(project, before, after):
    project.asset("a", "return repr(p)", reads=f"p={before}").build()
    project.asset("a", "return repr(p)", reads=f"p={after}")
    assert project.materialize().ran == ["a"]
    assert project.value("a") == after.replace('"', "'")


def test_p24_parameters_that_swap_values_rebuild_and_the_plan_names_them(project):
    project.asset("a", "return p - q", reads="p=1, q=2").build()
    project.asset("a", "return p - q", reads="p=2, q=1")
    plan = project.plan()
    assert plan.kinds("a") == ["config_changed"]
    assert plan.steps["a"]["reasons"][0]["changes"] == [
        {"name": "p", "old": "1", "new": "2"},
        {"name": "q", "old": "2", "new": "1"},
    ]
    assert project.materialize().ran == ["a"]


# --- P27: packages -----------------------------------------------------------------------------


def install(folder: Path, name: str, version: str) -> None:
    """Put a distribution of one module into a folder, as an installer records it."""
    shutil.rmtree(folder / f"{name}.dist-info", ignore_errors=True)
    info = folder / f"{name}.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text("def answer():\n    return 42\n")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{name}.py,,\n{name}.dist-info/METADATA,,\n")


def test_p27_a_package_that_the_asset_reaches_counts_and_others_do_not(project, tmp_path):
    site = tmp_path / "site"
    install(site, "reached", "1.0")
    install(site, "imported_only", "1.0")
    env = {"PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}
    project.top("import imported_only\nimport reached")
    project.asset("a", "return reached.answer()").asset("b", "return 1")
    assert project.materialize(env=env).ran == ["a", "b"]
    install(site, "imported_only", "2.0")
    assert project.materialize(env=env).ran == []
    install(site, "reached", "2.0")
    built = project.materialize(env=env)
    assert built.ran == ["a"]
    (reason,) = built.events("step_started")[0]["reasons"]
    assert reason["kind"] == "environment_changed"
    assert [(c["old"], c["new"]) for c in reason["changes"]] == [("1.0", "2.0")]


# --- P31 to P33: failures ----------------------------------------------------------------------


def test_p31_a_failure_skips_its_downstream_and_only_what_is_missing_runs_later(project):
    body = """
        if not (HERE / "mended").exists():
            raise RuntimeError("broken pipe dream")
        return 2
    """
    project.top("from ran_log import HERE").asset("a", "return 1").asset("b", body, reads="a")
    project.asset("c", "return b", reads="b").asset("other", "return a", reads="a")
    built = project.materialize(code=1)
    assert (built.outcome("materialized"), built.outcome("failed"), built.outcome("skipped")) == (
        ["a", "other"],
        ["b"],
        ["c"],
    )
    (failed,) = built.events("step_failed")
    assert (failed["error_type"], failed["message"]) == ("RuntimeError", "broken pipe dream")
    assert "pipeline.py" in failed["traceback"]
    (skipped,) = built.events("step_skipped")
    assert (skipped["step"], skipped["because"]) == ("c", "b")
    project.file("mended", "")
    assert project.materialize().ran == ["b", "c"]


CHECK = """
@check(asset=a)
def is_positive(a):
    ran("is_positive")
    return CheckResult({passed}, message="a is " + str(a))
"""


def test_p32_an_output_that_a_blocking_check_refuses_is_not_published(project):
    project.asset("a", "return 1").code("check", CHECK.format(passed="a > 0")).asset("b", "return a", reads="a")
    project.build()
    project.asset("a", "return -1")
    built = project.materialize(code=1)
    assert built.ran == ["a", "is_positive"]
    assert (built.outcome("failed"), built.outcome("skipped")) == (["a"], ["b"])
    assert (project.value("a"), project.value("b")) == (1, 1)  # the last good version
    plan = project.plan()
    assert "check_failed" in plan.kinds("a")
    assert project.materialize(code=1).ran == []  # its result is known, and what the check says to it
    project.code("check", CHECK.format(passed="a > -5"))
    built = project.materialize()
    assert built.ran == ["is_positive", "b"]  # published without being made again
    assert (project.value("a"), project.value("b")) == (-1, -1)


def test_p32_a_warning_check_publishes(project):
    text = CHECK.format(passed="a > 0").replace("asset=a", "asset=a, blocking=False")
    project.asset("a", "return -1").code("check", text).asset("b", "return a", reads="a")
    built = project.materialize()
    assert built.ran == ["a", "is_positive", "b"]
    assert [(e["check"], e["passed"], e["blocking"]) for e in built.events("check_finished")] == [
        ("is_positive", False, False)
    ]


def test_p33_everything_that_is_wrong_is_said_at_once_and_nothing_is_written(project):
    project.settings(("pipeline.py", "broken.py")).file("broken.py", "import assetctl_no_such_module\n")
    project.asset("first", "return 1", reads="second").asset("second", "return 1", reads="first")
    project.asset("third", "return 1", reads="*anything, **more").asset("fourth", "return 1", options="key='third'")
    answer = project.run("materialize", "--json")
    assert answer.code == 2
    said = " | ".join(problem["message"] for problem in answer.problems)
    for words in ("failed to import", "cycle", "third"):
        assert words in said, said
    assert all(problem["facts"] for problem in answer.problems)
    assert not project.state.exists()
    assert project.ran == []


# --- P36: clocks -------------------------------------------------------------------------------

SHIFTED_CLOCK = """
import time

_now, _now_ns = time.time, time.time_ns
time.time = lambda: _now() - 400 * 86400
time.time_ns = lambda: _now_ns() - 400 * 86400 * 10**9
"""


def test_p36_the_latest_is_what_was_recorded_last_though_the_clock_went_back(project, tmp_path):
    past = tmp_path / "past"
    past.mkdir()
    (past / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    env = {"PYTHONPATH": f"{past}{os.pathsep}{ROOT}"}
    project.asset("a", "return 'now'").build()
    project.asset("a", "return 'then'")
    assert project.materialize(env=env).ran == ["a"]
    assert len({segment.name[:6] for segment in project.segments()}) == 2, "the clock was not shifted"
    assert project.plan().verdicts == {"a": "fresh"}
    assert project.value("a") == "then"
    (project.state / "lineage.duckdb").unlink()
    assert project.materialize().ran == []
