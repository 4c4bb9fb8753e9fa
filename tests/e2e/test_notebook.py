"""The tour runs from start to end, and its stored outputs are what it gives."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "notebooks" / "01_tour.ipynb"


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.read(TOUR, 4)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(TOUR.parent))
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return notebook


def said(notebook, source: str, kind: str = "text/plain") -> list[str]:
    """Return what the cells whose source begins so put out, in order."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.startswith(source)
        for output in cell.outputs
        if kind in output.get("data", {})
    ]


def test_the_second_run_builds_nothing_and_the_edit_builds_only_what_it_reaches(executed):
    first, second, edited = said(executed, "project.materialize()")
    assert "3 materialized" in first
    assert "3 fresh" in second and "materialized" not in second
    assert "1 fresh" in edited and "hourly" not in edited.partition("\n")[2]


def test_a_comment_in_a_helper_leaves_everything_fresh(executed):
    assert said(executed, "def celsius")[0] == "True"


def test_undoing_the_edit_restores(executed):
    assert "2 restored" in said(executed, "def celsius")[2]


def test_why_names_the_helper_and_shows_its_change(executed):
    (text,) = said(executed, "project.why", "text/html")
    assert "celsius" in text and "+    return (fahrenheit - 32) / 1.8" in text


def test_lineage_is_drawn(executed):
    (picture,) = said(executed, "project.lineage", "image/svg+xml")
    assert "<svg" in picture and "daily" in picture


def test_the_notebook_is_committed_with_its_outputs():
    committed = nbformat.read(TOUR, 4)
    assert all(
        cell.outputs for cell in committed.cells if cell.cell_type == "code" and cell.source.startswith("project.")
    )


def test_while_a_notebook_runs_a_step_other_processes_use_the_lineage_database(tmp_path, monkeypatch):
    """The step itself asks: the database is open neither in the kernel nor anywhere else meanwhile."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "pyproject.toml").write_text("[tool.assetctl]\nassets = ['pipeline.py']\n")
    (tmp_path / "pipeline.py").write_text(
        "import subprocess, sys\nfrom assetctl import asset\n@asset\ndef base(): return 1\n@asset\ndef asks(base):\n"
        "    words = [['plan', '--json'], ['status', '--json'], ['sql', 'from lineage.assets']]\n"
        "    done = [subprocess.run([sys.executable, '-m', 'assetctl', *w], capture_output=True)"
        " for w in words]\n"
        "    return [[d.returncode, d.stderr.decode()] for d in done]\n"
    )
    cells = [
        "from assetctl import Project\nproject = Project.open('.')\nproject.materialize('base', jobs=2)",
        "project.materialize('asks')\nproject.load('asks')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(tmp_path))
    answers = said(notebook, "project.materialize('asks')")
    assert answers == ["[[0, ''], [0, ''], [0, '']]"]
