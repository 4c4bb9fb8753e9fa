"""Roots of a store: a project is known by what it is, not by where it was, and in doubt nothing is deleted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.care.gc import Cleaning, GcPlan, plan_gc
from assetctl.storage.care.retention_rules import KeepRules
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.roots import forget, identity_at, is_own, register, roots_of
from tests.storage.facts import made

LATER = 10.0**10


def project(folder: Path) -> Layout:
    folder.mkdir(exist_ok=True)
    layout = Layout.of(folder, folder.parent / "store")
    ensure_state(layout)
    register(layout)
    FileJournal(layout).append([made(folder.name, "1")])
    return layout


def plan(layout: Layout) -> GcPlan:
    return plan_gc(Cleaning(layout, FileJournal(layout), KeepRules(), LATER))


def states(store: Path) -> list[tuple[str, str]]:
    """Return the name of each root's project, and the beginning of what is wrong with it."""
    return [(root.state.parent.name, "gone" if root.is_gone else root.trouble[:15]) for root in roots_of(store)]


@pytest.fixture
def p(tmp_path: Path) -> Layout:
    return project(tmp_path / "p")


def test_another_project_at_the_old_place_of_one_that_moved_is_not_taken_for_it(tmp_path, p):
    p.root.rename(tmp_path / "moved")
    (tmp_path / "p").mkdir()
    new = project(tmp_path / "p")
    assert sorted(states(p.store)) == [("p", ""), ("p", "another state f")]
    doubtful = next(root for root in roots_of(p.store) if root.trouble)
    with pytest.raises(EnvironmentFault) as refused:
        plan(new)
    (problem,) = refused.value.problems
    assert problem.code == "other-project-unknown"
    assert problem.hint is not None and problem.hint.endswith(f"`assetctl gc --forget-root {doubtful.file}`")
    register(Layout.of(tmp_path / "moved", p.store))  # its next run
    assert sorted(states(p.store)) == [("moved", ""), ("p", "")]
    assert plan(new).reclaims == ()


def test_a_project_that_moved_and_has_not_run_since_loses_nothing(tmp_path, p):
    other = project(tmp_path / "other")
    blob = Blobs(other).path(Blobs(other).put_bytes(b"of p"))
    os.utime(blob, (1, 1))
    p.root.rename(tmp_path / "moved")
    assert states(p.store) == [("other", ""), ("p", "gone")]
    assert plan(other).reclaims == ()
    assert forget(p.store, p.root) == 1
    assert [reclaim.path for reclaim in plan(other).reclaims] == [blob]


def test_two_containers_with_one_path_and_host_name_are_two_projects(tmp_path, p):
    """Each sees its own folder at the path that both registered."""
    p.root.rename(tmp_path / "the other container's disk")
    here = project(tmp_path / "p")
    assert len(list(p.roots.iterdir())) == 2
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match="what it needs cannot be known"):
            plan(here)
        (tmp_path / "p").rename(tmp_path / "aside")
        (tmp_path / "the other container's disk").rename(tmp_path / "p")
        (tmp_path / "aside").rename(tmp_path / "the other container's disk")


def test_a_copy_of_a_project_becomes_itself_and_spares_the_original(tmp_path, p):
    shutil.copytree(p.root, tmp_path / "q")
    q = Layout.of(tmp_path / "q", p.store)
    (root,) = roots_of(p.store)
    assert (is_own(root, p), is_own(root, q)) == (True, False), "before its first run it is not taken for the original"
    register(q)
    assert identity_at(q.state) != identity_at(p.state)
    assert states(p.store) == [("p", ""), ("q", "")]
    before = sorted(p.roots.iterdir())
    for layout in (p, q):
        register(layout)
    assert sorted(p.roots.iterdir()) == before


def test_roots_of_earlier_releases_are_read_and_replaced_where_they_are_certain(tmp_path, p):
    (file,) = p.roots.iterdir()
    document = json.loads(file.read_text())
    del document["identity"], document["boot"]
    file.unlink()
    p.identity_file.unlink()
    name = digest_bytes(f"{os.uname().nodename}\0{p.state}".encode()).removeprefix("b3:")[:32]
    earlier = p.roots / f"{name}.json"
    earlier.write_text(json.dumps(document))
    (root,) = roots_of(p.store)
    assert (root.trouble, is_own(root, p)) == ("", True)
    register(p)
    assert [path.name for path in p.roots.iterdir()] == [f"{identity_at(p.state)}.json"]
    earlier.write_text(json.dumps({**document, "inode": document["inode"] + 1}))
    register(p)
    assert len(list(p.roots.iterdir())) == 2, "it may be of a project that moved away"
    with pytest.raises(EnvironmentFault, match="what it needs cannot be known"):
        plan(p)
    assert forget(p.store, p.root) == 1, "of two that a path names, the one in doubt"
    assert states(p.store) == [("p", "")]
    assert plan(p).reclaims == ()


@pytest.mark.parametrize(
    ("of_record", "is_copy"),
    [
        ({}, False),
        ({"host": "another"}, False),  # a container has another name each time it starts
        ({"device": -1, "boot": "before"}, False),  # disks may be numbered anew when the machine starts
        ({"device": -1}, True),
        ({"inode": -1}, True),
        ({"inode": -1, "boot": "before"}, True),
    ],
)
def test_the_same_identity_at_another_place_is_a_copy_and_in_doubt_both_are_roots(p, of_record, is_copy):
    (file,) = p.roots.iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), **of_record}))
    register(p)
    assert (len(list(p.roots.iterdir())) == 2) == is_copy
