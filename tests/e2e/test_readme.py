"""The README is true: its commands are run in an empty folder and what they print is compared; its tables match the code.

Above a block stands a comment that says what it is: `run: FOLDER` (commands or Python, run below that folder, in the
order of the page) or `file: PATH` (written before anything runs). A line `...` stands for output left out.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import click
import pytest

from assetctl import asset
from assetctl.cli.verbs import EXIT_CODES, SECTIONS
from assetctl.engine.workspace.settings import _KNOWN as KNOWN_SETTINGS
from assetctl.engine.workspace.settings import Settings, find_settings
from assetctl.lineage.deciding.reasons import KINDS
from assetctl.lineage.graph.selection import parse

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "ARCHITECTURE.md", "GLOSSARY.md", "CONTRIBUTING.md")
BLOCK = re.compile(r"<!-- (run|file): (\S+) -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VARYING = [  # what differs from run to run or between machines, and what stands for it when lines are compared
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE"),
    (r"run [0-9a-z]{26}", "run RUN"),
    (r"\b(\d+ m )?\d+(\.\d+)? (ms|s)\b", "TIME"),
    (r"\b\d+(\.\d+)? (kB|B)(?= )", "SIZE"),
    (r" +", " "),
]


@dataclass
class Folder:
    """The commands of the page that run below one folder, and the folder that they are in now."""

    where: Path
    environment: dict[str, str]
    blocks: list[tuple[str, str]] = field(default_factory=list)

    def run(self, command: str) -> str:
        """Run one command as a shell would, stay where it leads, and return all that it prints."""
        asked = f'{command}\ncode=$?; pwd > "$PLACE"; exit $code'
        place = self.environment["PLACE"]
        done = subprocess.run(
            ["bash", "-c", asked], cwd=self.where, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        self.where = Path(Path(place).read_text().strip())
        return done.stdout


def comparable(text: str) -> list[str]:
    """Return the lines of an output that count, without what varies."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def mismatch(promised: str, printed: str) -> str:
    """Return what of the promised output was not printed; nothing if all was, in order and without gaps but `...`."""
    wanted, found = comparable(promised), comparable(printed)
    at, may_skip = 0, False
    for line in wanted:
        if line == "...":
            may_skip = True
            continue
        hits = [i for i in range(at, len(found)) if found[i] == line][:1] if may_skip else [at]
        if not hits or hits[0] >= len(found) or found[hits[0]] != line:
            return f"promised  {line}\nprinted   {found[at:] or '(nothing more)'}"
        at, may_skip = hits[0] + 1, False
    return "" if may_skip or at == len(found) else f"printed besides: {found[at:]}"


def folders(tmp: Path) -> dict[str, Folder]:
    """Write the files of the page and return its folders with their blocks."""
    (tmp / "bin").mkdir()
    for name, words in (("assetctl", "-m assetctl "), ("python", "")):
        tool = tmp / "bin" / name
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
        tool.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PLACE": str(tmp / "place"),
        "NO_COLOR": "1", "COLUMNS": "100", "PYTHONUTF8": "1",
    }  # fmt: skip
    found: dict[str, Folder] = {}
    for kind, name, language, text in BLOCK.findall(README):
        if kind == "file":
            (tmp / name).parent.mkdir(exist_ok=True)
            (tmp / name).write_text(text, encoding="utf-8")
        else:
            start = tmp / name if (tmp / name).exists() else tmp
            found.setdefault(name, Folder(start, environment)).blocks.append((language, text))
    return found


@pytest.mark.slow
def test_the_commands_print_what_the_page_says(tmp_path):
    found = folders(tmp_path)
    assert set(found) == {"lines", "shop", "trips"}
    for folder in found.values():
        for language, text in folder.blocks:
            if language == "console":
                for command, promised in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                    wrong = mismatch(promised, folder.run(command))
                    assert not wrong, f"$ {command}\n{wrong}"
            else:
                assert language == "pycon"
                (folder.where / "page.txt").write_text(text)
                assert folder.run("python -m doctest page.txt") == ""
    picture = (found["trips"].where / "model.svg").read_text()
    assert "clean_trips" in picture and "report" not in picture


