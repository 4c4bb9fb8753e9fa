"""Why never answers with nothing: what changed, where in it, and what to type; for each kind of thing that counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.cli.text.render_answers import _windowed
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.project import Project
from assetctl.lineage.deciding import reasons as r
from assetctl.lineage.facts.kinds import UndeclaredKind as Kind
from assetctl.lineage.identity.code.described import text_of
from tests.cli.calls import call

np = pytest.importorskip("numpy")


def lines_that_differ(old: object, new: object) -> list[str]:
    """Return the lines of the new value's text that are not in the old one's."""
    was, now = (text_of(value, str, str).splitlines() for value in (old, new))
    return [line for line in now if line not in was]


def values() -> dict[str, tuple[object, object, str]]:
    """Return pairs of captured values that differ, each with what the text must say of the new one."""
    import datetime
    import decimal
    import re
    import types

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    long = list(range(5000))
    return {
        "date": (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), "datetime.date(2020, 1, 2)"),
        "decimal": (decimal.Decimal("1.0"), decimal.Decimal("1.00"), "Decimal('1.00')"),
        "pattern": (re.compile("a"), re.compile("b"), "re.compile('b', 32)"),
        "flags": (re.compile("a"), re.compile("a", re.IGNORECASE), "re.compile('a', 34)"),
        "path": (Path("a"), Path("b"), "Path('b')"),
        "absolute text": ("/data/a", "/data/b", "'/data/b'"),
        "range": (range(3), range(4), "range(0, 4)"),
        "namespace": (types.SimpleNamespace(a=1, b={"c": 2}), types.SimpleNamespace(a=1, b={"c": 3}), "  b: {'c': 3}"),
        "order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "{'b': 2, 'a': 1}"),
        "array": (np.arange(3), np.array([0, 1, 5]), "[0, 1, 5]"),
        "dtype": (np.arange(3), np.arange(3, dtype="int32"), "numpy.ndarray int32 (3,)"),
        "one number of a long array": (np.zeros(640), np.r_[np.zeros(639), 1.0], "  [630 to 639] b3:"),
        "one item of a long list": (long, [*long[:4000], -1, *long[4001:]], "  [3950 to 4028] b3:"),
        "length of a list": (long, [*long, 1], "5,001 items"),
        "long bytes": (b"a" * 5000, b"a" * 4999 + b"b", "5,000 bytes, b3:"),
        "column": (pd.DataFrame({"x": [1], "y": [1]}), pd.DataFrame({"x": [1], "y": [2]}), "  y: int64, b3:"),
        "polars": (pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [2]}), "  x: int64, b3:"),
        "arrow": (pa.table({"x": [1]}), pa.table({"z": [1]}), "  z: int64, b3:"),
        "series": (pd.Series([1, 2]), pd.Series([1, 3]), "b3:"),
    }


@pytest.mark.parametrize("name", values())
def test_two_values_that_differ_read_differently_and_say_where(name):
    old, new, said = values()[name]
    now = lines_that_differ(old, new)
    assert len(now) == 1 or name == "length of a list", now
    assert said in now[0]


def test_a_model_shows_the_parameter_that_changed(tmp_path):
    pytest.importorskip("sklearn")
    model = "from sklearn.linear_model import Ridge\nfrom assetctl import asset\nM = Ridge(alpha=1)\n"
    file = tmp_path / "assets.py"
    file.write_text(model + "@asset\ndef a():\n    return M.alpha\n")
    project = Project.open(tmp_path)
    assert project.materialize(jobs=1).exit_code == 0
    file.write_text(file.read_text().replace("alpha=1", "alpha=2"))
    (symbol,) = project.why("a").symbols
    assert [line for line in symbol.diff.splitlines()[3:] if line[0] in "+-"] == ["-  alpha: 1", "+  alpha: 2"]


MEMBERS = """import enum, http
from assetctl import asset
class Color(enum.Enum):
    RED = 1
    GREEN = 2
class Size(enum.StrEnum):
    S = "s"
    M = "m"
MODE, SIZES, STATUS = Color.RED, {"size": Size.S}, http.HTTPStatus.OK
@asset
def a():
    return f"{MODE} {SIZES} {STATUS}"
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("= Color.RED,", "= Color.GREEN,", {"assets.MODE": ("assets.Color.RED = 1", "assets.Color.GREEN = 2")}),
        ("Size.S}", "Size.M}", {"assets.SIZES['size']": ("assets.Size.S = 's'", "assets.Size.M = 'm'")}),
        (".OK", ".CREATED", {"assets.STATUS": ("http.HTTPStatus.OK = 200", "http.HTTPStatus.CREATED = 201")}),
    ],
)
def test_a_captured_member_of_an_enum_is_one_change(tmp_path, old, new, told):
    file = tmp_path / "assets.py"
    file.write_text(MEMBERS)
    project = Project.open(tmp_path)
    assert project.materialize(jobs=1).exit_code == 0
    file.write_text(MEMBERS.replace(old, new))
    said = {s.name: tuple(line[1:] for line in s.diff.splitlines()[3:]) for s in project.why("a").symbols}
    assert said == told


