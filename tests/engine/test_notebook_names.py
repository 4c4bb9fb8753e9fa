"""What a notebook's cells declare: the names that a person bound, not those that IPython keeps."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from assetctl.assets.decorator import asset
from assetctl.engine.project import Project
from assetctl.engine.workspace.declarations import written_names


def test_names_of_ipython_are_not_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    quit_, mine = object(), asset(len)
    shell = SimpleNamespace(user_ns_hidden={"quit_it": quit_, "taken": quit_})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    cells = ModuleType("__main__")
    kept = {"model": mine, "_mine": mine, "_4x": mine, "In_": mine, "taken": mine, "__name": mine}
    hidden = dict.fromkeys(("_", "__", "___", "_4", "_i", "_ii", "_iii", "_i4", "_oh", "_dh", "_ih", "In", "Out"), mine)
    vars(cells).clear()
    vars(cells).update({**kept, **hidden, "quit_it": quit_, "exit": mine})
    assert written_names(cells) == kept


def test_what_cells_hold_stays_loaded_when_the_project_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {
        "held": "from inner import f\n",
        "inner": "def f(): return 1\n",
        "other": "",
        "in_project": "",
        "steps": "import in_project\nfrom assetctl import asset\n@asset\ndef a(): return 1\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["steps.py"]\n')
    monkeypatch.syspath_prepend(tmp_path)
    before = {name: importlib.import_module(name) for name in ("held", "inner", "other", "in_project")}
    cells = ModuleType("__main__")
    vars(cells).update(held=before["held"], in_project=before["in_project"])
    shell = SimpleNamespace(user_module=cells, user_ns_hidden={})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    Project.open(tmp_path).graph()
    assert sys.modules["held"] is before["held"]
    assert sys.modules["inner"] is before["inner"]
    assert "other" not in sys.modules
    assert sys.modules["in_project"] is not before["in_project"]
