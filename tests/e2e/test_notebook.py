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