@pytest.mark.parametrize(
    ("promised", "printed", "is_kept"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("took 3 ms  run " + "0" * 26, "took 1.9 s run " + "z" * 26, True),
        ("a\n...\n", "a\nb\nc\n", True),
        ("a\n...\nc\n", "a\nb\nc\n", True),
        ("a\n", "a\nb\n", False),
        ("a\nb\n", "a\n", False),
        ("a\nc\n", "a\nb\nc\n", False),
        ("...\nc\n", "a\nb\n", False),
        ("3 fresh", "2 fresh", False),
    ],
)
def test_a_promise_that_is_not_kept_is_seen(promised, printed, is_kept):
    assert (mismatch(promised, printed) == "") is is_kept


def test_every_console_block_is_run():
    assert README.count("```console") + README.count("```pycon") == len(re.findall(r"<!-- run: ", README))
    assert README.count("<!-- ") == len(BLOCK.findall(README))


def test_every_row_stands_in_its_table():
    lines = ["", *re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE).splitlines(), ""]
    begins = [n for n, line in enumerate(lines) if line.startswith("|") and not lines[n - 1].startswith("|")]
    assert [lines[n] for n in begins if not re.fullmatch(r"[|-]+", lines[n + 1])] == []


def table(heading: str) -> list[list[str]]:
    """Return the cells of the rows below a table's first header cell."""
    _, _, rest = README.partition(f"\n| {heading} |")
    rows = rest.split("\n\n", maxsplit=1)[0].splitlines()[2:]
    assert rows, f"the page has no table that begins with `{heading}`"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_verb_is_listed_with_its_exit_codes():
    listed = {spans(verb)[0].split()[0]: {int(code) for code in codes.split()} for verb, _, codes in table("Verb")}
    assert list(listed) == [name for verbs in SECTIONS.values() for name in verbs]
    for name, codes in listed.items():
        verb = import_module(f"assetctl.cli.commands.{name}").command
        assert codes == set(verb.guide.exit_codes) - {0, 70}, name


def test_every_option_named_for_a_verb_exists():
    for verb, does, _ in table("Verb"):
        command = import_module(f"assetctl.cli.commands.{spans(verb)[0].split()[0]}").command
        known = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
        named = {span.split()[0] for span in spans(does) if span.startswith("-")}
        assert named <= known


def test_every_exit_code_has_its_meaning():
    listed = {int(code) for codes, _ in table("Exit code") for code in codes.split(", ")}
    assert listed == {*EXIT_CODES, 143}


def test_every_reason_is_listed_in_its_order():
    paragraph = README.partition("Reasons, in the order")[2].partition("\n\n")[0]
    assert spans(paragraph) == list(KINDS.values())


def test_every_selection_shown_can_be_read():
    shown = [span for write, _ in table("Write") for span in spans(write)]
    assert len(shown) > 15
    for text in shown:
        parse([text])


def test_every_option_of_an_asset_named_exists():
    section = README.partition("## Declaring")[2].partition("## How staleness")[0]
    named = set(re.findall(r"`(\w+)=", section))
    assert {"ins", "config", "deps", "unordered", "aliases", "secret", "exists", "version", "code_deps"} <= named
    assert named <= set(inspect.signature(asset).parameters)


def test_the_settings_shown_are_settings(tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(shown)
    settings = find_settings(tmp_path)
    assert set(tomllib.loads(shown)["tool"]["assetctl"]) == set(KNOWN_SETTINGS)
    assert settings.assets == ("pipeline.py", "pkg/")
    usual = Settings(tmp_path, (), tmp_path)
    assert settings.dynamic == usual.dynamic
    given = {"packages": {"numpy": "minor"}, "variables": ("TZ",)}
    assert settings.environment == replace(usual.environment, **given)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)#]*#?[^)]*)\)", text):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / file).exists(), target
        assert not anchor or anchor in anchors, target


def test_the_picture_of_the_example_shows_its_assets():
    picture = (ROOT / "docs" / "flights.svg").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "assetctl", "ls", "+model", "+report"],
        cwd=ROOT / "examples" / "flights", env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) <= {text.strip() for text in re.findall(r">([^<>]+)</text>", picture)}
    assert str(ROOT) not in picture
