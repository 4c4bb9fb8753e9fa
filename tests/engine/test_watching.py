"""What a step really uses, beyond what its code says: seen, recorded, and counted from then on."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from assetctl.engine.executors.looks import undeclared_looks
from assetctl.engine.project import Project
from assetctl.engine.watching.touched import Touched, status_of
from assetctl.engine.watching.watching import opening, watching
from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.engine.workspace.seen import Seen
from assetctl.lineage.deciding.reasons import InputChangedDuringRun, ObservedChanged
from assetctl.lineage.facts.records import MaterializationId, Trace, Undeclared
from assetctl.lineage.identity.code.identify import CodeIdentifier
from assetctl.storage.blobs.file_digests import FileDigests

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


def test_files_outside_the_project_and_those_of_git_and_environments_are_not_noted(tmp_path):
    inside, outside = tmp_path / "project", tmp_path / "elsewhere.txt"
    (inside / ".venv").mkdir(parents=True)
    (inside / ".git").mkdir()
    paths = (outside, inside / ".venv" / "x.txt", inside / ".git" / "HEAD", inside / ".settings")
    for path in paths:
        path.write_text("x")
    with watching(inside) as touched:
        for path in paths:
            path.read_text()
    assert touched.read == {str(inside / ".settings")}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("duckdb", "sql"), ("duckdb", "connect"), ("duckdb", "execute"), ("pyarrow.dataset", "dataset"),
        ("pyarrow.parquet", "ParquetFile"), ("pyarrow", "OSFile"), ("polars", "read_lines"), ("os", "stat"), ("os", "access"),
        ("os", "open"), ("os", "readlink"), ("pyarrow.fs", "LocalFileSystem"), ("pyarrow.fs", "FileSystem"),
        ("pyarrow.dataset", "ParquetFileFormat"), ("pyarrow.parquet", "read_table"), ("pyarrow", "memory_map"),
        ("polars", "read_csv"), ("duckdb", "read_csv"),
    ],
)  # fmt: skip
def test_code_is_identified_as_if_nothing_were_wrapped(tmp_path, monkeypatch, module, name):
    """Another code version would rebuild, after an upgrade, everything that uses one of these."""
    home = importlib.import_module(module)
    (tmp_path / "user_of_it.py").write_text(
        f"import functools\nimport {module}\nfrom {module} import {name} as f\n"
        f"part, table = functools.partial({module}.{name}), {{'f': {module}.{name}}}\n"
        f"def a(g={module}.{name}):\n    return {module}.{name}('x'), f('x'), part, table\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def version() -> str:
        sys.modules.pop("user_of_it", None)
        code = importlib.import_module("user_of_it").a
        return CodeIdentifier(ProjectWorld(tmp_path, b"key")).identify(code).version

    with opening():
        wrapper = getattr(home, name)
        importlib.import_module("user_of_it")
    seen = CodeIdentifier(ProjectWorld(tmp_path, b"key")).identify(sys.modules["user_of_it"].a).version
    is_heir = isinstance(wrapper, type) and wrapper.__base__.__name__ == name
    monkeypatch.setattr(home, name, wrapper.__base__ if is_heir else getattr(wrapper, "__wrapped__", wrapper))
    assert seen == version()
    sys.modules.pop("user_of_it")


def test_what_is_wrapped_looks_as_it_did(tmp_path):
    plain = inspect.signature(os.stat)
    with watching(tmp_path):
        assert inspect.signature(os.stat) == plain
        assert pickle.loads(pickle.dumps(os.stat)) is os.stat
        assert os.stat in os.supports_follow_symlinks
        with pytest.raises(KeyError, match="AT_NOT_THERE"):
            os.environ["AT_NOT_THERE"]
        with pytest.raises(FileNotFoundError):
            (tmp_path / "nothing").stat()
    assert type(os.stat).__name__ == "builtin_function_or_method"
    assert isinstance(pa.OSFile(__file__), pa.OSFile)


def test_what_goes_wrong_while_noting_is_not_the_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(Touched, "note_look", lambda *_: 1 / 0)
    (tmp_path / "x.txt").write_text("x")
    with watching(tmp_path) as touched:
        assert (tmp_path / "x.txt").read_text() == "x"
    assert touched.lost == {"ZeroDivisionError"}


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


@pytest.fixture
def another(tmp_path_factory):
    """Return what a step runs so that somebody else does something while it runs: a script that lies elsewhere."""

    def program(doing: str) -> str:
        script = tmp_path_factory.mktemp("elsewhere") / "other.py"
        script.write_text(f"import os\nfrom pathlib import Path\n{doing}\n")
        return f"__import__('subprocess').run([{sys.executable!r}, {str(script)!r}], check=True)"

    return program


@pytest.mark.parametrize(
    "doing",
    [
        "text = Path('s.txt').read_text(); Path('s.txt').write_text('2'); Path('s.txt').write_text(text)",
        "Path('t').write_text('1'); os.replace('t', 's.txt')",
    ],
    ids=["there and back", "another file of the same bytes"],
)
def test_a_source_that_changed_and_changed_back_is_no_trace(make, another, doing):
    body = f"s = source.file('s.txt')\n@asset\ndef a(s):\n    {another(doing)}\n    return s.read_text()\n"
    project = make(body, s_dot_txt="1")
    project.materialize(jobs=1)
    assert project.find("a").materialization.trace is Trace.INPUT_CHANGED
    assert [type(reason) for reason in project.plan()["a"].reasons] == [InputChangedDuringRun]


@pytest.mark.parametrize(
    "doing",
    ["Path('c.json').write_text('[2]')", "os.rename('c2.json', 'c.json')", "os.remove('c.json')"],
    ids=["edited", "replaced", "removed"],
)
def test_an_undeclared_file_that_changed_after_it_was_read_is_no_trace(make, another, doing):
    body = f"@asset\ndef a():\n    text = Path('c.json').read_text()\n    {another(doing)}\n    return text\n"
    project = make(body, c_dot_json="[1]", c2_dot_json="[3]")
    project.materialize(jobs=1)
    assert project.load("a") == "[1]"
    assert project.find("a").materialization.trace is Trace.INPUT_CHANGED
    assert not project.plan().is_fresh


def test_a_file_made_while_the_step_ran_is_taken_as_it_was_when_it_was_read(tmp_path, another):
    """Its status may be that of a later content: a file system's clock is coarse."""
    path = tmp_path / "young.txt"
    with watching(tmp_path) as touched:
        exec(another(f"Path({str(path)!r}).write_text('one')"))
        path.read_text()
        exec(another(f"Path({str(path)!r}).write_text('two')"))
    look = touched.looks[str(path)]
    touched.looks[str(path)] = replace(look, status=status_of(str(path)))  # as if the clock had not moved on
    seen = Seen(tmp_path, FileDigests(tmp_path / "cache"), lambda name: None)
    assert undeclared_looks(touched, seen, ()).changed == [str(path)]


