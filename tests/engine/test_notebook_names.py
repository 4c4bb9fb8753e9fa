"""What a notebook's cells declare: the names that a person bound, not those that IPython keeps."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from assetctl.assets.decorator import asset
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