def test_a_value_of_a_member_that_was_edited_is_told_with_its_class(tmp_path):
    file = tmp_path / "assets.py"
    file.write_text(MEMBERS)
    project = Project.open(tmp_path)
    assert project.materialize(jobs=1).exit_code == 0
    file.write_text(MEMBERS.replace("RED = 1", "RED = 3").replace("    GREEN = 2\n", ""))
    changes = {s.name: s.change for s in project.why("a").symbols}
    assert (changes["assets.MODE"], changes["assets.Color"]) == ("changed", "changed")


def test_no_text_holds_an_absolute_path_or_what_must_be_hidden():
    hidden, relative = (lambda text: text.replace("s3cret", "***")), (lambda text: text.replace("/home/x/", ""))
    assert text_of(Path("/home/x/data/s3cret"), hidden, relative) == "Path('data/***')"
    assert text_of("/home/x/data", hidden, relative) == "'data'"


DECLARED = "from assetctl import asset\n@asset({options})\ndef a():\n    return 1\n"


@pytest.fixture
def declare(tmp_path):
    """Write a project with one asset with these options."""

    def write(options: str) -> Project:
        (tmp_path / "assets.py").write_text(DECLARED.format(options=options))
        return Project.open(tmp_path)

    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "a.sql").write_text("select 1\nfrom x\n")
    return write


def test_another_version_is_named(declare):
    declare("version='1'").materialize(jobs=1)
    (symbol,) = declare("version='2'").why("a").symbols
    assert (symbol.name, symbol.change) == ("version", "changed")
    assert symbol.diff.splitlines()[3:] == ["-'1'", "+'2'"]


def test_a_file_of_code_deps_shows_its_lines(declare, tmp_path):
    project = declare("code_deps=['q/*.sql']")
    project.materialize(jobs=1)
    (tmp_path / "q" / "a.sql").write_text("select 1\nfrom y\n")
    (tmp_path / "q" / "b.sql").write_text("select 2\n")
    changed, added = project.why("a").symbols  # of a project that stayed open
    assert (changed.name, changed.change, changed.where) == ("q/a.sql", "changed", "q/a.sql:1")
    assert changed.diff.splitlines()[3:] == [" select 1", "-from x", "+from y"]
    assert (added.name, added.change) == ("q/b.sql", "added")


def test_settings_in_code_deps_are_named_and_never_recorded(declare, tmp_path):
    (tmp_path / "q" / "keys.yaml").write_text("token: s3cret\n")
    project = declare("code_deps=['q/keys.yaml']")
    project.materialize(jobs=1)
    (tmp_path / "q" / "keys.yaml").write_text("token: other\n")
    (symbol,) = project.why("a").symbols
    assert (symbol.name, symbol.diff) == ("q/keys.yaml", "")


def test_a_file_of_code_deps_that_is_no_text_is_named(declare, tmp_path):
    (tmp_path / "q" / "a.bin").write_bytes(b"\xff")
    project = declare("code_deps=['q/a.bin']")
    project.materialize(jobs=1)
    (tmp_path / "q" / "a.bin").write_bytes(b"\xfe")
    assert [(s.name, s.change) for s in project.why("a").symbols] == [("q/a.bin", "changed")]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (Kind.FILE, "q/a.sql", "`q/a.sql` changed"),
        (Kind.LISTING, "q", "the names in `q` changed"),
        (Kind.PLACE, "q/z", "whether `q/z` is there changed"),
        (Kind.SIZE, "q/a", "the size of `q/a` changed"),
        (Kind.TIME, "q/a", "the time of `q/a` changed"),
        (Kind.VARIABLE, "A_B", "the environment variable `A_B` changed"),
        (Kind.VARIABLE, "*", "one of the environment variables changed"),
        (Kind.VARIABLE, "APP_*", "one of the environment variables `APP_*` changed"),
        (Kind.MODULE, "plugin", "the code of `plugin` changed"),
        (Kind.CODEC, "m:C", "the codec `m:C` changed"),
    ],
)
def test_what_was_used_undeclared_is_called_what_it_is(kind, name, said):
    reason = r.ObservedChanged((name,), (kind,))
    assert r.describe(reason) == f"{said}, which it was seen to use without declaring it"
    assert r.to_json(reason) == {"kind": "observed_changed", "what": [name], "kinds": [kind]}


