"""`examples/flights/demo.py` from start to end: the first thing a newcomer runs.

Without `soak` its models are trained on one flight in thirty: the same commands and assets in a third of the time.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.pages import ROOT, blocks, mismatch

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"
ALL_ROWS = 'return table[["date", *NUMBERS, *CATEGORIES, TARGET]]'


def example_on(every: int, folder: Path) -> Path:
    """Copy the example, and have its models see one flight in `every`."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".assetctl", "__pycache__"))
    features = folder / "delays" / "features.py"
    text = features.read_text()
    assert text.count(ALL_ROWS) == 1
    features.write_text(text.replace(ALL_ROWS, f"{ALL_ROWS}[::{every}]"))
    return folder


def walk_through(example: Path, folder: Path) -> list[str]:
    """Return what the demo says, one text a command: the first item is what stands before any."""
    done = subprocess.run(
        [sys.executable, str(example / "demo.py"), "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # boosting in two workers at once would fight over the cores
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout.split("\n$ ")


@pytest.mark.parametrize("every", [30, pytest.param(1, marks=pytest.mark.soak)])
def test_the_demo_builds_edits_explains_and_restores(tmp_path, every):
    folder = tmp_path / "flights"
    said = walk_through(example_on(every, tmp_path / "example"), folder)
    plan, _build, scores, noop, edit, replan, why, rebuild, undo, restored, drawn = said[1:]
    assert plan.startswith("assetctl plan model metrics\n")
    assert '"auc"' in scores
    assert edit.startswith("sed -i")
    assert "will run 1" in replan
    assert "MORNING_ENDS" in why
    assert "calendar.py" in why
    assert (folder / "lineage.svg").read_text().count("<svg") == 1
    assert "features" in rebuild
    assert "departures" not in rebuild.partition("===")[0]
    assert "restored" in restored
    for silent in (noop, undo, drawn):
        assert "materialized" not in silent.partition("\n")[2], silent
    require_the_readme_shows(said)


def require_the_readme_shows(said: list[str]) -> None:
    """Compare the example at the top of the README with what the demo prints after its edit."""
    (shown,) = [block for block in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if block.kind == "demo"]
    assert [command for command, _ in shown.commands] == ["assetctl plan model metrics", "assetctl why features"]
    for command, promised in shown.commands:
        after_the_edit = [text.partition("\n")[2] for text in said if text.startswith(f"{command}\n")][-1]
        assert mismatch(promised, after_the_edit.partition("\n===")[0]) == ""


@pytest.mark.parametrize(
    ("folders", "typed"),
    [
        (["own"], "{own}/assetctl"),
        (["own", "other"], "assetctl"),
        (["other"], "assetctl"),
        (["none", "own"], "assetctl"),
    ],
)
def test_the_demo_ends_with_a_command_that_a_person_can_type(tmp_path, monkeypatch, folders, typed):
    """`./dev` puts its environment first on PATH, but not on that of the person who types."""
    demo = runpy.run_path(str(EXAMPLE / "demo.py"), run_name="demo")
    for name in ("own", "other", "none"):
        (tmp_path / name).mkdir()
    for name in ("own", "other"):
        (tmp_path / name / "assetctl").write_text("")
        (tmp_path / name / "assetctl").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "own" / "python"))
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in folders))
    assert demo["typed"]() == typed.format(own=tmp_path / "own")
