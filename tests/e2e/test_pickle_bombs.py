"""A pickle that this project did not write is loaded by no verb, wherever in the state folder it was put."""

from __future__ import annotations

import base64
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetctl.assets.errors import AssetctlError
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.journal.segments import frame
from assetctl.storage.journal.wire import from_json, to_json
from assetctl.storage.state.layout import Layout
from tests.cli.calls import call
from tests.e2e.projects import DiskProject


class _Bomb:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A project whose assets are pickles, large (a blob) and small (in the record), each in two versions."""
    root = tmp_path_factory.mktemp("bombs") / "project"
    project = DiskProject(root)
    project.asset("large", 'return ("x" * 9000, 1)')
    project.asset("frame", 'import pandas as pd\nreturn pd.DataFrame({"o": [1, "1"], "n": [1, 2]})')
    project.asset("small", "return (1, 2)")
    project.asset("reads", "return [len(large), len(small), len(frame)]", reads="large, small, frame")
    project.build()
    project.asset("large", 'return ("y" * 9000, 1)')
    project.asset("small", "return (1, 3)")
    project.asset("frame", 'import pandas as pd\nreturn pd.DataFrame({"o": [1, "1"], "n": [1, 3]})')
    project.build()
    return root


@pytest.fixture
def project(built: Path, tmp_path: Path) -> DiskProject:
    shutil.copytree(built, tmp_path / "project", dirs_exist_ok=True)
    project = DiskProject(tmp_path / "project")
    project.file("pipeline.py", (built / "pipeline.py").read_bytes())
    return project


def without_record(project: DiskProject, bomb: bytes) -> None:
    """Put a bomb under its own right digest; no record names it."""
    target = Layout.of(project.root).blob(digest_bytes(bomb))  # type: ignore[arg-type]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(bomb)


def in_place_of_blobs(project: DiskProject, bomb: bytes) -> None:
    """Replace every blob, of the same size where the bomb can be stretched to it."""
    for path in project.blobs():
        size = path.stat().st_size
        path.chmod(0o600)
        path.write_bytes(bomb.ljust(size, b"\0"))


def in_the_records(project: DiskProject, bomb: bytes) -> None:
    """Replace every inline value in the journal, with checksums that fit."""
    layout = Layout.of(project.root)
    facts, _ = FileJournal(layout).read_since({})
    text = base64.b64encode(bomb).decode()
    lines: dict[str, bytes] = {}
    for position, fact in facts:
        document = to_json(fact)
        for output in document.get("outputs", ()):
            if "base64" in output:
                output["base64"] = text
        lines[position.segment] = lines.get(position.segment, b"") + frame(from_json(document), position.counter)
    for segment, data in lines.items():
        FileJournal(layout).path(segment).write_bytes(data)
    for database in layout.state.glob("lineage.duckdb*"):
        database.unlink()
    assert text.encode() in b"".join(path.read_bytes() for path in project.segments())


_VERBS: list[tuple[str, ...]] = [
    ("plan",),
    ("status",),
    ("why", "reads"),
    ("history",),
    ("lineage",),
    *(("show", key) for key in ("large", "small", "frame")),
    *(("get", key, "-o", os.devnull) for key in ("large", "small", "frame")),
    *(("diff", key) for key in ("large", "small", "frame")),
    ("sql", "select * from frame"),
    ("sql", "select * from lineage.materializations"),
    ("doctor",),
    ("doctor", "--deep"),
    ("doctor", "--rebuild"),
    ("gc",),
    ("gc", "--apply"),
]


@pytest.mark.parametrize("place", [without_record, in_place_of_blobs, in_the_records], ids=lambda place: place.__name__)
def test_no_verb_loads_it(project: DiskProject, place: Callable[[DiskProject, bytes], None], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    place(project, pickle.dumps(_Bomb(canary)))
    for words in _VERBS:
        said = call("-p", project.root, *words)
        assert not canary.exists(), words
        assert said.code in (0, 1, 2, 4, 6), (words, said.err)
        assert "Traceback" not in said.err
    with project.open() as opened:
        for key in ("large", "small", "frame"):
            try:
                opened.load(key)
            except AssetctlError:
                continue
            finally:
                assert not canary.exists()
    pipeline = project.root / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace("[len(large), ", "[len(frame), len(large), "))
    answer = project.run("materialize", "-j", "2")
    assert answer.code in (0, 1, 4), answer.err
    assert "reads" in answer.err
    assert not canary.exists()


def test_the_bomb_would_go_off(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(_Bomb(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()
