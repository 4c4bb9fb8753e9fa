"""Every command that a message says to type next can be typed, and is about the same project, file and settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assetctl.cli.text.typed import Typed
from assetctl.cli.verbs import VERBS, group
from tests.cli.calls import Said, call
from tests.cli.conftest import edit
from tests.e2e.pages import ROOT, blocks

COMMAND = re.compile(r"`(assetctl [^`]+)`|^(?:next: |why:  )(assetctl .*)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"\b(ASSET|VERSION|FILE|DIR)\b")


def hints_in(text: str) -> list[str]:
    """Return the commands that a text says to type, but for those with a blank to fill in."""
    found = ["".join(groups) for groups in COMMAND.findall(text)]
    return [command for command in found if not PLACEHOLDER.search(command)]


def typed(said: Said) -> Iterator[tuple[str, Said]]:
    for command in hints_in(said.out + said.err):
        words = shlex.split(command)[1:]
        yield command, call(*words, *(["--dry-run"] if "materialize" in words else []))


@pytest.fixture
def single(tmp_path) -> Path:
    """One file, in a folder with a space, that declares an asset with a parameter and a check that says no."""
    path = tmp_path / "my work" / "lines.py"
    path.parent.mkdir()
    path.write_text(
        "from assetctl import asset, check\n"
        "@asset\ndef n(size: int = 1): return size\n"
        "@asset\ndef m(n): return n + 1\n"
        "@check(asset='m', blocking=True)\ndef small(m): return m < 0\n"
    )
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["plan"],
        ["plan", "m", "--set", "n.size=7"],
        ["plan", "--force"],
        ["materialize", "-j", "1"],
        ["materialize", "m", "--only", "--set", "n.size=7"],
        ["get", "m"],
        ["get", "nope"],
        ["get", "n@abcdefab"],
        ["show", "m@candidate"],
        ["get", "n", "-o", "x.xlsx"],
        ["diff", "n"],
        ["why", "nope"],
        ["history", "nope"],
        ["rollback", "n@abcdef12"],
        ["logs", "nope"],
        ["sql", "select * from n"],
        ["sql", "select * from nope"],
        ["accept", "n", "--json"],
    ],
    ids=" ".join,
)
def test_a_hint_of_a_file_that_is_no_project_works_as_it_stands(single, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call("-f", single, *words)
    for command, answer in typed(said):
        assert f"-f '{single}'" in command, command
        assert answer.code in ((0, 1) if "nope" not in command else (0, 1, 2)), (command, answer.err)


def test_a_plan_repeats_its_options(single, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("-f", single, "materialize", "n", "-j", "1").code == 0
    said = call("-f", single, "plan", "m", "--set", "n.size=7", "--exclude", "n")
    assert hints_in(said.err) == [
        f"assetctl -f '{single}' materialize --set n.size=7 m --exclude n",
        f"assetctl -f '{single}' why --set n.size=7 m",
    ]


def test_what_a_check_said_no_to_is_shown_by_the_command_that_is_named(single, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = call("-f", single, "materialize", "-j", "1")
    named = [command for command, _ in typed(first)]
    assert [shlex.split(command)[3:] for command in named] == [["show", "m@candidate"], ["get", "m@candidate"]]
    again = call("-f", single, "materialize", "-j", "1")  # held: by its version, however many were held back since
    shown = [answer for command, answer in typed(again) if " show " in command]
    assert [answer.code for answer in shown] == [0]
    why = call("-f", single, "why", "m")
    assert "what it said no to: `assetctl -f" in why.out
    assert (tmp_path / "m.json").read_text() == "2"


def test_why_takes_the_parameters_that_a_plan_took(project):
    said = call("-p", project, "plan", "--set", "clean_trips.min_minutes=10")
    answers = {command: answer.out for command, answer in typed(said)}
    why = next(out for command, out in answers.items() if " why " in command)
    assert "config changed: min_minutes 1 → 10" in why
    assert "is fresh" in call("-p", project, "why", "clean_trips").out


def test_a_plan_that_only_force_makes_names_no_reason(project):
    assert hints_in(call("-p", project, "plan", "model", "--force").err) == [
        f"assetctl -p {project} materialize model --force"
    ]


def test_a_pinned_asset_says_how_the_pin_is_lifted(project):
    first = call("-p", project, "history", "model", "--json").json["entries"][0]["data_version"]
    edit(project, "round(slope, 4)", "round(slope, 1)")
    assert call("-p", project, "materialize", "model", "-j", "1").code == 0
    assert call("-p", project, "rollback", f"model@{first[3:11]}").code == 0
    said = call("-p", project, "why", "model")
    assert hints_in(said.out) == [f"assetctl -p {project} rollback model --lift"]
    assert [answer.code for _, answer in typed(said)] == [0]


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_hint_in_the_output_of_a_page_is_a_command(page):
    outputs = [output for block in blocks((ROOT / page).read_text()) for _, output in block.commands]
    for command in hints_in("\n".join(outputs)):
        words = shlex.split(command)[1:]
        while words[0] in ("-f", "-p"):
            words = words[2:]
        verb = group.get_command(click.Context(group), words[0])
        assert verb is not None, command
        verb.make_context(words[0], words[1:])


def test_only_commands_are_completed_and_only_with_what_their_verb_takes():
    type_ = Typed(VERBS, ["-p", "my shop"], ["--set", "a.n=x y"])
    assert type_("next: assetctl materialize a") == "next: assetctl -p 'my shop' materialize --set 'a.n=x y' a"
    assert (
        type_("`assetctl history a`, `assetctl ls`") == "`assetctl -p 'my shop' history a`, `assetctl -p 'my shop' ls`"
    )
    for kept in ("run `assetctl init`", "a newer assetctl wrote it", "see `assetctl get --help`", "import assetctl"):
        assert type_(kept) == kept
    assert Typed(VERBS)("`assetctl ls`") == "`assetctl ls`"
