"""The verbs of the shared cache: `push`, `keys`, and what a run says of what it shared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import call
from tests.cli.conftest import edit
from tests.cli.test_verbs import check


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def sharing(project: Path, tmp_path: Path, home: Path) -> Path:
    """The built starter project, which has a shared cache from now on."""
    (tmp_path / "share").mkdir()
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.assetctl]", '[tool.assetctl]\nremote = "../share"'))
    return project


def entries(project: Path) -> list[Path]:
    return list((project.parent / "share" / "entries-v1").rglob("*.json"))


def test_push_uploads_what_is_fresh_and_says_what_it_left(sharing):
    edit(sharing, "60.0", "37.28")
    pushed = check(call("-p", sharing, "push", "--json").json)
    assert (pushed["shared"], pushed["not_fresh"]) == ([], ["clean_trips", "model", "report"])
    edit(sharing, "37.28", "60.0")
    said = call("-p", sharing, "push", "clean_trips")
    assert said.out.startswith("shared 1 asset with ../share (")
    pushed = check(call("-p", sharing, "push", "--json").json)
    assert (pushed["shared"], pushed["present"]) == (["model", "report"], ["clean_trips"])
    assert len(entries(sharing)) == 3


def test_push_needs_a_shared_cache_that_takes_something(project, home):
    said = call("-p", project, "push")
    assert said.code == 2
    assert "this project uses no shared cache" in said.err


def test_a_push_to_a_cache_that_is_read_only_says_what_makes_it_so(sharing, monkeypatch):
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "read-only")
    said = call("-p", sharing, "push")
    assert said.code == 2
    assert "ASSETCTL_REMOTE_MODE" in said.err
    assert "set `remote" not in said.err


def test_a_run_says_what_it_shared(sharing):
    edit(sharing, "60.0", "37.28")
    lines = call("-p", sharing, "materialize", "-j", "1", "--json").lines
    (shared,) = [check(line) for line in lines if line["event"] == "results_shared"]
    assert (shared["remote"], shared["n_results"], shared["n_blobs"]) == ("../share", 2, 1)
    assert lines[-1]["event"] == "run_finished"
    edit(sharing, "37.28", "37.3")
    assert "↑ shared 2 results with ../share (1 blob," in call("-p", sharing, "materialize", "-j", "1").err


def test_keys_are_made_once_shown_and_listed(sharing, home):
    assert check(call("-p", sharing, "keys", "--json").json) == {"schema": "assetctl.keys/1", "own": [], "trusted": []}
    assert call("-p", sharing, "keys", "show").code == 2
    made = call("-p", sharing, "keys", "generate")
    public = made.out.strip()
    assert f'trusted_keys = ["{public}"]' in made.err
    assert (home / "assetctl" / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600
    again = call("-p", sharing, "keys", "generate")
    assert again.code == 2
    assert "there is a signing key already" in again.err
    settings = sharing / "pyproject.toml"
    settings.write_text(settings.read_text().replace("remote =", f'trusted_keys = ["{public}"]\nremote ='))
    listed = check(call("-p", sharing, "keys", "--json").json)
    assert [key["public"] for key in listed["own"] + listed["trusted"]] == [public, public]
    assert call("-p", sharing, "keys", "show").out.strip() == public
    assert [line.split()[0] for line in call("-p", sharing, "keys").out.splitlines()] == ["own", "trusted"]


def test_what_a_key_of_ones_own_signs_says_whose_it_is(sharing, home):
    public = call("-p", sharing, "keys", "generate").out.strip()
    call("-p", sharing, "push")
    assert {json.loads(entry.read_text())["key"] for entry in entries(sharing)} == {public}


def test_a_key_that_others_can_read_is_not_used(sharing, home):
    call("-p", sharing, "keys", "generate")
    (home / "assetctl" / "keys" / "signing.key").chmod(0o644)
    assert call("-p", sharing, "keys").code == 6
    said = call("-p", sharing, "push", "model")
    assert said.code == 0
    assert "your signing key is not used: a private key can be read by others" in said.err
    assert all("key" not in json.loads(entry.read_text()) for entry in entries(sharing))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("remote = 3", "is not an address"),
        ('remote = ""', "is not an address"),
        ('remote_mode = "sometimes"', 'not one of "off", "read-only", "read-write"'),
        ('trusted_keys = "ed25519:x"', "not a list of public keys"),
        ('trusted_keys = ["ed25519:x"]', "is not a public key"),
        ('trusted_keys = ["ed25519-private:secret"]', "is not a public key"),
    ],
)
def test_settings_that_cannot_be_are_named(project, setting, complaint):
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.assetctl]", f"[tool.assetctl]\n{setting}"))
    said = call("-p", project, "plan")
    assert said.code == 2
    assert complaint in said.err
    assert "secret" not in said.err


def test_a_kind_of_remote_whose_package_is_missing_is_a_warning_that_names_it(project, home):
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.assetctl]", '[tool.assetctl]\nremote = "gs://bucket"'))
    edit(project, "60.0", "37.28")
    said = call("-p", project, "materialize", "-j", "1")
    assert said.code == 0
    assert "pip install 'assetctl[gcs]'" in said.err
