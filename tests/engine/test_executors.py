"""Where steps run: by a setting, or by what suits the plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assetctl.assets.errors import ProjectError
from assetctl.engine.executors.choose import EXECUTORS
from assetctl.engine.project import Project
from assetctl.engine.workspace import settings

ASSETS = """
import os
from assetctl import asset

@asset
def one():
    return os.getpid()

@asset
def two():
    return os.getpid()
"""


def project(folder: Path, setting: str) -> Project:
    (folder / "pyproject.toml").write_text(f"[tool.assetctl]\n{setting}\n")
    (folder / "assets.py").write_text(ASSETS)
    return Project.open(folder)


@pytest.mark.parametrize(
    ("setting", "jobs", "is_here"),
    [
        ("", 1, True),
        ("", 2, False),
        ('executor = "inprocess"', 2, True),
        ('executor = "pool"', 1, False),
    ],
)
def test_steps_run_where_the_setting_says_or_where_it_suits(tmp_path, setting, jobs, is_here):
    opened = project(tmp_path, setting)
    assert opened.materialize(jobs=jobs).status == "succeeded"
    assert {opened.load(key) == os.getpid() for key in ("one", "two")} == {is_here}


def test_an_unknown_executor_is_refused_and_the_nearest_is_named(tmp_path):
    with pytest.raises(ProjectError) as refused:
        project(tmp_path, 'executor = "pol"')
    (problem,) = refused.value.problems
    assert problem.message == '`executor = \'pol\'` is not one of "inprocess", "pool"'
    assert "pool" in (problem.hint or "")


def test_every_executor_that_a_setting_may_name_is_there():
    assert tuple(EXECUTORS) == settings.EXECUTORS


@pytest.mark.parametrize(
    ("setting", "is_warned"), [('executor = "inprocess"', True), ('executor = "pool"', False), ("", False)]
)
def test_a_timeout_that_will_not_be_enforced_is_a_warning(tmp_path, setting, is_warned):
    opened = project(tmp_path, setting)
    (tmp_path / "assets.py").write_text("from assetctl import asset\n\n@asset(timeout=30)\ndef slow():\n    return 1\n")
    assert opened.materialize().status == "succeeded"
    said = "no timeout is enforced (`slow`): steps run in this process, without workers"
    assert (said in opened.warnings) == is_warned
    assert opened.materialize().status == "succeeded"  # nothing runs, so nothing more is said
    assert opened.warnings.count(said) == int(is_warned)