def test_the_kind_of_what_was_used_reaches_the_plan(tmp_path, monkeypatch):
    body = "import os\nfrom assetctl import asset\n@asset\ndef a():\n    return os.environ['WHY_' + 'SEEN']\n"
    (tmp_path / "assets.py").write_text(body)
    monkeypatch.setenv("WHY_SEEN", "1")
    project = Project.open(tmp_path)
    project.materialize(jobs=1)
    monkeypatch.setenv("WHY_SEEN", "2")
    (reason,) = project.plan()["a"].reasons
    assert r.describe(reason).startswith("the environment variable `WHY_SEEN` changed")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("b3:11", "b3:22", "variable `X` has another value"),
        (r.UNSET, "b3:22", "variable `X` is set now"),
        ("b3:11", r.UNSET, "variable `X` is not set any more"),
        (None, r.UNSET, "variable `X` is read now"),
        (r.UNSET, None, "variable `X` is read no more"),
    ],
)
def test_a_variable_says_how_it_changed_and_never_a_hash(old, new, said):
    assert r.describe(r.EnvironmentChanged((r.Change("env:X", old, new),))) == f"environment changed: {said}"


def test_a_long_line_of_a_diff_is_cut_to_what_differs():
    old, new = f"-{'a' * 1000}x{'b' * 1000}", f"+{'a' * 1000}y{'b' * 1000}"
    shown = _windowed(["@@ -1 +1 @@", old, new])
    assert shown == ["@@ -1 +1 @@", f"-…{'a' * 40}x{'b' * 159}…", f"+…{'a' * 40}y{'b' * 159}…"]
    assert _windowed(["-" + "a" * 1000, " kept"])[0] == f"-{'a' * 200}…"
    assert _windowed(["-short", "+other"]) == ["-short", "+other"]


BROKEN = """
import os
from assetctl import asset, source
s = source.file("d.txt")
@asset
def a(s: str): return 1
@asset
def f(): return int(os.environ.get("WHY_" + "NUMBER", "1"))
"""


def test_why_says_where_a_source_is_and_what_failed(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.assetctl]\n")
    (tmp_path / "assets.py").write_text(BROKEN)
    (tmp_path / "d.txt").write_text("1")
    monkeypatch.delenv("WHY_NUMBER", raising=False)
    assert call("-p", tmp_path, "materialize", "-j", "1").code == 0
    (tmp_path / "d.txt").write_text("2")
    assert "     it is read from d.txt\n" in call("-p", tmp_path, "why", "a").out
    monkeypatch.setenv("WHY_NUMBER", "bad")
    assert call("-p", tmp_path, "materialize", "f", "-j", "1").code == 1
    said = call("-p", tmp_path, "why", "f").out
    assert "ValueError: invalid literal for int() with base 10: 'bad'" in said
    assert f"what it printed: `assetctl -p {tmp_path} logs f`" in said


def test_a_diff_of_what_has_one_version_says_how_often_it_came_out_so(tmp_path):
    (tmp_path / "assets.py").write_text("from assetctl import asset\n@asset\ndef a(): return 1\n")
    project = Project.open(tmp_path)
    project.materialize(jobs=1)
    with pytest.raises(SelectionError) as once:
        project.diff("a")
    project.materialize(options=PlanOptions(force=True), jobs=1)
    with pytest.raises(SelectionError) as twice:
        project.diff("a")
    assert once.value.problems[0].message == "`a` has only one version"
    assert twice.value.problems[0].message == "`a` has only one version: its content was the same each of the 2 times"
    assert once.value.problems[0].hint == "`assetctl why a` says what has changed since it was made"


def test_show_reads_a_source_with_its_own_options(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.assetctl]\n")
    (tmp_path / "d.csv").write_text("x;y\n1;2\n3;4\n")
    (tmp_path / "assets.py").write_text("from assetctl import source\nd = source.file('d.csv', options={'sep': ';'})\n")
    form = call("-p", tmp_path, "show", "d", "--json").json["form"]
    assert form["n_rows"] == 2
    assert [column["name"] for column in form["columns"]] == ["x", "y"]


def test_a_project_that_stays_open_looks_at_files_and_variables_again(declare, tmp_path, monkeypatch):
    monkeypatch.setenv("WHY_SET", "1")
    declare("code_deps=['q/*.sql']")
    with (tmp_path / "assets.py").open("a") as file:
        file.write("import os\n@asset\ndef b():\n    return os.environ['WHY_SET']\n")
    project = Project.open(tmp_path)
    project.materialize(jobs=1)
    assert project.plan().is_fresh
    (tmp_path / "q" / "b.sql").write_text("select 2\n")
    assert [str(step.target) for step in project.plan().steps if step.reasons] == ["a"]
    monkeypatch.setenv("WHY_SET", "2")
    assert sorted(str(step.target) for step in project.plan().steps if step.reasons) == ["a", "b"]
    (tmp_path / "q" / "b.sql").unlink()
    monkeypatch.setenv("WHY_SET", "1")
    assert project.plan().is_fresh
