"""What a step really uses, beyond what its code says: seen, recorded, and counted from then on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from assetctl.engine.project import Project
from assetctl.engine.watching.watching import watching
from assetctl.lineage.deciding.reasons import ObservedChanged
from assetctl.lineage.facts.records import MaterializationId, Undeclared

HEADER = "import importlib, json, time\nfrom pathlib import Path\nfrom assetctl import asset, check, source\n"
SPIN = "def spin():\n    end = time.monotonic() + 0.1\n    while time.monotonic() < end: pass\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that writes files and opens the project; steps run in its folder."""
    monkeypatch.chdir(tmp_path)

    def write(assets: str, **files: str) -> Project:
        (tmp_path / "assets.py").write_text(HEADER + assets)
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return Project.open(tmp_path)

    return write


def used(project: Project, key: str) -> list[tuple[str, str]]:
    return [(u.kind, u.name) for u in project.find(key).materialization.undeclared]


def test_a_file_read_without_a_source_counts_from_then_on(make, tmp_path):
    project = make("@asset\ndef a():\n    return json.loads(Path('conf.json').read_text())\n", conf_dot_json="[1]")
    project.materialize(jobs=1)
    assert used(project, "a") == [("file", "conf.json")]
    assert project.plan().is_fresh
    (tmp_path / "conf.json").write_text("[2]")
    assert project.plan()["a"].reasons == (ObservedChanged(("conf.json",)),)
    project.materialize(jobs=1)
    assert project.load("a") == [2]
    (tmp_path / "conf.json").unlink()
    assert project.plan()["a"].reasons == (ObservedChanged(("conf.json",)),)


def test_undoing_an_edit_does_not_restore_what_was_made_from_another_file(make, tmp_path):
    text = "@asset\ndef a():\n    return Path('conf.json').read_text() + 'K'\n"
    project = make(text, conf_dot_json="one")
    project.materialize(jobs=1)
    (tmp_path / "assets.py").write_text(HEADER + text.replace("K", "L"))
    project.materialize(jobs=1)
    (tmp_path / "assets.py").write_text(HEADER + text)
    (tmp_path / "conf.json").write_text("two")
    assert project.materialize(jobs=1).finished.materialized == ("a",)
    assert project.load("a") == "twoK"


def test_declared_files_own_files_and_files_it_wrote_itself_are_not_undeclared(make):
    project = make(
        "s = source.file('data.csv')\nd = source.directory('folder')\n"
        "@asset\ndef a(s, d):\n"
        "    Path('scratch.txt').write_text('x')\n"
        "    return s.read_text() + (d / 'in.txt').read_text() + Path('scratch.txt').read_text()\n",
        data_dot_csv="1",
        folder__in_dot_txt="2",
    )
    assert project.materialize(jobs=1).status == "succeeded"
    assert used(project, "a") == []


def test_code_reached_by_a_computed_import_counts_by_symbol(make, tmp_path):
    project = make(
        "@asset\ndef a():\n    return importlib.import_module('plug' + 'in').go()\n",
        plugin_dot_py="import time\n" + SPIN + "def go():\n    spin()\n    return 1\n",
    )
    project.materialize(jobs=1)
    assert ("symbol", "plugin:go") in used(project, "a")
    plugin = tmp_path / "plugin.py"
    plugin.write_text(plugin.read_text() + "# a comment\n")
    assert project.plan().is_fresh
    plugin.write_text(plugin.read_text().replace("return 1", "return 2"))
    (reason,) = project.plan()["a"].reasons
    assert isinstance(reason, ObservedChanged) and "plugin:go" in reason.what
    project.materialize(jobs=1)
    assert project.load("a") == 2


def test_code_that_the_static_graph_has_is_not_undeclared(make):
    project = make(
        "import functools\n" + SPIN + "class T:\n    def go(self): spin()\n"
        "def deco(f):\n    @functools.wraps(f)\n    def w():\n        spin()\n        return f()\n    return w\n"
        "def outer():\n    def inner(): spin()\n    return inner\n"
        "@asset\n@deco\ndef a():\n    T().go(); outer()(); (lambda: spin())()\n    return 1\n"
        "@check(asset=a)\ndef ok(a):\n    spin()\n    return True\n"
    )
    project.materialize(jobs=1)
    assert used(project, "a") == []


