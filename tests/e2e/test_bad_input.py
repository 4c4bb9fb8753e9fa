"""What a person gets wrong: a clear message with place and hint, the documented exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from assetctl.assets.errors import DeclarationError
from assetctl.storage.journal.segments import _checksum
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
        (["materialize", "--set", "nothing=1"], "not of the form asset.param=value", "write `--set model.depth=5`"),
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


# --- names -------------------------------------------------------------------------------------

NO_KEYS = {
    "up": "..",
    "out": "../x",
    "through": "a/../b",
    "absolute": "/etc/passwd",
    "backslash": "..\\x",
    "encoded": "%2e%2e",
    "nul": "a\0b",
    "long": "x" * 300,
    "NFC": "\u00e5",
    "NFD": "a\u030a",
    "emoji": "\U0001f600",
    "right to left": "\u202eabc",
    "newline": "a\nb",
    "escape": "a\x1b[31mb",
    "quotes": "say \"x\" and 'y'",
    "empty": "",
    "lone surrogate": "\udcff",
}
ENTRIES = (
    "@asset(key={k!r})\ndef bad(): return list(range(2000))\n",
    '@asset(ins={{"q": {k!r}}})\ndef bad(q): return 1\n',
    "@asset(deps=[{k!r}])\ndef bad(): return 1\n",
    "@asset(aliases=[{k!r}])\ndef bad(): return 1\n",
    '@asset(outs=[{k!r}, "z"])\ndef bad(): return 1, 2\n',
    'bad = source.file("ran_log.py", key={k!r})\n',
    "@check(asset={k!r})\ndef bad(x): return True\n",
)


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_no_key_is_refused_wherever_code_names_it(built, entry):
    def files() -> set[Path]:
        paths = (path for path in built.root.parent.rglob("*") if "__pycache__" not in path.parts)
        return {path for path in paths if not path.is_relative_to(built.state / "cache-v1")}

    before = files()
    for key in NO_KEYS.values():
        built.code("bad", entry.format(k=key))
        with built.open() as project, pytest.raises(DeclarationError) as caught:
            project.materialize()
        said = str(caught.value)
        assert "asset key" in said or "not declared" in said, said
        assert not set("\x1b\0\n\u202e") & set(said)
    assert files() == before
    answer = refused(built, "materialize")
    assert "pipeline.py:" in facts(answer) or "asset key" in answer.err


@pytest.mark.parametrize(
    "words", [["plan"], ["materialize"], ["get"], ["show"], ["why"], ["history"], ["logs"], ["accept"]]
)
def test_what_is_no_key_is_refused_on_the_command_line(built, words):
    for key in ("../x", "/etc/passwd", "x" * 300, "\u00e5", "a\x1b[31mb", "a\nb", 'say "x"', "-x", "\udcff"):
        answer = built.ask(*words, "--json", "--", key)
        assert (answer.code, "Traceback" in answer.err, "\x1b" in answer.err) == (2, False, False), (key, answer.err)
    assert built.ask("plan", "--json", "--set", "../x.y=1").code == 2
    assert built.ask("materialize", "").code == 2  # an empty variable of a shell does not mean everything


def test_an_asset_may_be_called_like_an_option_or_a_device(built):
    built.asset("odd", "return list(range(2000))", options='key="-x"').asset("con", "return 1", options='key="CON"')
    assert built.build() == ["odd", "con"]
    assert built.run("get", "-o", "out.json", "--", "-x").code == 0


def test_an_asset_that_becomes_a_source_is_one(built):
    built.without("good").top('good = source.file("ran_log.py")').asset("reads", "return 1", reads="good: Path")
    built.top("from pathlib import Path")
    assert built.build() == ["reads"]


CRAFTED = {
    "a blob outside": lambda fact: fact["outputs"][0].update(blob="b3:../../../../canary"),
    "a blob with NUL": lambda fact: fact["outputs"][0].update(blob="b3:ab\0" + "c" * 61),
    "a blob that is a number": lambda fact: fact["outputs"][0].update(blob=5),
    "a figure outside": lambda fact: fact.update(figures={"p": "b3:../../../../canary"}),
    "an asset outside": lambda fact: fact["outputs"][0].update(asset="../../canary"),
    "a long asset": lambda fact: fact["outputs"][0].update(asset="x" * 300),
    "a step outside": lambda fact: fact.update(step="/etc/passwd"),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_record_that_names_something_outside_is_not_believed(built, name):
    (built.root / "canary").write_text("canary")
    lines = [json.loads(line[17:]) for line in built.segments()[0].read_bytes().splitlines()]
    fact = next(line for line in lines if line["k"] == "materialized")
    fact.update(c=99, id="crafted")
    CRAFTED[name](fact)
    payload = json.dumps(fact, separators=(",", ":")).encode("ascii")
    (built.state / "journal-v1" / "000000000000-1-00000000.log").write_bytes(b"%s %s\n" % (_checksum(payload), payload))
    assert built.ask("plan", "--json").document["fresh"] is True
    assert built.build() == []
    assert built.value("good") == list(range(2000))
    assert built.ask("gc", "--keep-last", "1", "--apply").code == 0
    assert (built.root / "canary").read_text() == "canary"
    assert "skipped" in built.ask("doctor").out


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


def outside_link(project: DiskProject, place: Path) -> Path:
    """Put a link to a folder outside in a folder's place; what was there is in it."""
    outside = project.root.parent / "outside"
    if place.exists():
        place.rename(outside)
    else:
        outside.mkdir()
    place.symlink_to(outside)
    return outside


