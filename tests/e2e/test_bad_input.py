"""What a person gets wrong: a clear message with place and hint, the documented exit code, nothing half-written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.projects import Answer, DiskProject


@pytest.fixture
def project(tmp_path: Path) -> DiskProject:
    return DiskProject(tmp_path / "project")


@pytest.fixture
def built(project: DiskProject) -> DiskProject:
    """A project with one good asset, built, so that something could be damaged."""
    project.asset("good", "return list(range(2000))").build()
    return project


def refused(project: DiskProject, *words: str, code: int = 2) -> Answer:
    """Run a command that has to be refused, and check that it ran nothing and left the state as it was."""
    ran, before = project.ran, project.state_files()
    answer = project.run(*words, "--json")
    assert answer.code == code, answer.err + answer.out
    assert "Traceback" not in answer.err
    assert answer.document["exit_code"] == code
    assert project.ran == ran
    assert project.state_files() == before
    return answer


def facts(answer: Answer) -> str:
    return " ".join(f"{label} {value}" for problem in answer.problems for label, value in problem["facts"].items())


# --- declarations ------------------------------------------------------------------------------

DECLARATIONS = {
    "a cycle": (
        "@asset\ndef one(two): ...\n\n@asset\ndef two(one): ...\n",
        ["one", "two"],
        "pipeline.py:",
        None,
    ),
    "a duplicate key": ('@asset(key="good")\ndef other(): ...\n', ["good"], "pipeline.py:", None),
    "an unknown upstream": ("@asset\ndef reader(goood): ...\n", ["goood", "not declared"], "pipeline.py:", "`good`"),
    "a signature that cannot work": (
        "@asset\ndef reader(good=1): ...\n",
        ["`good`", "default"],
        "pipeline.py:",
        "ins",
    ),
    "an unknown option": ('@asset(ins={"gud": "good"})\ndef reader(good): ...\n', ["gud"], "pipeline.py:", "`ins`"),
    "a check of nothing": ('@check(asset="goood")\ndef fine(x): return True\n', ["goood"], "pipeline.py:", "good"),
    "a bad key": ('@asset(key="../up")\ndef up(): ...\n', ["../up"], "pipeline.py:", None),
    "a module that fails to import": ("1 / 0\n", ["failed to import", "ZeroDivisionError"], "pipeline.py:", "fix"),
    "a module that is no Python": ("def broken(:\n", ["failed to import", "SyntaxError"], "pipeline.py:", "fix"),
    "a package that is not installed": ("import no_such_package\n", ["no_such_package"], "pipeline.py:", "install"),
    "a missing source file": (
        'gone = source.file("gone.csv")\n\n@asset\ndef reader(gone): ...\n',
        ["gone.csv"],
        "pipeline.py:",
        "path",
    ),
}


@pytest.mark.parametrize("name", DECLARATIONS)
def test_a_bad_declaration_is_refused_with_place_and_hint(built, name):
    code, words, place, hint = DECLARATIONS[name]
    built.code("bad", code)
    answer = refused(built, "materialize")
    message = " ".join(problem["message"] for problem in answer.problems)
    assert all(word in message for word in words), message
    assert place in facts(answer), facts(answer)
    hints = " ".join(problem["hint"] or "" for problem in answer.problems)
    assert hints, "no hint"
    assert hint is None or hint in hints, hints
    assert all(problem["message"] in answer.err for problem in answer.problems)  # for people, the same words


def test_all_problems_of_all_files_are_reported_at_once(built):
    built.settings(("pipeline.py", "second.py")).file("second.py", "import no_such_package\n")
    for name in ("a cycle", "an unknown upstream", "a bad key"):
        built.code(name, DECLARATIONS[name][0])
    answer = refused(built, "materialize")
    message = " ".join(problem["message"] for problem in answer.problems)
    for word in ("no_such_package", "one", "../up"):
        assert word in message, message
    built.settings(("pipeline.py",))
    message = " ".join(problem["message"] for problem in refused(built, "plan").problems)
    assert "goood" in message and "../up" in message


def test_a_refused_first_command_leaves_no_state_folder(project):
    project.asset("a", "return 1", reads="b")
    for words in (["materialize"], ["materialize", "nothing"], ["plan"]):
        refused(project, *words)
    assert not project.state.exists()


# --- command line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["materialize", "goood"], "goood", "good"),
        (["materialize", "nope", "group:none"], "nope", ""),
        (["materialize", "good,,"], "good,,", ""),
        (["materialize", "--set", "good.missing=1"], "missing", ""),
        (["materialize", "--set", "nothing=1"], "nothing=1", ""),
        (["materialize", "--set", "goood.x=1"], "goood", "good"),
        (["materialize", "--no-such-flag"], "--no-such-flag", "--help"),
        (["materialize", "-j", "0"], "0", "--help"),
        (["get", "never_was"], "never_was", ""),
        (["show", "never_was"], "never_was", ""),
        (["sql", "select * from nowhere"], "nowhere", ""),
    ],
)
def test_a_bad_command_line_is_refused_with_exit_code_2(built, words, said, hint):
    answer = refused(built, *words)
    assert any(said in problem["message"] for problem in answer.problems), answer.problems
    assert hint in " ".join(problem["hint"] or "" for problem in answer.problems)


def test_every_bad_term_of_a_selection_is_named(built):
    answer = refused(built, "plan", "nope", "group:none", "good")
    assert [p["message"].count("nope") + p["message"].count("none") for p in answer.problems] == [1, 1]


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    project = DiskProject(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    answer = refused(project, "materialize")
    assert "assetctl init" in answer.problems[0]["hint"]


# --- values ------------------------------------------------------------------------------------


def test_a_value_that_no_codec_takes_fails_its_step_and_stores_nothing(built):
    built.asset("bad", "return (i for i in [1])").asset("reads_bad", "return bad", reads="bad")
    built.asset("fine", "return 1")
    before = built.blobs()
    run = built.materialize(code=1)
    assert (run.outcome("failed"), run.outcome("skipped"), run.outcome("materialized")) == (
        ["bad"],
        ["reads_bad"],
        ["fine"],
    )
    (failed,) = run.events("step_failed")
    assert "generator" in failed["message"]
    assert failed["hint"]
    assert built.blobs() == before
    assert list((built.state / "tmp").glob("*")) == []


def test_outputs_that_do_not_fit_what_is_declared_fail_with_both_said(built):
    built.asset("split", "return 1, 2, 3", options="outs=['left', 'right']")
    run = built.materialize(code=1)
    (failed,) = run.events("step_failed")
    assert "left, right" in failed["message"] and "3 values" in failed["message"]
    assert "pipeline.py:" in failed["traceback"]


# --- the state folder --------------------------------------------------------------------------


def test_a_file_in_place_of_the_state_folder_is_an_environment_error(project):
    project.asset("a").file(".assetctl", "something else")
    for words in (["materialize"], ["plan"]):
        answer = project.run(*words, "--json")
        assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
        assert ".assetctl" in facts(answer)
    assert project.ran == []
    assert (project.root / ".assetctl").read_text() == "something else"


@pytest.mark.parametrize("folder", ["journal-v1", "blobs-v1"])
def test_a_part_of_the_state_folder_that_cannot_be_written_is_an_environment_error(project, folder):
    project.asset("a", "return list(range(2000))").file(f".assetctl/{folder}", "in the way")
    answer = project.run("materialize", "--json")
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert folder in answer.err
    (project.state / folder).unlink()
    assert project.materialize().outcome("materialized") == ["a"]
    assert project.value("a") == list(range(2000))


READ_ONLY = 'mount --bind .assetctl .assetctl && mount -o remount,ro,bind .assetctl && exec "$@"'
"""Permissions do not stop root; a read-only mount, which nobody else sees, does."""


def run_read_only(project: DiskProject, *words: str) -> Answer:
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", *words]
    done = subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_with_a_read_only_state_folder_one_can_ask_and_materialize_is_an_environment_error(built):
    try:
        allowed = run_read_only(built, "true")
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here")
    if allowed.code:
        pytest.skip(f"this machine allows no mounts: {allowed.err}")
    before = built.state_files()
    assert run_read_only(built, *built.command("plan", "--check")).code == 0
    built.asset("good", "return 1")
    answer = run_read_only(built, *built.command("materialize"))
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert "read-only" in answer.err.lower() and ".assetctl" in answer.err
    assert (built.ran, built.state_files()) == (["good"], before)
    assert built.build() == ["good"]


@pytest.mark.parametrize("words", [["materialize"], ["plan"], ["gc", "--apply"]])
def test_a_state_folder_of_a_newer_version_is_refused_and_left_alone(built, words):
    (built.state / "format").write_text("assetctl-state 2\n")
    answer = refused(built, *words, code=6)
    assert "newer" in answer.problems[0]["message"]
    assert "upgrade" in answer.problems[0]["hint"]


# --- assets that are gone from the code --------------------------------------------------------


def test_an_asset_removed_from_the_code_stays_visible_and_queryable(built):
    built.asset("kept").build()
    built.without("good")
    assert "good" not in built.run("ls").out
    history = built.run("history", "good", "--json").document
    assert [entry["asset"] for entry in history["entries"]] == ["good"]
    assert built.run("show", "good").code == 0
    rows = built.run("sql", "select distinct asset from lineage.materializations order by asset", "--format", "json")
    assert "good" in rows.out, rows.err
    assert built.run("get", "good", "-o", "good.json").code == 0
    assert (built.root / "good.json").read_text().startswith("[0")
    refused(built, "materialize", "good")


def test_gc_takes_the_bytes_of_a_removed_asset_only_when_told_and_its_history_stays(built):
    built.asset("kept").without("good")
    built.build()
    (blob,) = built.blobs()
    assert built.run("gc", "--apply").code == 0
    assert blob.exists()
    assert built.run("gc", "--drop-removed", "--apply").code == 0
    assert not blob.exists()
    history = built.run("history", "good", "--json").document
    assert [entry["asset"] for entry in history["entries"]] == ["good"]
    answer = built.run("get", "good", "-o", "good.json", "--json")
    assert (answer.code, (built.root / "good.json").exists()) == (2, False)
    assert "missing" in answer.problems[0]["message"]
