"""What must happen to one asset and its neighbours, through the command line on a real disk: P01 to P16.

The first build of a project is made in this process; what the case is about is asked of
the command line, a process of its own.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.projects import DiskProject

BIG = "list(range(2000))"  # encoded larger than what fits into a record


@pytest.fixture
def project(tmp_path: Path) -> DiskProject:
    return DiskProject(tmp_path / "project")


@pytest.fixture
def chain(project: DiskProject) -> DiskProject:
    """a -> b -> c, built; b passes on the first letter of what a says."""
    project.asset("a", "return 'apple'").asset("b", "return a[0]", reads="a").asset("c", "return b * 3", reads="b")
    assert project.build() == ["a", "b", "c"]
    return project


# --- P01 to P03: early cutoff ------------------------------------------------------------------


def test_p01_an_upstream_rebuilt_with_equal_value_keeps_its_downstream(chain):
    chain.asset("a", "return 'app' + 'le'")
    built = chain.materialize()
    assert built.ran == ["a"]
    assert (built.outcome("materialized"), built.outcome("fresh")) == (["a"], ["b", "c"])
    assert chain.plan().document["fresh"] is True


def test_p01_the_ripple_stops_where_the_value_is_equal_again(chain):
    chain.asset("a", "return 'avocado'")  # b's first letter stays
    assert chain.materialize().ran == ["a", "b"]
    assert chain.materialize().ran == []


def test_p02_what_is_downstream_of_a_stale_asset_is_undecided_in_the_plan(chain):
    chain.asset("a", "return 'avocado'")
    plan = chain.plan()
    assert plan.verdicts == {"a": "stale", "b": "undecided", "c": "undecided"}
    assert plan.kinds("a") == ["code_changed"]
    assert [plan.steps[key]["waiting_on"] for key in "abc"] == [[], ["a"], ["b"]]
    assert chain.run("plan", "--check").code == 3


def test_p03_forcing_an_upstream_that_gives_the_same_keeps_its_downstream(chain):
    built = chain.materialize("a", "--force")
    assert (built.ran, built.outcome("materialized")) == (["a"], ["a"])
    assert chain.materialize().ran == []


def test_p03_force_applies_to_what_is_named_and_not_to_its_upstreams(chain):
    assert chain.materialize("c", "--force").ran == ["c"]


# --- P04: undo ---------------------------------------------------------------------------------


def test_p04_undoing_an_edit_restores_everything_and_runs_nothing(chain):
    chain.asset("a", "return 'banana'")
    assert chain.build() == ["a", "b", "c"]
    chain.asset("a", "return 'apple'")
    plan = chain.plan()
    assert [plan.steps[key]["restorable"] for key in "abc"] == [True, True, True]
    built = chain.materialize()
    assert (built.ran, built.outcome("restored")) == ([], ["a", "b", "c"])
    assert chain.plan().document["fresh"] is True
    assert chain.value("c") == "aaa"


def test_p04_undoing_an_edit_of_a_helper_in_another_file_restores(project):
    project.file("helpers.py", "def double(x):\n    return 2 * x\n").top("import helpers")
    project.asset("a", "return helpers.double(21)").asset("b", "return a + 1", reads="a").build()
    project.file("helpers.py", "def double(x):\n    return 3 * x\n")
    assert project.build() == ["a", "b"]
    project.file("helpers.py", "def double(x):\n    return 2 * x\n")
    built = project.materialize()
    assert (built.ran, built.outcome("restored"), project.value("b")) == ([], ["a", "b"], 43)


def test_p04_undo_restores_all_outputs_of_one_function_together(project):
    project.asset("split", "return [1], [2]", options="outs=['left', 'right']").build()
    project.asset("split", "return [3], [4]", options="outs=['left', 'right']").build()
    project.asset("split", "return [1], [2]", options="outs=['left', 'right']")
    built = project.materialize("right")
    assert (built.ran, built.outcome("restored")) == ([], ["left", "right"])


def test_p04_a_data_file_put_back_restores(project):
    project.file("data.txt", "one").top('data = source.file("data.txt")')
    project.asset("a", "return data.read_text()", reads="data").build()
    project.file("data.txt", "two").build()
    project.file("data.txt", "one")
    built = project.materialize()
    assert (built.ran, built.outcome("restored"), project.value("a")) == ([], ["a"], "one")


def test_p04_an_edit_tried_with_set_and_dropped_restores(project):
    project.asset("a", "return 10 * size", reads="size=1").build()
    assert project.materialize("--set", "a.size=2").ran == ["a"]
    built = project.materialize()
    assert (built.ran, built.outcome("restored"), project.value("a")) == ([], ["a"], 10)


def test_p04_a_result_whose_bytes_are_gone_is_not_restored_but_built(project):
    project.asset("a", f"return {BIG}").build()
    (blob,) = project.blobs()
    project.asset("a", "return 'short'").build()
    blob.unlink()
    project.asset("a", f"return {BIG}")
    built = project.materialize()
    assert (built.ran, built.outcome("restored")) == (["a"], [])
    assert project.value("a") == list(range(2000))


# --- P05, P06: what happens during a run -------------------------------------------------------


def test_p05_an_input_that_changes_while_the_asset_runs_leaves_no_trace_and_says_so(project):
    project.file("data.txt", "one").top('from ran_log import HERE\ndata = source.file("data.txt")')
    body = """
        text = data.read_text()
        if text == "one":
            data.write_text("two")
        return text
    """
    project.asset("a", body, reads="data").asset("b", "return a", reads="a")
    built = project.materialize()
    (finished,) = [e for e in built.events("step_finished") if e["step"] == "a"]
    assert "changed while it ran" in finished["warnings"][0]
    assert project.value("b") == "one"
    assert "input_changed_during_run" in project.plan().kinds("a")
    assert project.materialize().ran == ["a", "b"]
    assert project.value("b") == "two"
    project.file("data.txt", "one")  # what was read from it then is not restored: it was never known to be whole
    assert project.plan("a").steps["a"]["restorable"] is False


def test_p06_a_failed_attempt_runs_again_though_nothing_changed(project):
    body = """
        if not (HERE / "ready").exists():
            raise ValueError("not ready")
        return 1
    """
    project.top("from ran_log import HERE").asset("a", body).asset("b", "return a", reads="a")
    assert project.materialize(code=1).ran == ["a"]
    assert project.plan().kinds("a") == ["never_materialized", "last_attempt_failed"]
    assert project.materialize(code=1).ran == ["a"]
    project.file("ready", "")
    assert project.materialize().ran == ["a", "b"]


def test_p06_a_failed_attempt_at_an_edit_is_forgotten_when_the_edit_is_undone(chain):
    chain.asset("a", "raise ValueError('no')")
    built = chain.materialize(code=1)
    assert (built.outcome("failed"), built.outcome("skipped")) == (["a"], ["b", "c"])
    assert chain.value("a") == "apple"  # what was published stays served
    chain.asset("a", "return 'apple'")
    assert chain.materialize().ran == []


# --- P07 to P09: killed ------------------------------------------------------------------------

KILLED_BY_A_CHECK = """
@check(asset=a)
def kills(a):
    if (HERE / "kill").exists():
        os.kill(os.getpid(), 9)
    return True