@pytest.mark.parametrize(
    ("body", "used"),
    [
        (
            "p = Path('c.txt')\n    if not p.exists():\n        p.write_text('1')\n    return p.read_text()",
            [("place", "c.txt")],
        ),
        (
            "f = open('n.txt', 'r+')\n    n = f.read()\n    f.write('1')\n    f.close()\n    return n",
            [("file", "n.txt")],
        ),
        ("f = open('log', 'a')\n    f.write('x')\n    f.close()\n    return 1", []),
    ],
    ids=["a cache", "a counter", "a log"],
)
def test_what_a_step_looked_at_and_then_changed_counts_as_it_left_it(make, body, used):
    project = make(f"@asset\ndef a():\n    {body}\n", n_dot_txt="0")
    project.materialize(jobs=1)
    assert [(u.kind, u.name) for u in project.find("a").materialization.undeclared] == used
    assert project.plan().is_fresh


def test_what_is_not_there_counts_without_a_warning_and_many_things_are_one_warning(make, tmp_path):
    project = make("@asset\ndef a():\n    return [Path(f'{n}.txt').exists() for n in range(20)], Path('no').exists()\n")
    for n in range(20):
        (tmp_path / f"{n}.txt").write_text("")
    events = project.materialize(jobs=1).events
    assert [warning for event in events for warning in getattr(event, "warnings", ())] == [
        "`a` looked whether `0.txt` is there, and 19 more like it, without declaring it; it counts from now on"
    ]
    (tmp_path / "no").write_text("")
    assert project.plan()["a"].reasons == (ObservedChanged(("no",)),)


def test_a_file_of_the_code_that_changes_and_changes_back_while_the_step_runs_leaves_no_sound_trace(make):
    """Whoever edits it: the step reads what no plan compared."""
    edit = "import subprocess\n    subprocess.run(['sh', '-c', 'printf {} > q/a.sql'], check=True)\n"
    body = f"    {edit.format(2)}    text = Path('q/a.sql').read_text()\n    {edit.format(1)}    return text\n"
    project = make(f"@asset(code_deps=['q'])\ndef a():\n{body}", q__a_dot_sql="1")
    project.materialize(jobs=1)
    assert project.load("a") == "2"
    assert not project.plan().is_fresh


def test_storing_and_loading_a_value_is_no_look_of_a_step(tmp_path, monkeypatch):
    """The store opens its folders relative to one another; an audit event has no more than the last name."""
    (tmp_path / "assets.py").write_text(
        "import pandas as pd\nfrom assetctl import asset\n@asset\ndef t():\n    return pd.DataFrame({'x': range(9000)})\n"
        "@asset\ndef u(t):\n    return t + 1\n@asset\ndef v():\n    return pd.DataFrame({'y': range(9000)})\n"
    )
    monkeypatch.chdir(tmp_path)
    project = Project.open(tmp_path)
    assert project.materialize(jobs=2).status == "succeeded"
    assert [project.find(key).materialization.undeclared for key in "tuv"] == [(), (), ()]