@pytest.mark.parametrize(
    "read",
    [lambda p: pq.read_table(p), lambda p: pd.read_parquet(p), lambda p: pq.read_schema(where=p)],  # noqa: PLW0108  looked up when called
    ids=["pyarrow", "pandas", "by keyword"],
)
def test_native_readers_are_seen(tmp_path, read):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": [1]}).to_parquet(path)
    with watching(tmp_path) as touched:
        read(path)
    assert touched.read == {str(path)}


def test_native_readers_are_seen_where_they_are_imported_while_watching(tmp_path):
    (tmp_path / "t.csv").write_text("x\n1\n")
    code = (
        "import sys; from pathlib import Path; from assetctl.engine.watching.watching import watching\n"
        "with watching(Path(sys.argv[1])) as touched:\n"
        "    from pyarrow import csv; csv.read_csv(sys.argv[1] + '/t.csv')\n"
        "print(touched.read == {sys.argv[1] + '/t.csv'})"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    assert said.stdout == "True\n"


def test_files_outside_the_project_and_hidden_ones_are_not_noted(tmp_path):
    inside, outside = tmp_path / "project", tmp_path / "elsewhere.txt"
    (inside / ".venv").mkdir(parents=True)
    for path in (outside, inside / ".venv" / "x.txt", inside / "code.py"):
        path.write_text("x")
    with watching(inside) as touched:
        for path in (outside, inside / ".venv" / "x.txt", inside / "code.py"):
            path.read_text()
    assert touched.read == set()


def test_nothing_is_noted_after_the_watch(tmp_path):
    (tmp_path / "x.csv").write_text("x\n1\n")
    with watching(tmp_path) as touched:
        pass
    arrow_csv.read_csv(tmp_path / "x.csv")
    (tmp_path / "x.csv").read_text()
    assert touched.read == set()


def test_a_module_loaded_by_a_computed_name_counts_as_a_whole_but_for_comments(make, tmp_path):
    project = make(
        "@asset\ndef a():\n    return importlib.import_module('set' + 'tings').K\n@asset\ndef b():\n    return 1\n",
        settings_dot_py="K = 1\ndef unused():\n    return 1\n",
    )
    project.materialize(jobs=1)
    assert used(project, "a") == [("module", "settings:")]
    module = tmp_path / "settings.py"
    module.write_text(module.read_text() + "# a comment\n")
    assert project.plan().is_fresh
    module.write_text(module.read_text().replace("K = 1", "K = 2"))
    assert project.plan()["a"].reasons == (ObservedChanged(("settings",)),)
    project.materialize(jobs=1)
    assert project.load("a") == 2


@pytest.mark.parametrize(("kind", "reasons"), [("file", ()), ("socket", (ObservedChanged(("db",)),))])
def test_what_only_a_later_release_can_name_counts_as_gone(make, kind, reasons):
    project = make("@asset\ndef a():\n    return 1\n", conf_dot_json="[1]")
    project.materialize(jobs=1)
    made = project.find("a").materialization
    conf = project.workspace.root / "conf.json"
    use = Undeclared(kind, "conf.json" if kind == "file" else "db", project.workspace.stores.digests.of(conf))
    project.workspace.stores.journal.append([replace(made, id=MaterializationId("later"), undeclared=(use,))])
    assert project.plan()["a"].reasons == reasons


def test_the_digest_of_a_module_that_a_step_loads_is_that_of_earlier_releases(tmp_path):
    """It is recorded; another one would rebuild, after an upgrade, everything that loads a module of its own."""
    (tmp_path / "assets.py").write_text("from assetctl import asset\n@asset\ndef a():\n    return 1\n")
    (tmp_path / "helpers_of_a.py").write_text("K = 1\ndef f():\n    return K\n")
    declarations = Project.open(tmp_path).workspace.declarations
    declarations.current()
    digest = declarations.identification().class_code("helpers_of_a:")
    assert digest == "b3:b374d95a7fa79b04d768d4710eb3c163e3dd8f3080583533b83ca68fb499042b"
