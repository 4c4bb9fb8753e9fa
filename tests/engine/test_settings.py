"""`[tool.assetctl]`: found by walking up, read whole, and every mistake named."""

from __future__ import annotations

import pytest

from assetctl.assets.errors import DeclarationError, ProjectError
from assetctl.engine.project import Project
from assetctl.engine.workspace.settings import find_settings
from assetctl.lineage.deciding.reasons import EnvironmentChanged, Undecidable
from assetctl.lineage.identity.environment import EnvironmentPolicy

HEADER = "import os\nfrom assetctl import asset\n"


def write(tmp_path, settings: str, assets: str = "") -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.assetctl]\n{settings}")
    (tmp_path / "assets.py").write_text(HEADER + assets)


def test_everything_can_be_said(tmp_path):
    write(
        tmp_path,
        'assets = ["a.py", "pkg/"]\njobs = 3\ndynamic = "always"\nversions = "minor"\npython = "major"\n'
        'platform = true\nvariables = ["TZ"]\npackages.Scikit_Learn = "ignore"\n',
    )
    found = find_settings(tmp_path)
    assert (found.assets, found.jobs, found.dynamic) == (("a.py", "pkg/"), 3, "always")
    assert found.environment == EnvironmentPolicy("minor", {"scikit-learn": "ignore"}, "major", True, ("TZ",))


def test_the_project_is_the_nearest_one_above(tmp_path):
    write(tmp_path, "")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")  # no table of ours
    assert find_settings(inner).root == tmp_path


def test_one_file_may_be_the_project(tmp_path):
    (tmp_path / "alone.py").write_text("")
    found = find_settings(tmp_path, tmp_path / "alone.py")
    assert (found.root, found.assets) == (tmp_path, ("alone.py",))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("asets = []", "no setting `asets`"),
        ("assets = 3", "not a list"),
        ("jobs = 0", "not a positive number"),
        ('dynamic = "sometimes"', "is none of"),
        ('versions = "patch"', "is none of"),
        ("packages = 3", "not a table"),
        ('variables = "TZ"', "not a list"),
        ("platform = 1", "not true or false"),
        ("not toml", "cannot be read"),
    ],
)
def test_mistakes_are_named(tmp_path, settings, complaint):
    write(tmp_path, settings)
    with pytest.raises(ProjectError) as caught:
        find_settings(tmp_path)
    assert complaint in str(caught.value)


def test_no_project_says_what_was_looked_for(tmp_path):
    with pytest.raises(ProjectError) as caught:
        find_settings(tmp_path)
    assert "assetctl init" in (caught.value.problems[0].hint or "")


def test_a_declared_variable_counts_and_its_value_is_kept_nowhere(tmp_path, monkeypatch):
    write(tmp_path, 'variables = ["AT_TEST_REGION"]', "@asset\ndef a(): return 1\n")
    monkeypatch.setenv("AT_TEST_REGION", "value-one")
    Project.open(tmp_path).materialize(jobs=1)
    monkeypatch.setenv("AT_TEST_REGION", "value-two")
    (reason,) = Project.open(tmp_path).plan()["a"].reasons
    assert isinstance(reason, EnvironmentChanged) and reason.changes[0].name == "env:AT_TEST_REGION"
    stored = b"".join(p.read_bytes() for p in (tmp_path / ".assetctl").rglob("*") if p.is_file())
    assert b"value-one" not in stored


EVAL = "@asset\ndef a(): return eval('1')\n@asset\ndef plain(): return 1\n"


def test_code_that_cannot_be_followed_is_a_warning_by_default(tmp_path):
    write(tmp_path, "", EVAL)
    said = Project.open(tmp_path).materialize(jobs=1).events
    warnings = [w for e in said for w in getattr(e, "warnings", ())]
    assert len(warnings) == 1 and "`a` has code that cannot be followed (assets.py:4" in warnings[0]
    assert Project.open(tmp_path).plan().is_fresh


def test_code_that_cannot_be_followed_is_built_every_time_if_asked(tmp_path):
    write(tmp_path, 'dynamic = "always"', EVAL)
    Project.open(tmp_path).materialize(jobs=1)
    plan = Project.open(tmp_path).plan()
    assert [type(r) for r in plan["a"].reasons] == [Undecidable]
    assert plan["plain"].reasons == ()


def test_code_that_cannot_be_followed_is_refused_if_asked(tmp_path):
    write(tmp_path, 'dynamic = "strict"', EVAL)
    with pytest.raises(DeclarationError) as caught:
        Project.open(tmp_path).plan()
    (problem,) = caught.value.problems
    assert "`a`" in problem.message and ("declared in", "assets.py:3") in problem.facts
