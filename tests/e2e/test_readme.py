"""README and the pages of docs/ are true: their commands are run and what they print is compared; their tables match the code.

How a page is marked, and how it is followed, is told in `tests/e2e/pages.py`.
"""

from __future__ import annotations

import inspect
import os
import re
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import click
import psycopg
import pytest

from assetctl import asset
from assetctl.cli.verbs import EXIT_CODES, SECTIONS
from assetctl.engine.workspace.settings import _KNOWN as KNOWN_SETTINGS
from assetctl.engine.workspace.settings import Settings, find_settings
from assetctl.lineage.deciding.reasons import KINDS
from assetctl.lineage.graph.selection import parse
from tests.e2e.pages import ROOT, Reader, blocks, mismatch

GENERATED = ("docs/cli.md", "docs/python-api.md")
TOP = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md")
PAGES = [*TOP, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
RUN = [page for page in PAGES if "<!-- run: " in (ROOT / page).read_text(encoding="utf-8")]
MAX_README_LINES = 200


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


README = text_of("README.md")


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that several pages start with, built once."""
    reader = Reader(tmp_path_factory.mktemp("starter"))
    reader.run("assetctl init trips && assetctl -p trips materialize -j 1", ".")
    return reader.tmp / "trips"


@pytest.fixture
def reader(request: pytest.FixtureRequest, tmp_path: Path, starter: Path) -> Iterator[Reader]:
    """Whoever follows a page; for the page about a team's store, with a database that nobody else uses."""
    if request.node.callspec.params["page"] != "docs/team-store.md":
        yield Reader(tmp_path, starter)
        return
    server, name = request.getfixturevalue("postgres_server"), f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name}")
    try:
        services = tmp_path / "pg_service.conf"
        services.write_text(service(server, name))
        yield Reader(tmp_path, starter, {"PGSERVICEFILE": str(services)})
    finally:
        with psycopg.connect(server, autocommit=True) as con:
            con.execute(f"DROP DATABASE {name} WITH (FORCE)")


def service(url: str, database: str) -> str:
    """Return the lines of a service file that lead to a database of a server."""
    parts = urlsplit(url)
    given = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    return "\n".join(["[team]", f"dbname={database}", *(f"{key}={value}" for key, value in given.items() if value), ""])


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_commands_print_what_the_page_says(page, reader):
    assert reader.follow(text_of(page)) == []


def test_the_pages_that_are_run_are_those_that_show_commands():
    shown = [page for page in PAGES if re.search("^```(console|pycon)", text_of(page), re.MULTILINE)]
    assert shown == RUN
    assert len(RUN) > 12


@pytest.mark.parametrize("page", RUN)
def test_every_console_block_is_run(page):
    text = text_of(page)
    marked = [block for block in blocks(text) if block.kind in {"run", "demo"}]
    assert len(marked) == len(re.findall(r"^```(?:console|pycon)$", text, re.MULTILINE))
    assert text.count("<!-- ") - text.count("<!-- end of generated -->") == len(blocks(text))
    assert {block.kind for block in blocks(text)} <= {"run", "file", "excerpt", "start", "demo", "generated"}


@pytest.mark.parametrize("page", PAGES)
def test_python_shown_is_python(page):
    for shown in re.findall(r"^```python\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE):
        if page not in GENERATED and "%load_ext" not in shown and "\n...\n" not in shown:
            compile(shown, page, "exec")


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


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("<!-- run: x -->\n```console\n$ echo a\na\n$ echo b\nc\n```\n", ["$ echo b\npromised  c\nprinted   ['b']"]),
        ("<!-- file: x/f.py -->\n```python\na = 1\n```\n\n<!-- excerpt: x/f.py -->\n```python\na = 1\n```\n", []),
        (
            "<!-- file: x/f.py -->\n```python\na = 1\n```\n\n<!-- excerpt: x/f.py -->\n```python\na = 2\n```\n",
            ["not in x/f.py:\na = 2\n"],
        ),
    ],
)
def test_a_page_that_is_wrong_is_seen(page, wrong, tmp_path):
    assert Reader(tmp_path).follow(page) == wrong


@pytest.mark.parametrize(("command", "is_expected"), [("false", False), ("false  # exit code 1", True)])
def test_a_command_must_end_as_the_page_says(command, is_expected, tmp_path):
    page = f"<!-- run: x -->\n```console\n$ {command}\n```\n"
    if is_expected:
        assert Reader(tmp_path).follow(page) == []
    else:
        with pytest.raises(AssertionError, match="false"):
            Reader(tmp_path).follow(page)


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= MAX_README_LINES


