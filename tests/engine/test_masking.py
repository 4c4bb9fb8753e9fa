"""Secrets: not part of what an asset is, and in nothing that is left behind."""

from __future__ import annotations

import base64
import os

import pytest

from assetctl.engine.project import Project

SECRET = "pa55 wörd/&x"
ASSETS = """
import base64, json, os, urllib.parse
from assetctl import asset

@asset(secret=["token"])
def loads(token=os.environ["AT_TOKEN"]):
    print(token, repr(token), json.dumps(token), urllib.parse.quote(token, safe=""))
    print(base64.b64encode(token.encode()).decode())
    if os.environ.get("AT_FAIL"):
        raise ValueError(f"refused: {token}")
    return len(token)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "assets.py").write_text(ASSETS)
    monkeypatch.setenv("AT_TOKEN", SECRET)
    return Project.open(tmp_path)


def left_behind(project: Project) -> bytes:
    return b"".join(p.read_bytes() for p in project.layout.state.rglob("*") if p.is_file())


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_secret_that_rotates_keeps_the_asset_and_is_written_nowhere(project, monkeypatch, jobs):
    (project.root / "assets.py").write_text(ASSETS + "\n@asset\ndef other():\n    return 1\n")
    events = project.materialize(jobs=jobs).events
    assert project.load("loads") == len(SECRET)
    stored = left_behind(project)
    for form in (SECRET.encode(), base64.b64encode(SECRET.encode()), b"pa55%20"):
        assert form not in stored
    assert SECRET not in str(events)
    assert any("***" in getattr(e, "log", "") for e in events)
    monkeypatch.setenv("AT_TOKEN", "another one")
    assert Project.open(project.root).plan().is_fresh


def test_a_secret_in_an_error_is_masked(project, monkeypatch):
    monkeypatch.setenv("AT_FAIL", "1")
    events = project.materialize(jobs=1).events
    assert SECRET not in str(events)
    assert any(getattr(e, "message", "") == "refused: ***" for e in events)
    assert SECRET.encode() not in left_behind(project)


def test_a_secret_set_on_the_command_line_is_not_recorded(project):
    from assetctl.engine.options import PlanOptions

    project.materialize(options=PlanOptions(set=('loads.token="from the command line"',)), jobs=1)
    assert project.load("loads") == len("from the command line")
    assert b"from the command" not in left_behind(project)


def test_the_signing_key_of_the_environment_is_in_no_log_however_a_step_came_by_it(tmp_path, monkeypatch):
    from assetctl.storage.remote import keys

    private = "ed25519-private:" + base64.b64encode(b"k" * 32).decode()
    monkeypatch.setenv(keys.VARIABLE, private)
    (tmp_path / "assets.py").write_text(
        "from pathlib import Path\nfrom assetctl import asset\n\n@asset\ndef a():\n"
        "    print((Path(__file__).parent / 'key.txt').read_text())\n    return 1\n"
    )
    (tmp_path / "key.txt").write_text(private)
    try:
        project = Project.open(tmp_path)
        assert keys.VARIABLE not in os.environ
        project.materialize(jobs=1)
    finally:
        keys._taken.clear()
    assert private.partition(":")[2].encode() not in left_behind(project)
    assert b"***" in left_behind(project)
