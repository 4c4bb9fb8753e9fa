"""Every command that a message says to type next can be typed, and is about the same project, file and settings."""

from __future__ import annotations

import ast
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
from tests.cli.texts_in_code import GAP, Text, texts
from tests.e2e.pages import ROOT, blocks

COMMAND = re.compile(r"`(assetctl [^`]+)`|^(?:next: |why:  )(assetctl .*)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"\b(ASSET|VERSION|FILE|DIR)\b")


def hints_in(text: str) -> list[str]:
    """Return the commands that a text says to type, but for those with a blank to fill in."""
    found = ["".join(groups) for groups in COMMAND.findall(text)]
    return [command for command in found if not PLACEHOLDER.search(command)]


def parse(command: str) -> None:
    """Let the command line take the words of a command, without running it."""
    words = shlex.split(command)[1:]
    while words[0] in ("-f", "-p"):
        words = words[2:]
    if words[-1] == "--help":
        return
    verb = group.get_command(click.Context(group), words[0])
    assert verb is not None, command
    verb.make_context(words[0], words[1:])


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
        ["history"],
        ["logs"],
        ["rm", "m", "--dry-run"],
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
        parse(command)


SAYS_NEXT = re.compile(rf"(?:^|: +)(assetctl (?:{'|'.join(sorted(VERBS))})(?: .*)?)$")
IDS = {
    *(
        "asset",
        "id",
        "key",
        "materialization_id",
        "missing[0]",
        "new",
        "old",
        "pid",
        "refused",
        "step",
        "target",
        "what",
    )
}


def filled(words: str) -> str:
    """Return a text of the code as it may be said: what is not an id may have spaces, unless it is quoted."""
    parts = words.split(GAP)
    parts[1::2] = [_filling(gap) for gap in parts[1::2]]
    return "".join(parts)


def _filling(expression: str) -> str:
    if expression.rpartition(".")[2] in {*IDS, "CANDIDATE"}:
        return "model"
    return "'my model'" if expression.startswith("shlex.") else "my model"


@pytest.fixture(scope="module")
def said_by_the_code() -> list[Text]:
    return list(texts())


def refusal(command: str) -> str:
    """Return what the command line has against a command; nothing if it takes it."""
    try:
        parse(command)
    except click.ClickException as error:
        return error.format_message()
    return ""


def test_every_command_that_the_code_says_is_one(said_by_the_code):
    commands = {}
    for text in said_by_the_code:
        quoted = [part for part in text.quoted if part.startswith("assetctl ")]
        for command in [*quoted, *(SAYS_NEXT.findall(text.words) if not quoted else ())]:
            commands[filled(command).partition(" | ")[0].partition(" > ")[0]] = text.where
    refused = {command: (where, refusal(command)) for command, where in commands.items() if refusal(command)}
    assert refused == {}
    assert len(commands) > 90


PROGRAMS = ("chmod ", "kill ", "mv ", "pip install ", "python -m ")
OTHER_LANGUAGES = ("from ", "select ", ".schema ", "a b", "history ")  # SQL and its prompt, selections, verbs
ONE_WORD = re.compile(r"[^\s=(\[{\"']*=?")


def some_verb_takes(options: str) -> bool:
    """Say whether some command takes these options, next to the assets that it may need."""
    context = click.Context(group)
    verbs = [verb for name in VERBS if (verb := group.get_command(context, name)) is not None]
    if " " not in options:
        return any(options in p.opts for verb in verbs for p in verb.params)
    for verb in verbs:
        assets = ["model" for p in verb.params if isinstance(p, click.Argument) and p.required]
        if not refusal(shlex.join(["assetctl", str(verb.name), *assets, *shlex.split(options)])):
            return True
    return False


def is_python(text: str) -> bool:
    try:
        ast.parse(f"{text}\ndef f(): ..." if text.startswith("@") else text)
    except SyntaxError:
        return False
    return True


def is_sound(quoted: str) -> bool:
    """Say whether what stands in backquotes in a text is a word, a command, options that exist, or Python."""
    words = filled(quoted)
    if quoted.startswith(("assetctl ", *PROGRAMS)):
        return "my" not in shlex.split(words)  # a gap that may have spaces is quoted for the shell
    if words.startswith("-") and words != "-":
        return words.startswith("->") or some_verb_takes(words)
    if ONE_WORD.fullmatch(quoted) or quoted.startswith(OTHER_LANGUAGES):
        return True
    return is_python(words.replace("my model", "model").replace("…", "..."))


def test_what_the_code_says_to_write_is_python_and_the_options_it_names_exist(said_by_the_code):
    quoted = {part: text.where for text in said_by_the_code for part in text.quoted}
    assert {part: where for part, where in quoted.items() if not is_sound(part)} == {}


def test_only_commands_are_completed_and_only_with_what_their_verb_takes():
    type_ = Typed(VERBS, ["-p", "my shop"], ["--set", "a.n=x y"])
    assert type_("next: assetctl materialize a") == "next: assetctl -p 'my shop' materialize --set 'a.n=x y' a"
    assert (
        type_("`assetctl history a`, `assetctl ls`") == "`assetctl -p 'my shop' history a`, `assetctl -p 'my shop' ls`"
    )
    for kept in ("run `assetctl init`", "a newer assetctl wrote it", "see `assetctl get --help`", "import assetctl"):
        assert type_(kept) == kept
    assert Typed(VERBS)("`assetctl ls`") == "`assetctl ls`"
