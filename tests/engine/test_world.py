"""Whose code a file is, what text it was imported from, and what leaves of the environment."""

from __future__ import annotations

import json
import linecache
import os
import sys
from pathlib import Path

import pytest

from assetctl.engine.workspace.code_world import ProjectWorld


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def _install(site: Path, name: str, version: str, files: list[str], **extra: str) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file, text in extra.items():
        (info / file.replace("__", ".")).write_text(text)
    for file in files:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def _world(root: Path, key: bytes = b"k") -> ProjectWorld:
    return ProjectWorld(root, key)


def test_a_listed_file_belongs_to_its_distribution(tmp_path: Path, site: Path) -> None:
    _install(site, "scikit-thing", "1.2", ["skthing/__init__.py", "skthing/sub/deep.py", "other_top.py"])
    world = _world(tmp_path)
    for file in ("skthing/__init__.py", "skthing/sub/deep.py", "other_top.py"):
        origin = world.origin("skthing", str(site / file))
        assert (origin.kind, origin.distribution, origin.version) == ("distribution", "scikit-thing", "1.2")


def test_two_distributions_may_share_a_namespace(tmp_path: Path, site: Path) -> None:
    _install(site, "space-a", "1", ["space/a/__init__.py"])
    _install(site, "space-b", "2", ["space/b/__init__.py"])
    world = _world(tmp_path)
    assert world.origin("space.a", str(site / "space/a/__init__.py")).version == "1"
    assert world.origin("space.b", str(site / "space/b/__init__.py")).version == "2"


NO_VERSION = "Metadata-Version: 2.1\nName: thing\n\nVersion: of the text\n"


@pytest.mark.parametrize(
    ("folder", "metadata", "version"),
    [
        ("thing-1.5", NO_VERSION, "1.5"),
        ("thing-1.5", "Name: thing\nVersion: None\n", "1.5"),
        ("thing-1.5", "Name: thing\nVersion:   \nSummary: 7\n", "1.5"),
        ("thing-1.5", b"\xff\xfe\x00Version", "1.5"),
        ("thing-1.5", None, "1.5"),
        ("thing-1.5", "a folder", "1.5"),
        ("thing-1.5", "a pipe", "1.5"),
        ("thing", NO_VERSION, None),
        ("thing-None", "Name: thing\nVersion: None\n", None),
        ("thing-UNKNOWN", "Name: thing\nVersion: UNKNOWN\n", None),
        ("thing", None, None),
    ],
)
def test_a_library_whose_version_nothing_says_is_read_as_code(
    tmp_path: Path, site: Path, folder: str, metadata: str | bytes | None, version: str | None
) -> None:
    """Another release of it would have the same version: none. What its folder is called is a version too."""
    _install(site, "thing", "9", ["thing/__init__.py"])
    info = (site / "thing-9.dist-info").rename(site / f"{folder}.dist-info")
    file = info / "METADATA"
    file.unlink()
    match metadata:
        case "a folder":
            file.mkdir()
        case "a pipe":
            os.mkfifo(file)
        case str():
            file.write_text(metadata)
        case bytes():
            file.write_bytes(metadata)
    origin = _world(tmp_path).origin("thing", str(site / "thing/__init__.py"))
    expected = ("project", "", "") if version is None else ("distribution", "thing", version)
    assert (origin.kind, origin.distribution, origin.version) == expected


def test_an_unlisted_file_is_first_party_wherever_it_lies(tmp_path: Path, site: Path) -> None:
    _install(site, "thing", "1", ["thing/__init__.py"])
    (site / "stray.py").write_text("")
    assert _world(tmp_path).origin("stray", str(site / "stray.py")).kind == "project"


def test_an_editable_install_is_first_party(tmp_path: Path, site: Path) -> None:
    direct = json.dumps({"url": "file:///somewhere", "dir_info": {"editable": True}})
    _install(site, "mine", "1", ["mine/__init__.py"], direct_url__json=direct)
    assert _world(tmp_path).origin("mine", str(site / "mine/__init__.py")).kind == "project"


def test_an_installed_copy_of_a_local_folder_is_a_distribution(tmp_path: Path, site: Path) -> None:
    direct = json.dumps({"url": "file:///somewhere", "dir_info": {}})
    _install(site, "mine", "1", ["mine/__init__.py"], direct_url__json=direct)
    assert _world(tmp_path).origin("mine", str(site / "mine/__init__.py")).kind == "distribution"


def test_an_egg_info_beside_a_source_tree_is_a_development_install(tmp_path: Path, site: Path) -> None:
    (site / "mine.egg-info").mkdir()
    (site / "mine.egg-info" / "PKG-INFO").write_text("Name: mine\nVersion: 1\n")
    (site / "mine.py").write_text("")
    assert _world(tmp_path).origin("mine", str(site / "mine.py")).kind == "project"


