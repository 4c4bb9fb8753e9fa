"""`rm`, `pin`, `mv` and `rollback` on real projects; the oracle is what ran."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import assetctl
from assetctl.assets.errors import SelectionError
from assetctl.assets.importing import forget_modules
from assetctl.engine.planning.options import PlanOptions
from assetctl.lineage.deciding.plan import Plan
from tests.cli.calls import call
from tests.e2e.projects import Answer, DiskProject
from tests.waiting import PATIENCE_S, wait_for_file

SCHEMAS = Path(assetctl.__file__).parent / "cli" / "schemas"
BIG = "list(range(2000))"  # larger than what is kept within a record


@pytest.fixture
def project(tmp_path: Path) -> Iterator[DiskProject]:
    project = DiskProject(tmp_path / "project")
    yield project
    project.stop_all()


@pytest.fixture
def chain(project: DiskProject) -> DiskProject:
    """a → b → c, each a list, built; `b` and `c` name what they read, so that it can be renamed."""
    project.asset("a", f"return {BIG}")
    project.asset("b", "return [x + 1 for x in one]", reads="one", options="ins={'one': 'a'}")
    project.asset("c", "return sum(two)", reads="two", options="ins={'two': 'b'}")
    project.build()
    return project


def checked(answer: Answer, code: int = 0) -> dict[str, Any]:
    """Return a document after holding it against the schema that it names."""
    assert answer.code == code, answer
    document: dict[str, Any] = answer.document
    name = document["schema"].removeprefix("assetctl.").partition("/")[0]
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(document)
    return document


def run(project: DiskProject, *words: str) -> Answer:
    """Run one command in this process, which costs no start of an interpreter."""
    try:
        said = call("-p", project.root, *words)
    finally:
        forget_modules(project.root.resolve())
    return Answer(said.code, said.out, said.err)


def plan_of(project: DiskProject, *selection: str, force: bool = False) -> Plan:
    with project.open() as opened:
        return opened.plan(*selection, options=PlanOptions(force=force))


def actions(project: DiskProject, *selection: str) -> dict[str, str]:
    return {planned.target: planned.action.value for planned in plan_of(project, *selection).steps}


def versions(project: DiskProject, key: str) -> list[str]:
    """Return the data versions of an asset, newest first."""
    with project.open() as opened:
        return [entry.data_version for entry in opened.history(key)]


def roll_back(project: DiskProject, key: str, version: str | None) -> None:
    with project.open() as opened:
        opened.rollback(key, version)


def edit_a(project: DiskProject, plus: int) -> DiskProject:
    return project.asset("a", f"return [x + {plus} for x in {BIG}]")


def lose(project: DiskProject, key: str) -> None:
    with project.open() as opened:
        blob = opened.find(key).output.blob
        assert blob is not None
        opened.workspace.layout.blob(blob).unlink()


# --- rollback --------------------------------------------------------------------------------


def test_an_earlier_version_is_served_and_held_until_it_is_lifted(chain):
    old = versions(chain, "a")[0]
    assert edit_a(chain, 5).build() == ["a", "b", "c"]
    document = checked(run(chain, "rollback", f"a@{old[3:11]}", "--note", "scores fell", "--json"))
    assert (document["assets"], document["data_versions"]) == (["a"], {"a": old})
    plan = checked(run(chain, "plan", "--json"))
    a, b = plan["steps"][0], plan["steps"][1]
    assert (a["verdict"], a["action"], a["reasons"]) == ("fresh", "keep", [])
    assert (a["pinned"]["data_version"], a["pinned"]["note"], a["pinned"]["output"]) == (old, "scores fell", "present")
    assert [reason["kind"] for reason in a["pinned"]["would_be_stale"]] == ["code_changed"]
    assert ([reason["kind"] for reason in b["reasons"]], b["pinned"]) == (["upstream_changed"], None)
    assert chain.build() == []  # what was made from that version is restored
    assert chain.value("c") == sum(x + 1 for x in range(2000))
    assert edit_a(chain, 9).build() == []  # whatever changes
    assert checked(run(chain, "rollback", "a", "--lift", "--json"))["lifted"] is True
    assert plan_of(chain)["a"].served is None
    assert chain.build() == ["a", "b", "c"]


def test_every_answer_names_the_pin(chain):
    old = versions(chain, "a")[0]
    edit_a(chain, 5).build()
    roll_back(chain, "a", old)
    assert checked(run(chain, "why", "a", "--json"))["pinned"]["data_version"] == old
    state = {asset["asset"]: asset for asset in checked(run(chain, "status", "--json"))["assets"]}
    assert (state["a"]["state"], state["a"]["pinned"]["data_version"], state["b"]["pinned"]) == ("fresh", old, None)
    declared = {asset["key"]: asset["pins"] for asset in checked(run(chain, "ls", "--json"))["assets"]}
    assert ([pin["purpose"] for pin in declared["a"]], declared["b"]) == (["serve"], [])
    entries = checked(run(chain, "history", "a", "--json"))["entries"]
    assert [entry["pinned"] for entry in entries] == [["serve"], [], []]
    assert run(chain, "ls", "state:pinned").out == "a\n"
    nodes = {node["key"]: node["state"] for node in checked(run(chain, "lineage", "--format", "json"))["nodes"]}
    assert nodes["a"] == "pinned"
    said = run(chain, "plan")
    assert f"pinned to {old[:11]} since 20" in said.out and "would be stale: code changed" in said.out
    assert f"pinned to {old[:11]}" in chain.run("materialize").err


def test_lifting_at_once_restores_what_the_code_says_at_no_cost(chain):
    old = versions(chain, "a")[0]
    edit_a(chain, 5).build()
    roll_back(chain, "a", old)
    roll_back(chain, "a", None)
    assert actions(chain)["a"] == "restore"
    assert chain.build() == []
    assert chain.value("a")[0] == 5


def test_outputs_of_one_step_go_back_together(project):
    project.asset("split", "return 'old', 'old too'", options="outs=['train', 'test']").build()
    old = versions(project, "test")[0]
    project.asset("split", "return 'new', 'new too'", options="outs=['train', 'test']").build()
    roll_back(project, "test", old)
    assert project.build() == []
    assert (project.value("train"), project.value("test")) == ("old", "old too")
    roll_back(project, "train", None)
    assert actions(project) == {"train": "restore", "test": "restore"}


def test_a_pinned_asset_is_neither_forced_nor_accepted(chain):
    roll_back(chain, "a", versions(chain, "a")[0])
    assert "rollback a --lift" in refused(edit_a(chain, 3), "accept", "a", "--unverified")
    answer = run(chain, "materialize", "a", "--force")
    assert (answer.code, "rollback a --lift" in answer.err) == (2, True)
    with chain.open() as opened, pytest.raises(SelectionError, match="is pinned"):
        opened.plan("a", "b", options=PlanOptions(force=True))
    assert chain.build(force=True) == ["b", "c"]


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_pinned_bytes_that_are_needed_and_lost_are_not_replaced(chain, damage):
    roll_back(chain, "a", versions(chain, "a")[0])
    edit_a(chain, 5)
    with chain.open() as opened:
        path = opened.workspace.layout.blob(opened.find("a").output.blob)
    if damage == "missing":
        path.unlink()
    else:
        path.chmod(0o644)
        path.write_bytes(b"x" * path.stat().st_size)
    assert chain.build() == []  # nobody reads it
    chain.asset("b", "return [x + 2 for x in one]", reads="one", options="ins={'one': 'a'}")
    built = chain.materialize(code=1)
    assert (built.ran.count("a"), built.outcome("failed"), built.outcome("skipped")) == (0, ["a"], ["b", "c"])
    (failure,) = built.events("step_failed")
    assert "is pinned to b3:" in failure["message"] and damage in failure["message"]
    assert "rollback a --lift" in failure["hint"]
    roll_back(chain, "a", None)
    assert "a" in chain.build()


def test_pinned_bytes_that_are_lost_and_not_needed_are_reported(chain):
    roll_back(chain, "a", versions(chain, "a")[0])
    lose(chain, "a")
    served = plan_of(chain)["a"].served
    assert served is not None and "its stored output is missing" in served.describe()
    assert actions(chain, "a") == {"a": "held"}  # by name, its bytes are wanted


def refused(project: DiskProject, *words: str) -> str:
    before = project.state_files()
    answer = run(project, *words)
    assert answer.code == 2, answer
    assert project.state_files() == before
    return answer.err


def test_only_what_was_published_and_can_be_read_is_served(chain):
    chain.code("check", "@check(asset=a)\ndef is_small(a):\n    return a[0] < 3\n")
    assert edit_a(chain, 7).build(status="failed") == ["a"]
    candidate, _ = versions(chain, "a")
    assert "never published" in refused(chain, "rollback", f"a@{candidate[3:]}")
    assert "has no version" in refused(chain, "rollback", "a@b3:123456")
    assert "no asset `nothing`" in refused(chain, "rollback", "nothing@b3:123456")
    assert "name the version" in refused(chain, "rollback", "a")
    assert "is not pinned" in refused(chain, "rollback", "a", "--lift")
    version = versions(chain, "b")[0]
    lose(chain, "b")
    assert "is missing" in refused(chain, "rollback", f"b@{version[3:]}")


def test_a_version_whose_outputs_are_declared_otherwise_is_not_served(project):
    project.asset("split", "return 1, 2", options="outs=['train', 'test']").build()
    old = versions(project, "train")[0]
    project.asset("split", "return 4, 5, 6", options="outs=['train', 'test', 'third']").build()
    assert "does not declare alike" in refused(project, "rollback", f"train@{old[3:]}")


def test_rolling_back_the_rollback_serves_the_other_version(chain):
    first = versions(chain, "a")[0]
    edit_a(chain, 5).build()
    second = versions(chain, "a")[0]
    roll_back(chain, "a", first)
    roll_back(chain, "a", second)
    assert chain.value("a")[0] == 5
    with chain.open() as opened:
        (pin,) = opened.workspace.stores.lineage.pins()
    assert pin.data_version == second


# --- pin -------------------------------------------------------------------------------------


def test_pins_are_set_listed_and_lifted(chain):
    version = versions(chain, "a")[0]
    edit_a(chain, 5).build()
    document = checked(run(chain, "pin", f"a@{version[3:11]}", "--note", "in production", "--json"))
    assert (document["set"]["data_version"], document["set"]["purpose"]) == (version, "keep")
    assert actions(chain) == {"a": "keep", "b": "keep", "c": "keep"}  # it changes nothing about what is built
    (pin,) = checked(run(chain, "pin", "--json"))["pins"]
    assert (pin["asset"], pin["note"]) == ("a", "in production")
    assert "in production" in run(chain, "pin").out
    assert "no pin keeps `b` from being cleaned up" in refused(chain, "pin", "b", "--remove")
    assert [pin["asset"] for pin in checked(run(chain, "pin", "a", "--remove", "--json"))["lifted"]] == ["a"]
    assert checked(run(chain, "pin", "--json"))["pins"] == []


# --- rm --------------------------------------------------------------------------------------


def test_what_was_forgotten_is_built_anew_and_its_readers_stay(chain):
    document = checked(run(chain, "rm", "b", "--json"))
    assert (document["recorded"], document["assets"][0]["n_versions"]) == (True, 1)
    assert document["size_bytes"] > 4096
    plan = plan_of(chain)
    assert {p.target: p.action.value for p in plan.steps} == {"a": "keep", "b": "run", "c": "maybe"}
    assert chain.build() == ["b"]
    entries = checked(run(chain, "history", "b", "--json"))["entries"]
    assert [entry["forgotten"] for entry in entries] == [False, True]
    assert run(chain, "get", f"b@{entries[1]['materialization_id']}", "-o", "-").code == 0  # until the next gc


def test_an_asset_that_is_gone_from_the_code_can_be_forgotten(chain):
    chain.without("c").build()
    said = run(chain, "rm", "c")
    assert (said.code, "next:" in said.err) == (0, False)
    assert "never" in run(chain, "get", "c").err or "no asset" in run(chain, "get", "c").err
    chain.without("b").code("broken", "1 / 0")
    assert run(chain, "rm", "b").code == 0  # even while the code is broken


def test_forgetting_one_of_several_outputs_says_that_its_step_runs_again(project):
    project.asset("split", "return 1, 2", options="outs=['train', 'test']").build()
    document = checked(run(project, "rm", "test", "--json"))
    assert document["assets"][0]["runs_again"] == "train"
    assert project.value("train") == 1
    assert project.build() == ["split"]


def test_what_was_forgotten_can_be_served_again_while_its_bytes_are_there(chain):
    version = versions(chain, "a")[0]
    with chain.open() as opened:
        opened.forget("a")
    roll_back(chain, "a", version)
    assert chain.build() == []
    assert chain.value("a") == list(range(2000))


def test_a_dry_run_and_a_refused_forgetting_record_nothing(chain):
    before = chain.state_files()
    assert checked(run(chain, "rm", "a", "c", "--dry-run", "--json"))["recorded"] is False
    assert chain.state_files() == before
    roll_back(chain, "a", versions(chain, "a")[0])
    assert "rollback a --lift" in refused(chain, "rm", "a", "b")
    assert "no asset `nothing`" in refused(chain, "rm", "nothing")


def test_a_forgotten_source_is_observed_again(project):
    project.file("data.csv", "n\n1\n").top('table = source.file("data.csv")')
    project.asset("a", "return table.read_text()", reads="table").build()
    with project.open() as opened:
        opened.forget("table")
    assert project.build() == []


# --- mv --------------------------------------------------------------------------------------


def rename(project: DiskProject, old: str, new: str, *, recorded: bool = True) -> DiskProject:
    """Rename an asset in the code, and say so."""
    text = {name: body.replace(f"'{old}'", f"'{new}'") for name, body in project.assets.items()}
    text = {new if n == old else n: body.replace(f"def {old}(", f"def {new}(") for n, body in text.items()}
    project.assets = text
    project._write()
    if recorded:
        with project.open() as opened:
            opened.move(old, new)
    return project


def test_history_goes_on_under_the_new_name_and_nothing_runs(chain):
    rename(chain, "a", "first", recorded=False)
    document = checked(run(chain, "mv", "a", "first", "--json"))
    assert (document["changed"], document["data_version"]) == (True, versions(chain, "first")[0])
    assert plan_of(chain).is_fresh
    assert chain.build() == []
    assert chain.value("first") == list(range(2000))
    with chain.open() as opened:
        assert [entry.asset for entry in opened.history("first")] == ["first", "a"]
        with pytest.raises(SelectionError, match="there is no asset `a`") as caught:
            opened.history("a")
    assert caught.value.problems[0].hint == "it was renamed to `first`"
    assert checked(run(chain, "mv", "a", "first", "--json"))["changed"] is False


def test_a_parameter_renamed_with_its_upstream_can_be_accepted(project):
    project.asset("a", "return 2").asset("b", "return a + 1", reads="a").build()
    rename(project, "a", "x", recorded=False).asset("b", "return x + 1", reads="x")
    with project.open() as opened:
        opened.move("a", "x")
    assert actions(project) == {"x": "keep", "b": "run"}
    assert run(project, "accept", "b").code == 0
    assert plan_of(project).is_fresh
    project.asset("y", "return 2").asset("b", "return y + 1", reads="y").build("y")
    assert "more than its definition" in refused(project, "accept", "b")  # another upstream, though of equal value


def test_a_moved_table_is_a_view_of_its_new_name(project):
    project.top("import pyarrow as pa").asset("a", "return pa.table({'n': [1, 2]})").build()
    rename(project, "a", "numbers")
    with project.open() as opened:
        assert opened.sql("SELECT sum(n) AS n FROM numbers").to_pylist() == [{"n": 3}]


def test_names_follow_each_other_and_come_back(chain):
    for old, new in (("a", "x"), ("x", "y"), ("y", "a"), ("b", "z"), ("a", "end")):
        rename(chain, old, new)
        assert plan_of(chain).is_fresh, (old, new)
        assert chain.build() == []
    with chain.open() as opened:
        assert [entry.asset for entry in opened.history("end")] == ["end", "a", "y", "x", "a"]


def test_what_an_alias_restored_already_is_no_other_history(chain):
    rename(chain, "a", "x", recorded=False)
    chain.assets["x"] = chain.assets["x"].replace("@asset", "@asset(aliases=['a'])", 1)
    chain._write()
    assert chain.build() == []
    with chain.open() as opened:
        assert opened.move("a", "x").changed
    chain.assets["x"] = chain.assets["x"].replace("(aliases=['a'])", "", 1)
    chain._write()
    assert plan_of(chain).is_fresh
    with chain.open() as opened:
        assert [entry.asset for entry in opened.history("x")] == ["x", "a"]


def test_an_undone_edit_is_restored_from_before_the_move(chain):
    before = dict(chain.assets)
    edit_a(chain, 5).build()
    rename(chain, "a", "x")
    chain.assets = {
        "x" if n == "a" else n: t.replace("def a(", "def x(").replace("'a'", "'x'") for n, t in before.items()
    }
    chain._write()
    chain.assets["x"] = chain.assets["x"].replace('ran("x")', 'ran("a")')
    chain._write()
    assert chain.build() == []
    assert chain.value("x")[0] == 0


def test_outputs_of_one_step_can_be_moved_one_by_one(project):
    project.asset("split", f"return {BIG}, 2", options="outs=['train', 'test']")
    project.asset("uses", "return len(one)", reads="one", options="ins={'one': 'train'}").build()
    rename(project, "train", "fit")
    assert project.build() == []
    before = dict(project.assets)
    project.asset("split", f"return {BIG}, 3", options="outs=['fit', 'test']")
    assert project.build() == ["split"]
    project.assets = before
    project._write()
    assert project.build() == []  # a trace of both outputs is found under the names they had
    rename(project, "test", "judge")
    assert project.build() == []
    assert (len(project.value("fit")), project.value("judge")) == (2000, 2)
    project.asset("other", "return 1")  # two steps, so they run in workers, which agree on the definition
    project.asset("split", f"return {BIG}, 4", options="outs=['fit', 'judge']")
    project.jobs = 2
    project.settings()
    assert sorted(project.materialize().ran) == ["other", "split"]


def test_a_moved_source_keeps_its_readers(project):
    project.file("data.csv", "n\n1\n").top('table = source.file("data.csv")')
    project.asset("a", "return one.read_text()", reads="one", options="ins={'one': 'table'}").build()
    project.head[-1] = project.head[-1].replace("table =", "rows =")
    rename(project, "table", "rows")
    assert plan_of(project)["a"].action.value == "keep"
    assert project.build() == []


def test_checks_and_pins_move_along(chain):
    chain.code("check", '@check(asset="a")\ndef is_long(value):\n    ran("is_long")\n    return len(value) > 1\n')
    assert chain.build() == ["is_long"]
    roll_back(chain, "a", versions(chain, "a")[0])
    chain.assets["check"] = chain.assets["check"].replace('"a"', '"x"')
    rename(chain, "a", "x")
    chain.asset("x", "return 'edited'")
    assert plan_of(chain)["x"].served is not None
    roll_back(chain, "x", None)
    chain.asset("x", f"return {BIG}")
    chain.assets["x"] = chain.assets["x"].replace('ran("x")', 'ran("a")')
    chain._write()
    assert chain.build() == []  # not even the check is asked again


def test_a_name_that_was_given_up_can_be_taken_by_another_asset(chain):
    rename(chain, "a", "x")
    chain.asset("a", "return 'another'")
    assert actions(chain)["a"] == "run"
    assert chain.build() == ["a"]
    with chain.open() as opened:
        assert [entry.asset for entry in opened.history("a")] == ["a"]
        assert [entry.asset for entry in opened.history("x")] == ["x", "a"]
        opened.forget("a")
    edit = dict(chain.assets)
    chain.asset("x", "return [1]").build()
    chain.assets = edit
    chain._write()
    assert "x" not in chain.build()  # forgetting the other one left its traces


def test_what_was_forgotten_under_the_new_name_is_not_restored_from_the_old_one(chain):
    rename(chain, "a", "x")
    with chain.open() as opened:
        opened.forget("x")
    assert actions(chain)["x"] == "run"


def test_a_move_that_the_code_does_not_say_is_refused(chain):
    assert "does not declare `x`" in refused(chain, "mv", "a", "x")
    assert "still declares `a`" in refused(chain, "mv", "a", "b")
    rename(chain, "c", "d", recorded=False).build()
    assert "history of its own" in refused(chain, "mv", "c", "d")
    assert "never materialized" in refused(chain.asset("e"), "mv", "nothing", "e")
    with chain.open() as opened:
        opened.forget("d")
        assert opened.move("c", "d").changed
    assert "d" not in chain.build()


# --- killed in between, and several at once ------------------------------------------------------


def cut(project: DiskProject, n_lines: int) -> None:
    """Take lines from the end of the newest segment, as a process killed within its write leaves it."""
    segment = max(project.segments(), key=lambda path: path.stat().st_mtime_ns)
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[: len(lines) - n_lines]))


N_MOVED = 4  # the run, the new name, the record, the end of the run
N_ROLLED_BACK = 4  # the run, the record, the pin, the end of the run


@pytest.mark.parametrize("lost", range(1, N_MOVED))
def test_killed_while_moving_nothing_runs_and_the_same_command_completes_it(chain, lost):
    rename(chain, "a", "x")
    cut(chain, lost)
    if lost < N_MOVED - 1:  # the name is recorded
        assert chain.build() == []
    with chain.open() as opened:
        opened.move("a", "x")
    assert plan_of(chain).is_fresh
    assert chain.build() == []
    assert chain.value("x") == list(range(2000))


@pytest.mark.parametrize("lost", range(1, N_ROLLED_BACK))
def test_killed_while_rolling_back_one_of_both_versions_is_served_and_the_command_can_be_given_again(chain, lost):
    old = versions(chain, "a")[0]
    edit_a(chain, 5).build()
    roll_back(chain, "a", old)
    cut(chain, lost)
    assert chain.build() == []
    assert chain.value("a")[0] == (0 if lost == 1 else 5)
    roll_back(chain, "a", old)
    assert chain.value("a")[0] == 0
    assert plan_of(chain)["a"].served is not None


GATE = """
    (HERE / "started").write_text("")
    with open(HERE / "gate"):  # until somebody opens its other end
        pass
    return [5]
