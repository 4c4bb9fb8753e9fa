"""Where steps run: by a setting, or by what suits the plan."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import EnvironmentFault, ProjectError
from assetctl.assets.ids import AssetKey
from assetctl.engine.executors.base import Executor
from assetctl.engine.executors.choose import EXECUTORS
from assetctl.engine.executors.inprocess import InProcessExecutor
from assetctl.engine.executors.perform_here import perform_here
from assetctl.engine.project import Project
from assetctl.engine.steps.loading import Loader
from assetctl.engine.steps.tasks import SourceInput, StepTask
from assetctl.engine.workspace import settings
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import DataVersion
from tests.storage.memory import MemoryDataStore

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


PRINTING = """
import os, signal, time
from assetctl import asset

@asset
def good():
    print("said by good")

@asset
def bad():
    print("said by bad")
    raise ValueError
"""
KILLED = """
@asset(timeout=0.5)
def slow():
    print("said by slow", flush=True)
    time.sleep(60)

@asset
def dead():
    print("said by dead", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_a_step_prints_is_in_this_machines_log_when_its_result_is_returned(tmp_path, executor):
    """Also if the step failed, or was killed."""
    opened = project(tmp_path, f'executor = "{executor}"')
    survives = executor != "inprocess"
    (tmp_path / "assets.py").write_text(PRINTING + (KILLED if survives else ""))
    result = opened.materialize(jobs=2)
    expected = {"good": "said by good\n", "bad": "said by bad\n"}
    if survives:
        expected |= {"slow": "said by slow\n", "dead": "said by dead\n"}
    assert set(result.finished.failed) == expected.keys() - {"good"}
    assert {log.asset: log.text for log in opened.logs()} == expected


class Watched(InProcessExecutor):
    """Keeps what it is given, as the bytes that would travel."""

    capabilities = replace(InProcessExecutor.capabilities, shares_files=False)
    sent: ClassVar[list[bytes]] = []

    def submit(self, task: StepTask) -> None:
        self.sent.append(pickle.dumps(task))
        super().submit(task)


def _watched(workspace: Workspace, n_workers: int) -> Executor:
    return Watched(partial(perform_here, workspace))


def test_no_path_of_this_machine_travels(tmp_path, monkeypatch):
    opened = project(tmp_path, f'executor = "pool"\nremote = "{tmp_path / "shared"}"')
    monkeypatch.setitem(EXECUTORS, "pool", _watched)
    (tmp_path / "t.csv").write_text("n\n1\n")
    (tmp_path / "assets.py").write_text(
        "import pandas as pd\nfrom pathlib import Path\nfrom assetctl import asset, source\n"
        "t = source.file('t.csv')\n"
        "@asset\ndef a(t: pd.DataFrame):\n    return t.n.sum()\n"
        "@asset\ndef b(t: Path, a):\n    return len(t.read_text()) + a\n"
    )
    assert opened.materialize().status == "succeeded"
    assert opened.load("b") == 5
    assert len(Watched.sent) == 2
    assert not any(os.fsencode(tmp_path) in sent for sent in Watched.sent)


def test_an_executor_whose_workers_see_no_files_of_this_machine_needs_the_shared_cache(tmp_path, monkeypatch):
    opened = project(tmp_path, 'executor = "pool"')
    monkeypatch.setitem(EXECUTORS, "pool", _watched)
    with pytest.raises(EnvironmentFault, match="there is no shared cache"):
        opened.materialize()


class Files:
    """Sources as one machine has them."""

    def version(self, declaration: SourceDef) -> DataVersion | None:
        return None if declaration.path == "gone.csv" else DataVersion("here")

    def paths(self, declaration: SourceDef) -> tuple[str, ...]:
        return (f"/data/{declaration.path}",)


@pytest.mark.parametrize(
    ("path", "planned", "same"), [("t.csv", "here", True), ("t.csv", "there", False), ("gone.csv", "here", False)]
)
def test_sources_are_found_by_key_and_compared_with_what_the_plan_saw(path, planned, same):
    key = AssetKey("t")
    needed = SourceInput("t", key, DataVersion(planned), Wanted(Form.PATH))
    loader = Loader(MemoryDataStore(), {key: SourceDef(path, SourceShape.FILE)}, Files())
    assert loader.load(needed) == Path("/data", path)
    assert loader.are_as_planned([needed]) == same
