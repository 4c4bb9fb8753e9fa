"""What a notebook or a page asks of `Project` in another way than the command line does."""

from __future__ import annotations

import json

import pytest

from assetctl.assets.errors import ProjectError, SelectionError
from assetctl.engine.answers.picture import FORMATS
from assetctl.engine.care.verify import VerifyOptions
from assetctl.engine.project import Project
from tests.engine.recorded import Recorded, version_of
from tests.storage.facts import version

CODE = """
raw = source.file('raw.csv')
@asset
def a(raw): ...
@asset
def b(a): ...
"""


@pytest.fixture
def project(tmp_path) -> Project:
    world = Recorded(tmp_path, CODE)
    (tmp_path / "raw.csv").write_text("n\n1\n")
    world.record(version_of("a", "1"), version_of("a", "2"))
    return world.project


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("dot", b"digraph"),
        ("mermaid", b"flowchart"),
        ("text", "◊ raw".encode()),
    ],
)
def test_a_picture_comes_as_the_bytes_of_a_file(project, form, beginning):
    assert form in FORMATS
    assert project.picture(form=form).startswith(beginning)


def test_a_picture_as_json_has_what_is_within_its_depth(project):
    nodes = json.loads(project.picture("b", form="json", depth=1))["nodes"]
    assert [node["key"] for node in nodes] == ["a", "b"]


def test_what_is_declared_comes_as_values(project):
    raw, a = project.assets("a", "raw")
    assert (raw.is_source, raw.path, a.is_source, a.upstream) == (True, "raw.csv", False, ("raw",))


def test_an_asset_is_written_under_its_own_name_and_what_is_there_is_spared(project, tmp_path):
    written = project.get("a", tmp_path)
    assert (written.path, written.data_version) == (tmp_path / "a.json", version("2"))
    with pytest.raises(SelectionError, match="is there already"):
        project.get("a", tmp_path, version("1"))
    project.get("a", tmp_path, version("1"), replace=True)
    assert json.loads(written.path.read_text()) == "1"
    with project.open_file("a") as file:
        assert json.load(file) == "2"


def test_verifying_tells_how_far_it_is_and_refuses_what_is_no_subset(project):
    told: list[tuple[int, int]] = []
    verified = project.verify(on_progress=lambda n_read, n_bytes: told.append((n_read, n_bytes)))
    assert (verified.n_inline, told[0], told[-1]) == (2, (0, 0), (0, 0))
    with pytest.raises(SelectionError, match="no subset"):
        project.verify(options=VerifyOptions(subset="3/2"))


def test_a_new_key_is_ones_own_and_its_private_half_is_never_handed_out(project, tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(SelectionError, match="no signing key"):
        project.signing_key()
    key = project.make_signing_key()
    assert project.signing_key() == key
    assert project.keys().own == (key,)
    assert "private" not in repr(key)
    with pytest.raises(SelectionError, match="already"):
        project.make_signing_key()


def test_without_a_team_store_or_a_shared_cache_that_is_said(project):
    for ask in (project.sync, project.push, lambda: project.ask_team("select 1").__enter__()):
        with pytest.raises(ProjectError, match=r"no (team store|shared cache)"):
            ask()
