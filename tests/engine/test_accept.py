"""Accepting a refactor: run, compare, and only then carry the record over."""

from __future__ import annotations

import pytest

from assetctl.assets.errors import AssetFailed, SelectionError
from assetctl.engine.project import Project

TEXT = (
    "from assetctl import asset\n"
    "@asset\ndef a():\n    return [1, 2]\n"
    "@asset\ndef b(a):\n    return sum(a)\n"
    "@asset(outs=['x', 'y'])\ndef pair(b):\n    return b, b + 1\n"
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "assets.py").write_text(TEXT)
    project = Project.open(tmp_path)
    project.materialize(jobs=1)
    return project


def edit(project: Project, old: str, new: str) -> None:
    file = project.root / "assets.py"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_refactor_that_gives_the_same_data_is_accepted_and_its_readers_stay_fresh(project):
    edit(project, "return sum(a)", "return a[0] + a[1]")
    accepted = project.accept("b")
    assert (accepted.assets, accepted.changed, accepted.verified) == (("b",), True, True)
    assert project.plan().is_fresh
    assert [entry.action for entry in project.history("b")] == ["accepted", "materialized"]


def test_other_data_are_refused_and_nothing_is_recorded(project):
    edit(project, "return sum(a)", "return max(a)")
    with pytest.raises(AssetFailed, match="gives other data"):
        project.accept("b")
    assert len(project.history("b")) == 1
    assert not project.plan("b").is_fresh


def test_code_that_fails_is_refused(project):
    edit(project, "return sum(a)", "return 1 / 0")
    with pytest.raises(AssetFailed, match="ZeroDivisionError"):
        project.accept("b")


def test_unverified_runs_nothing_and_says_so(project):
    edit(project, "return sum(a)", "return max(a)")
    assert not project.accept("b", is_verified=False).verified
    assert project.plan().is_fresh
    assert project.load("b") == 3
    reasons = project.history("b")[0].reasons
    assert reasons[0] == {"kind": "accepted", "verified": False}


def test_all_outputs_of_a_function_are_accepted_together(project):
    edit(project, "return b, b + 1", "return (b, 1 + b)")
    assert project.accept("y").assets == ("x", "y")
    assert project.plan().is_fresh


def test_what_is_fresh_needs_no_acceptance(project):
    assert project.accept("b").changed is False
    assert len(project.history("b")) == 1


def test_changed_inputs_cannot_be_accepted(project):
    edit(project, "return [1, 2]", "return [1, 3]")
    project.materialize("a", jobs=1)
    edit(project, "return sum(a)", "return a[0] + a[1]")
    with pytest.raises(SelectionError, match="more than its definition changed"):
        project.accept("b")


def test_what_was_never_built_cannot_be_accepted(project):
    edit(project, "@asset\ndef b", "@asset\ndef new():\n    return 1\n@asset\ndef b")
    with pytest.raises(SelectionError, match="never materialized"):
        project.accept("new")
