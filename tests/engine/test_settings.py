"""`[tool.assetctl]`: found by walking up, read whole, and every mistake named."""

from __future__ import annotations

import pytest

from assetctl.assets.durations import HOW_TO_WRITE
from assetctl.assets.errors import DeclarationError, Problem, ProjectError
from assetctl.engine.project import Project
from assetctl.engine.sharing.settings import RemoteSettings
from assetctl.engine.workspace.settings import Keep, Settings, find_settings
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
        'platform = true\nvariables = ["TZ"]\npackages.Scikit_Learn = "ignore"\nstore = "../bytes"\nname = "shop"\n'
        'keep = { last = 3, for = "12h", branches = true }\nremote = " s3://bucket/prefix/ "\nremote_mode = "read-only"\n'
        'lineage = "postgresql://h/d"\n',
    )
    settings = find_settings(tmp_path)
    assert (settings.assets, settings.jobs, settings.dynamic) == (("a.py", "pkg/"), 3, "always")
    assert settings.environment == EnvironmentPolicy("minor", {"scikit-learn": "ignore"}, "major", True, ("TZ",))
    assert (settings.store, settings.keep) == (tmp_path.parent.resolve() / "bytes", Keep(3, 43_200.0, True))
    assert (settings.name, settings.lineage) == ("shop", "postgresql://h/d")
    assert settings.remote == RemoteSettings("s3://bucket/prefix", is_read_only=True)


def test_with_no_settings_each_has_its_default(tmp_path):
    write(tmp_path, "")
    where = tmp_path / "pyproject.toml"
    assert find_settings(tmp_path) == Settings(tmp_path, ("assets.py",), where, name=tmp_path.name)


@pytest.mark.parametrize(
    ("setting", "lowered_to", "is_read_only"),
    [
        ("read-write", None, False),
        ("read-write", "", False),
        ("read-write", "read-only", True),
        ("read-only", "read-write", True),  # the environment may only take away
        ("read-only", None, True),
        ("off", "read-write", None),
        ("read-write", "off", None),
    ],
)
def test_the_environment_can_only_lower_the_mode_of_the_cache(tmp_path, monkeypatch, setting, lowered_to, is_read_only):
    write(tmp_path, f'remote = "cache"\nremote_mode = "{setting}"\n')
    monkeypatch.delenv("ASSETCTL_REMOTE_MODE", raising=False)
    if lowered_to is not None:
        monkeypatch.setenv("ASSETCTL_REMOTE_MODE", lowered_to)
    remote = find_settings(tmp_path).remote
    assert (None if remote is None else remote.is_read_only) == is_read_only


def test_the_project_is_the_nearest_one_above(tmp_path):
    write(tmp_path, "")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")  # no table of ours
    assert find_settings(inner).root == tmp_path


def test_one_file_may_be_the_project(tmp_path):
    (tmp_path / "alone.py").write_text("")
    settings = find_settings(tmp_path, tmp_path / "alone.py")
    assert (settings.root, settings.assets) == (tmp_path, ("alone.py",))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("asets = []", "`[tool.assetctl]` has no setting `asets`"),
        ("assets = 3", "`assets = 3` is not a list of files, folders or modules"),
        ('assets = ["a.py", ""]', "`assets` is not a list of files, folders or modules"),
        ("jobs = 0", "`jobs = 0` is not a positive number"),
        ("jobs = true", "`jobs = True` is not a positive number"),
        ('dynamic = "sometimes"', '`dynamic = \'sometimes\'` is not one of "warn", "strict", "always"'),
        ('versions = "patch"', '`versions = \'patch\'` is not one of "exact", "minor", "major", "ignore"'),
        ("packages = 3", "`packages = 3` is not a table of package names"),
        ("packages.numpy = 2", '`packages.numpy = 2` is not one of "exact", "minor", "major", "ignore"'),
        ('variables = "TZ"', "`variables = 'TZ'` is not a list of names"),
        ("platform = 1", "`platform = 1` is not true or false"),
        ("name = 3", "`name` is not a text"),
        ('lineage = ["postgresql://u:s3cret@h/d"]', "`lineage` is not a text"),
        ('store = ""', "`store = ''` is not a folder"),
        ('store = "$HOME/x"', "`store = '$HOME/x'`: variables are not expanded"),
        ('store = "s3://bucket"', "`store = 's3://bucket'` is an address, not a folder"),
        ('store = "~nobody-of-that-name/x"', "`store = '~nobody-of-that-name/x'`: there is no such home folder"),
        ('store = ".."', "`store = '..'` contains the project itself"),
        ("keep = 3", "`keep = 3` is not a table of `last`, `for` and `branches`"),
        ("keep.lst = 3", "`keep` has no setting `lst`"),
        ("keep.last = 0", "`keep.last = 0` is not a positive number"),
        ("keep.for = 30", "`keep.for = 30` is not a duration"),
        ("keep.branches = 1", "`keep.branches = 1` is not true or false"),
        ("remote = 3", "`remote = 3` is not an address"),
        ('remote_mode = "on"', '`remote_mode = \'on\'` is not one of "off", "read-only", "read-write"'),
        ('trusted_keys = "x"', "`trusted_keys = 'x'` is not a list of public keys"),
        ('trusted_keys = ["x"]', "`x` in `trusted_keys` is not a public key"),
        ('trusted_keys = ["ed25519-private:s3cret"]', "a private key in `trusted_keys` is not a public key"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, settings, complaint):
    (problem,) = mistakes(tmp_path, settings)
    assert problem.message == complaint
    assert ("in", str(tmp_path / "pyproject.toml")) in problem.facts
    assert "s3cret" not in str(problem)


