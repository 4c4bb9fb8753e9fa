"""Each verb on a real project: what it prints, its exit code, and its JSON against the shipped schema."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import assetctl
from assetctl.cli.starter import write_project
from assetctl.cli.starter_texts import IN_ARROW, IN_PANDAS
from tests.cli.calls import call
from tests.cli.conftest import edit

SCHEMAS = Path(assetctl.__file__).parent / "cli" / "schemas"
ALL = ["trips", "clean_trips", "model", "report"]


def check(document: dict) -> dict:
    """Return a document after holding it against the schema that it names."""
    name, _, version = document["schema"].removeprefix("assetctl.").partition("/")
    assert version == "1"
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(document)
    return document


def test_the_project_that_init_writes_works_and_is_not_overwritten(tmp_path):
    folder = tmp_path / "My shop!"
    said = call("init", folder, "--json")
    assert [Path(file).name for file in check(said.json)["files"]] == [
        "pyproject.toml",
        "pipeline.py",
        "trips.csv",
        ".gitignore",
    ]
    assert 'name = "my-shop"' in (folder / "pyproject.toml").read_text()
    assert ".assetctl/" in (folder / ".gitignore").read_text()
    (folder / "pipeline.py").write_text("mine")
    again = call("init", folder)
    assert again.code == 2
    assert "nothing was written" in again.err
    assert (folder / "pipeline.py").read_text() == "mine"


@pytest.mark.parametrize("starter", [IN_PANDAS, IN_ARROW], ids=["pandas", "arrow"])
def test_both_starters_give_the_same_report_and_pass_their_check(tmp_path, starter):
    write_project(tmp_path, starter)
    assert f'dependencies = ["{starter.requirement}"]' in (tmp_path / "pyproject.toml").read_text()
    finished = call("-p", tmp_path, "materialize", "-j", "1", "--json").lines
    checks = [(event["check"], event["passed"]) for event in finished if event["event"] == "check_finished"]
    assert checks == [("speeds_are_possible", True)]
    said = call("-p", tmp_path, "get", "report", "-o", "-")
    assert said.out == "11 trips; one kilometre more takes 3.0 minutes more.\n"
    assert '"minutes_per_km": 2.9967' in call("-p", tmp_path, "get", "model", "-o", "-").out


@pytest.mark.parametrize(("pandas", "starter"), [("sys.modules['pandas'] = None", IN_ARROW), ("", IN_PANDAS)])
def test_init_writes_what_runs_with_what_is_installed(tmp_path, pandas, starter):
    script = f"import sys; {pandas}\nfrom assetctl.cli.main import main\nsys.exit(main(['init']))"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "pipeline.py").read_text() == starter.pipeline


def test_init_adds_to_a_project_that_is_there(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"')
    (tmp_path / ".gitignore").write_text("*.log")
    assert call("-p", tmp_path, "init").code == 0
    assert (tmp_path / "pyproject.toml").read_text().startswith('[project]\nname = "mine"\n\n[tool.assetctl]\n')
    assert (tmp_path / ".gitignore").read_text().splitlines() == ["*.log", ".assetctl/", "__pycache__/"]
    (tmp_path / "pipeline.py").unlink()
    (tmp_path / "data" / "trips.csv").unlink()
    assert "has [tool.assetctl] already" in call("-p", tmp_path, "init").err


def test_init_says_what_to_type_next(tmp_path):
    said = call("init", tmp_path / "x")
    assert said.out == ""
    assert f"next: cd {tmp_path / 'x'}" in said.err
    assert "assetctl materialize" in said.err


def test_ls_prints_names_for_scripts_and_selections_choose_them(built):
    assert call("-p", built, "ls").out.split() == ALL
    assert call("ls", "-p", built, "+model", "--exclude", "kind:source").out.split() == ["clean_trips", "model"]
    assert call("ls", "-p", built, "stale").out == ""
    wide = call("ls", "-l", "-p", built).out
    assert wide.splitlines()[0].split() == ["asset", "kind", "group", "reads", "declared", "in"]
    assert "pipeline.py:" in wide


def test_ls_json_says_everything_that_is_declared(built):
    listed = {a["key"]: a for a in check(call("-p", built, "ls", "--json").json)["assets"]}
    assert list(listed) == ALL
    assert listed["trips"]["kind"] == "source"
    clean = listed["clean_trips"]
    assert (clean["kind"], clean["group"], clean["upstream"]) == ("asset", "prepare", ["trips"])
    assert clean["config"] == {"min_minutes": 1}
    assert clean["downstream"] == ["model", "report"]
    assert clean["checks"] == ["speeds_are_possible"]


def test_a_fresh_project_says_so_everywhere(built):
    plan = call("-p", built, "plan", "--check")
    assert plan.code == 0
    assert "everything is fresh: nothing to do for 3 assets" in plan.out
    assert plan.err == ""
    assert call("-p", built, "status", "--check").code == 0
    assert "model is fresh" in call("-p", built, "why", "model").out


def test_an_edit_shows_in_plan_status_why_and_lineage(project):
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    plan = call("-p", project, "plan", "model", "--check")
    assert plan.code == 3
    assert "config changed: min_minutes 1 → 10" in plan.out
    assert "if clean_trips changes" in plan.out
    assert f"next: assetctl -p {project} materialize model" in plan.err
    assert call("plan", "--check", "-q", "-p", project).err == ""
    assert call("-p", project, "status", "model", "--check").code == 3
    steps = {s["asset"]: s for s in check(call("-p", project, "plan", "--json").json)["steps"]}
    differs = [{"name": "min_minutes", "old": "1", "new": "10"}]
    assert steps["clean_trips"]["reasons"] == [{"kind": "config_changed", "changes": differs, "inside": differs}]
    assert (steps["report"]["verdict"], steps["report"]["waiting_on"]) == ("undecided", ["clean_trips", "model"])
    states = {s["asset"]: s["state"] for s in check(call("-p", project, "status", "--json").json)["assets"]}
    assert states == {"trips": "source", "clean_trips": "stale", "model": "undecided", "report": "undecided"}
    why = check(call("-p", project, "why", "model", "--json").json)
    assert why["root_causes"][0]["path"] == ["model", "clean_trips"]
    assert "begins at clean_trips" in call("-p", project, "why", "model").out
    drawn = check(call("-p", project, "lineage", "model", "--format", "json").json)
    assert {n["key"]: n["changed"] for n in drawn["nodes"]} == {"trips": False, "clean_trips": True, "model": False}


def test_why_shows_the_line_that_changed(project):
    edit(project, "round(slope, 4)", "round(slope, 2)")
    said = call("-p", project, "why", "model").out
    assert "-    return" in said
    assert "+    return" in said
    (symbol,) = check(call("-p", project, "why", "model", "--json").json)["symbols"]
    assert "round(slope, 2)" in symbol["diff"]


def test_materialize_runs_what_is_stale_and_says_what_happened(project):
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    dry = call("-p", project, "materialize", "--dry-run")
    assert (dry.code, "will run 1, may run 2" in dry.out) == (0, True)
    said = call("-p", project, "materialize", "-j", "1", "model")
    assert (said.code, said.out) == (0, "")
    lines = said.err.splitlines()
    assert lines[0] == "▸ clean_trips  config changed: min_minutes 1 → 10"
    assert lines[1].startswith("✓ clean_trips")
    assert "10 rows" in lines[1]
    assert lines[-1].startswith("succeeded in ")
    assert ": 2 materialized   run " in lines[-1]
    assert "\x1b" not in said.err


def test_materialize_json_is_a_line_per_event(project):
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    told = [check(event) for event in call("-p", project, "materialize", "--json", "-j", "1").lines]
    assert told[0]["event"] == "run_started"
    finished = told[-1]
    assert finished["event"] == "run_finished"
    assert finished["status"] == "succeeded"
    assert set(finished["materialized"]) == {"clean_trips", "model", "report"}
    again = call("-p", project, "materialize", "--json").lines[-1]
    assert set(again["fresh"]) == {"clean_trips", "model", "report"}


def test_undoing_an_edit_restores(project):
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    assert call("-p", project, "materialize", "clean_trips", "-j", "1").code == 0
    edit(project, "min_minutes: int = 10", "min_minutes: int = 1")
    said = call("-p", project, "plan", "clean_trips")
    assert "restore" in said.out
    finished = call("-p", project, "materialize", "clean_trips", "--json").lines
    assert {e["event"] for e in map(check, finished)} >= {"step_restored"}


def test_a_failing_asset_is_exit_1_with_its_traceback_and_what_was_skipped(project):
    edit(project, "context.metric(", "print('epoch 7'); slope['oops']; context.metric(")
    said = call("-p", project, "materialize", "-j", "1")
    assert said.code == 1
    assert "✗ model" in said.err
    assert "slope['oops']" in said.err
    assert "epoch 7" in said.err
    assert said.err.count("report") == 1, "a skipped asset is named once"
    events = [check(e) for e in call("-p", project, "materialize", "-j", "1", "--json").lines]
    assert events[-1]["failed"] == ["model"]
    assert call("-p", project, "ls", "failed").out.split() == ["model"]


def test_logs_keep_what_steps_printed(project):
    edit(project, "context.metric(", "print('epoch\\x1b', 7); print('done'); context.metric(")
    assert call("-p", project, "build", "model", "-j", "1").code == 0, "`build` is another name of `materialize`"
    assert call("-p", project, "logs", "model").out == "epoch\\x1b 7\ndone\n"
    assert call("-p", project, "logs", "model", "--raw", "--tail", "2").out == "epoch\x1b 7\ndone\n"
    (log,) = check(call("-p", project, "logs", "--tail", "1", "--json").json)["logs"]
    assert (log["asset"], log["text"]) == ("model", "done\n")
    assert call("-p", project, "logs", log["run_id"][:12]).out == "epoch\\x1b 7\ndone\n"
    missing = call("-p", project, "logs", "modle")
    assert (missing.code, missing.err) == (
        2,
        "error: there is no log of an asset or run `modle`\nhint: did you mean `model`?\n",
    )


def test_set_force_and_only_reach_the_plan(project):
    set_ = check(call("-p", project, "plan", "--set", "clean_trips.min_minutes=10", "--json").json)
    assert [s["verdict"] for s in set_["steps"]] == ["stale", "undecided", "undecided"]
    forced = check(call("-p", project, "plan", "model", "--force", "--json").json)
    assert [(s["asset"], s["action"]) for s in forced["steps"]] == [("clean_trips", "keep"), ("model", "run")]
    only = check(call("-p", project, "plan", "model", "--only", "--json").json)
    assert [s["asset"] for s in only["steps"]] == ["model"]
    assert call("-p", project, "plan", "--set", "clean_trips.nope=1").code == 2


def test_a_bad_selection_reports_every_term(built):
    said = call("-p", built, "plan", "modle", "group:none")
    assert said.code == 2
    assert "hint: did you mean `model`?" in said.err
    assert said.err.endswith("error: 2 problems; nothing was run\n")


def test_bad_declarations_are_all_reported_with_their_place(project):
    edit(project, "def report(model: dict", "def report(modl: dict")
    with (project / "pipeline.py").open("a") as file:
        file.write("\n@asset\ndef lost(nowhere): ...\n")
    said = call("-p", project, "plan")
    assert said.code == 2
    assert said.err.count("declared in") == 2
    assert "did you mean `model`?" in said.err
    assert said.err.endswith("error: 2 problems; nothing was run\n")


def test_show_tells_declaration_record_and_first_rows(built):
    said = call("-p", built, "show", "clean_trips").out
    for expected in (
        "pipeline.py:",
        "min_minutes=1",
        "pandas.DataFrame, 11 rows",
        "check speeds_are_possible",
        "first 10 rows",
        "Bern",
    ):
        assert expected in said
    shown = check(call("-p", built, "show", "clean_trips", "--json").json)
    assert len(shown["preview"]) == 10
    assert shown["checks"][0]["passed"] is True
    model = check(call("-p", built, "show", "model", "--json").json)
    assert "mean_absolute_error" in model["materialization"]["metrics"]
    assert "minutes_per_km" in model["preview"]
    assert "minutes more" in call("-p", built, "show", "report").out
    assert check(call("-p", built, "show", "trips", "--json").json)["materialization"] is None
    assert call("-p", built, "show", "nope").code == 2


def test_get_writes_the_ordinary_format_and_replaces_nothing_unasked(built, tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.chdir(tmp_path)
    got = check(call("-p", built, "get", "clean_trips", "--json").json)
    assert got["path"] == "clean_trips.parquet"
    assert pq.read_table(tmp_path / "clean_trips.parquet").num_rows == 11
    assert (tmp_path / "clean_trips.parquet").stat().st_mode & stat.S_IWUSR
    assert call("-p", built, "get", "clean_trips").code == 2
    assert call("-p", built, "get", "clean_trips", "--force").code == 0
    assert call("-p", built, "get", "model", "-o", "deep/m.json").code == 0
    assert "minutes_per_km" in json.loads((tmp_path / "deep" / "m.json").read_text())
    assert "minutes_per_km" in json.loads(call("-p", built, "get", "model", "-o", "-").out)


def test_an_earlier_version_is_named_by_its_digest(project):
    first = check(call("-p", project, "history", "model", "--json").json)["entries"][0]["data_version"]
    edit(project, "round(slope, 4)", "round(slope, 1)")
    assert call("-p", project, "materialize", "model", "-j", "1").code == 0
    old = json.loads(call("-p", project, "get", f"model@{first[3:11]}", "-o", "-").out)
    new = json.loads(call("-p", project, "get", "model", "-o", "-").out)
    assert (old["minutes_per_km"] != new["minutes_per_km"]) and round(old["minutes_per_km"], 1) == new["minutes_per_km"]
    diff = check(call("-p", project, "diff", "model", "--json").json)
    assert diff["old"]["data_version"] == first
    assert diff["reasons"][0]["kind"] == "code_changed"
    said = call("-p", project, "diff", "model").out
    assert '-  "minutes_per_km"' in said
    assert "code changed" in said
    assert call("-p", project, "diff", "report").code == 2


def test_history_lists_versions_newest_first(built):
    entries = check(call("-p", built, "history", "--json").json)["entries"]
    assert [e["asset"] for e in entries] == ["report", "model", "clean_trips"]
    assert len(check(call("-p", built, "history", "--limit", "1", "--json").json)["entries"]) == 1
    assert "never materialized" in call("-p", built, "history", "model").out


def test_sql_answers_as_table_json_and_csv(built):
    query = "select city, count(*) as n from clean_trips group by city order by city limit 2"
    assert call("-p", built, "sql", query, "--json").json == [{"city": "Basel", "n": 2}, {"city": "Bern", "n": 3}]
    assert call("-p", built, "sql", query, "--format", "csv").out == '"city","n"\n"Basel",2\n"Bern",3\n'
    assert call("-p", built, "sql", query).out.splitlines()[:2] == ["city   n", "Basel  2"]


def test_a_long_answer_is_cut_and_says_so(built):
    said = call("-p", built, "sql", "select * from range(201)")
    assert len(said.out.splitlines()) == 201
    assert said.err == "200 of 201 rows; `--format csv` prints all of them\n"


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("l.svg", b"<?xml"), ("l.png", b"\x89PNG"), ("l.dot", b"digraph"), ("l.mmd", b"flowchart"), ("l.txt", "◊ trips".encode()), ("l.json", b"{")],
)  # fmt: skip
def test_lineage_is_drawn_in_the_format_that_the_file_says(built, tmp_path, name, beginning):
    said = call("-p", built, "lineage", "model", "-o", tmp_path / name)
    assert (said.code, said.out) == (0, "")
    content = (tmp_path / name).read_bytes()
    assert content.startswith(beginning)
    if not name.endswith(".png"):
        assert b"clean_trips" in content
        assert b"report" not in content


def test_lineage_goes_to_a_pipe_in_any_format(built):
    assert call("-p", built, "lineage", "model", "--format", "svg").out.startswith("<?xml")
    assert call("-p", built, "lineage", "model", "--format", "mermaid").out.startswith("flowchart LR\n")


def test_a_file_can_be_the_project(tmp_path):
    (tmp_path / "pipeline.py").write_text("from assetctl import asset\n@asset\ndef one(): return 1\n")
    assert call("-f", tmp_path / "pipeline.py", "ls").out == "one\n"
    assert call("ls", "-f", tmp_path / "pipeline.py", "--color", "never").out == "one\n"


def test_lineage_depth_counts_from_the_selection(built):
    assert call("-p", built, "lineage", "report", "--depth", "0").out.split()[1] == "report"
    assert len(call("-p", built, "lineage", "model", "--depth", "1").out.splitlines()) == 2
    assert len(call("-p", built, "lineage").out.splitlines()) == 4


def test_doctor_finds_damage_and_says_what_to_do(project):
    sound = check(call("-p", project, "doctor", "--json").json)
    assert sound["sound"] is True
    assert call("-p", project, "doctor", "--rebuild").code == 0
    blob = next(path for path in (project / ".assetctl" / "blobs-v1").rglob("*") if path.is_file())
    blob.chmod(0o644)
    blob.write_bytes(b"x" * blob.stat().st_size)
    assert call("-p", project, "doctor").code == 0, "sizes are equal"
    deep = call("-p", project, "doctor", "--deep")
    assert deep.code == 4
    assert "`clean_trips`" in deep.out
    assert f"hint: `assetctl -p {project} materialize clean_trips --force`" in deep.out, "a plan cannot see it"
    assert check(call("-p", project, "doctor", "--deep", "--json").json)["sound"] is False


def test_gc_deletes_only_when_told_to(project):
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    assert call("-p", project, "materialize", "-j", "1").code == 0
    plan = check(call("-p", project, "gc", "--keep-last", "1", "--json").json)
    assert [r["asset"] for r in plan["reclaims"]] == ["clean_trips"]
    assert not plan["applied"]
    said = call("-p", project, "gc", "--keep-last", "1")
    assert "can go: 1 file" in said.out
    assert "add --apply" in said.err
    assert call("-p", project, "gc", "--keep-last", "1", "--keep-for", "1d").out.startswith("can go: 0 files")
    assert check(call("-p", project, "gc", "--keep-last", "1", "--apply", "--json").json)["applied"]
    assert call("-p", project, "gc", "--keep-last", "1").out.startswith("can go: 0 files")
    assert call("-p", project, "plan", "--check").code == 0


def test_a_new_project_has_no_logs_and_no_history(tmp_path):
    assert call("init", tmp_path / "x").code == 0
    assert call("-p", tmp_path / "x", "logs").err == f"nothing was run yet: assetctl -p {tmp_path}/x materialize\n"
    assert (
        call("-p", tmp_path / "x", "history").err
        == f"nothing was materialized yet: assetctl -p {tmp_path}/x materialize\n"
    )
    assert call("-p", tmp_path / "x", "doctor").out == "everything is sound\n"
    assert call("-p", tmp_path / "x", "show", "model").out.rstrip().endswith("never")


def test_the_version_as_json():
    assert check(call("version", "--json").json)["version"] == assetctl.__version__


def test_an_error_as_json_is_of_its_schema(built):
    assert check(call("-p", built, "why", "modle", "--json").json)["problems"][0]["hint"] == "did you mean `model`?"


def test_every_schema_is_itself_valid():
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["title"] == f"assetctl.{path.stem}/1"


def test_accept_carries_a_record_over_only_if_the_data_are_the_same(project):
    call("-p", project, "materialize")
    pipeline = project / "pipeline.py"
    text = pipeline.read_text()
    pipeline.write_text(text.replace('kept["km"], 60.0', '60.0, kept["km"]'))
    assert check(call("-p", project, "accept", "clean_trips", "--json").json)["verified"]
    assert call("-p", project, "plan", "--check").code == 0
    pipeline.write_text(text.replace("60.0", "61.0"))
    refused = call("-p", project, "accept", "clean_trips")
    assert refused.code == 1
    assert "gives other data" in refused.err and "speed" in refused.err
    assert "not verified" in call("-p", project, "accept", "clean_trips", "--unverified").err