def test_the_references_are_what_the_source_says(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--pages", str(tmp_path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in GENERATED:
        made = (tmp_path / Path(page).name).read_text(encoding="utf-8")
        assert made == text_of(page), f"{page} is out of date: run ./dev docs"


def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--site", str(tmp_path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    site = {path.name for path in (tmp_path / "site").glob("*.html")}
    assert {Path(page).stem + ".html" for page in PAGES if page.startswith("docs/")} < site


def test_every_page_has_its_place_in_the_site():
    named = re.findall(r": (\S+\.md)$", text_of("mkdocs.yml"), re.MULTILINE)
    placed = {Path(page).name for page in PAGES if page.startswith("docs/")}
    at_the_top = {"index.md", "architecture.md", "changelog.md", "contributing.md", "decisions/index.md", "glossary.md"}
    assert sorted(named) == sorted(placed | at_the_top)


@pytest.mark.parametrize("page", PAGES)
def test_every_row_stands_in_its_table(page):
    lines = ["", *re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE).splitlines(), ""]
    begins = [n for n, line in enumerate(lines) if line.startswith("|") and not lines[n - 1].startswith("|")]
    assert [lines[n] for n in begins if not re.fullmatch(r"[|-]+", lines[n + 1])] == []


def table(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the rows below a table's first header cell."""
    _, _, rest = text_of(page).partition(f"\n| {heading} |")
    rows = rest.split("\n\n", maxsplit=1)[0].splitlines()[2:]
    assert rows, f"{page} has no table that begins with `{heading}`"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_verb_is_listed():
    listed = [spans(verb)[0].split()[0] for verb, _ in table("README.md", "Verb")]
    assert listed == [name for verbs in SECTIONS.values() for name in verbs]


@pytest.mark.parametrize("verb", [name for verbs in SECTIONS.values() for name in verbs])
def test_every_verb_has_its_options_and_exit_codes_in_the_reference(verb):
    command = import_module(f"assetctl.cli.commands.{verb}").command
    section = text_of("docs/cli.md").partition(f"\n### {verb}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    codes = re.search(r"^Exit codes: ([\d, ]+) \(", section, re.MULTILINE)
    assert codes is not None
    assert tuple(map(int, codes[1].split(", "))) == command.guide.exit_codes
    shared = table("docs/cli.md", "Option")
    listed = " ".join(row[0] for row in shared) + section
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert all(name in listed for name in parameter.opts)


def test_every_option_named_for_a_verb_exists():
    for verb, does in table("README.md", "Verb"):
        command = import_module(f"assetctl.cli.commands.{spans(verb)[0].split()[0]}").command
        known = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
        named = {span.split()[0] for span in spans(does) if span.startswith("-")}
        assert named <= known


def test_every_exit_code_has_its_meaning():
    listed = {int(code) for codes, _ in table("docs/commands.md", "Exit code") for code in codes.split(", ")}
    assert listed == {*EXIT_CODES, 143}


def test_every_reason_is_listed_in_its_order():
    paragraph = text_of("docs/staleness.md").partition("Reasons, in the order")[2].partition("\n\n")[0]
    assert spans(paragraph) == list(KINDS.values())


def test_every_selection_shown_can_be_read():
    shown = [span for write, _ in table("docs/commands.md", "Write") for span in spans(write)]
    assert len(shown) > 15
    for text in shown:
        parse([text])


def test_every_option_of_an_asset_has_its_row():
    named = {name for option, _ in table("docs/declaring.md", "Option") for name in re.findall(r"`(\w+)=", option)}
    assert named == set(inspect.signature(asset).parameters) - {"fn", "unknown"}


def test_the_settings_shown_are_settings(tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", text_of("docs/settings.md"), re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(shown)
    settings = find_settings(tmp_path)
    assert set(tomllib.loads(shown)["tool"]["assetctl"]) == set(KNOWN_SETTINGS)
    assert settings.assets == ("pipeline.py", "pkg/")
    usual = Settings(tmp_path, (), tmp_path)
    assert settings.dynamic == usual.dynamic
    given = {"packages": {"numpy": "minor"}, "variables": ("TZ",)}
    assert settings.environment == replace(usual.environment, **given)


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]*#?[^)]*)\)", prose):
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_the_picture_of_the_example_shows_its_assets():
    picture = text_of("docs/flights.svg")
    done = subprocess.run(
        [sys.executable, "-m", "assetctl", "ls", "+model"],
        cwd=ROOT / "examples" / "flights", env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) <= {text.strip() for text in re.findall(r">([^<>]+)</text>", picture)}
    assert str(ROOT) not in picture