def mistakes(folder, settings: str) -> tuple[Problem, ...]:
    write(folder, settings)
    with pytest.raises(ProjectError) as caught:
        find_settings(folder)
    return caught.value.problems


def test_all_mistakes_are_named_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "on")
    settings = (
        'asets = []\njobs = 0\nplatform = 1\nstore = "s3://b"\ntrusted_keys = ["x", "y"]\n'
        'packages = { numpy = "minor", scipy = "patch", pandas = 2 }\nkeep = { last = 0, for = "soon", lst = 3 }\n'
    )
    named = [problem.message.split("`")[1] for problem in mistakes(tmp_path, settings)]
    assert named == [
        "[tool.assetctl]", "jobs = 0", "packages.scipy = 'patch'", "packages.pandas = 2", "platform = 1",
        "store = 's3://b'", "keep", "keep.for = 'soon'", "keep.last = 0", "ASSETCTL_REMOTE_MODE = 'on'", "x", "y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "code", "hint"),
    [
        ("asets = []", "unknown-setting", "did you mean `assets`?"),
        ("colour = 1", "unknown-setting", "remove it"),
        ("keep.lst = 3", "unknown-setting", "did you mean `last`?"),
        ('keep.for = "soon"', "bad-setting", HOW_TO_WRITE),
        ("keep.last = 0", "bad-setting", 'keep = { last = 3, for = "30d", branches = true }'),
        ('variables = "TZ"', "bad-setting", 'variables = ["TZ"]'),
        ("packages = 3", "bad-setting", 'packages.numpy = "minor"'),
        ('store = "s3://b"', "bad-setting", 'write a folder: store = "~/.cache/assetctl"'),
        ("remote = 3", "bad-setting", 'remote = "s3://bucket/prefix" or a folder'),
    ],
)
def test_a_mistake_has_a_code_and_says_what_to_write(tmp_path, settings, code, hint):
    (problem,) = mistakes(tmp_path, settings)
    assert (problem.code, problem.hint) == (code, hint)


@pytest.mark.parametrize(
    ("text", "code", "complaint"),
    [
        ("not toml", "settings-unreadable", "cannot be read"),
        ("[tool]\nassetctl = 3", "bad-setting", "is not a table"),
        ("tool = 3", "no-project", "there is no assetctl project here"),
    ],
)
def test_a_file_without_readable_settings_is_refused(tmp_path, text, code, complaint):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ProjectError) as caught:
        find_settings(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.code, complaint in problem.message) == (code, True)


@pytest.mark.parametrize("broken", [b"not toml", b"[build-system\n", b"\xff\xfe", b"x = " + b"[" * 5000])
def test_a_broken_file_further_up_that_is_not_about_assetctl_is_not_this_project_s(tmp_path, broken):
    (tmp_path / "pyproject.toml").write_bytes(broken)
    inner = tmp_path / "shop" / "flows"
    inner.mkdir(parents=True)
    (inner / "assets.py").write_text("")
    assert find_settings(inner).where == inner / "assets.py"
    (tmp_path / "shop" / "pyproject.toml").write_text("[tool.assetctl]\nassets = []\n")
    assert find_settings(inner).root == tmp_path / "shop"


@pytest.mark.parametrize("broken", [b"[tool.assetctl]\nassets = [", b'["tool"."assetctl"\n', b"\xff [tool.assetctl]"])
def test_a_broken_file_further_up_that_may_be_this_project_s_is_refused(tmp_path, broken):
    (tmp_path / "pyproject.toml").write_bytes(broken)
    inner = tmp_path / "flows"
    inner.mkdir()
    (inner / "assets.py").write_text("")
    with pytest.raises(ProjectError) as caught:
        find_settings(inner)
    assert caught.value.problems[0].code == "settings-unreadable"


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


def in_src(tmp_path, settings: str | None) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("K = 1\n")
    (package / "flow.py").write_text("from assetctl import asset\nfrom .helper import K\n@asset\ndef a(): return K\n")
    if settings is not None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.assetctl]\n{settings}")


@pytest.mark.parametrize("assets", ['["src/shop/flow.py"]', '["src/shop/"]', '"src"'])
def test_a_project_in_src_layout_names_its_files_or_folders(tmp_path, assets):
    in_src(tmp_path, f"assets = {assets}\n")
    assert Project.open(tmp_path).select() == ("a",)


def test_a_project_in_src_layout_that_is_said_otherwise_is_told_what_to_write(tmp_path):
    in_src(tmp_path, 'path = ["src"]\nassets = ["shop.flow"]\n')
    with pytest.raises(ProjectError) as refused:
        Project.open(tmp_path)
    assert 'assets = ["src/shop/pipeline.py"]' in str(refused.value.problems[0].hint)
    (tmp_path / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["shop.flow"]\n')
    with pytest.raises(DeclarationError) as missing:
        Project.open(tmp_path).graph()
    assert missing.value.problems[0].hint.endswith('`assets = ["src/shop/flow.py"]`')


def test_a_module_of_a_package_may_be_the_project(tmp_path):
    in_src(tmp_path, None)
    project = Project.open(tmp_path, file=tmp_path / "src" / "shop" / "flow.py")
    assert (project.root, project.select()) == (tmp_path / "src", ("a",))