"""


def test_a_rollback_waits_for_a_run_and_then_holds(chain):
    old = versions(chain, "a")[0]
    os.mkfifo(chain.root / "gate")
    chain.top("from ran_log import HERE").asset("a", GATE)
    run = chain.start("materialize", "--json", "a")
    wait_for_file(chain.root / "started", run)
    rollback = chain.start("rollback", f"a@{old[3:]}", "--json")
    with pytest.raises(subprocess.TimeoutExpired):
        rollback.wait(timeout=3)
    (chain.root / "gate").open("w").close()
    assert (run.wait(timeout=PATIENCE_S), rollback.wait(timeout=PATIENCE_S)) == (0, 0)
    assert versions(chain, "a")[0] == old
    assert "a" not in chain.build()
    assert chain.value("a")[0] == 0


def test_a_run_learns_of_a_rollback_before_it_builds_the_asset(project):
    """The run has planned to build both; while it builds `slow`, an earlier `a` is pinned."""
    os.mkfifo(project.root / "gate")
    project.asset("a", "return 'old'").build()
    old = versions(project, "a")[0]
    project.top("from ran_log import HERE").asset("slow", GATE)
    project.asset("a", "return 'new'", options="deps=['slow']")
    run = project.start("materialize", "--json")
    wait_for_file(project.root / "started", run)
    roll_back(project, "a", old)
    (project.root / "gate").open("w").close()
    out, err = run.communicate(timeout=PATIENCE_S)
    assert Answer(run.returncode, out, err).document["materialized"] == ["slow"]
    assert project.ran.count("a") == 1