"""


def test_p07_killed_after_the_blob_and_before_the_record_the_asset_is_built_again(project):
    project.top("import os\nfrom ran_log import HERE").asset("a", f"return {BIG}").code("kills", KILLED_BY_A_CHECK)
    project.asset("b", "return sum(a)", reads="a").file("kill", "")
    assert project.run("materialize").code == -signal.SIGKILL
    assert len(project.blobs()) == 1  # durable, and no record says so
    assert project.plan().kinds("a") == ["never_materialized"]
    (project.root / "kill").unlink()
    assert project.materialize().ran == ["a", "b"]
    assert project.value("b") == sum(range(2000))


def test_p07_the_blob_of_a_killed_run_is_collected_by_gc(project):
    project.top("import os\nfrom ran_log import HERE").asset("a", f"return {BIG}").code("kills", KILLED_BY_A_CHECK)
    project.file("kill", "")
    assert project.run("materialize").code == -signal.SIGKILL
    (orphan,) = project.blobs()
    (project.root / "kill").unlink()
    project.asset("a", "return 'small'").build()
    os.utime(orphan, (1, 1))  # old enough not to be the output of a run that is under way
    listed = project.run("gc")
    assert (listed.code, orphan.exists()) == (0, True), listed.err  # only a plan
    deleted = project.run("gc", "--apply")
    assert (deleted.code, orphan.exists()) == (0, False), deleted.err
    assert project.build() == []


def test_p08_killed_after_the_record_and_before_the_fold_the_asset_is_fresh(project):
    kill = 'if (HERE / "kill").exists():\n    os.kill(os.getpid(), 9)\nreturn a'
    project.top("import os\nfrom ran_log import HERE").asset("a", f"return {BIG}").asset("b", kill, reads="a")
    project.file("kill", "")
    assert project.run("materialize").code == -signal.SIGKILL
    (project.root / "kill").unlink()
    assert project.plan().verdicts == {"a": "fresh", "b": "stale"}
    assert project.materialize().ran == ["b"]


def test_p09_a_torn_last_line_is_ignored_and_earlier_facts_are_kept(chain):
    (segment,) = chain.segments()
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole.splitlines()[1][:100])  # the write of another fact, cut off
    assert chain.materialize().ran == []
    (chain.state / "lineage.duckdb").unlink()  # also where everything is read anew
    assert chain.plan().document["fresh"] is True


def test_p09_a_torn_record_never_counted(project):
    project.asset("a", "return 'apple'").asset("b", "return a", reads="a").build()
    (segment,) = project.segments()
    lines = segment.read_bytes().splitlines(keepends=True)
    (torn,) = [n for n, line in enumerate(lines) if b'"step":"b"' in line and b"provenance" in line]
    segment.write_bytes(b"".join(lines[:torn]) + lines[torn][:60])
    (project.state / "lineage.duckdb").unlink()
    assert project.plan().verdicts == {"a": "fresh", "b": "stale"}
    assert project.materialize().ran == ["b"]


def test_p09_doctor_reports_a_torn_line_and_what_it_means(project):
    project.asset("a").materialize()  # by a process that is gone: the tail of a living one may yet be completed
    (segment,) = project.segments()
    segment.write_bytes(segment.read_bytes() + b"0123456789abcdef {")
    answer = project.run("doctor", "--json")
    assert answer.code == 0, "no fact is lost"
    (finding,) = [f for f in answer.document["findings"] if segment.name in f["where"]]
    assert finding["severity"] == "warning"


# --- P10, P11: artifacts -----------------------------------------------------------------------


@pytest.fixture
def stored(project: DiskProject) -> DiskProject:
    """big -> total, where `big` lies in a blob of its own."""
    project.asset("big", f"return {BIG}").asset("total", "return sum(big)", reads="big").build()
    return project


def test_p10_a_deleted_artifact_is_rebuilt_only_when_asked_for(stored):
    (blob,) = stored.blobs()
    blob.unlink()
    assert stored.plan("total").verdicts == {"big": "fresh", "total": "fresh"}
    assert stored.materialize("total").ran == []
    assert stored.plan("big").kinds("big") == ["output_missing"]
    assert stored.materialize("big").ran == ["big"]
    assert stored.materialize().ran == []


def test_p10_a_deleted_artifact_is_rebuilt_when_a_step_that_runs_reads_it(stored):
    (blob,) = stored.blobs()
    blob.unlink()
    stored.asset("total", "return sum(big) + 1", reads="big")
    assert stored.materialize("total").ran == ["big", "total"]


@pytest.mark.parametrize("same_size", [True, False], ids=["a flipped byte", "truncated"])
def test_p11_a_corrupt_artifact_is_never_handed_over_but_rebuilt(stored, same_size):
    (blob,) = stored.blobs()
    data = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(b"7" + data[1:] if same_size else data[:-10])
    assert stored.run("get", "big", "-o", "-").code in {2, 4}
    stored.asset("total", "return sum(big) + 1", reads="big")
    built = stored.materialize("total")
    assert (built.ran, stored.value("total")) == (["big", "total"], sum(range(2000)) + 1)
    assert stored.value("big") == list(range(2000))
    assert stored.run("get", "big", "-o", "-").code == 0


# --- P12, P13: edges ---------------------------------------------------------------------------


def test_p12_an_added_edge_rebuilds_and_a_removed_one_too(chain):
    chain.asset("b", "return a[0]", reads="a", options="deps=['extra']").asset("extra", "return 5")
    plan = chain.plan("b")
    assert [(r["kind"], r["upstream"]) for r in plan.steps["b"]["reasons"]] == [("upstream_added", "extra")]
    assert chain.materialize("b").ran == ["extra", "b"]
    chain.asset("b", "return a[0]", reads="a")
    assert chain.plan("b").steps["b"]["restorable"] is True  # as it was before
    chain.asset("c", "return b * 3", reads="b, *, a")
    assert "upstream_added" in chain.plan("c").kinds("c")
    assert chain.materialize("c").ran == ["c"]


def test_p13_the_order_of_keyword_dependencies_does_not_count(project):
    project.asset("x", "return 1").asset("y", "return 2").asset("z", "return 3")
    project.asset("sum_of", "return a - b", reads="*, a, b", options="ins={'a': 'x', 'b': 'y'}, deps=['x', 'z']")
    project.build()
    project.asset("sum_of", "return a - b", reads="*, b, a", options="ins={'b': 'y', 'a': 'x'}, deps=['z', 'x']")
    assert project.materialize().ran == []
    project.asset("sum_of", "return a - b", reads="*, a, b", options="ins={'a': 'y', 'b': 'x'}, deps=['x', 'z']")
    assert project.materialize().ran == ["sum_of"]  # two dependencies that swap places are something else
    assert project.value("sum_of") == 1


# --- P15: an asset that never gives the same ---------------------------------------------------


def test_p15_a_random_asset_forced_again_gives_a_new_version_and_rebuilds_its_downstream(project):
    project.top("import random").asset("a", "return random.random()").asset("b", "return a", reads="a").build()
    assert project.materialize().ran == []
    assert project.materialize("a", "--force").ran == ["a"]
    plan = project.plan("b")
    assert (plan.verdicts, plan.kinds("b")) == ({"a": "fresh", "b": "stale"}, ["upstream_changed"])
    assert project.materialize().ran == ["b"]