@pytest.mark.parametrize("part", ["blobs-v1", "tmp", "quarantine-v1"])
def test_a_link_in_place_of_a_folder_of_the_store_is_not_followed(built, part):
    outside = outside_link(built, built.state / part)
    before = sorted(outside.rglob("*"))
    built.asset("good", "return [7] * 3000").asset("other", "return good", reads="good")
    if part == "quarantine-v1":
        blob = built.blobs()[0]
        blob.chmod(0o644)
        blob.write_bytes(b"X" + blob.read_bytes()[1:])
        built.without("other").asset("good", "return list(range(2000))")
        assert built.ask("get", "good", "-o", str(built.root / "x.json")).code == 4
    else:
        answer = built.ask("materialize")
        assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
        assert "symbolic link" in answer.err and "store" in answer.err
    assert sorted(outside.rglob("*")) == before


def test_a_link_in_place_of_one_folder_of_blobs_is_neither_written_nor_deleted_through(built):
    (blob,) = built.blobs()
    outside = outside_link(built, blob.parent)
    assert built.value("good") == list(range(2000))  # what is read is verified, wherever it lies
    assert built.ask("gc", "--drop-removed", "--apply").code == 0
    (outside / blob.name).unlink()
    answer = built.ask("materialize", "good")
    assert (answer.code, "symbolic link" in answer.err) == (6, True), answer.err
    assert list(outside.iterdir()) == []
    blob.parent.unlink()
    assert built.build("good") == ["good"]


@pytest.mark.parametrize("kind", ["link", "folder", "fifo", "another blob"])
def test_what_is_no_blob_in_a_blobs_place_is_corrupt_and_healed(built, kind):
    built.asset("second", "return [3] * 3000").build()
    blob = next(path for path in built.blobs() if path.read_bytes().startswith(b"[0"))
    kept = blob.rename(built.root / "kept")
    if kind == "link":
        blob.symlink_to(kept)
    elif kind == "folder":
        blob.mkdir()
        (blob / "x").write_text("x")
    elif kind == "fifo":
        os.mkfifo(blob)
    else:
        blob.write_bytes(next(path for path in built.blobs() if path != blob).read_bytes())
    answer = built.ask("get", "good", "-o", str(built.root / "x.json"))
    assert (answer.code, "Traceback" in answer.err) == (4, False), answer.err
    assert built.build("good") == ["good"]
    assert built.value("good") == list(range(2000))
    assert kept.read_bytes().startswith(b"[0")


def test_the_state_folder_may_be_a_link_to_another_place(tmp_path):
    project = DiskProject(tmp_path / "project")
    (tmp_path / "elsewhere").mkdir()
    project.state.symlink_to(tmp_path / "elsewhere")
    project.asset("a", "return [1] * 3000").build()
    assert project.build("a", force=True) == ["a"]
    assert project.value("a") == [1] * 3000
    assert project.ask("gc", "--apply").code == 0


def test_a_state_folder_that_is_a_link_to_nowhere_is_an_environment_error(project):
    project.asset("a")
    project.state.symlink_to(project.root.parent / "nowhere" / "at" / "all")
    answer = project.ask("materialize")
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert ".assetctl" in answer.err
    assert project.ran == []


@pytest.mark.parametrize("target", ["ran.log/x.json", "x" * 300, "no\x1bsuch/" + "y" * 300])
def test_a_target_that_cannot_be_written_is_an_environment_error(built, target):
    answer = built.run("get", "good", "-o", target)
    assert (answer.code, "Traceback" in answer.err, "\x1b" in answer.err) == (6, False, False), answer.err


def test_gc_cannot_both_delete_and_not_delete(built):
    refused(built, "gc", "--dry-run", "--apply")


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
