"""In a notebook's kernel: what a step changed is no edit, and what the person does is one."""

from __future__ import annotations

import sys

import pytest

from assetctl.engine.isolation.starting_state import StartingState
from assetctl.engine.project import Project
from assetctl.lineage.deciding.events import StepFailed, StepFinished

HELPERS = """
SQUARES = {}
TREE = {"a": {"b": []}}
_ONE = None
n = 0

def square():
    SQUARES[len(SQUARES)] = 1
    return len(SQUARES)

def deep():
    TREE["a"]["b"].append(1)
    return len(TREE["a"]["b"])

def one():
    global _ONE
    if _ONE is None:
        _ONE = {"a": {"b": []}}
    _ONE["a"]["b"].append(1)
    return len(_ONE["a"]["b"])

def count():
    global n
    n += 1
    return n
"""
CELL = """
from assetctl import asset
import helpers

OWN = {"a": {"b": []}}

@asset
def square():
    return helpers.square()

@asset
def deep():
    return helpers.deep()

@asset
def again(deep):
    return helpers.deep()

@asset
def one():
    return helpers.one()

@asset
def count():
    return helpers.count()

@asset
def own():
    OWN["a"]["b"].append(1)
    return len(OWN["a"]["b"])
"""


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A shell as a kernel has it, and the project that its cells are part of."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helpers.py").write_text(HELPERS)
    (tmp_path / "pyproject.toml").write_text("[tool.assetctl]\nassets = []\n")
    sys.modules.pop("helpers", None)
    with StartingState():
        shell = InteractiveShell.instance()
        shell.run_cell(CELL).raise_error()
        yield shell, Project.open(tmp_path)
        InteractiveShell.clear_instance()
        sys.modules.pop("helpers", None)


def stale(project: Project) -> set[str]:
    return {str(step.target) for step in project.plan().steps if step.action.value != "keep"}


ALL = ("square", "deep", "one", "count", "own")


def test_what_steps_changed_is_no_edit(kernel):
    _, project = kernel
    assert [event for event in project.materialize(*ALL).events if isinstance(event, StepFailed)] == []
    assert {key: project.load(key) for key in ALL} == dict.fromkeys(ALL, 1)
    assert project.plan(*ALL).is_fresh
    assert project.materialize(*ALL).finished.materialized == ()


@pytest.mark.parametrize(
    ("cell", "edited"),
    [
        ("helpers.TREE['a']['b'].append(2)", {"deep"}),
        ("helpers.TREE = {'a': {'b': [5]}}", {"deep"}),
        ("helpers.TREE = {'a': {'b': [1]}}", {"deep"}),  # as the step left it, but assigned by the person
        ("helpers.TREE = {'a': {'b': []}}", set()),  # as it was identified
        ("helpers._ONE = {'a': {'b': [1]}}", {"one"}),  # what the step made was put back to None
        ("helpers._ONE = None", set()),
        ("OWN['a']['b'].append(1)", {"own"}),
        ("OWN = {'a': {'b': [1]}}", {"own"}),
        ("helpers.SQUARES[3] = 9", {"square"}),
        ("helpers.n = 1", {"count"}),
        ("helpers.n = 0", set()),
        ("x = 1", set()),
    ],
)
def test_what_a_cell_changes_counts(kernel, cell, edited):
    shell, project = kernel
    assert project.materialize(*ALL).status == "succeeded"
    shell.run_cell(cell).raise_error()
    assert stale(project) - {"again"} == edited


def test_where_a_changed_object_cannot_be_put_back_the_next_step_is_built_again(kernel):
    _, project = kernel
    for _ in range(2):  # the second time, it is the first step of a run
        result = project.materialize("again")
        said = next(e.warnings for e in result.events if isinstance(e, StepFinished) and e.step == "again")
        assert any("ran after another step had changed what its code captures" in warning for warning in said)
        assert "deep" not in stale(project)
        assert "again" in stale(project)  # no other process has the code of the cells


def test_what_cells_set_survives_and_steps_do_not_see_each_other(kernel):
    import matplotlib

    matplotlib.use("agg")
    shell, project = kernel
    shell.run_cell(
        "import os, random\nimport matplotlib.pyplot as plt\n"
        "own = plt.figure(); os.environ['MINE'] = 'x'; random.seed(1)\n"
        "@asset\ndef a():\n    plt.plot([1, 2]); os.environ['MINE'] = 'y'\n    return [len(plt.gca().lines), random.random()]\n"
        "@asset\ndef b(a):\n    plt.plot([3, 4])\n    return [len(plt.gca().lines), random.random(), os.environ['MINE']]\n"
    ).raise_error()
    assert project.materialize("b").status == "succeeded"
    assert project.load("a") == [1, 0.13436424411240122]
    assert project.load("b") == [1, 0.13436424411240122, "x"]
    shell.run_cell("left = plt.get_fignums(), plt.gcf() is own, os.environ['MINE'], random.random()").raise_error()
    assert shell.user_ns["left"] == ([1], True, "x", 0.13436424411240122)
    shell.run_cell("plt.close('all')")
