"""Lay a small project out, import it afresh and identify one of its objects."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType

from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.lineage.facts.records import CodeIdentity
from assetctl.lineage.identity.code.identify import CodeIdentifier

KEY = b"a key of the test's own"


def write_project(folder: Path, project: str) -> None:
    """Write `--- name` separated files; the first is `pipeline.py`."""
    name, lines = "pipeline.py", []
    for line in [*project.splitlines(keepends=True), "--- \n"]:
        if not line.startswith("--- "):
            lines.append(line)
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")
        name, lines = line[4:].strip(), []


def _is_of_a_test(module: ModuleType) -> bool:
    """Say whether a module is of a project that some other test left loaded."""
    return "/pytest-of-" in str(getattr(module, "__file__", None))


@contextlib.contextmanager
def imported(folder: Path, module: str = "pipeline", *, site: Path | None = None) -> Iterator[ModuleType]:
    """Import a module of a project as plain Python does; what it loaded from there is forgotten afterwards."""
    paths = [str(folder)] + ([str(site)] if site is not None else [])
    before = dict(sys.modules)
    hidden = {
        name: sys.modules.pop(name) for name, m in list(sys.modules.items()) if name == module or _is_of_a_test(m)
    }
    sys.path[:0] = paths
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    finders, sys.meta_path[:] = sys.meta_path[:], [f for f in sys.meta_path if not hasattr(f, "keeps_text")]
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(module)
    finally:
        sys.dont_write_bytecode = bytecode
        del sys.path[: len(paths)]
        sys.meta_path[:] = finders
        for name, loaded in list(sys.modules.items()):
            file = getattr(loaded, "__file__", None)
            if name not in before and isinstance(file, str) and file.startswith(str(folder.parent)):
                del sys.modules[name]
        sys.modules.update(hidden)


def identify(folder: Path, project: str, *, config: Collection[str] = ()) -> CodeIdentity:
    """Identify `model` of a project as a first import of it sees it."""
    write_project(folder, project)
    with imported(folder) as module:
        return CodeIdentifier(ProjectWorld(folder, KEY)).identify(module.model, config=config, name="model")