def test_a_distribution_without_a_list_owns_its_top_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "dist-packages"
    (site / "old-2.egg-info").mkdir(parents=True)
    (site / "old-2.egg-info" / "top_level.txt").write_text("oldmod\n")
    (site / "oldmod.py").write_text("")
    monkeypatch.syspath_prepend(str(site))
    origin = _world(tmp_path).origin("oldmod", str(site / "oldmod.py"))
    assert (origin.distribution, origin.version) == ("old", "2")


@pytest.mark.parametrize("name", ["json", "os", "sys", "builtins", "collections.abc", "math", "_thread"])
def test_the_standard_library_is_known_with_and_without_a_file(name: str, tmp_path: Path) -> None:
    module = __import__(name, fromlist=["x"])
    assert _world(tmp_path).origin(name, getattr(module, "__file__", None)).kind == "stdlib"
    assert _world(tmp_path).origin(name, None).kind == "stdlib"


def test_a_project_module_named_like_one_of_the_standard_library_is_first_party(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("")
    assert _world(tmp_path).origin("queue", str(tmp_path / "queue.py")).kind == "project"


@pytest.mark.parametrize("name", ["__main__", "", "some_exec_namespace"])
def test_code_without_a_file_is_first_party(name: str, tmp_path: Path) -> None:
    assert _world(tmp_path).origin(name, None).kind == "project"


def test_the_tool_itself_is_neither(tmp_path: Path) -> None:
    import assetctl.lineage.facts.records as module

    world = _world(tmp_path)
    assert world.origin("assetctl.lineage.facts.records", module.__file__).kind == "tool"
    assert world.origin("assetctl", None).kind == "tool"
    assert world.origin("records", str(Path(module.__file__).resolve())).kind == "tool"


def test_installed_libraries_of_this_environment_are_distributions(tmp_path: Path) -> None:
    import numpy as np

    origin = _world(tmp_path).origin("numpy", np.__file__)
    assert (origin.kind, origin.distribution, origin.version) == ("distribution", "numpy", np.__version__)
    assert _world(tmp_path).origin("numpy.linalg", None) == origin


def test_paths_are_shown_relative_to_the_project(tmp_path: Path) -> None:
    root = tmp_path / "real"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    world = _world(tmp_path / "link")
    assert world.relative(str(tmp_path / "link" / "a" / "b.py")) == "a/b.py"
    assert world.relative(str(root / "b.py")) == "b.py"
    assert world.relative(str(tmp_path / "real2" / "b.py")) == str(tmp_path / "real2" / "b.py")


def test_text_is_read_once_in_the_encoding_it_declares(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"# coding: latin-1\nX = '\xe9'\r\n")
    world = _world(tmp_path)
    assert world.source(str(file)) == "# coding: latin-1\nX = 'é'\n"
    file.write_text("X = 2\n")
    assert world.source(str(file)) == "# coding: latin-1\nX = 'é'\n"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"# coding: nonsense\n", b"# \xe9\n"])
def test_what_is_not_text_has_no_source(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(content)
    assert _world(tmp_path).source(str(tmp_path / "a.py")) is None
    assert _world(tmp_path).source(str(tmp_path / "missing.py")) is None


def test_a_notebook_cell_has_the_text_it_was_run_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linecache.cache, "<cell-1>", (4, None, ["x = 1\n", "y = 2\n"], "<cell-1>"))
    assert _world(tmp_path).source("<cell-1>") == "x = 1\ny = 2\n"


def test_a_variable_leaves_only_as_a_hash_of_its_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AT_X", "secret")
    monkeypatch.setenv("AT_Y", "secret")
    first = _world(tmp_path).variable("AT_X")
    assert first is not None
    assert first.startswith("b3:")
    assert first == _world(tmp_path).variable("AT_X")
    assert len({first, _world(tmp_path).variable("AT_Y"), _world(tmp_path, b"another").variable("AT_X")}) == 3
    monkeypatch.delenv("AT_X")
    assert _world(tmp_path).variable("AT_X") is None


def test_files_are_found_and_digested_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "q" / "deep").mkdir(parents=True)
    (tmp_path / "q" / "b.sql").write_text("b")
    (tmp_path / "q" / "deep" / "a.sql").write_text("a")
    world = _world(tmp_path)
    assert world.files("q/**/*.sql") == ("q/b.sql", "q/deep/a.sql")
    assert (
        world.file_digest("q/b.sql")
        == world.file_digest(str(tmp_path / "q" / "b.sql"))
        != world.file_digest("q/deep/a.sql")
    )
    assert world.file_digest("missing") is None


def test_asking_for_a_namespace_does_not_need_the_module_loaded(tmp_path: Path, site: Path) -> None:
    _install(site, "lazy", "3", ["lazy_top/__init__.py"])
    assert "lazy_top" not in sys.modules
    assert _world(tmp_path).origin("lazy_top.inner", None).version == "3"
