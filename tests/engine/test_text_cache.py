"""What is kept of source texts gives the same answers as reading them, and is believed only when it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.engine.workspace.text_cache import TextCache
from assetctl.lineage.facts.records import CodeIdentity
from assetctl.lineage.identity.code.identify import CodeIdentifier
from tests.lineage.code_case import ASSET
from tests.lineage.code_cases import CASES
from tests.lineage.code_projects import KEY, imported, write_project

PROJECT = (
    "import functools, helpers\nfrom dataclasses import dataclass\nK = 3\n@dataclass\nclass Size:\n    n: int = K\n"
    "    def double(self):\n        return self.n * 2\n@functools.cache\ndef slow(x):\n    return helpers.f(x)\n"
    "pair = (lambda v: v + K), (lambda v: v - K)\n"
    + ASSET
    + "def model(x):\n    return slow(x), Size(x).double(), pair[1](x)\n--- helpers.py\ndef f(x):\n    '''Doc.'''\n    return [v for v in x]\n"
)


def identified(folder: Path) -> tuple[CodeIdentity, list[str]]:
    """Identify `model` with the folder's cache; also return the files that had to be parsed."""
    with imported(folder) as module:
        world = ProjectWorld(folder, KEY, TextCache(folder / ".assetctl" / "cache-v1"))
        identifier = CodeIdentifier(world)
        identity = identifier.identify(module.model)
        identifier.keep()
        files = identifier._reach.sources._files.values()
        return identity, sorted(Path(f.name).name for f in files if f is not None and f._nodes is not None)


def cached_files(folder: Path) -> list[Path]:
    return sorted((folder / ".assetctl" / "cache-v1").rglob("*"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "p"
    write_project(folder, PROJECT)
    (folder / ".assetctl").mkdir()
    return folder


@pytest.mark.slow
def test_what_is_kept_answers_as_the_text_does_for_every_case(tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        folder = tmp_path / str(number)
        write_project(folder, case.project)
        (folder / ".assetctl").mkdir()
        assert identified(folder)[0].version == identified(folder)[0].version, case.claim


def test_the_second_time_nothing_is_parsed(project: Path) -> None:
    first, parsed_first = identified(project)
    second, parsed_second = identified(project)
    assert parsed_first == ["helpers.py", "pipeline.py"]
    assert parsed_second == []
    assert first == second


def test_only_an_edited_file_is_parsed_again_and_its_entry_replaced(project: Path) -> None:
    first, _ = identified(project)
    n_files = len(cached_files(project))
    (project / "helpers.py").write_text("def f(x):\n    return [v + 1 for v in x]\n")
    second, parsed = identified(project)
    assert parsed == ["helpers.py"]
    assert first.version != second.version
    assert len(cached_files(project)) == n_files


def _flip(data: bytes) -> bytes:
    position = data.index(b"syntax" if b"syntax" in data else b"functions") + 40
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        _flip,
        lambda data: b"another release" + data,
        lambda data: data.partition(b"\n")[0] + b"\n{}",
        lambda data: b"\x80\x04\x95 not even text \n\n",
    ],
)
def test_what_is_damaged_or_of_another_release_is_not_believed(project: Path, damage: Callable[[bytes], bytes]) -> None:
    first, _ = identified(project)
    for file in cached_files(project):
        if file.is_file():
            file.write_bytes(damage(file.read_bytes()))
    second, parsed = identified(project)
    assert second == first
    assert parsed == ["helpers.py", "pipeline.py"]
    assert identified(project)[1] == []


def test_what_is_kept_of_another_text_is_not_believed(project: Path) -> None:
    identified(project)
    one, other = [file for file in cached_files(project) if file.is_file()]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert identified(project)[1] == ["helpers.py", "pipeline.py"]


def test_a_project_without_state_gets_none(tmp_path: Path) -> None:
    write_project(tmp_path / "p", PROJECT)
    identified(tmp_path / "p")
    assert not (tmp_path / "p" / ".assetctl").exists()


def test_a_cache_that_cannot_be_written_is_done_without(project: Path) -> None:
    (project / ".assetctl" / "cache-v1").write_text("a file where the folder should be")
    first, _ = identified(project)
    assert identified(project) == (first, ["helpers.py", "pipeline.py"])


def test_docstrings_and_annotations_that_are_read_are_found_in_the_text(project: Path) -> None:
    identified(project)
    write_project(
        project, PROJECT.replace("return slow(x)", "return model.__doc__, helpers.f.__annotations__, slow(x)")
    )
    before, _ = identified(project)
    (project / "helpers.py").write_text("def f(x: int):\n    '''Other.'''\n    return [v for v in x]\n")
    after, _ = identified(project)
    assert before.version != after.version
    assert identified(project)[0] == after


def test_cells_of_a_notebook_are_not_kept(project: Path) -> None:
    import linecache

    cell, text = f"{project}/ipykernel_7/12345.py", "def model(x):\n    return x\n"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, cell, "exec"), names)
    identifier = CodeIdentifier(ProjectWorld(project, KEY, TextCache(project / ".assetctl" / "cache-v1")))
    assert identifier.identify(names["model"]).symbols[0].kind == "function"
    identifier.keep()
    assert cached_files(project) == []


def test_the_edition_names_the_python(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assetctl.engine.workspace import text_cache

    here = text_cache._edition.__wrapped__()
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert text_cache._edition.__wrapped__() != here
