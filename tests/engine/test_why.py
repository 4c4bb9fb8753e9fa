"""Why: reasons, root causes, the symbol that changed, and comparison with any recorded point."""

from __future__ import annotations

import os
import subprocess

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.engine.project import Project
from assetctl.lineage.deciding import reasons as r

ASSETS = (
    "import helpers\nfrom assetctl import asset\n"
    "@asset\ndef a():\n    return helpers.outer(1)\n"
    "@asset\ndef b(a):\n    return a\n"
    "@asset\ndef c(b):\n    return b\n"
)
HELPERS = "K = 1\ndef inner(x):\n    return x + K\ndef outer(x):\n    return inner(x)\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "assets.py").write_text(ASSETS)
    (tmp_path / "helpers.py").write_text(HELPERS)
    project = Project.open(tmp_path)
    project.materialize(jobs=1)
    return project


def rewrite(project: Project, old: str, new: str) -> None:
    file = project.root / "helpers.py"
    file.write_text(file.read_text().replace(old, new))


def test_a_changed_constant_is_named_with_its_path_and_diff(project):
    rewrite(project, "K = 1", "K = 2")
    (symbol,) = project.why("a").symbols
    assert (symbol.name, symbol.change, symbol.where) == ("helpers.K", "changed", "helpers.py:1")
    assert symbol.path == ("assets.a", "helpers.outer", "helpers.inner", "helpers.K")
    assert "-1\n+2" in symbol.diff


def test_a_changed_helper_is_named_and_its_callers_are_not(project):
    rewrite(project, "return x + K", "return x - K")
    assert [s.name for s in project.why("a").symbols] == ["helpers.inner"]


def test_added_and_removed_symbols_are_told_apart(project):
    rewrite(project, "return x + K", "return x + fresh()")
    rewrite(project, "def outer", "def fresh():\n    return 1\ndef outer")
    changes = {s.name: s.change for s in project.why("a").symbols}
    assert changes == {"helpers.inner": "changed", "helpers.fresh": "added", "helpers.K": "removed"}


def test_an_undecided_asset_is_traced_to_the_root_cause(project):
    rewrite(project, "K = 1", "K = 2")
    explanation = project.why("c")
    assert explanation.verdict == "undecided"
    (cause,) = explanation.causes
    assert cause.path == ("c", "b", "a") and isinstance(cause.reasons[0], r.CodeChanged)


def test_what_is_fresh_has_no_reasons(project):
    explanation = project.why("c")
    assert (explanation.verdict, explanation.causes, explanation.symbols) == ("fresh", (), ())


def test_since_compares_with_a_version_a_run_or_a_commit(project):
    git = ["git", "-C", str(project.root), "-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    later = {**os.environ, "GIT_COMMITTER_DATE": "2099-01-01T00:00:00Z"}
    subprocess.run([*git, "commit", "-qm", "one"], check=True, env=later)
    first = project.history("a")[0]
    rewrite(project, "K = 1", "K = 2")
    project.materialize(jobs=1)
    rewrite(project, "return x + K", "return x - K")
    assert [s.name for s in project.why("a").symbols] == ["helpers.inner"]
    for point in (first.data_version[3:12], first.materialization_id, first.run_id):
        assert {s.name for s in project.why("a", since=point).symbols} == {"helpers.inner", "helpers.K"}
    # Both materializations began before that commit's date: the last of them is the point.
    assert [s.name for s in project.why("a", since="HEAD").symbols] == ["helpers.inner"]
    old = {**os.environ, "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z"}
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "two"], check=True, env=old)
    for nowhere in ("HEAD", "no-such-ref", "--output=x"):
        with pytest.raises(SelectionError, match="nothing is recorded"):
            project.why("a", since=nowhere)


def test_a_run_that_did_not_touch_the_asset_stands_for_what_was_there_then(project):
    rewrite(project, "K = 1", "K = 2")
    (project.root / "assets.py").write_text(ASSETS + "@asset\ndef other():\n    return 1\n")
    run_id = project.materialize("other", jobs=1).finished.run_id
    project.materialize(jobs=1)
    assert project.why("a").verdict == "fresh"
    assert [s.name for s in project.why("a", since=run_id).symbols] == ["helpers.K"]


def test_an_unknown_asset_is_a_selection_error_with_a_hint(project):
    with pytest.raises(SelectionError) as caught:
        project.why("aa")
    assert caught.value.problems[0].hint == "did you mean `a`?"


CAPTURED = '''
import dataclasses, helpers
from assetctl import asset
PROMPT = """You are a helper.
Answer in {language}.
""" + "Be brief. " * 40 + """
Line A
Line B
Line C
"""
QUERIES = {"orders": "select *\\nfrom orders\\nwhere paid", "n": list(range(40)), "names": ["a" * 30, "b" * 30, "c" * 30]}
@dataclasses.dataclass
class Settings:
    rate: float
    seen: bytes = b""
SETTINGS = Settings(0.5)
LARGE = list(range(5000))
@asset
def a(parameters: dict = {"features": [1, 3], "model": {"depth": 2}}, text: str = "x" * 60 + "1"):
    return [PROMPT, QUERIES, SETTINGS.rate, sum(LARGE)]
'''


@pytest.fixture
def captured(tmp_path):
    (tmp_path / "helpers.py").write_text("")
    (tmp_path / "assets.py").write_text(CAPTURED)
    project = Project.open(tmp_path)
    assert project.materialize(jobs=1).exit_code == 0
    return project


@pytest.mark.parametrize(
    ("old", "new", "name", "diff"),
    [
        ("Line B", "Line X", "assets.PROMPT", ["-Line B", "+Line X"]),
        ("where paid", "where not paid", "assets.QUERIES", ["-    'where paid'", "+    'where not paid'"]),
        ('"c" * 30', '"d" * 30', "assets.QUERIES", [f"-    '{'c' * 30}'", f"+    '{'d' * 30}'"]),
    ],
)
def test_a_captured_value_shows_its_own_diff(captured, old, new, name, diff):
    file = captured.root / "assets.py"
    file.write_text(file.read_text().replace(old, new))
    (symbol,) = captured.why("a").symbols
    assert (symbol.name, symbol.change) == (name, "changed")
    changed = [line for line in symbol.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == diff


def test_a_changed_object_is_named_with_what_of_it_changed(captured):
    file = captured.root / "assets.py"
    file.write_text(file.read_text().replace("Settings(0.5)", "Settings(0.75)"))
    (symbol,) = captured.why("a").symbols
    assert symbol.name.startswith("assets.SETTINGS")


def test_a_changed_config_value_shows_the_path_inside_it(captured):
    file = captured.root / "assets.py"
    file.write_text(
        file.read_text()
        .replace("[1, 3]", "[1, 4]")
        .replace('"depth": 2', '"depth": 2, "n": None')
        .replace('+ "1"', '+ "2"')
    )
    (reason,) = captured.why("a").planned.reasons
    said = r.describe(reason)
    assert said.startswith("config changed: parameters.features[1] 3 → 4, parameters.model.n (none) → null, text ...")
    assert said.endswith('xx1" → ...xxxxxxxxxxxx2"')
    assert r.to_json(reason)["inside"][0] == {"name": "parameters.features[1]", "old": "3", "new": "4"}
