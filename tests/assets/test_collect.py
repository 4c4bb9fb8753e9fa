"""Collecting: what is declared, under which key, from which files; and that the source is what runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assetctl.assets.collect import collect
from assetctl.assets.decorator import asset
from assetctl.assets.definition import CheckDef
from assetctl.assets.errors import DeclarationError
from assetctl.engine.project import Project

HEADER = "from assetctl import asset, check, source\n"


@pytest.fixture
def project(tmp_path):
    """Return a function that writes files and returns what is collected from `assets`."""

    def write(files: dict[str, str], *assets: str):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        collected, _, problems = collect(tmp_path, assets or tuple(files))
        return collected, problems

    return write


def keys(collected) -> list[str]:
    return sorted(item.key for item in collected if item.key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@asset\ndef a(): ...\n", ["a"]),
        ("@asset(key='x/y')\ndef a(): ...\n", ["x/y"]),
        ("@asset\ndef raw__flights(): ...\n", ["raw/flights"]),
        ("def f(): ...\nrenamed = asset(f)\n", ["renamed"]),
        ("f = asset(lambda: 1)\n", ["f"]),
        ("@asset\ndef a(): ...\nalso = a\n", ["a"]),
        ("s = source.file('x.csv')\n", ["s"]),
        (
            "def mk(n):\n    def f(): return n\n    return asset(f, key=f'm{n}')\nmodels = [mk(1), mk(2)]\n",
            ["m1", "m2"],
        ),
        ("models = {'x': asset(lambda: 1), 'y': asset(lambda: 2)}\n", ["x", "y"]),
        ("models = (asset(lambda: 1, key='t'),)\n", ["t"]),
        ("hidden = [[asset(lambda: 1, key='two_levels')]]\n", []),
    ],
)
def test_keys(project, text, expected):
    collected, problems = project({"pipeline.py": HEADER + text})
    assert (keys(collected), problems) == (expected, [])


def test_an_asset_imported_elsewhere_is_one_asset_with_the_name_it_has_at_home(project):
    collected, _ = project(
        {
            "a_first.py": HEADER + "from z_home import flights as renamed\nfrom z_home import src as other\n",
            "z_home.py": HEADER + "@asset\ndef flights(): ...\nsrc = source.file('x')\n",
        }
    )
    assert keys(collected) == ["flights", "src"]


def test_folders_packages_and_modules_are_found(project):
    collected, problems = project(
        {
            "pkg/__init__.py": "",
            "pkg/one.py": HEADER + "from pkg.shared import k\n@asset\ndef one(): return k\n",
            "pkg/shared.py": "k = 1\n",
            "plain/two.py": HEADER + "@asset\ndef two(): ...\n",
            "src/deep/__init__.py": "",
            "src/deep/three.py": HEADER + "from deep import four\n@asset\ndef three(): ...\n",
            "src/deep/four.py": "",
            "named.py": HEADER + "@asset\ndef five(): ...\n",
            ".hidden/six.py": HEADER + "@asset\ndef six(): ...\n",
        },
        "pkg/",
        "plain",
        "src/deep",
        "named",
    )
    assert (keys(collected), problems) == (["five", "one", "three", "two"], [])


def test_every_broken_file_is_reported_with_its_line(project):
    _, problems = project(
        {
            "good.py": HEADER + "@asset\ndef a(): ...\n",
            "syntax.py": "def (:\n",
            "missing.py": "\nimport not_there_at_all\n",
            "leaves.py": "import sys\nsys.exit(1)\n",
            "badkey.py": HEADER + "@asset(key='a b')\ndef a(): ...\n",
            "badoption.py": HEADER + "@asset(timeout='soon')\ndef a(): ...\n",
        },
        "good.py", "syntax.py", "missing.py", "leaves.py", "badkey.py", "badoption.py", "gone.py",
    )  # fmt: skip
    text = "\n".join(f"{p.message} {dict(p.facts)} {p.hint}" for p in problems)
    for part in (
        "syntax.py:1", "missing.py:2", "install `not_there_at_all`", "leaves.py:2", "'a b' is not an asset key",
        "timeout 'soon'", "badoption.py:2", "`gone.py`, which does not exist",
    ):  # fmt: skip
        assert part in text
    assert len(problems) == 6


def test_a_file_whose_name_is_taken_is_reported_rather_than_left_out(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "at_taken", ModuleType("at_taken"))
    _, (problem,) = project({"at_taken.py": HEADER + "@asset\ndef a(): ...\n"})
    assert "`at_taken.py` cannot be imported: another module has the name `at_taken`" in problem.message


def test_virtual_environments_within_a_folder_are_not_the_project_s(project):
    collected, problems = project(
        {"venv/pyvenv.cfg": "", "venv/lib/other.py": "1 / 0\n", "mine.py": HEADER + "@asset\ndef a(): ...\n"}, "."
    )
    assert (keys(collected), problems) == (["a"], [])


def test_checks_are_found_with_their_asset(project):
    collected, _ = project({"p.py": HEADER + "@asset\ndef a(): ...\n@check(asset=a)\ndef ok(a): return True\n"})
    (item,) = [item for item in collected if isinstance(item.declaration, CheckDef)]
    assert (item.key, item.name, item.where) == (None, "ok", "p.py:4")


def test_an_edit_of_the_same_size_in_the_same_second_is_seen(tmp_path):
    (tmp_path / "assets.py").write_text(HEADER + "from helpers import K\n@asset\ndef a(): return K\n")
    helpers = tmp_path / "helpers.py"
    definitions = set()
    for value in "123":
        helpers.write_text(f"K = {value}\n")
        os.utime(helpers, (1_700_000_000, 1_700_000_000))  # what a bytecode cache would compare is equal
        project = Project.open(tmp_path)
        project.workspace.declarations._collect()
        definitions.add(project.identified("a").definition.digest)
    assert len(definitions) == 3


def test_the_text_that_was_imported_counts_not_what_is_on_disk_later(tmp_path):
    file = tmp_path / "assets.py"
    file.write_text(HEADER + "@asset\ndef a(): return helper()\ndef helper(): return 1\n")
    project = Project.open(tmp_path)
    graph = project.graph()
    file.write_text("this is no Python any more")
    identity = project.workspace.declarations.identification().identify(graph.steps["a"], graph)
    assert {s.kind for s in identity.code.symbols} == {"function"}
    assert "return 1" in identity.code.symbols[1].source


def test_an_open_project_sees_edited_files(tmp_path):
    file = tmp_path / "assets.py"
    file.write_text(HEADER + "@asset\ndef a(): return 1\n")
    project = Project.open(tmp_path)
    before = project.graph()
    assert project.graph() is before
    file.write_text(HEADER + "@asset\ndef a(): return 1\n@asset\ndef b(): return 1\n")
    assert sorted(project.graph().steps) == ["a", "b"]


def test_two_projects_of_one_process_keep_their_modules_apart(tmp_path):
    def make(name: str, value: int) -> Project:
        root = tmp_path / name
        root.mkdir()
        (root / "helpers.py").write_text(f"def k():\n    return {value}\n")
        (root / "assets.py").write_text(
            HEADER + "import helpers\n@asset\ndef a():\n    import helpers as h\n    return h.k()\n"
        )
        return Project.open(root)

    one, two = make("one", 1), make("two", 2)
    assert one.identified("a").definition != two.identified("a").definition
    assert [p.materialize(jobs=1).status for p in (one, two)] == ["succeeded", "succeeded"]
    assert (one.load("a"), two.load("a")) == (1, 2)
    (tmp_path / "one" / "helpers.py").write_text("def k():\n    return 3\n")
    assert one.materialize("a", jobs=1).finished.materialized == ("a",)
    assert two.plan().is_fresh
    assert one.load("a") == 3


def test_importing_leaves_no_bytecode_behind(project, tmp_path):
    project({"pipeline.py": HEADER + "@asset\ndef a(): ...\n"})
    assert not list(tmp_path.rglob("*.pyc"))


@pytest.mark.parametrize("key", ["", "a//b", "../x", "a b", "a__b", ".", "x" * 300, "/abs", "a\0b"])
def test_what_is_not_a_key(key):
    from assetctl.assets.ids import AssetKey

    with pytest.raises(DeclarationError):
        AssetKey(key)


def test_the_public_names_are_these_and_cost_nothing_until_used():
    code = (
        "import sys; before = set(sys.modules); import assetctl; print(sorted(set(sys.modules) - before));"
        "from assetctl import asset; print(sorted({'pyarrow', 'duckdb', 'sqlalchemy', 'numpy', 'click'} & set(sys.modules)))"
    )
    import subprocess

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert said.stdout.splitlines() == ["['assetctl']", "[]"]


def test_codecs_are_the_named_classes_that_are_attributes_each_once(tmp_path):
    (tmp_path / "own.py").write_text(
        "from assetctl import Codec\n\nclass Base(Codec): ...\nclass One(Base): name = 'one'\nclass Two(Base): name = 'two'\n"
    )
    (tmp_path / "pipeline.py").write_text("from assetctl import Codec\nfrom own import Base, One\nagain = One\n")
    _, codecs, problems = collect(tmp_path, ("pipeline.py",))
    assert ([codec.__name__ for codec in codecs], problems) == (["One"], [])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("@asset\ndef a(): return 1\n@asset\ndef a(): return 2\n", [2, 4]),
        ("@asset(key='x')\ndef _(): ...\n@asset(key='y')\ndef _(): ...\n", [2, 4]),
        ("s = source.file('a')\ns = source.file('b')\n", [2, 3]),
        ("a = asset(len)\n@asset\nasync def a(): ...\n", [2, 3]),
    ],
)
def test_two_declarations_of_one_name_are_refused_with_both_lines(project, text, lines):
    _, problems = project({"pipeline.py": HEADER + text})
    assert [p.code for p in problems] == ["declared-twice"]
    assert [where for _, where in problems[0].facts] == [f"pipeline.py:{line}" for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "kept = []\n@asset(key='x')\ndef f(): ...\nkept.append(f)\n@asset(key='y')\ndef f(): ...\n",
        "@asset\ndef a(): ...\na = asset(a, group='g')\n",
        "def a(): ...\n@asset\ndef a(): ...\n",
        "import sys\nif sys.path:\n    @asset\n    def a(): ...\nelse:\n    @asset\n    def a(): ...\n",
        "@asset\ndef a(): ...\nk = 1\nk = 2\n",
    ],
)
def test_what_is_not_lost_may_share_a_name(project, text):
    assert project({"pipeline.py": HEADER + text})[1] == []


@pytest.mark.parametrize(
    "body",
    ["    @asset\n    def m(self): ...\n", "    @staticmethod\n    @asset\n    def m(): ...\n", "    @check(asset='x')\n    def m(self): ...\n"],
)  # fmt: skip
def test_a_declaration_on_a_method_is_refused(project, body):
    _, problems = project({"pipeline.py": HEADER + "class C:\n" + body})
    assert [p.code for p in problems] == ["asset-on-method"]
    assert "`C.m`" in problems[0].message


def test_an_unknown_option_is_refused_with_the_one_that_was_meant():
    with pytest.raises(DeclarationError) as raised:
        asset(grup="g", nothing_like_it=1)
    first, second = raised.value.problems
    assert (first.code, first.message) == ("unknown-option", "`@asset` has no option `grup`")
    assert first.hint == "did you mean `group`?"
    assert "`retries`" in str(second.hint)


SHADOWS = ["random.py", "signal.py", "queue/__init__.py", "pandas.py", "polars.py", "numpy/__init__.py", "six.py"]


@pytest.mark.parametrize("name", SHADOWS)
def test_a_file_named_like_a_module_that_libraries_need_is_refused(project, name):
    with pytest.raises(DeclarationError) as raised:
        project({"pipeline.py": HEADER, name: "x = 1\n"})
    assert [(p.code, p.hint) for p in raised.value.problems] == [("shadows-module", "rename the file")]
    assert f"`{name}`" in raised.value.problems[0].message


@pytest.mark.parametrize(
    "name", ["tests/__init__.py", "utils.py", "my_pandas.py", "queue/notes.txt", "test.py", "src/x.py"]
)
def test_other_names_are_the_projects_own(project, name):
    assert project({"pipeline.py": HEADER, name: ""}, "pipeline.py")[1] == []


def test_a_source_folder_is_looked_at_too(project):
    _, problems = project({"src/pkg/__init__.py": "", "src/pkg/a.py": HEADER, "src/json.py": ""}, "src/pkg/a.py")
    assert [p.code for p in problems] == ["shadows-module"]
