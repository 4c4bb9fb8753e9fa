"""`assetctl verify`: what it says of damage, and that what it advises heals it."""

from __future__ import annotations

import random
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.calls import Said, call
from tests.cli.conftest import edit
from tests.cli.test_verbs import check
from tests.storage.damage import damage


def blobs(project: Path) -> list[Path]:
    return sorted(path for path in (project / ".assetctl" / "blobs-v1").rglob("*") if path.is_file())


def run_advice(project: Path, said: Said) -> list[str]:
    """Run every command that the hints name; return them."""
    commands = re.findall(r"`assetctl (?:-p \S+ )?([^`]+)`", said.out)
    for command in commands:
        assert call("-p", project, *shlex.split(command)).code == 0, command
    return commands


def test_a_sound_store_is_read_and_said_to_be_sound(built):
    said = call("-p", built, "verify")
    assert said.code == 0
    assert re.fullmatch(r"read 1 blob, .*, 2 values kept in records: all sound\n", said.out)
    document = check(call("-p", built, "verify", "--json").json)
    assert (document["sound"], document["n_read"], document["n_inline"]) == (True, 1, 2)
    assert document["read_bytes"] == document["stored_bytes"] > 0


@pytest.mark.parametrize("kind", ["a flipped bit", "appended bytes", "a folder", "a page of zeros"])
def test_what_is_advised_heals(project, kind):
    damage(blobs(project)[0], kind, random.Random(1))
    said = call("-p", project, "verify")
    assert said.code == 4
    assert said.out.startswith("corrupt: `clean_trips@")
    assert str(blobs(project)[0] if blobs(project) else "blobs-v1") in said.out
    assert len(run_advice(project, said)) == 1
    assert call("-p", project, "verify").code == 0


def test_missing_bytes_are_named_and_are_no_corruption(project):
    blobs(project)[0].unlink()
    said = call("-p", project, "verify")
    assert said.code == 0
    assert "missing: `clean_trips@" in said.out
    assert run_advice(project, said) == ["materialize clean_trips"]
    assert call("-p", project, "verify").out.endswith("all sound\n")


def test_an_earlier_version_comes_back_only_with_its_code(project):
    (old,) = blobs(project)
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    assert call("-p", project, "materialize", "-j", "1").code == 0
    damage(old, "a flipped bit", random.Random(1))
    (entry,) = check(call("-p", project, "verify", "--json").json)["corrupt"]
    assert (entry["asset"], entry["latest"], entry["file"]) == ("clean_trips", False, str(old))
    assert "nothing can rebuild this version" in entry["hint"]
    assert call("-p", project, "verify", "--latest").code == 0
    dropped = shutil.copytree(project, project.parent / "dropped")
    assert call("-p", dropped, "gc", "--keep-last", "1", "--apply").code == 0
    assert call("-p", dropped, "verify").code == 0
    edit(project, "min_minutes: int = 10", "min_minutes: int = 1")
    said = call("-p", project, "verify")
    assert "nothing can rebuild" not in said.out
    assert run_advice(project, said) == ["materialize clean_trips --force"]
    assert call("-p", project, "verify").code == 0


def test_a_latest_version_of_other_code_is_said_not_to_come_back(project):
    damage(blobs(project)[0], "a flipped bit", random.Random(1))
    edit(project, "min_minutes: int = 1", "min_minutes: int = 10")
    said = call("-p", project, "verify")
    assert "nothing can rebuild this version" in said.out
    assert run_advice(project, said) == ["materialize clean_trips"]
    assert call("-p", project, "verify", "--latest").code == 0


def test_what_is_gone_from_the_code_cannot_be_rebuilt_and_can_be_selected(project):
    damage(blobs(project)[0], "a flipped bit", random.Random(1))
    edit(project, "def clean_trips(", "def other_trips(")
    edit(project, "clean_trips", "other_trips")
    said = call("-p", project, "verify", "clean_trips")
    assert said.code == 4
    assert "`clean_trips` is no longer declared" in said.out


def test_code_that_does_not_import_does_not_stop_it(project):
    damage(blobs(project)[0], "a flipped bit", random.Random(1))
    (project / "pipeline.py").write_text("import nothing_of_that_name\n")
    said = call("-p", project, "verify")
    assert said.code == 4
    assert f"`assetctl -p {project} materialize clean_trips --force`" in said.out


def test_a_selection_limits_it_and_a_wrong_one_is_refused(project):
    damage(blobs(project)[0], "a flipped bit", random.Random(1))
    assert call("-p", project, "verify", "report").code == 0
    assert call("-p", project, "verify", "+report").code == 4
    refused = call("-p", project, "verify", "clean_trip")
    assert refused.code == 2
    assert "did you mean" in refused.err


def test_a_subset_reads_less_and_still_looks_at_all(project):
    part = check(call("-p", project, "verify", "--read-data-subset", "1/999999", "--json").json)
    assert (part["n_blobs"], part["n_read"]) == (1, 0)
    assert check(call("-p", project, "verify", "--read-data-subset", "5%", "--json").json)["n_read"] == 1
    damage(blobs(project)[0], "appended bytes", random.Random(1))
    assert call("-p", project, "verify", "--read-data-subset", "1/999999").code == 4
    refused = call("-p", project, "verify", "--read-data-subset", "3/2")
    assert refused.code == 2
    assert "2/10" in refused.err


def test_nothing_stored_is_nothing_wrong(tmp_path):
    assert call("init", tmp_path / "x").code == 0
    assert call("-p", tmp_path / "x", "verify").out == "read 0 blobs, 0 B: all sound\n"
    assert not (tmp_path / "x" / ".assetctl").exists()


def test_progress_is_shown_on_a_terminal_only(built):
    assert call("-p", built, "verify").err == ""
    assert "kB" in call("-p", built, "verify", "--color", "always").err
    assert call("-p", built, "verify", "--color", "always", "--quiet").err == ""
